const EXAMPLE: &str = include_str!("../../examples/two_tasks.rs");
const GUIDE: &str = include_str!("../../../../docs/embedding.md");

#[test]
fn the_guide_to_embedding_shows_the_example_which_takes_twenty_lines() {
    let begins = EXAMPLE.find("#[tokio::main]").expect("a main function");
    let shown = &EXAMPLE[begins..];
    assert!(shown.lines().count() <= 20, "{shown}");
    assert!(GUIDE.contains(shown), "docs/embedding.md shows something else");
}

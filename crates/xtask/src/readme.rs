//! The lists of the README are held against the tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::checkout;

#[test]
fn the_readme_lists_every_crate_and_program_and_nothing_else() {
    let readme = fs::read_to_string(checkout::root().join("README.md")).unwrap();
    let linked: BTreeSet<_> = readme
        .split("](crates/")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(linked, folders(&checkout::root().join("crates")));
    for program in folders(&checkout::root().join("bins")) {
        assert!(readme.contains(&format!("| `{program}` |")), "{program} is not among the programs");
    }
}

#[test]
fn every_relative_link_of_the_readme_leads_somewhere() {
    let readme = fs::read_to_string(checkout::root().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://")) {
        assert!(checkout::root().join(link).exists(), "{link} leads nowhere");
    }
}

fn folders(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

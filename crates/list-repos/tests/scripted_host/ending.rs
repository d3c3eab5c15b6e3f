//! The stop rules: what is the end of an enumeration, and what is not.

use standpipe_list_repos::{Bounds, ListError, Through};
use standpipe_pipeline::{Remedy, Transient};

use crate::answers::{Answer, page};
use crate::host::Host;
use crate::notes::{Steered, cursor, dids, repos, settings};

/// A host that gives these pages, by the cursor that is sent.
fn host(pages: &'static [(&'static str, &'static str)]) -> Host {
    Host::new(move |asked| {
        let sent = asked.cursor.as_deref().unwrap_or_default();
        let found = pages.iter().find(|(cursor, _)| *cursor == sent);
        Answer::json(found.unwrap_or_else(|| panic!("no page behind {sent:?}")).1)
    })
}

#[tokio::test]
async fn an_absent_a_null_and_an_empty_cursor_end_the_enumeration_and_the_end_stays_the_end() {
    for last in [
        r#"{"repos":[{"did":"did:plc:b"}]}"#,
        r#"{"repos":[{"did":"did:plc:b"}],"cursor":null}"#,
        r#"{"cursor":"","repos":[{"did":"did:plc:b"}]}"#,
    ] {
        let host = Host::new(move |asked| match asked.cursor.as_deref() {
            None => Answer::page(["did:plc:a"], r#""1""#),
            Some(_) => Answer::json(last),
        });
        let mut walk = repos(&host, &settings());
        let first = walk.next().await.unwrap().unwrap();
        assert_eq!((first.number, first.after, cursor(&first.through).as_deref()), (1, None, Some("1")));
        let second = walk.next().await.unwrap().unwrap();
        assert_eq!(
            (second.number, &second.through, dids(&second.rows).len()),
            (2, &Through::End, 1),
            "{last}"
        );
        assert_eq!(second.after.unwrap().to_string(), "1");
        assert_eq!(second.received_bytes, last.len());
        for _ in 0..3 {
            assert!(walk.next().await.unwrap().is_none());
        }
        assert_eq!(host.asked().len(), 2, "nothing is asked behind the end");
    }
}

#[tokio::test]
async fn a_go_relays_full_last_page_has_a_cursor_and_an_empty_page_behind_it() {
    let host = host(&[
        ("", r#"{"repos":[{"did":"did:plc:a"},{"did":"did:plc:b"}],"cursor":"2"}"#),
        ("2", r#"{"repos":[]}"#),
    ]);
    assert_eq!(
        repos(&host, &settings()).read_to_the_end().await.unwrap(),
        [vec!["did:plc:a", "did:plc:b"], vec![]]
    );
}

#[tokio::test]
async fn a_typescript_pds_has_a_cursor_on_every_page_with_rows_and_it_is_opaque() {
    let host = host(&[
        (
            "",
            r#"{"repos":[{"did":"did:plc:a","active":false,"status":"deactivated"}],"cursor":"1783175888085::did:plc:a"}"#,
        ),
        ("1783175888085::did:plc:a", r#"{"repos":[{"did":"did:web:b.org"}],"cursor":"a+b/c= &%"}"#),
        ("a+b/c= &%", r#"{"repos":[],"cursor":""}"#),
    ]);
    let pages = repos(&host, &settings()).read_to_the_end().await.unwrap();
    assert_eq!(pages, [vec!["did:plc:a"], vec!["did:web:b.org"], vec![]], "inactive repos are repos too");
    let queries: Vec<_> = host.asked().into_iter().map(|asked| asked.query).collect();
    assert_eq!(
        queries,
        [
            "limit=1000",
            "limit=1000&cursor=1783175888085%3A%3Adid%3Aplc%3Aa",
            "limit=1000&cursor=a%2Bb%2Fc%3D+%26%25"
        ]
    );
}

#[tokio::test]
async fn repos_that_are_null_are_an_empty_list() {
    let host = host(&[("", r#"{"repos":null,"cursor":"5"}"#), ("5", r#"{"repos":null}"#)]);
    assert_eq!(repos(&host, &settings()).read_to_the_end().await.unwrap(), [vec![] as Vec<String>, vec![]]);
}

/// A host with so many empty pages before a row.
fn mostly_empty(empty: usize) -> Host {
    Host::new(move |asked| {
        let at: usize = asked.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let dids = if at == empty { vec!["did:plc:z"] } else { vec![] };
        let cursor = if at == empty + 1 { String::new() } else { format!(r#""{}""#, at + 1) };
        Answer::page(dids, &cursor)
    })
}

#[tokio::test]
async fn ten_empty_pages_with_new_cursors_are_gone_through() {
    let pages = repos(&mostly_empty(10), &settings()).read_to_the_end().await.unwrap();
    assert_eq!(pages[10], ["did:plc:z"]);
}

#[tokio::test]
async fn the_eleventh_empty_page_in_a_row_is_an_error_and_no_end() {
    let host = mostly_empty(11);
    let (pages, error) = repos(&host, &settings()).read_to_the_error().await;
    assert_eq!((pages.len(), error.label()), (10, "empty_pages"));
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    assert!(
        error.to_string().contains("page 11 behind cursor \"10\": 11 pages in a row are empty"),
        "{error}"
    );
}

#[tokio::test]
async fn a_page_whose_rows_cannot_be_used_is_not_empty() {
    let host = Host::new(|asked| {
        let at: usize = asked.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let cursor = if at == 20 { String::new() } else { format!(r#","cursor":"{}""#, at + 1) };
        Answer::json(format!(r#"{{"repos":[{{"did":"nonsense"}}]{cursor}}}"#))
    });
    assert_eq!(repos(&host, &settings()).read_to_the_end().await.unwrap().len(), 21);
}

/// Reads what a host gives until its circle is noticed.
async fn circle(pages: &'static [(&'static str, &'static str)]) -> (Vec<Vec<String>>, ListError) {
    let host = host(pages);
    let mut walk = repos(&host, &settings());
    let outcome = walk.read_to_the_error().await;
    assert_eq!(
        walk.reasons(),
        ["cursor_loop", "cursor_loop"],
        "it is asked for once more before it is believed"
    );
    outcome
}

#[tokio::test]
async fn a_cursor_that_equals_the_one_that_was_sent_is_a_circle_and_no_end() {
    let (pages, error) = circle(&[
        ("", r#"{"repos":[{"did":"did:plc:a"}],"cursor":"1"}"#),
        ("1", r#"{"repos":[{"did":"did:plc:b"}],"cursor":"1"}"#),
    ])
    .await;
    assert_eq!(pages, [["did:plc:a"]]);
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    let text = error.to_string();
    let place = "read com.atproto.sync.listRepos of 127.0.0.1:";
    assert!(text.starts_with(place), "{text}");
    let what = ", page 2 behind cursor \"1\": the host answers with cursor \"1\", which it gave before; \
                the enumeration is not done, and asking again did not help: tell the host's operator";
    assert!(text.ends_with(what), "{text}");
}

#[tokio::test]
async fn a_cursor_of_before_is_a_circle_too() {
    let (pages, error) = circle(&[
        ("", r#"{"repos":[{"did":"did:plc:a"}],"cursor":"1"}"#),
        ("1", r#"{"repos":[{"did":"did:plc:b"}],"cursor":"2"}"#),
        ("2", r#"{"repos":[{"did":"did:plc:c"}],"cursor":"1"}"#),
    ])
    .await;
    assert_eq!((pages.len(), error.label()), (2, "cursor_loop"));
}

#[tokio::test]
async fn an_empty_circle_and_one_back_to_where_a_run_began_are_circles() {
    let host = Host::new(|_| Answer::page([], r#""7""#));
    let mut walk =
        Steered::open(&standpipe_list_repos::Repos, &host.written(), &settings(), Some("7")).unwrap();
    let (pages, error) = walk.read_to_the_error().await;
    assert_eq!((pages.len(), error.label()), (0, "cursor_loop"));
}

#[tokio::test]
async fn a_cursor_that_is_repeated_once_by_mistake_costs_nothing() {
    let host = Host::new(|asked| match (asked.cursor.as_deref(), asked.number) {
        (None, _) => Answer::page(["did:plc:a"], r#""1""#),
        (Some("1"), 2) => Answer::page(["did:plc:b"], r#""1""#),
        (Some("1"), _) => Answer::page(["did:plc:b"], r#""2""#),
        _ => Answer::page(["did:plc:c"], ""),
    });
    let pages = repos(&host, &settings()).read_to_the_end().await.unwrap();
    assert_eq!(pages, [["did:plc:a"], ["did:plc:b"], ["did:plc:c"]]);
}

#[tokio::test]
async fn a_page_without_its_list_is_asked_for_again() {
    let broken = [
        r#"{"cursor":"9"}"#,
        "{}",
        r#"{"repos":[],"cursor":"!ingester-done"}"#,
        r#"{"repos":[],"cursor":5}"#,
    ];
    let host = Host::new(move |asked| match broken.get(asked.number - 1) {
        Some(broken) => Answer::json(*broken),
        None => Answer::page(["did:plc:a"], ""),
    });
    let mut walk = repos(&host, &settings());
    assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    assert_eq!(walk.reasons(), ["no_rows", "no_rows", "unusable_cursor", "unusable_cursor"]);
}

#[tokio::test]
async fn a_run_has_a_cap_of_pages() {
    let host = Host::new(|asked| Answer::json(page(["did:plc:a"], &format!(r#""{}""#, asked.number))));
    let mut settings = settings();
    settings.bounds = Bounds { max_pages: 5, ..Bounds::default() };
    let (pages, error) = repos(&host, &settings).read_to_the_error().await;
    assert_eq!((pages.len(), error.label()), (5, "too_many_pages"));
    assert!(host.asked().len() <= 5);
}

#[tokio::test]
async fn i11_a_mark_of_ours_is_no_cursor_to_go_on_from() {
    let host = Host::new(|_| Answer::page([], ""));
    let opened =
        Steered::open(&standpipe_list_repos::Repos, &host.written(), &settings(), Some("!ingester-done"));
    let error = opened.err().unwrap();
    assert_eq!((error.label(), error.remedy()), ("no_cursor", Remedy::Fail));
    assert!(host.asked().is_empty());
}

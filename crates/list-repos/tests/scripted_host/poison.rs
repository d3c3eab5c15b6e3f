//! A page that always fails, over HTTP. What the search makes of every place and outage is shown without it.

use standpipe_list_repos::{Poison, Settings};
use standpipe_pipeline::{Remedy, Transient};

use crate::answers::Answer;
use crate::host::{Asked, Host};
use crate::notes::{Note, dids, repos, settings};

/// A relay of this many rows, numbered from 1, which answers 500 where the bad one is in the page.
fn relay(rows: usize, bad: usize, cursor: fn(usize) -> String) -> Host {
    Host::new(move |asked: &Asked| {
        let at: usize =
            asked.cursor.as_deref().map_or(0, |cursor| cursor.trim_start_matches('c').parse().unwrap());
        let end = rows.min(at + asked.limit);
        if (at + 1..=end).contains(&bad) {
            return Answer::status(500, r#"{"error":"InternalServerError"}"#);
        }
        let names: Vec<_> = (at + 1..=end).map(|number| format!("did:plc:{number}")).collect();
        let full = end == at + asked.limit;
        Answer::page(names.iter().map(String::as_str), &if full { cursor(end) } else { String::new() })
    })
}

fn skipping() -> Settings {
    Settings { poison: Poison::SkipRow { at_most: 100 }, ..settings() }
}

fn numeric(end: usize) -> String {
    format!(r#""{end}""#)
}

#[tokio::test]
async fn i5_a_bad_row_is_left_out_alone_and_its_range_is_told() {
    for bad in [1777, 1778] {
        let host = relay(5000, bad, numeric);
        let mut walk = repos(&host, &skipping());
        let (mut read, mut gaps) = (Vec::new(), Vec::new());
        while let Some(page) = walk.next().await.unwrap() {
            read.extend(dids(&page.rows));
            if let Some(gap) = page.gap {
                gaps.push((gap.after.number(), gap.through.number()));
                assert_eq!(page.after.unwrap().seq(), Some(gap.after), "the page covers its gap");
            }
        }
        let expected: Vec<_> =
            (1..=5000).filter(|number| *number != bad).map(|number| format!("did:plc:{number}")).collect();
        assert_eq!(read, expected);
        assert_eq!(gaps, [(bad as u64 - 1, bad as u64)]);
        assert!(walk.notes().contains(&Note::Gap { from: bad as u64 - 1, to: bad as u64 + 1 }));
        assert!(host.asked().iter().all(|asked| asked.limit >= 2));
        assert_eq!(host.asked().last().unwrap().limit, 1000, "the limit has grown again");
    }
}

#[tokio::test]
async fn a_bad_row_is_held_by_default() {
    let host = relay(5000, 1777, numeric);
    let (pages, error) = repos(&host, &settings()).read_to_the_error().await;
    assert_eq!(pages.concat().len(), 1776);
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    let text = error.to_string();
    assert!(text.contains("behind cursor \"1776\": the host serves other pages and not this one"), "{text}");
    assert!(text.ends_with("or allow its rows to be skipped"), "{text}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("500"));
}

#[tokio::test]
async fn an_opaque_cursor_is_held_whatever_the_policy() {
    let host = relay(3000, 1777, |end| format!(r#""c{end}""#));
    let (pages, error) = repos(&host, &skipping()).read_to_the_error().await;
    assert_eq!(pages.concat().len(), 1776);
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    assert!(error.to_string().ends_with("its cursors are no numbers, so nothing can be skipped"), "{error}");
}

#[tokio::test]
async fn a_host_that_goes_down_is_waited_for_and_no_row_is_blamed() {
    for settings in [settings(), skipping()] {
        let host = Host::new(|asked| match (asked.cursor.as_deref(), asked.number) {
            (None, ..=1) => Answer::page(["did:plc:a"], r#""1""#),
            (_, ..=80) => Answer::status(500, ""),
            (None, _) => Answer::page(["did:plc:a"], r#""1""#),
            _ => Answer::page(["did:plc:b"], ""),
        });
        let mut walk = repos(&host, &settings);
        assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"], ["did:plc:b"]]);
    }
}

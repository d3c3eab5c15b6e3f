//! How a walk reads: one request ahead, and none lost.

use std::time::Duration;

use standpipe_pipeline::Source;

use crate::answers::Answer;
use crate::host::Host;
use crate::notes::{Note, dids, poll, repos, settings, unobserved};

/// A host of so many pages of one row.
fn pages(count: usize) -> Host {
    Host::new(move |asked| {
        let at: usize = asked.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let cursor = if at + 1 == count { String::new() } else { format!(r#""{}""#, at + 1) };
        Answer::page([format!("did:plc:{at}").as_str()], &cursor)
    })
}

#[tokio::test]
async fn one_request_is_ahead_of_the_reader_and_no_more() {
    let mut host = pages(5);
    let mut walk = unobserved(&host);
    assert!(host.asked().is_empty(), "nothing is asked before somebody reads");
    walk.next().await.unwrap();
    // The second arrives although nobody reads, and a third does not: it is not known what it would ask.
    assert_eq!((host.arrival().await.number, host.arrival().await.cursor.as_deref()), (1, Some("1")));
    assert_eq!(host.asked().len(), 2);
    walk.next().await.unwrap();
    assert_eq!(host.arrival().await.number, 3);
    assert_eq!(host.asked().len(), 3);
}

#[tokio::test]
async fn a_reader_that_gives_up_looking_loses_no_page_and_gets_none_twice() {
    let host = pages(200);
    let mut walk = unobserved(&host);
    let mut read = Vec::new();
    let mut given_up = 0;
    loop {
        let next = {
            let mut next = std::pin::pin!(walk.next());
            poll(next.as_mut()).await
        };
        match next {
            std::task::Poll::Ready(page) => match page.unwrap() {
                Some(page) => read.extend(dids(&page.rows)),
                None => break,
            },
            std::task::Poll::Pending => {
                given_up += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(read, (0..200).map(|number| format!("did:plc:{number}")).collect::<Vec<_>>());
    assert_eq!(host.asked().len(), 200, "each page was asked for once");
    assert!(given_up > 0);
}

#[tokio::test]
async fn a_future_that_is_not_polled_does_nothing() {
    let host = pages(2);
    let mut walk = unobserved(&host);
    drop(walk.next());
    walk.next().await.unwrap();
    drop(walk.next());
    assert_eq!(dids(&walk.next().await.unwrap().unwrap().rows), ["did:plc:1"]);
}

#[tokio::test]
async fn a_page_that_came_while_nobody_looked_is_not_overdue() {
    let mut host = pages(3);
    let mut walk = repos(&host, &settings());
    walk.next().await.unwrap();
    host.arrival().await;
    host.arrival().await;
    crate::notes::pass(Duration::from_mins(10)).await;
    assert_eq!(dids(&walk.next().await.unwrap().unwrap().rows), ["did:plc:1"]);
    assert!(walk.reasons().is_empty());
}

#[tokio::test]
async fn a_parked_walk_forgets_what_was_ahead() {
    let mut host = pages(3);
    let mut walk = unobserved(&host);
    walk.next().await.unwrap();
    host.arrival().await;
    host.arrival().await;
    walk.park().await;
    assert_eq!(dids(&walk.next().await.unwrap().unwrap().rows), ["did:plc:1"]);
    assert_eq!(host.cursors()[1..3], [Some("1".to_owned()), Some("1".to_owned())]);
}

#[tokio::test]
async fn requests_say_who_we_are_and_share_a_connection() {
    let host = pages(20);
    let mut walk = repos(&host, &settings());
    walk.read_to_the_end().await.unwrap();
    for asked in host.asked() {
        assert_eq!(asked.path, "/xrpc/com.atproto.sync.listRepos");
        assert_eq!(asked.user_agent, "standpipe/test (+ops@example.com)");
        assert_eq!((asked.host, asked.connection), (host.address().to_string(), 1));
    }
    let notes = walk.notes();
    assert_eq!(notes[..2], [Note::Connecting, Note::Answered { pages: 1, rows: 1 }]);
    assert_eq!(notes.len(), 21);
}

#[tokio::test]
async fn i5_rows_that_cannot_be_used_are_counted_and_shown_and_the_page_is_kept() {
    let host = Host::new(|_| Answer::json(r#"{"repos":[{"did":"x"},{"did":"did:plc:a"},7]}"#));
    let mut walk = repos(&host, &settings());
    let page = walk.next().await.unwrap().unwrap();
    assert_eq!(dids(&page.rows), ["did:plc:a"]);
    let dropped: Vec<_> = standpipe_list_repos::Rows::dropped(&page.rows).iter().collect();
    assert_eq!(dropped, [("invalid_did", 1), ("malformed_row", 1)]);
    let shown = |reason, row: &str| Note::Quarantined { reason, row: row.to_owned() };
    assert_eq!(walk.notes()[2..], [shown("invalid_did", r#"{"did":"x"}"#), shown("malformed_row", "7")]);
}

#[tokio::test]
async fn i7_of_a_page_of_bad_rows_a_few_are_shown_and_all_are_counted() {
    let rows = ["7"; 1000].join(",");
    let host = Host::new(move |_| Answer::json(format!(r#"{{"repos":[{rows}]}}"#)));
    let mut walk = repos(&host, &settings());
    let page = walk.next().await.unwrap().unwrap();
    assert_eq!(standpipe_list_repos::Rows::dropped(&page.rows).of("malformed_row"), 1000);
    assert_eq!(walk.notes().len(), 2 + 3);
}

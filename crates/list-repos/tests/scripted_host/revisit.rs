//! Ranges that could not be read, asked for again over HTTP. What is made of the answers is shown without it.

use std::time::Duration;

use standpipe_cursor::Seq;
use standpipe_list_repos::{Gap, Repos, Revisit, Settings};
use standpipe_pipeline::{RepoPage as _, Silent, Source as _};

use crate::answers::Answer;
use crate::host::{Asked, Host};
use crate::notes::settings;

const TIME: Duration = Duration::from_mins(1);

/// A relay of a hundred rows, numbered from 1, which answers so where a bad one is in the page.
fn relay(bad: &'static [usize], answer: fn() -> Answer) -> Host {
    Host::new(move |asked: &Asked| {
        let at: usize = asked.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        let end = 100.min(at + asked.limit);
        if (at + 1..=end).any(|row| bad.contains(&row)) {
            return answer();
        }
        let names: Vec<_> = (at + 1..=end).map(|number| format!("did:plc:{number}")).collect();
        let cursor = if end == at + asked.limit { format!(r#""{end}""#) } else { String::new() };
        Answer::page(names.iter().map(String::as_str), &cursor)
    })
}

fn gap(row: u64) -> Gap {
    Gap { after: Seq::new(row - 1).unwrap(), through: Seq::new(row).unwrap() }
}

/// What is read of ranges of one row each.
async fn read(host: &Host, settings: &Settings, rows: &[u64], time: Duration) -> Vec<(Gap, Vec<String>)> {
    let endpoint = host.written().parse().unwrap();
    let ranges = rows.iter().map(|row| gap(*row));
    let mut revisit = Revisit::open(&Repos, settings, &endpoint, ranges, time, Silent::shared()).unwrap();
    let mut read = Vec::new();
    while let Some(found) = revisit.next().await.unwrap() {
        read.push((found.range, found.rows().map(|row| row.did.to_owned()).collect()));
    }
    read
}

fn row(row: u64) -> (Gap, Vec<String>) {
    (gap(row), vec![format!("did:plc:{row}")])
}

#[tokio::test]
async fn i8_a_row_that_fails_still_does_not_keep_the_next_range_waiting() {
    let host = relay(&[20, 60], || Answer::status(500, "bad row"));
    let found = read(&host, &settings(), &[20, 40, 60, 80], TIME).await;
    assert_eq!(found, [row(40), row(80)]);
    assert_eq!(host.asked().len(), 6);
    assert!(host.asked().iter().all(|asked| asked.limit == 2), "{:?}", host.asked());
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_is() {
    let host = relay(&[20], || Answer::status(429, "later"));
    assert_eq!(read(&host, &settings(), &[20, 40], TIME).await, []);
    assert_eq!(host.asked().len(), 1);
}

#[tokio::test]
async fn i10_it_ends_when_its_time_is_over() {
    let host = relay(&[], || Answer::status(500, ""));
    // Two requests a range, at a distance.
    let found = read(&host, &settings(), &[20, 40, 60, 80], Duration::from_millis(350)).await;
    assert!(found.len() <= 2 && host.asked().len() <= 4, "{found:?}");
    assert!(found.iter().zip([row(20), row(40)]).all(|(found, row)| *found == row), "{found:?}");
}

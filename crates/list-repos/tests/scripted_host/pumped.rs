//! A walk in a pump: what a daemon makes of it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_cursor::Cursor;
use standpipe_list_repos::{ListRepos, Page, RepoRows, Repos, Through, Walk};
use standpipe_pipeline::{
    Ack, Batch, Decoder, End, Limits, Never, OpenBatch, Pump, Remedy, Silent, Sink, Transient,
};
use tokio::select;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answers::Answer;
use crate::host::Host;
use crate::notes::settings;

const DONE: &str = "!ingester-done";

/// Writes the DIDs, and closes each page with its cursor, the last one with the mark.
struct Names;

impl Decoder for Names {
    type Item = Page<RepoRows>;
    type Halt = Never;

    fn decode(&mut self, page: Page<RepoRows>, batch: &mut OpenBatch) -> Result<(), Never> {
        for row in page.rows.iter() {
            let Ok(()) = batch.append("repo", |entry| {
                entry.extend_from_slice(row.did.as_bytes());
                Ok::<_, Infallible>(())
            });
        }
        let through = match page.through {
            Through::Cursor(cursor) => cursor,
            Through::End => Cursor::parse(DONE).unwrap(),
        };
        batch.close_frame(through, page.received_bytes, "");
        Ok(())
    }
}

/// What is durable.
#[derive(Default)]
struct Stored {
    entries: Vec<String>,
    cursor: Option<Cursor>,
}

/// Stores a batch for each permit, and then is gone for good.
struct Store {
    stored: Arc<Mutex<Stored>>,
    permits: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
#[error("store a batch")]
struct Gone;

impl Transient for Gone {
    fn remedy(&self) -> Remedy {
        Remedy::Retry
    }
}

impl Sink for Store {
    type Error = Gone;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Gone> {
        self.permits.acquire().await.map_err(|_| Gone)?.forget();
        let mut stored = self.stored.lock().unwrap();
        assert_eq!(stored.cursor.as_ref(), batch.from(), "a batch follows what is stored");
        stored.entries.extend(batch.entries().map(|entry| String::from_utf8(entry.to_vec()).unwrap()));
        stored.cursor = Some(batch.through().clone());
        Ok(Ack::applied(None))
    }
}

/// A host of so many full pages of 600 repos.
fn host(pages: usize) -> Host {
    Host::new(move |asked| {
        let at: usize = asked.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let names: Vec<_> = (at * 600..(at + 1) * 600).map(|number| format!("did:plc:{number}")).collect();
        let cursor = if at + 1 == pages { String::new() } else { format!(r#""{}""#, at + 1) };
        Answer::page(names.iter().map(String::as_str), &cursor)
    })
}

fn pump(host: &Host, stored: &Arc<Mutex<Stored>>, permits: &Arc<Semaphore>) -> Pump<ListRepos, Names, Store> {
    let from = stored.lock().unwrap().cursor.clone();
    let endpoint = host.written().parse().unwrap();
    let walk = Walk::open(&Repos, &settings(), &endpoint, from, Silent::shared()).unwrap();
    let store = Store { stored: Arc::clone(stored), permits: Arc::clone(permits) };
    Pump::new(walk, Names, store, Limits::default(), Silent::shared())
}

#[tokio::test]
async fn i1_cursors_are_stored_with_their_rows_and_the_mark_with_the_last_through_any_number_of_ends() {
    let host = host(20);
    let stored = Arc::<Mutex<Stored>>::default();
    let mut runs = 0;
    while stored.lock().unwrap().cursor.as_ref().is_none_or(|cursor| cursor.to_string() != DONE) {
        runs += 1;
        let permits = Arc::new(Semaphore::new(runs));
        let mut pump = pump(&host, &stored, &permits);
        let from = stored.lock().unwrap().cursor.clone();
        // The store goes away when it has taken as many batches as there were runs.
        let mut run = pin!(pump.run(from, std::future::pending()));
        select! {
            biased;
            end = &mut run => assert_eq!(end.unwrap(), End::Finished),
            () = exhausted(&permits) => {
                permits.close();
                assert!(run.await.is_err());
            }
        }
    }
    let expected: Vec<_> = (0..20 * 600).map(|number| format!("did:plc:{number}")).collect();
    assert_eq!(stored.lock().unwrap().entries, expected);
    assert!(runs > 3, "{runs}");
}

/// Completes when no permit is left.
async fn exhausted(permits: &Semaphore) {
    while permits.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn i7_a_store_that_takes_nothing_holds_the_walk_one_request_ahead() {
    let mut host = host(20);
    let stored = Arc::<Mutex<Stored>>::default();
    let permits = Arc::new(Semaphore::new(0));
    let mut pump = pump(&host, &stored, &permits);
    let mut run = pin!(pump.run(None, std::future::pending()));
    // One page is being delivered, one fills the open batch, one is ahead.
    for number in 1..=3 {
        select! {
            biased;
            _ = &mut run => panic!("nothing was taken"),
            asked = host.arrival() => assert_eq!(asked.number, number),
        }
    }
    let further = async {
        select! {
            biased;
            _ = &mut run => panic!("nothing was taken"),
            asked = host.arrival() => asked,
        }
    };
    assert_eq!(timeout(Duration::from_millis(200), further).await.ok(), None);
    permits.add_permits(100);
    assert_eq!(run.await.unwrap(), End::Finished);
    assert_eq!((host.asked().len(), stored.lock().unwrap().entries.len()), (20, 12_000));
}

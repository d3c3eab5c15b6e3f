//! Many lookups at once: how many, how far apart, and what one that is left alone does to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures_util::future::join_all;
use standpipe_identity::Bounds;
use standpipe_pipeline::{Remedy, Transient};
use tokio::select;

use crate::issuer::{DID, Issuer, OTHER};
use crate::web_host::{Reply, WebHost, look, pass};

fn did(number: usize) -> String {
    format!("did:plc:{}{}", "a".repeat(23), char::from(b'a' + u8::try_from(number).unwrap()))
}

fn document(path: &str) -> Reply {
    Reply::ok(Issuer::k256(1).document(&path[1..]))
}

#[tokio::test]
async fn the_directory_has_so_many_lookups_at_once_and_no_more() {
    let (current, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    // Requests are answered in pairs.
    let (pair, seen) = (Barrier::new(2), Arc::clone(&most));
    let host = WebHost::new(move |path, _| {
        seen.fetch_max(current.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        pair.wait();
        current.fetch_sub(1, Ordering::SeqCst);
        document(path)
    });
    let bounds = Bounds { directory_at_once: 2.try_into().unwrap(), ..Bounds::default() };
    let resolver = host.resolver(bounds);
    let dids: Vec<_> = (0..8).map(did).collect();
    assert!(join_all(dids.iter().map(|did| resolver.resolve(did))).await.iter().all(Result::is_ok));
    // The last of a pair may still be leaving the script when the next begins.
    assert!((2..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    assert_eq!(host.requests().len(), 8);
}

#[tokio::test]
async fn i7_further_lookups_fail_at_once_and_are_not_remembered_as_failed() {
    let host = WebHost::new(|path, _| document(path));
    let resolver = host.resolver(Bounds { lookups: 2, ..Bounds::default() });
    let dids: Vec<_> = (0..3).map(did).collect();
    let outcomes = join_all(dids.iter().map(|did| resolver.resolve(did))).await;
    let labels: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().map_err(|error| error.label())).collect();
    assert!(matches!(labels[..], [Ok(_), Ok(_), Err("crowded")]), "{labels:?}");
    resolver.resolve(&dids[2]).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_limits_our_rate_is_left_alone_as_long_as_it_says() {
    let host = WebHost::new(|path, before| {
        if before == 0 && path[1..] == *DID {
            Reply::status(429, "Retry-After: 300\r\n", "")
        } else {
            document(path)
        }
    });
    let resolver = host.resolver(Bounds::default());
    assert_eq!(resolver.resolve(DID).await.unwrap_err().label(), "rate_limited");
    let error = resolver.resolve(OTHER).await.unwrap_err();
    assert_eq!(error.label(), "busy");
    assert!(matches!(error.remedy(), Remedy::RetryAfter(after) if after > Duration::from_mins(4)));
    assert_eq!(host.requests().len(), 1, "nobody else asks meanwhile");
    pass(Duration::from_secs(301)).await;
    resolver.resolve(OTHER).await.unwrap();
    resolver.resolve(DID).await.unwrap();
}

#[tokio::test]
async fn a_driven_lookup_goes_on_when_its_waiter_is_busy_elsewhere() {
    let mut host = WebHost::new(|path, _| document(path));
    let bounds = Bounds { directory_at_once: 1.try_into().unwrap(), ..Bounds::default() };
    let resolver = host.resolver(bounds);
    let mut left_alone = Box::pin(resolver.resolve(DID));
    let other = async {
        // It is begun, has the only turn, and is not looked at again.
        while look(&mut left_alone).await.is_pending() {
            select! {
                biased;
                _ = host.arrivals.recv() => break,
                () = tokio::task::yield_now() => {}
            }
        }
        resolver.resolve(OTHER).await
    };
    select! {
        () = resolver.drive() => panic!("it ended"),
        outcome = other => drop(outcome.unwrap()),
    }
    left_alone.await.unwrap();
    assert_eq!(host.requests().len(), 2);
}

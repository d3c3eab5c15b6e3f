//! Verdicts in order, and what trouble with lookups costs those who wait for them.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::time::Duration;

use futures_util::FutureExt;
use standpipe_identity::{
    Bounds, Claim, Doubt, History, Judged, Patience, Verdict, VerdictQueue, Verified, Verifier,
};
use standpipe_pipeline::{Remedy, Source, Transient};
use thiserror::Error;
use tokio::time::{Instant, advance, timeout};

use crate::issuer::{DID, Issuer, OTHER};
use crate::web_host::{Reply, WebHost, pass};

const CTS: &str = "2999-01-01T00:00:00Z";
const LATE: Verdict = Verdict::Unverified(Doubt::Late);

fn queue(host: &WebHost, patience: Patience) -> VerdictQueue<u32> {
    VerdictQueue::new(Verifier::new(host.resolver(Bounds::default()), History::Failed), patience)
}

/// A directory that knows the one issuer and says nothing about others.
fn half_silent(issuer: &Issuer) -> WebHost {
    let document = issuer.document(DID);
    WebHost::new(move |path, _| if path[1..] == *DID { Reply::ok(document.clone()) } else { Reply::Silent })
}

#[tokio::test]
async fn i3_items_come_out_as_they_came_in_whoever_is_known_first() {
    let issuer = Issuer::k256(1);
    let host = {
        let documents = [issuer.document(DID), issuer.document(OTHER)];
        WebHost::new(move |path, _| Reply::ok(documents[usize::from(path[1..] == *OTHER)].clone()))
    };
    let mut queue = queue(&host, Patience::default());
    let (own, other) = (issuer.claim(DID, CTS), issuer.claim(OTHER, CTS));
    let forged = Issuer::k256(2).claim(DID, CTS);
    queue.push(1, 100, vec![other.clone(), own.clone()]);
    queue.push(2, 100, Vec::new());
    queue.push(3, 100, vec![own.clone(), forged, own]);
    let mut out = Vec::new();
    while let Some(Judged { item, verdicts }) = queue.next().await {
        out.push((item, verdicts.iter().map(|verdict| verdict.word()).collect::<Vec<_>>()));
    }
    let wanted = [(1, vec!["verified"; 2]), (2, vec![]), (3, vec!["verified", "failed", "verified"])];
    assert_eq!(out, wanted);
    assert_eq!(host.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn i10_an_issuer_that_cannot_be_had_costs_an_item_its_patience_and_no_more() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let patience = Patience { within: Duration::from_secs(2), ..Patience::default() };
    let (mut queue, began) = (queue(&host, patience), Instant::now());
    for item in 0..3 {
        queue.push(item, 100, vec![issuer.claim(OTHER, CTS)]);
    }
    for item in 0..3 {
        assert_eq!(queue.next().await, Some(Judged { item, verdicts: vec![LATE] }));
    }
    assert_eq!(began.elapsed(), Duration::from_secs(2), "they wait together");
}

#[tokio::test(start_paused = true)]
async fn i8_a_full_queue_waits_for_nobody_longer_than_it_may() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let patience = Patience { within_full: Duration::ZERO, ..Patience::default() };
    for patience in [Patience { items: 3, ..patience }, Patience { bytes: 1000, ..patience }] {
        let (mut queue, began) = (queue(&host, patience), Instant::now());
        while !queue.is_full() {
            queue.push(7, 300, vec![issuer.claim(OTHER, CTS)]);
        }
        assert!(queue.len() <= 3);
        assert_eq!(queue.next().now_or_never().flatten().unwrap().verdicts, [LATE]);
        assert!(queue.next().now_or_never().is_none(), "now there is room, so there is patience");
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_full_queue_waits_for_a_second() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let patience = Patience { items: 3, within: Duration::from_secs(4), ..Patience::default() };
    let (mut queue, began) = (queue(&host, patience), Instant::now());
    for item in 0..3 {
        queue.push(item, 100, vec![issuer.claim(OTHER, CTS)]);
    }
    assert_eq!(queue.next().await.unwrap().verdicts, [LATE]);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!(queue.next().await.unwrap().verdicts, [LATE]);
    assert_eq!(began.elapsed(), Duration::from_secs(4), "there is room, so there is patience");
}

/// A labeler that sends all that it has fills a queue before its own issuer is looked up.
#[tokio::test]
async fn a_full_queue_waits_for_a_lookup_that_goes_as_it_should() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let patience = Patience { items: 3, within_full: Duration::from_hours(1), ..Patience::default() };
    let source = Scripted { items: (0..100).collect(), then: Then::End };
    let mut verified = verified(&host, patience, source, issuer.claim(DID, CTS));
    while let Some(Judged { item, verdicts }) = verified.next().await.unwrap() {
        assert_eq!(verdicts, [Verdict::Verified], "{item}");
    }
}

#[tokio::test]
async fn a_label_that_the_known_key_does_not_fit_is_unconfirmed_where_the_key_is_not_had_again_in_time() {
    let issuer = Issuer::k256(1);
    let document = issuer.document(DID);
    let host =
        WebHost::new(move |_, before| if before == 0 { Reply::ok(document.clone()) } else { Reply::Silent });
    let mut queue = queue(&host, Patience { within: Duration::from_millis(100), ..Patience::default() });
    queue.push(0, 100, vec![issuer.claim(DID, CTS)]);
    assert_eq!(queue.next().await.unwrap().verdicts, [Verdict::Verified]);
    pass(Duration::from_secs(30)).await;
    queue.push(1, 100, vec![Issuer::k256(2).claim(DID, CTS), issuer.claim(DID, CTS)]);
    let verdicts = queue.next().await.unwrap().verdicts;
    assert_eq!(verdicts, [Verdict::Unverified(Doubt::Unconfirmed), Verdict::Verified]);
}

#[tokio::test]
async fn a_failed_lookup_is_not_waited_for_again() {
    let issuer = Issuer::k256(1);
    let host = WebHost::new(|_, _| Reply::status(500, "", ""));
    let mut queue = queue(&host, Patience { within: Duration::from_hours(1), ..Patience::default() });
    queue.push(0, 100, vec![issuer.claim(DID, CTS); 40]);
    queue.push(1, 100, vec![issuer.claim(DID, CTS)]);
    while let Some(judged) = queue.next().await {
        assert!(judged.verdicts.iter().all(|verdict| *verdict == Verdict::Unverified(Doubt::Unresolved)));
    }
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn a_large_item_does_not_keep_others_from_their_turn() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let mut queue = queue(&host, Patience::default());
    queue.push(0, 100, vec![issuer.claim(DID, CTS)]);
    queue.next().await;
    queue.push(1, 100, vec![issuer.claim(DID, CTS); 100]);
    // What was verified before it was dropped is kept.
    let mut turns = 0;
    let judged = loop {
        if let Some(judged) = queue.next().now_or_never() {
            break judged.unwrap();
        }
        turns += 1;
    };
    assert_eq!((turns, judged.verdicts), (3, vec![Verdict::Verified; 100]));
}

#[tokio::test(start_paused = true)]
async fn the_time_that_nobody_waits_does_not_count() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let day = Duration::from_hours(24);
    let resolver = host.resolver(Bounds { answer_within: day, turn_within: day, ..Bounds::default() });
    let patience = Patience { within: Duration::from_secs(5), ..Patience::default() };
    let mut queue = VerdictQueue::new(Verifier::new(resolver, History::Failed), patience);
    queue.push(0, 100, vec![issuer.claim(OTHER, CTS)]);
    assert!(timeout(Duration::from_secs(2), queue.next()).await.is_err());
    advance(Duration::from_hours(1)).await;
    queue.push(1, 100, vec![issuer.claim(OTHER, CTS)]);
    advance(Duration::from_hours(1)).await;
    let began = Instant::now();
    for (item, at) in [(0, 3), (1, 5)] {
        assert!(timeout(Duration::from_millis(900), queue.next()).await.is_err());
        assert_eq!(queue.next().await, Some(Judged { item, verdicts: vec![LATE] }));
        assert_eq!(began.elapsed(), Duration::from_secs(at));
    }
}

/// Gives these items, then what comes behind them.
struct Scripted {
    items: VecDeque<u32>,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    Silence,
    End,
    Failure,
}

impl Source for Scripted {
    type Item = u32;
    type Error = Broken;

    async fn next(&mut self) -> Result<Option<u32>, Broken> {
        match (self.items.pop_front(), self.then) {
            (Some(item), _) => ready(Ok(Some(item))).await,
            (None, Then::Silence) => pending().await,
            (None, Then::End) => Ok(None),
            (None, Then::Failure) => Err(Broken),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("broken")]
struct Broken;

impl Transient for Broken {
    fn remedy(&self) -> Remedy {
        Remedy::Retry
    }
}

fn verified(
    host: &WebHost,
    patience: Patience,
    source: Scripted,
    claim: Claim,
) -> impl Source<Item = Judged<u32>, Error = Broken> {
    let verifier = Verifier::new(host.resolver(Bounds::default()), History::Failed);
    Verified::new(source, verifier, patience, move |_: &u32| (100, vec![claim.clone()]))
}

#[tokio::test(start_paused = true)]
async fn i8_a_source_is_read_to_its_end_whatever_the_directory_does() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let patience = Patience { items: 4, within: Duration::from_secs(2), ..Patience::default() };
    let source = Scripted { items: (0..100).collect(), then: Then::End };
    let mut verified = verified(&host, patience, source, issuer.claim(OTHER, CTS));
    let (mut seen, began) = (0, Instant::now());
    while let Ok(Some(Judged { item, verdicts })) = verified.next().await {
        assert_eq!((item, verdicts[0].word()), (seen, "unverified"));
        seen += 1;
    }
    assert_eq!(seen, 100);
    assert!(verified.next().await.unwrap().is_none());
    assert!(began.elapsed() <= Duration::from_secs(6), "{:?}: no longer than the lookup", began.elapsed());
}

#[tokio::test]
async fn a_quiet_source_gives_what_it_has() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let source = Scripted { items: (0..3).collect(), then: Then::Silence };
    let mut verified = verified(&host, Patience::default(), source, issuer.claim(DID, CTS));
    for item in 0..3 {
        let judged = verified.next().await.unwrap();
        assert_eq!(judged, Some(Judged { item, verdicts: vec![Verdict::Verified] }));
    }
    assert!(verified.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_failure_of_the_source_is_told_behind_what_came_before_it() {
    let issuer = Issuer::k256(1);
    let host = half_silent(&issuer);
    let source = Scripted { items: (0..3).collect(), then: Then::Failure };
    let mut verified = verified(&host, Patience::default(), source, issuer.claim(DID, CTS));
    for item in 0..3 {
        assert_eq!(verified.next().await.unwrap().unwrap().item, item);
    }
    assert_eq!(verified.next().await.unwrap_err(), Broken);
    assert_eq!(verified.next().await.unwrap(), None);
}

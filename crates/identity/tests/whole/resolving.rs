//! What is asked for a DID, and what comes of each answer.

use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;
use standpipe_identity::{Bounds, Resolver, WebReach};
use standpipe_pipeline::{Remedy, Transient};
use tokio::select;

use crate::issuer::{DID, Issuer, OTHER};
use crate::web_host::{Reply, WebHost, look, pass};

fn document() -> Reply {
    Reply::ok(Issuer::k256(1).document(DID))
}

#[tokio::test]
async fn a_did_is_asked_for_once_and_its_labeler_and_key_are_known() {
    let host = WebHost::new(|_, _| document());
    let resolver = host.resolver(Bounds::default());
    for _ in 0..3 {
        let identity = resolver.resolve(DID).await.unwrap();
        assert_eq!(identity.labeler().unwrap().name(), "labels.example.com");
        assert!(identity.label_key().is_ok());
    }
    let [request] = &host.requests()[..] else { panic!("{:?}", host.requests()) };
    let request = request.to_lowercase();
    for line in [
        "get /did:plc:7rvn2fejhf474djdyuspmjnt http/1.1",
        "user-agent: standpipe/test (+ops@example.com)",
        "accept: application/did+ld+json, application/json",
    ] {
        assert!(request.contains(line), "{request}");
    }
    assert_eq!(resolver.remembered(), 1);
}

#[tokio::test]
async fn whoever_asks_at_the_same_time_waits_for_one_lookup() {
    let host = WebHost::new(|_, _| document());
    let resolver = host.resolver(Bounds::default());
    let mut lookups: Vec<_> = (0..50).map(|_| Box::pin(resolver.resolve(DID))).collect();
    // The first of them, which began it, leaves.
    assert!(look(&mut lookups[0]).await.is_pending());
    assert!(look(&mut lookups[1]).await.is_pending());
    drop(lookups.remove(0));
    assert!(join_all(lookups).await.iter().all(Result::is_ok));
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn a_web_identity_has_the_document_of_its_host() {
    let directory = WebHost::new(|_, _| Reply::status(404, "", ""));
    let web = WebHost::telling_port(|port, path| {
        assert_eq!(path, "/.well-known/did.json");
        Reply::ok(Issuer::p256(1).document(&format!("did:web:localhost%3A{port}")))
    });
    let did = format!("did:web:localhost%3A{}", web.port());
    let identity = directory.resolver(Bounds::default()).resolve(&did).await.unwrap();
    assert_eq!((identity.did(), identity.label_key().is_ok()), (did.as_str(), true));
    assert!(directory.requests().is_empty());
    assert_eq!(web.requests().len(), 1);
}

#[tokio::test]
async fn a_public_resolver_asks_no_private_host() {
    let web = WebHost::new(|_, _| document());
    let settings = web.settings(Bounds::default());
    let public = Resolver::new(&standpipe_identity::Settings { web: WebReach::Public, ..settings }).unwrap();
    for did in [format!("did:web:localhost%3A{}", web.port()), "did:web:127.0.0.1".to_owned()] {
        let error = public.resolve(&did).await.unwrap_err();
        assert_eq!((error.label(), error.remedy()), ("did_syntax", Remedy::Fail));
    }
    assert!(web.requests().is_empty());
}

/// What comes of an answer, and how often it was asked for in two tries.
async fn outcome(bounds: Bounds, reply: Reply) -> (&'static str, Remedy, String) {
    let host = WebHost::new(move |_, _| reply.clone());
    let resolver = host.resolver(bounds);
    let error = resolver.resolve(DID).await.unwrap_err();
    let again = resolver.resolve(DID).await.unwrap_err();
    assert_eq!((again.label(), host.requests().len()), (error.label(), 1), "it is remembered");
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    (error.label(), error.remedy(), source)
}

#[tokio::test]
async fn every_answer_that_is_no_document_says_what_helps() {
    const MINUTES: Duration = Duration::from_mins(5);
    let held = Remedy::Hold(MINUTES);
    let other = Issuer::k256(1).document(OTHER);
    for (reply, label, remedy) in [
        (Reply::status(404, "", r#"{"message":"DID not registered"}"#), "not_found", held),
        (Reply::status(410, "", ""), "not_found", held),
        (Reply::status(400, "", ""), "refused", held),
        (Reply::status(500, "", ""), "status", Remedy::Retry),
        (Reply::status(429, "", ""), "rate_limited", Remedy::Retry),
        (
            Reply::status(429, "Retry-After: 40\r\n", ""),
            "rate_limited",
            Remedy::RetryAfter(Duration::from_secs(40)),
        ),
        (Reply::ok(other), "document", held),
        (Reply::ok("<html>"), "document", held),
        (Reply::ok(""), "document", held),
        (Reply::ok(vec![b' '; 300_000]), "too_large", held),
        (Reply::Endless(vec![b' '; 10_000]), "too_large", held),
        (Reply::status(200, "Content-Encoding: gzip\r\n", "no gzip"), "broken", Remedy::Retry),
    ] {
        let (found, helps, source) = outcome(Bounds::default(), reply).await;
        assert_eq!((found, helps), (label, remedy), "{source}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_unless_that_was_asked_for() {
    let there = WebHost::new(|_, _| document());
    let redirect = Reply::status(302, &format!("Location: {}/x\r\n", there.written()), "");
    let (label, remedy, _) = outcome(Bounds::default(), redirect.clone()).await;
    assert_eq!((label, remedy), ("redirect", Remedy::Hold(Duration::from_mins(5))));
    assert!(there.requests().is_empty());

    let host = WebHost::new(move |_, _| redirect.clone());
    let resolver = host.resolver(Bounds { redirects: 1, ..Bounds::default() });
    resolver.resolve(DID).await.unwrap();
    assert_eq!(there.requests().len(), 1);
}

#[tokio::test]
async fn i10_a_host_that_says_nothing_is_waited_for_within_bounds() {
    let mut host = WebHost::new(|_, _| Reply::Silent);
    let resolver = host.resolver(Bounds::default());
    let mut lookup = Box::pin(resolver.resolve(DID));
    select! {
        outcome = &mut lookup => panic!("{outcome:?}"),
        arrival = host.arrivals.recv() => assert!(arrival.is_some()),
    }
    pass(Duration::from_secs(4)).await;
    assert!(look(&mut lookup).await.is_pending());
    pass(Duration::from_secs(1)).await;
    let error = lookup.await.unwrap_err();
    assert_eq!((error.label(), error.remedy()), ("overdue", Remedy::Retry));
    assert_eq!(resolver.resolve(DID).await.unwrap_err().label(), "overdue");
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_tried_again_after_two_minutes() {
    let host = WebHost::new(|_, before| if before == 0 { Reply::status(500, "", "") } else { document() });
    let resolver = host.resolver(Bounds::default());
    assert!(resolver.resolve(DID).await.is_err());
    pass(Duration::from_secs(119)).await;
    assert!(resolver.resolve(DID).await.is_err());
    assert_eq!(host.requests().len(), 1);
    pass(Duration::from_secs(2)).await;
    assert!(resolver.resolve(DID).await.is_ok());
}

#[tokio::test]
async fn what_is_known_is_used_for_a_day_where_looking_again_fails() {
    let host = WebHost::new(|_, before| if before == 0 { document() } else { Reply::status(500, "", "") });
    let resolver = host.resolver(Bounds::default());
    resolver.resolve(DID).await.unwrap();
    pass(Duration::from_mins(59)).await;
    resolver.resolve(DID).await.unwrap();
    assert_eq!(host.requests().len(), 1, "it is fresh for an hour");
    pass(Duration::from_mins(2)).await;
    for _ in 0..3 {
        resolver.resolve(DID).await.unwrap();
    }
    assert_eq!(host.requests().len(), 2, "it was looked up once, and the failure is remembered");
    pass(Duration::from_hours(23)).await;
    assert_eq!(resolver.resolve(DID).await.unwrap_err().label(), "status");
}

#[tokio::test]
async fn an_identity_that_is_gone_is_not_used_any_longer() {
    let host = WebHost::new(|_, before| if before == 0 { document() } else { Reply::status(404, "", "") });
    let resolver = host.resolver(Bounds::default());
    resolver.resolve(DID).await.unwrap();
    assert_eq!(resolver.refresh(DID).await.unwrap_err().label(), "not_found");
    assert_eq!(resolver.resolve(DID).await.unwrap_err().label(), "not_found");
}

#[tokio::test]
async fn a_did_that_is_forgotten_is_asked_for_again() {
    let host = WebHost::new(|_, _| document());
    let resolver = host.resolver(Bounds::default());
    resolver.resolve(DID).await.unwrap();
    resolver.forget(DID);
    resolver.resolve(DID).await.unwrap();
    assert_eq!(host.requests().len(), 2);
}

//! Verdicts by keys that are known, that change, and that cannot be had.

use std::time::Duration;

use standpipe_identity::{Bounds, Doubt, Flaw, History, KeyFault, SignatureFault, Verdict, Verifier};

use crate::issuer::{DID, Issuer};
use crate::web_host::{Reply, WebHost, pass};

const MISMATCH: Verdict = Verdict::Failed(Flaw::Signature(SignatureFault::Mismatch));
/// Later than any first sight of a key.
const LIVE: &str = "2999-01-01T00:00:00.000Z";
const OLD: &str = "2023-01-01T00:00:00.000Z";

fn verifier(host: &WebHost) -> Verifier {
    Verifier::new(host.resolver(Bounds::default()), History::Unverified)
}

/// A directory where the issuer has the first key, and from its second answer on the second.
fn rotating(first: &Issuer, second: &Issuer) -> WebHost {
    let documents = [first.document(DID), second.document(DID)];
    WebHost::new(move |_, before| Reply::ok(documents[before.min(1)].clone()))
}

#[tokio::test]
async fn labels_of_both_curves_are_verified_by_one_lookup() {
    for issuer in [Issuer::k256(1), Issuer::p256(1)] {
        let host = rotating(&issuer, &issuer);
        let verifier = verifier(&host);
        for cts in [OLD, LIVE] {
            assert_eq!(verifier.verify(&issuer.claim(DID, cts)).await, Verdict::Verified);
        }
        assert_eq!(host.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_false_neg_is_verified_as_received_and_then_without_it() {
    let issuer = Issuer::k256(1);
    let host = rotating(&issuer, &issuer);
    let verifier = verifier(&host);
    for (sent, signed, verdict) in [
        (None, None, Verdict::Verified),
        (Some(true), Some(true), Verdict::Verified),
        (Some(false), Some(false), Verdict::Verified),
        (Some(false), None, Verdict::Verified),
        (Some(true), None, MISMATCH),
        (Some(true), Some(false), MISMATCH),
        (None, Some(false), MISMATCH),
        (Some(false), Some(true), MISMATCH),
    ] {
        let claim = issuer.labelled(DID, LIVE, sent, signed);
        assert_eq!(verifier.verify(&claim).await, verdict, "{sent:?} {signed:?}");
    }
}

#[tokio::test]
async fn a_key_that_changed_is_fetched_again_once() {
    let (first, second) = (Issuer::k256(1), Issuer::p256(2));
    let host = rotating(&first, &second);
    let verifier = verifier(&host);
    assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, Verdict::Verified);
    pass(Duration::from_secs(30)).await;
    assert_eq!(verifier.verify(&second.claim(DID, LIVE)).await, Verdict::Verified);
    assert_eq!(host.requests().len(), 2);
    for _ in 0..20 {
        assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, MISMATCH);
    }
    assert_eq!(host.requests().len(), 2, "a flood of bad labels is no flood of lookups");
    pass(Duration::from_secs(30)).await;
    for _ in 0..20 {
        assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, MISMATCH);
    }
    assert_eq!(host.requests().len(), 3);
}

#[tokio::test]
async fn what_was_made_before_the_key_was_seen_may_be_of_the_key_before() {
    let (first, second) = (Issuer::k256(1), Issuer::k256(2));
    let host = rotating(&second, &second);
    let resolver = host.resolver(Bounds::default());
    for (history, verdict) in
        [(History::Unverified, Verdict::Unverified(Doubt::OlderThanKey)), (History::Failed, MISMATCH)]
    {
        let verifier = Verifier::new(resolver.clone(), history);
        assert_eq!(verifier.verify(&first.claim(DID, OLD)).await, verdict);
        assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, MISMATCH);
        assert_eq!(verifier.verify(&second.claim(DID, OLD)).await, Verdict::Verified);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_fetched_again_fails_no_label() {
    let (first, second) = (Issuer::k256(1), Issuer::k256(2));
    let document = first.document(DID);
    let host =
        WebHost::new(
            move |_, before| {
                if before == 0 { Reply::ok(document.clone()) } else { Reply::status(500, "", "") }
            },
        );
    let verifier = verifier(&host);
    assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, Verdict::Verified);
    pass(Duration::from_secs(30)).await;
    for _ in 0..5 {
        let verdict = verifier.verify(&second.claim(DID, LIVE)).await;
        assert_eq!(verdict, Verdict::Unverified(Doubt::Unconfirmed));
        assert_eq!(verifier.verify(&first.claim(DID, LIVE)).await, Verdict::Verified);
    }
    assert_eq!(host.requests().len(), 2);
}

#[tokio::test]
async fn every_issuer_that_cannot_be_had_has_its_reason() {
    let issuer = Issuer::k256(1);
    let no_key = format!(r#"{{"id":"{DID}","verificationMethod":[]}}"#);
    for (reply, verdict) in [
        (Reply::status(404, "", ""), Verdict::Failed(Flaw::NoIssuer)),
        (Reply::status(503, "", ""), Verdict::Unverified(Doubt::Unresolved)),
        (Reply::ok("<html>"), Verdict::Unverified(Doubt::Unresolved)),
        (Reply::ok(no_key), Verdict::Failed(Flaw::Key(KeyFault::Missing))),
    ] {
        let host = WebHost::new(move |_, _| reply.clone());
        let verifier = verifier(&host);
        for _ in 0..3 {
            assert_eq!(verifier.verify(&issuer.claim(DID, LIVE)).await, verdict);
        }
        assert_eq!(host.requests().len(), 1);
    }
    let host = WebHost::new(|_, _| Reply::status(404, "", ""));
    let verifier = verifier(&host);
    let web = format!("did:web:localhost%3A{}", host.port());
    assert_eq!(
        verifier.verify(&issuer.claim(&web, LIVE)).await,
        Verdict::Unverified(Doubt::Unresolved),
        "a web host may have lost its document for a while"
    );
    for did in ["did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc", "did:plc:short", "did:web:a"] {
        let verdict = verifier.verify(&issuer.claim(did, LIVE)).await;
        assert_eq!(verdict, Verdict::Unverified(Doubt::NoMethod), "{did}");
    }
    assert_eq!(host.requests().len(), 1);
}

//! What one process knew of identities, and what the next one makes of it.

use std::sync::Arc;

use standpipe_identity::{
    Bounds, Doubt, Flaw, History, Residence, Resolver, SignatureFault, Verdict, Verifier, WebReach,
};

use crate::issuer::{DID, Issuer};
use crate::web_host::{Reply, WebHost, pass};

const CTS: &str = "2999-01-01T00:00:00Z";
const MISMATCH: Verdict = Verdict::Failed(Flaw::Signature(SignatureFault::Mismatch));

/// A directory that says the one thing to the first process, and the other to the second.
fn directory(first: Reply, then: Reply) -> WebHost {
    WebHost::new(move |_, before| if before == 0 { first.clone() } else { then.clone() })
}

/// The resolver of a second process, where the first has looked the issuer up.
async fn second_process(host: &WebHost) -> Resolver {
    let first = host.resolver(Bounds::default());
    first.resolve(DID).await.unwrap();
    let second = host.resolver(Bounds::default());
    second.recall(&first.keepsakes());
    assert_eq!(second.remembered(), 1);
    assert_eq!(second.keepsakes(), first.keepsakes(), "a third process knows it too");
    assert_eq!(host.requests().len(), 1);
    second
}

#[tokio::test]
async fn i8_a_directory_that_is_away_at_the_start_takes_no_key_and_no_labeler() {
    let (issuer, other) = (Issuer::k256(1), Issuer::k256(2));
    for away in [Reply::status(503, "", ""), Reply::Silent] {
        let host = directory(Reply::ok(issuer.document(DID)), away);
        let resolver = second_process(&host).await;
        let residence = Arc::new(Residence::new(resolver.clone(), DID, WebReach::Public));
        let verifier = Verifier::new(resolver.clone(), History::Failed);
        assert_eq!(verifier.verify(&issuer.claim(DID, CTS)).await, Verdict::Verified);
        assert_eq!(residence.find().await.unwrap().name(), "labels.example.com");
        let verdict = verifier.verify(&other.claim(DID, CTS)).await;
        assert_eq!(verdict, Verdict::Unverified(Doubt::Unconfirmed), "the issuer may have changed its key");
        assert_eq!(host.requests().len(), 2);

        pass(Bounds::default().max_age).await;
        let verdict = verifier.verify(&issuer.claim(DID, CTS)).await;
        assert_eq!(verdict, Verdict::Unverified(Doubt::Unresolved), "it is too old");
    }
}

#[tokio::test]
async fn what_was_recalled_is_looked_up_again_however_young_it_is() {
    let (first, second) = (Issuer::k256(1), Issuer::p256(2));
    let host = directory(Reply::ok(first.document(DID)), Reply::ok(second.document(DID)));
    let resolver = second_process(&host).await;
    let key = resolver.resolve(DID).await.unwrap();
    assert_eq!(key.label_key().unwrap().multibase(), second.multikey());
    assert_eq!(host.requests().len(), 2);
    resolver.resolve(DID).await.unwrap();
    assert_eq!(host.requests().len(), 2);
}

#[tokio::test]
async fn a_key_that_changed_between_two_processes_fails_no_label() {
    let (first, second) = (Issuer::k256(1), Issuer::p256(2));
    let host = directory(Reply::ok(first.document(DID)), Reply::ok(second.document(DID)));
    let verifier = Verifier::new(second_process(&host).await, History::Failed);
    assert_eq!(verifier.verify(&second.claim(DID, CTS)).await, Verdict::Verified);
    assert_eq!(verifier.verify(&first.claim(DID, CTS)).await, MISMATCH);
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_not_believed_because_it_was_known() {
    let issuer = Issuer::k256(1);
    let host = directory(Reply::ok(issuer.document(DID)), Reply::status(404, "", ""));
    let resolver = second_process(&host).await;
    assert_eq!(resolver.resolve(DID).await.unwrap_err().label(), "not_found");
    let verifier = Verifier::new(resolver, History::Failed);
    assert_eq!(verifier.verify(&issuer.claim(DID, CTS)).await, Verdict::Failed(Flaw::NoIssuer));
}

#[tokio::test]
async fn another_directory_knows_nothing_of_what_one_said() {
    let issuer = Issuer::k256(1);
    let host = directory(Reply::ok(issuer.document(DID)), Reply::Silent);
    let resolver = host.resolver(Bounds::default());
    resolver.resolve(DID).await.unwrap();
    let other = WebHost::new(|_, _| Reply::Silent).resolver(Bounds::default());
    other.recall(&resolver.keepsakes());
    assert_eq!(other.remembered(), 0);
}

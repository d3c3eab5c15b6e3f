use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use standpipe_simulator::{Curve, Directory, Document, Documents, SigningKey, plc_did};

use crate::client::{Web, get, within};

fn start() -> Directory {
    Directory::start(Documents::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

fn labeler(did: &str) -> Document {
    Document {
        handle: Some("mod.example.com".to_owned()),
        repo_key: Some(SigningKey::of_seed(Curve::K256, 1, "repo")),
        label_key: Some(SigningKey::of_seed(Curve::P256, 1, "labels")),
        labeler: Some("https://labels.example.com".to_owned()),
        ..Document::new(did)
    }
}

#[tokio::test]
async fn a_document_is_served_in_the_form_of_the_directory() {
    let directory = start();
    let did = plc_did(1, "labeler");
    assert_eq!(did.len(), 32);
    let document = labeler(&did);
    directory.documents().put(&document);
    let answer = get(&directory.url(), &format!("/{did}")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("Content-Type: application/did+ld+json"), "{}", answer.head);
    let key = |id: &str, key: &Option<SigningKey>| {
        json!({
            "id": format!("{did}#{id}"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": key.as_ref().unwrap().multikey(),
        })
    };
    let expected = json!({
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/suites/secp256k1-2019/v1",
            "https://w3id.org/security/suites/ecdsa-2019/v1",
        ],
        "id": did,
        "alsoKnownAs": ["at://mod.example.com"],
        "verificationMethod": [key("atproto", &document.repo_key), key("atproto_label", &document.label_key)],
        "service": [
            { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com" },
            { "id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": "https://labels.example.com" },
        ],
    });
    assert_eq!(answer.json(), expected);
    let escaped = get(&directory.url(), &format!("/{}", did.replace(':', "%3A"))).await;
    assert_eq!(escaped.json(), expected);
    directory.stop().await;
}

#[tokio::test]
async fn documents_change_while_it_runs_and_each_request_is_counted() {
    let directory = start();
    let documents = directory.documents();
    let (did, other) = (plc_did(1, "one"), plc_did(1, "other"));
    let (path, other_path) = (format!("/{did}"), format!("/{other}"));
    let mut client = Web::at(&directory.url()).await;

    let unknown = client.get(&path).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (404, json!({ "message": format!("DID not registered: {did}") }))
    );
    documents.put(&labeler(&did));
    assert_eq!(client.get(&path).await.json()["id"], did);
    let moved = Document { labeler: Some("https://elsewhere.example.com".to_owned()), ..labeler(&did) };
    documents.put(&moved);
    let endpoint = "https://elsewhere.example.com";
    assert_eq!(client.get(&path).await.json()["service"][1]["serviceEndpoint"], endpoint);
    documents.put_json(&did, json!({ "id": did, "service": "what a service is not" }));
    assert_eq!(client.get(&path).await.json()["service"], "what a service is not");
    for status in [404, 410] {
        documents.tombstone(&did, status);
        let gone = client.get(&path).await;
        assert_eq!(
            (gone.status, gone.json()),
            (status, json!({ "message": format!("DID not available: {did}") }))
        );
        assert_eq!(documents.document(&did), None);
    }
    documents.remove(&did);
    assert_eq!(client.get(&path).await.json()["message"], format!("DID not registered: {did}"));
    assert_eq!(client.get(&other_path).await.status, 404);

    assert_eq!(documents.counts(), BTreeMap::from([(did.clone(), 7), (other, 1)]));
    assert_eq!(documents.count(&did), 7);
    within(documents.until(|lookups| lookups.last().is_some_and(|last| last.answered))).await;
    let lookups = documents.lookups();
    let statuses: Vec<u16> = lookups.iter().map(|lookup| lookup.status).collect();
    assert_eq!(statuses, [404, 200, 200, 200, 404, 410, 404, 404]);
    assert!(lookups.iter().all(|lookup| lookup.connection == 0 && lookup.answered && lookup.fault.is_none()));
    assert_eq!(lookups[0].user_agent.as_deref(), Some("test/1"));
}

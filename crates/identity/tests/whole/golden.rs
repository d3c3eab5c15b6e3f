//! The reference implementation's documents and signed labels: keys as it reads them, verdicts as it gives them.

use std::path::Path;

use serde_json::Value;
use standpipe_eventstream::{Frame, LabelMessage};
use standpipe_identity::{
    Bounds, Claim, Doubt, Flaw, History, Identity, KeyFault, PublicKey, SignatureFault, Verdict, Verifier,
};

use crate::web_host::{Reply, WebHost};

fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    zstd::decode_all(std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fixture(path)).unwrap()
}

fn identities() -> Value {
    json("tests/fixtures/identities.json.zst")
}

/// A directory that has these documents.
fn directory(identities: &Value, rotated: bool) -> WebHost {
    let identities = identities.clone();
    WebHost::new(move |path, _| {
        let did = path.strip_prefix('/').unwrap();
        let after = &identities["labeler_after_rotation"];
        if rotated && after["id"] == did {
            return Reply::ok(after.to_string());
        }
        let entries = identities["identities"].as_array().unwrap();
        match entries.iter().find(|entry| entry["did"] == did) {
            Some(entry) if entry["status"] == 200 => Reply::ok(entry["document"].to_string()),
            _ => Reply::status(404, "", r#"{"message":"DID not registered"}"#),
        }
    })
}

#[test]
fn every_golden_document_has_the_keys_that_the_reference_reads() {
    let mut read = 0;
    for entry in identities()["identities"].as_array().unwrap() {
        let did = entry["did"].as_str().unwrap();
        if entry["document"].is_null() {
            continue;
        }
        let identity = Identity::parse(did, entry["document"].to_string().as_bytes()).unwrap();
        let wanted = |field: &str| entry[field].as_str().map(|key| PublicKey::parse(key).unwrap());
        assert_eq!(identity.repo_key().ok().cloned(), wanted("key"), "{did}");
        assert_eq!(identity.label_key().ok().cloned(), wanted("label_key"), "{did}");
        assert!(identity.pds().is_some(), "{did}");
        read += 1;
    }
    assert_eq!(read, 51);
}

/// Our word for what the reference says of a label.
fn wanted(name: &str, said: &str) -> Verdict {
    match (name, said) {
        // The reference signs without a version too; the specification wants one where labels are passed on.
        ("ver-missing", "valid") => Verdict::Unverified(Doubt::NoVersion),
        (_, "valid" | "valid-without-neg-false") => Verdict::Verified,
        (_, "unsigned") => Verdict::Unverified(Doubt::Unsigned),
        ("sig-empty", "invalid") => Verdict::Failed(Flaw::Signature(SignatureFault::Length)),
        ("sig-high-s", "invalid") => Verdict::Failed(Flaw::Signature(SignatureFault::HighS)),
        (_, "invalid") => Verdict::Failed(Flaw::Signature(SignatureFault::Mismatch)),
        ("src-unknown-did", "no-key") => Verdict::Failed(Flaw::NoIssuer),
        (_, "no-key") => Verdict::Failed(Flaw::Key(KeyFault::Missing)),
        other => panic!("{other:?}"),
    }
}

/// The claims of a frame's labels, with their places; none where the frame is no message of labels.
fn placed_claims(frame: &[u8]) -> Vec<(usize, Claim)> {
    let Ok(Frame::Message(message)) = Frame::parse(frame) else { return Vec::new() };
    let Ok(LabelMessage::Labels(labels)) = LabelMessage::parse(&message) else { return Vec::new() };
    let mut scratch = Vec::new();
    let claims = labels.labels().enumerate();
    claims.filter_map(|(place, label)| Some((place, Claim::of(&label.ok()?, &mut scratch)))).collect()
}

#[tokio::test]
async fn every_golden_label_has_the_verdict_of_the_reference() {
    let identities = identities();
    let (before, after) = (directory(&identities, false), directory(&identities, true));
    let verifier = |host: &WebHost| Verifier::new(host.resolver(Bounds::default()), History::Failed);
    let (verifier, after_rotation) = (verifier(&before), verifier(&after));
    let file = fixture("../eventstream/tests/fixtures/labels/labels.bin.zst");
    let expected = fixture("../eventstream/tests/fixtures/labels/labels.expected.jsonl.zst");
    let expected = str::from_utf8(&expected).unwrap().lines();
    let (mut rest, mut judged, mut frames) = (&file[..], 0, 0);
    for line in expected {
        let expected: Value = serde_json::from_str(line).unwrap();
        let name = expected["name"].as_str().unwrap();
        let (length, tail) = rest.split_first_chunk::<4>().unwrap();
        let (frame, tail) = tail.split_at(usize::try_from(u32::from_le_bytes(*length)).unwrap());
        rest = tail;
        frames += 1;
        let verifier = if name == "after-key-rotation" { &after_rotation } else { &verifier };
        for (place, claim) in placed_claims(frame) {
            let said = expected["labels"][place]["sig"].as_str().unwrap();
            assert_eq!(verifier.verify(&claim).await, wanted(name, said), "{name}, label {place}");
            judged += 1;
        }
    }
    assert!(rest.is_empty());
    assert_eq!(frames, 51);
    assert!(judged > 45, "{judged}");
}

#[tokio::test]
async fn the_strict_checkers_labels_have_its_verdicts() {
    let vectors = json("../eventstream/tests/fixtures/vectors.json.zst");
    let document = vectors["did_doc"].to_string();
    let did = vectors["did"].as_str().unwrap().to_owned();
    let host =
        WebHost::new(
            move |path, _| {
                if path[1..] == did { Reply::ok(document.clone()) } else { Reply::status(404, "", "") }
            },
        );
    let verifier = Verifier::new(host.resolver(Bounds::default()), History::Failed);
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let word = match vector["expect"].as_str().unwrap() {
            "ACCEPT" | "PARTIAL" => "verified",
            "LABEL_UNVERIFIED" => "unverified",
            "LABEL_SIG_FAIL" => "failed",
            _ => continue,
        };
        let name = vector["name"].as_str().unwrap();
        let hex = vector["frame_hex"].as_str().unwrap().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        let frame: Vec<u8> = hex.chunks(2).map(byte).collect();
        for (place, claim) in placed_claims(&frame) {
            assert_eq!(verifier.verify(&claim).await.word(), word, "{name}, label {place}");
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

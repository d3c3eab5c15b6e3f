//! Label frames of the reference implementation: everything in them is read as that implementation reads it.

use serde_json::{Map, Value, json};
use standpipe_eventstream::{Frame, Label, LabelMessage, NegFalse};

use crate::fixture::{base64, frames, json_lines, own, sha256, text};
use crate::label_outcome::{LabelOutcome, outcome};

/// The fields of the specification, without the signature.
const SIGNED: [&str; 8] = ["cid", "cts", "exp", "neg", "src", "uri", "val", "ver"];

/// What is refused, with the reason: the lexicon's limit among it, which the reference does not enforce.
const REFUSED: [(&str, &[&str]); 7] = [
    ("val-129", &["val range"]),
    ("bad-label-no-src", &["src missing"]),
    ("bad-label-val-int", &["val wrong_type"]),
    ("bad-one-of-three", &["val missing"]),
    ("bad-label-string", &["label wrong_type"]),
    ("bad-labels-null", &["labels wrong_type"]),
    ("bad-seq-missing", &["seq missing"]),
];

fn each_golden(mut each: impl FnMut(&str, &[u8], &Value)) {
    let file = own("labels/labels.bin");
    let expected = json_lines(&own("labels/labels.expected.jsonl"));
    let frames = frames(&file);
    assert_eq!((frames.len(), expected.len()), (51, 51));
    for (bytes, expected) in frames.into_iter().zip(&expected) {
        let name = text(expected, "name");
        assert_eq!(text(expected, "sha256"), sha256(bytes), "{name}");
        each(name, bytes, expected);
    }
}

#[test]
fn every_golden_label_frame_reads_as_the_reference_reads_it() {
    let (mut labels, mut refused) = (0, Vec::new());
    each_golden(|name, bytes, expected| {
        let body = &expected["body"];
        let is_refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reasons)| *reasons);
        match outcome(bytes) {
            LabelOutcome::Labels { seq, written, dropped } => {
                let mut wanted: Vec<Value> = body["labels"].as_array().expect("labels").clone();
                wanted.retain(|label| is_refused.is_none() || written.contains(&known_fields(label)));
                let wanted: Vec<Value> = wanted.iter().map(known_fields).collect();
                assert_eq!((json!(seq), &written), (body["seq"].clone(), &wanted), "{name}");
                assert_eq!(dropped, is_refused.unwrap_or_default(), "{name}");
                let sent = body["labels"].as_array().expect("labels").len();
                assert_eq!(written.len() + dropped.len(), sent, "{name}");
                labels += written.len();
                refused.extend(is_refused.map(|_| name.to_owned()));
            }
            LabelOutcome::Schema(what, _) => {
                assert_eq!(
                    (text(expected, "expect"), [what.as_str()].as_slice()),
                    ("message-reject", is_refused.expect(name))
                );
                refused.push(name.to_owned());
            }
            LabelOutcome::Info(info) => {
                assert_eq!((text(expected, "expect"), info.as_str()), ("info", text(body, "name")));
            }
            LabelOutcome::StreamError(error) => {
                assert_eq!((text(expected, "expect"), error.as_str()), ("stream-end", text(body, "error")));
            }
            LabelOutcome::Skipped(what) => {
                assert_eq!((text(expected, "expect"), what.as_str()), ("ignore", "#unknownThing Some(1049)"));
            }
            LabelOutcome::Frame(what) => panic!("{name}: {what}"),
        }
    });
    refused.sort_unstable();
    let mut listed = REFUSED.map(|(name, _)| name.to_owned());
    listed.sort_unstable();
    assert_eq!((labels, refused.as_slice()), (LABELS, listed.as_slice()));
}

/// How many labels the stream holds that are read.
const LABELS: usize = 93;

#[test]
fn the_signed_bytes_are_the_known_fields_and_no_others_in_canonical_form() {
    let (mut checked, mut with_more, mut with_neg_false) = (0, 0, 0);
    each_golden(|name, bytes, expected| {
        let Ok(Frame::Message(message)) = Frame::parse(bytes) else { return };
        let Ok(LabelMessage::Labels(labels)) = LabelMessage::parse(&message) else { return };
        let sent = expected["body"]["labels"].as_array().expect("labels");
        for (label, sent) in labels.labels().zip(sent) {
            let Ok(label) = label else { continue };
            let mut fields = known_fields(sent).as_object().expect("label").clone();
            fields.remove("sig");
            with_more += usize::from(sent.as_object().expect("label").len() > fields.len() + 1);
            assert_eq!(signed(&label, NegFalse::Kept), canonical(&fields), "{name}");
            if fields.get("neg") == Some(&json!(false)) {
                fields.remove("neg");
                with_neg_false += 1;
            }
            assert_eq!(signed(&label, NegFalse::LeftOut), canonical(&fields), "{name}");
            let sig = sent.get("sig").map(|sig| base64(text(sig, "$bytes")));
            assert_eq!(label.sig, sig.as_deref(), "{name}");
            checked += 1;
        }
    });
    assert_eq!((checked, with_more, with_neg_false), (LABELS, 2, 2));
}

fn signed(label: &Label<'_>, neg_false: NegFalse) -> Vec<u8> {
    let mut out = b"before".to_vec();
    label.write_signed(neg_false, &mut out);
    out.split_off(6)
}

/// The fields that a label has by its specification.
fn known_fields(label: &Value) -> Value {
    let Some(fields) = label.as_object() else { return Value::Null };
    let is_known = |key: &str| key == "sig" || SIGNED.contains(&key);
    fields.iter().filter(|(key, _)| is_known(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A flat map as another encoder writes it: its keys are all of one length, so they are in alphabetical order.
fn canonical(fields: &Map<String, Value>) -> Vec<u8> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| key.as_str());
    let item = |value: &Value| match value {
        Value::Bool(value) => ciborium::Value::Bool(*value),
        Value::Number(number) => ciborium::Value::from(number.as_i64().expect("an integer")),
        other => ciborium::Value::Text(other.as_str().expect("text").to_owned()),
    };
    let pairs = sorted.into_iter().map(|(key, value)| (ciborium::Value::Text(key.clone()), item(value)));
    let mut bytes = Vec::new();
    ciborium::into_writer(&ciborium::Value::Map(pairs.collect()), &mut bytes).expect("encodes");
    bytes
}

//! What it costs to check a label's signature, beside what its decoding costs without. A signature that does not hold
//! costs what one costs that does: the whole equation is computed either way.

#![expect(clippy::expect_used, reason = "a benchmark")]

use std::hint::black_box;

use ciborium::Value;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use standpipe_eventstream::{Frame, Label, LabelMessage, NegFalse};
use standpipe_identity::{Claim, PublicKey};

/// Keys of the interop suite.
const KEYS: [(&str, &str); 2] = [
    ("k256", "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc"),
    ("p256", "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo"),
];

/// A frame with one label as the reference labeler sends it, and with a signature that is in range and low.
fn frame() -> Vec<u8> {
    let text = |key: &str, value: &str| (Value::from(key), Value::from(value));
    let label = Value::Map(vec![
        text("cts", "2026-05-20T00:00:00.208Z"),
        (Value::from("sig"), Value::Bytes(vec![1; 64])),
        text("src", "did:plc:7rvn2fejhf474djdyuspmjnt"),
        text("uri", "at://did:plc:623t6acuebvy4y7pv2pfeate/app.bsky.feed.post/3mmalx34s2225"),
        text("val", "porn"),
        (Value::from("ver"), Value::from(1)),
    ]);
    let header = Value::Map(vec![text("t", "#labels"), (Value::from("op"), Value::from(1))]);
    let labels = (Value::from("labels"), Value::Array(vec![label]));
    let body = Value::Map(vec![(Value::from("seq"), Value::from(1)), labels]);
    let mut bytes = Vec::new();
    ciborium::into_writer(&header, &mut bytes).expect("a vector takes all");
    ciborium::into_writer(&body, &mut bytes).expect("a vector takes all");
    bytes
}

/// Does something with each label of a frame, as it is decoded.
fn each_label(frame: &[u8], mut each: impl FnMut(&Label<'_>)) {
    let Frame::Message(message) = Frame::parse(black_box(frame)).expect("a frame") else { return };
    let LabelMessage::Labels(labels) = LabelMessage::parse(&message).expect("a message") else { return };
    labels.labels().for_each(|label| each(&label.expect("a sound label")));
}

fn verify(criterion: &mut Criterion) {
    let bytes = frame();
    let mut scratch = Vec::new();
    let mut group = criterion.benchmark_group("label");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decoded", |bencher| {
        bencher.iter(|| {
            each_label(&bytes, |label| {
                black_box(label);
            });
        });
    });
    group.bench_function("decoded, with its claim", |bencher| {
        bencher.iter(|| {
            each_label(&bytes, |label| {
                black_box(Claim::of(label, &mut scratch));
            });
        });
    });
    for (curve, key) in KEYS {
        let key = PublicKey::parse(key).expect("a key");
        group.bench_function(format!("decoded, and checked with {curve}"), |bencher| {
            bencher.iter(|| {
                each_label(&bytes, |label| {
                    scratch.clear();
                    label.write_signed(NegFalse::Kept, &mut scratch);
                    assert!(key.verify(&scratch, label.sig.unwrap_or_default()).is_err());
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);

//! Label frames with one fault each: each has exactly the outcome that is stated for it.

use ciborium::Value as Cbor;

use crate::fixture::{hex, json, own, text};
use crate::label_outcome::{LabelOutcome, outcome};

const SRC: &str = "did:plc:7iza6de2dwap2sbkpav7c6c6";

/// A sound label, with these fields put in the place of its own or beside them; `None` takes one away.
fn label(changes: &[(&str, Option<Cbor>)]) -> Cbor {
    let mut fields = vec![
        ("cts".to_owned(), Cbor::from("2026-07-04T14:38:09Z")),
        ("src".to_owned(), Cbor::from(SRC)),
        ("uri".to_owned(), Cbor::from("at://did:plc:abcd/app.bsky.feed.post/3k")),
        ("val".to_owned(), Cbor::from("spam")),
        ("ver".to_owned(), Cbor::from(1)),
    ];
    for (key, value) in changes {
        fields.retain(|(field, _)| field != key);
        fields.extend(value.clone().map(|value| ((*key).to_owned(), value)));
    }
    fields.sort_unstable_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    Cbor::Map(fields.into_iter().map(|(key, value)| (Cbor::Text(key), value)).collect())
}

fn frame(labels: Vec<Cbor>) -> Vec<u8> {
    let mut bytes = b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq\x07\x66labels".to_vec();
    ciborium::into_writer(&Cbor::Array(labels), &mut bytes).expect("encodes");
    bytes
}

/// One label between two sound ones: what becomes of it, and that its siblings survive it.
fn check_one(changes: &[(&str, Option<Cbor>)], refused: Option<&str>) {
    let is_sibling = |label: &serde_json::Value| label["val"] == "before" || label["val"] == "after";
    let sibling = |val: &str| label(&[("val", Some(Cbor::from(val)))]);
    let bytes = frame(vec![sibling("before"), label(changes), sibling("after")]);
    let LabelOutcome::Labels { seq, written, dropped } = outcome(&bytes) else {
        panic!("{changes:?}: {:?}", outcome(&bytes))
    };
    assert_eq!(seq, 7);
    assert_eq!(dropped, refused.into_iter().collect::<Vec<_>>(), "{changes:?}");
    assert_eq!(written.iter().filter(|label| is_sibling(label)).count(), 2, "{changes:?}");
    assert_eq!(written.len() + dropped.len(), 3, "{changes:?}");
}

#[test]
fn i5_a_bad_label_is_dropped_with_its_reason_and_its_siblings_survive() {
    let text = |text: &str| Some(Cbor::from(text));
    for field in ["src", "uri", "val", "cts"] {
        check_one(&[(field, None)], Some(&format!("{field} missing")));
        for wrong in [Cbor::from(5), Cbor::Null, Cbor::from(vec![1_u8])] {
            check_one(&[(field, Some(wrong))], Some(&format!("{field} wrong_type")));
        }
    }
    check_one(&[("val", text(""))], Some("val range"));
    check_one(&[("val", text(&"v".repeat(129)))], Some("val range"));
    check_one(&[("val", text(&"\u{65e5}".repeat(43)))], Some("val range"));
    for ver in [0, 2, -1, i64::MAX] {
        check_one(&[("ver", Some(Cbor::from(ver)))], Some("ver range"));
    }
    check_one(&[("ver", Some(Cbor::from(u64::MAX)))], Some("ver range"));
    check_one(&[("ver", text("1"))], Some("ver wrong_type"));
    check_one(&[("neg", text("true"))], Some("neg wrong_type"));
    check_one(&[("neg", Some(Cbor::from(1)))], Some("neg wrong_type"));
    check_one(&[("sig", text("c2ln"))], Some("sig wrong_type"));
    check_one(&[("cid", Some(Cbor::from(vec![1_u8])))], Some("cid wrong_type"));
    for cid in ["", "zzz", "bafy/../x", &"b".repeat(257)] {
        check_one(&[("cid", text(cid))], Some("cid syntax"));
    }
    for did in ["", "alice.example.com", "did:plc:", "DID:plc:x", "did:plc:x#y"] {
        check_one(&[("src", text(did))], Some("src syntax"));
    }
    let long = format!("at://{}", "x".repeat(8192));
    for uri in ["", "no scheme", "at:", ":x", "1at://x", "at://x y", "at://x\n", "at://x\u{0}", &long] {
        check_one(&[("uri", text(uri))], Some("uri syntax"));
    }
    for datetime in ["", "2026-01-02", "2026-02-30T00:00:00Z", "2026-07-04 14:38:09 UTC"] {
        check_one(&[("cts", text(datetime))], Some("cts syntax"));
        check_one(&[("exp", text(datetime))], Some("exp syntax"));
    }
}

#[test]
fn what_is_odd_and_allowed_is_read() {
    let text = |text: &str| Some(Cbor::from(text));
    for field in ["ver", "cid", "neg", "exp", "sig"] {
        check_one(&[(field, None)], None);
        check_one(&[(field, Some(Cbor::Null))], None);
    }
    check_one(&[("val", text(&"v".repeat(128)))], None);
    check_one(&[("val", text("\u{0}\"\\"))], None);
    check_one(&[("sig", Some(Cbor::Bytes(Vec::new())))], None);
    check_one(&[("sig", Some(Cbor::Bytes(vec![0; 1000])))], None);
    check_one(&[("src", text("did:web:labeler.example.com"))], None);
    for uri in ["did:plc:abcd", "at://did:plc:abcd", "https://example.com/x?y=1#z", "at://jos\u{e9}"] {
        check_one(&[("uri", text(uri))], None);
    }
    check_one(&[("$type", text("com.atproto.label.defs#label")), ("later", Some(Cbor::Array(vec![])))], None);
}

#[test]
fn an_item_that_is_no_label_is_dropped_alone() {
    for item in [Cbor::Null, Cbor::from("x"), Cbor::from(1), Cbor::Array(vec![label(&[])])] {
        let outcome = outcome(&frame(vec![label(&[]), item.clone(), label(&[])]));
        let LabelOutcome::Labels { written, dropped, .. } = outcome else { panic!("{item:?}") };
        assert_eq!((written.len(), dropped), (2, vec!["label wrong_type".to_owned()]), "{item:?}");
    }
    let LabelOutcome::Labels { dropped, .. } = outcome(&frame(vec![Cbor::Map(Vec::new())])) else { panic!() };
    assert_eq!(dropped, ["val missing"]);
}

#[test]
fn i6_encoding_that_is_not_strict_spoils_the_whole_frame() {
    let at = |label: &[u8]| {
        [b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq\x07\x66labels\x82\xa0".as_slice(), label].concat()
    };
    let malformed: [&[u8]; 8] = [
        b"\xbf\xff",
        b"\xa2\x63val\x61x\x63cts\x61x",
        b"\xa2\x63val\x61x\x63val\x61x",
        b"\xa1\x63val\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xa1\x63val\x61\xff",
        b"\xa1\x61\xff\x00",
        b"\xa1\x63ver\x18\x01",
        b"\xa1\x63val",
    ];
    for label in malformed {
        assert_eq!(outcome(&at(label)), LabelOutcome::Frame("body_malformed"), "{label:x?}");
    }
    assert!(matches!(outcome(&at(b"\xa1\x63val\x61x")), LabelOutcome::Labels { .. }));
    let trailing = [at(b"\xa0"), vec![0xf6]].concat();
    assert_eq!(outcome(&trailing), LabelOutcome::Frame("body_malformed"));
}

#[test]
fn i6_every_cut_and_every_flipped_bit_of_a_good_frame_is_survived() {
    let good = frame(vec![label(&[("neg", Some(Cbor::from(true)))]), label(&[])]);
    for cut in 0..good.len() {
        assert!(matches!(outcome(&good[..cut]), LabelOutcome::Frame(_)), "cut to {cut}");
    }
    let mut refusals = 0;
    for position in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        let is_whole =
            matches!(outcome(&flipped), LabelOutcome::Labels { dropped, .. } if dropped.is_empty());
        refusals += usize::from(!is_whole);
    }
    assert!(refusals > good.len(), "{refusals} of {}", good.len() * 8);
}

#[test]
fn i7_ten_thousand_labels_in_one_message_are_read() {
    let bytes = frame((0..10_000).map(|_| label(&[])).collect());
    let LabelOutcome::Labels { written, dropped, .. } = outcome(&bytes) else { panic!("labels") };
    assert_eq!((written.len(), dropped.len()), (10_000, 0));
}

/// What the strict checker's label vectors come to here, where no keys are known.
const VECTORS: [(&str, &str); 15] = [
    ("label_neg", "1"),
    ("label_exp", "1"),
    ("label_expired", "1"),
    ("label_two", "2"),
    ("label_no_ver", "1"),
    ("label_wrong_key", "1"),
    ("label_val_empty", "0 val range"),
    ("label_src_bad", "0 src syntax"),
    ("label_src_other", "1"),
    ("label_cts_bad", "0 cts syntax"),
    ("label_cid_bad", "0 cid syntax"),
    ("label_one_bad_one_good", "1 val range"),
    ("label_with_dollar_type", "1"),
    ("label_seq_missing", "seq missing None"),
    ("label_info_outdated", "OutdatedCursor"),
];

#[test]
fn every_label_vector_of_the_strict_checker_comes_out_as_stated() {
    let file = json(&own("vectors.json"));
    let vectors = file["vectors"].as_array().expect("vectors").iter();
    let found: Vec<_> = vectors
        .filter(|vector| text(vector, "name").starts_with("label_"))
        .map(|vector| {
            let said = match outcome(&hex(text(vector, "frame_hex"))) {
                LabelOutcome::Labels { written, dropped, .. } => {
                    [vec![written.len().to_string()], dropped].concat().join(" ")
                }
                LabelOutcome::Schema(what, seq) => format!("{what} {seq:?}"),
                LabelOutcome::Info(name) => name,
                other => panic!("{other:?}"),
            };
            (text(vector, "name").to_owned(), said)
        })
        .collect();
    let wanted = VECTORS.map(|(name, said)| (name.to_owned(), said.to_owned()));
    assert_eq!(found, wanted);
}

//! Any message of a labeler: no panic, no label lost on the way, and the signed bytes are canonical and of known fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standpipe_eventstream::{Frame, Label, LabelMessage, NegFalse};
use standpipe_fuzz::{decode, encode};

const SIGNED: [&str; 8] = ["cid", "cts", "exp", "neg", "src", "uri", "val", "ver"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(Frame::Message(message)) = Frame::parse(bytes) else { return };
    match LabelMessage::parse(&message) {
        Ok(LabelMessage::Labels(labels)) => {
            assert_eq!(labels.labels().count(), labels.labels().len());
            for label in labels.labels() {
                match label {
                    Ok(label) => {
                        check_signed(&label, NegFalse::Kept);
                        check_signed(&label, NegFalse::LeftOut);
                    }
                    Err(error) => assert!(!error.to_string().is_empty() && !error.label().is_empty()),
                }
            }
        }
        Ok(LabelMessage::Info(_) | LabelMessage::Unknown { .. }) => {}
        Err(error) => assert!(!error.to_string().is_empty() && !error.label().is_empty()),
    }
});

/// Holds the signed bytes against the label itself, both read by ciborium.
fn check_signed(label: &Label<'_>, neg_false: NegFalse) {
    let (whole, rest) = decode(label.as_bytes()).expect("the label is anybody's cbor");
    assert!(rest.is_empty());
    let mut fields = whole.into_map().expect("a map");
    fields.retain(|(key, value)| {
        let key = key.as_text().expect("text");
        let is_left_out = key == "neg" && neg_false == NegFalse::LeftOut && value.as_bool() == Some(false);
        SIGNED.contains(&key) && !value.is_null() && !is_left_out
    });
    let mut signed = Vec::new();
    label.write_signed(neg_false, &mut signed);
    assert_eq!(Some(signed), encode(fields.into()));
}

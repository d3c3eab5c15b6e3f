use std::num::NonZeroU32;

use ciborium::Value;
use standpipe_simulator::{LabelWorld, SentLabel, WorldSettings};

use crate::decode::{field, items, text};

const FRAMES: u64 = 1000;

#[test]
fn a_labelers_frames_hold_the_labels_that_are_expected_of_them_in_their_order() {
    let accounts = NonZeroU32::new(20).unwrap();
    let labeler = LabelWorld::new(WorldSettings { accounts, ..WorldSettings::default() }, "did:plc:labeler");
    let (mut sound, mut flawed) = (0, 0);
    for index in 0..FRAMES {
        let [header, body] = &items(&labeler.frame_at(index))[..] else { panic!("two items") };
        assert_eq!(field(body, "seq"), Some(&Value::from(labeler.seq_at(index))));
        let mut expected = labeler.expected_at(index).into_iter().peekable();
        if text(header, "t") == "#labels" {
            for label in field(body, "labels").and_then(Value::as_array).unwrap() {
                match expected.next_if(|expected| is(label, expected)) {
                    Some(_) => sound += 1,
                    None => flawed += 1,
                }
            }
        }
        assert_eq!(expected.next(), None, "{index}");
    }
    assert!(sound > 1000 && flawed > 100, "{sound} {flawed}");
}

fn is(label: &Value, expected: &SentLabel) -> bool {
    let has = |key, value: Option<Value>| label.is_map() && field(label, key) == value.as_ref();
    let text = |text: &str| Some(Value::from(text));
    has("src", text(&expected.src))
        && has("uri", text(&expected.uri))
        && has("val", text(&expected.val))
        && has("cts", text(&expected.cts))
        && has("neg", expected.neg.map(Value::from))
        && has("cid", expected.cid.as_deref().and_then(text))
        && has("exp", expected.exp.as_deref().and_then(text))
        && has("ver", expected.ver.map(Value::from))
        && has("sig", expected.sig.clone().map(Value::Bytes))
}

//! The interoperability fixtures of the data model.

use serde_json::{Value, json};
use standpipe_eventstream::{CidBuf, RecordError, record::write_record_json};

use crate::fixture::{base64, foreign, hex, json as parse, text};
use crate::reference::dag_cbor_of;

fn transcode(block: &[u8]) -> Result<Value, RecordError> {
    let mut out = Vec::new();
    write_record_json(block, &mut out)?;
    Ok(serde_json::from_slice(&out).expect("json"))
}

#[test]
fn fixtures_have_their_cid_and_their_json() {
    let Some(file) = foreign("atproto-interop-tests/data-model/data-model-fixtures.json") else { return };
    let fixtures = parse(&file);
    for fixture in fixtures.as_array().expect("fixtures") {
        let block = base64(text(fixture, "cbor_base64"));
        assert_eq!(CidBuf::of_dag_cbor(&block).to_string(), text(fixture, "cid"));
        assert_eq!(transcode(&block).expect("a record"), fixture["json"]);
        assert_eq!(dag_cbor_of(&fixture["json"]), block, "the reference encoder agrees");
    }
    assert_eq!(fixtures.as_array().map(Vec::len), Some(3));
}

#[test]
fn valid_data_passes() {
    let Some(file) = foreign("atproto-interop-tests/data-model/data-model-valid.json") else { return };
    let cases = parse(&file);
    let mut passed = 0;
    for case in cases.as_array().expect("cases") {
        // In CBOR a whole number with a point is a float, and floats are refused: nothing to pass here.
        if text(case, "note") == "float, but integer-like" {
            continue;
        }
        assert_eq!(
            transcode(&dag_cbor_of(&case["json"])).as_ref(),
            Ok(&case["json"]),
            "{}",
            text(case, "note")
        );
        passed += 1;
    }
    assert_eq!(passed, 4);
}

/// What of invalid data is seen here. The rest is the lexicon's: it is well-formed CBOR, and passes.
#[test]
fn invalid_data_is_refused_as_far_as_it_is_not_a_matter_of_the_lexicon() {
    let Some(file) = foreign("atproto-interop-tests/data-model/data-model-invalid.json") else { return };
    let cases = parse(&file);
    let (mut refused, mut left_to_the_lexicon) = (Vec::new(), 0);
    for case in cases.as_array().expect("cases") {
        match transcode(&dag_cbor_of(&case["json"])) {
            Ok(value) => {
                assert_eq!(value, case["json"]);
                left_to_the_lexicon += 1;
            }
            Err(error) => refused.push((text(case, "note"), error.label())),
        }
    }
    assert_eq!(refused, [("top-level not an object", "record_not_map"), ("float", "record_float")]);
    assert_eq!(left_to_the_lexicon, 10);
}

#[test]
fn a_literal_link_or_bytes_key_passes_and_is_counted() {
    // {"a": {"$link": "."}, "b": {"$bytes": [1], "x": 0}, "$type": "t"}
    let block = hex("a3616 1a165246c696e6b612e6162a2617800662462797465738101652474797065 6174"
        .replace(' ', "")
        .as_str());
    let mut out = Vec::new();
    let notes = write_record_json(&block, &mut out).expect("a record");
    assert_eq!(notes.ambiguous_keys, 2);
    let value: Value = serde_json::from_slice(&out).expect("json");
    assert_eq!(value, json!({"a": {"$link": "."}, "b": {"$bytes": [1], "x": 0}, "$type": "t"}));
}

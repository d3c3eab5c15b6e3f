//! Any record block: written exactly when it is canonical data of the model, and then as the reference writes it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use standpipe_eventstream::{MAX_RECORD_JSON_DEPTH, RecordError, record::write_record_json};
use standpipe_fuzz::{decode, encode, json_of};

fuzz_target!(|block: &[u8]| {
    let mut out = b"{\"record\":".to_vec();
    let result = write_record_json(block, &mut out);
    let expected = reference(block);
    match (result, expected) {
        (Ok(_), Some(expected)) => {
            out.push(b'}');
            let entry: Value = serde_json::from_slice(&out).expect("a consumer reads it");
            assert_eq!(entry["record"], expected);
        }
        (Ok(notes), None) => panic!("accepted what the reference refuses: {notes:?}"),
        (Err(error), expected) => {
            assert_eq!(out, b"{\"record\":", "nothing is left behind");
            assert!(!error.to_string().is_empty() && !error.label().is_empty());
            let is_limit = matches!(error, RecordError::TooLong { .. } | RecordError::JsonTooLong);
            assert!(is_limit || expected.is_none(), "refused what the reference accepts: {error}");
        }
    }
});

/// The record's JSON, if the block is one canonical map of the data model.
fn reference(block: &[u8]) -> Option<Value> {
    let (value, rest) = decode(block)?;
    let is_map = value.is_map() && rest.is_empty();
    let json = json_of(&value, MAX_RECORD_JSON_DEPTH)?;
    (is_map && encode(value)? == block).then_some(json)
}

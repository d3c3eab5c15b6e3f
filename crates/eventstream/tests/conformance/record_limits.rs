//! Records at their limits: what is written can be read, and one step further is refused.

use serde_json::Value;
use standpipe_eventstream::{
    MAX_RECORD_JSON_DEPTH, MAX_RECORD_JSON_LEN, MAX_RECORD_LEN, RecordError, RecordNotes,
    record::write_record_json,
};

use crate::fixture::hex;

/// A map that holds arrays, or maps, in one another, and `core` in the innermost; `levels` counts from the record.
fn nested(levels: usize, open: &str, core: &str) -> Vec<u8> {
    hex(&format!("a16161{}{core}", open.repeat(levels - 1)))
}

/// Wraps a record as a stream entry does, one level above it.
fn entry(record: &[u8]) -> Vec<u8> {
    [b"{\"type\":\"create\",\"record\":", record, b"}"].concat()
}

const ARRAY: &str = "81";
const MAP: &str = "a16161";
const NULL: &str = "f6";
const LINK: &str = "d82a5825000171122063156da407c374644c5c759079fe0ede86c822aede4727be84b4bbce5021b27e";
const BYTES: &str = "43010203";

#[test]
fn a_record_of_the_deepest_nesting_is_readable_by_serde_json_inside_an_entry() {
    let check = |levels: usize, open: &str, core: &str| {
        let mut out = Vec::new();
        write_record_json(&nested(levels, open, core), &mut out).expect("within the limit");
        serde_json::from_slice::<Value>(&entry(&out)).expect("readable");
    };
    for open in [ARRAY, MAP] {
        check(MAX_RECORD_JSON_DEPTH, open, NULL);
        // A link and bytes are objects in JSON.
        check(MAX_RECORD_JSON_DEPTH - 1, open, LINK);
        check(MAX_RECORD_JSON_DEPTH - 1, open, BYTES);
    }
}

#[test]
fn one_level_more_is_refused_here_and_would_be_by_serde_json() {
    let check = |levels: usize, open: &str, core: &str| {
        let mut out = Vec::new();
        let error = write_record_json(&nested(levels, open, core), &mut out).expect_err("over the limit");
        assert!(matches!(error, RecordError::TooDeep { .. }), "{error}");
        assert!(out.is_empty());
    };
    for open in [ARRAY, MAP] {
        check(MAX_RECORD_JSON_DEPTH + 1, open, NULL);
        check(MAX_RECORD_JSON_DEPTH, open, LINK);
        check(MAX_RECORD_JSON_DEPTH, open, BYTES);
    }
    let levels = MAX_RECORD_JSON_DEPTH + 1;
    let record = format!("{{\"a\":{}null{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(
        serde_json::from_slice::<Value>(&entry(record.as_bytes())).is_err(),
        "the limit is as high as it can be"
    );
}

/// A record `{"a": text}` whose block is `block_len` bytes of one repeated character.
fn text_record(character: u8, block_len: usize) -> Vec<u8> {
    let text_len = block_len - 8;
    let mut block = hex("a161617a");
    block.extend_from_slice(&u32::try_from(text_len).expect("fits").to_be_bytes());
    block.resize(block_len, character);
    block
}

#[test]
fn records_up_to_1_mib_pass_and_those_over_a_million_bytes_are_noted() {
    let check = |block_len: usize, expected: Result<bool, RecordError>| {
        let result = write_record_json(&text_record(b'x', block_len), &mut Vec::new());
        assert_eq!(
            result,
            expected.map(|is_over| RecordNotes { ambiguous_keys: 0, is_over_spec_len: is_over })
        );
    };
    check(1_000_000, Ok(false));
    check(1_000_001, Ok(true));
    check(MAX_RECORD_LEN, Ok(true));
    check(MAX_RECORD_LEN + 1, Err(RecordError::TooLong { len: MAX_RECORD_LEN + 1 }));
}

#[test]
fn json_up_to_2_mib_passes_and_longer_is_refused_before_it_is_written() {
    let plain_len = MAX_RECORD_JSON_LEN - b"{\"a\":\"\"}".len() - 6 * 300_000;
    let record = |plain_len: usize| {
        let mut block = text_record(b'x', 8 + 300_000 + plain_len);
        block[8..300_008].fill(1);
        block
    };
    let mut out = b"before".to_vec();
    write_record_json(&record(plain_len), &mut out).expect("within the limit");
    assert_eq!(out.len(), 6 + MAX_RECORD_JSON_LEN);
    out.truncate(6);
    assert_eq!(write_record_json(&record(plain_len + 1), &mut out), Err(RecordError::JsonTooLong));
    assert_eq!(out, b"before");

    let mut out = Vec::new();
    assert_eq!(write_record_json(&text_record(1, MAX_RECORD_LEN), &mut out), Err(RecordError::JsonTooLong));
    assert!(out.capacity() < 1024, "six times its length was never written");

    let count = u32::try_from(MAX_RECORD_LEN - 8).expect("fits");
    let mut nulls = hex("a161619a");
    nulls.extend_from_slice(&count.to_be_bytes());
    nulls.resize(MAX_RECORD_LEN, 0xf6);
    let mut out = Vec::new();
    assert_eq!(write_record_json(&nulls, &mut out), Err(RecordError::JsonTooLong));
    assert!(out.capacity() <= 2 * MAX_RECORD_JSON_LEN, "{}", out.capacity());
}

#[test]
fn integers_are_exact_to_64_bits_and_refused_beyond() {
    let check = |integer: &str, expected: Option<&str>| {
        let mut out = Vec::new();
        let result = write_record_json(&hex(&format!("a16161{integer}")), &mut out);
        match expected {
            Some(digits) => {
                assert!(result.is_ok());
                assert_eq!(out, format!("{{\"a\":{digits}}}").into_bytes());
            }
            None => assert_eq!(result, Err(RecordError::IntegerRange { offset: 3 })),
        }
    };
    check("00", Some("0"));
    check("20", Some("-1"));
    check("1b0020000000000001", Some("9007199254740993"));
    check("1b7fffffffffffffff", Some("9223372036854775807"));
    check("3b7fffffffffffffff", Some("-9223372036854775808"));
    check("1b8000000000000000", None);
    check("3b8000000000000000", None);
}

#[test]
fn every_fault_of_a_record_has_its_own_reason_and_place() {
    let check = |block: &str, expected: &str| {
        let mut out = b"before".to_vec();
        let error = write_record_json(&hex(block), &mut out).expect_err(expected);
        assert_eq!((error.to_string().as_str(), &out[..]), (expected, &b"before"[..]));
    };
    check("", "record is malformed: truncated at byte 0");
    check("80", "record is not a map");
    check("8118", "record is malformed: truncated at byte 1");
    check("a0a0", "record is malformed: trailing_bytes at byte 1");
    check("a16161fb3ff8000000000000", "record has a float at byte 3");
    check("a16161f97e00", "record has a float at byte 3");
    check("a16161fb3ff8", "record is malformed: truncated at byte 3");
    check("a16161f7", "record is malformed: simple_value at byte 3");
    check("a161619fff", "record is malformed: indefinite_length at byte 3");
    check("a161611801", "record is malformed: not_shortest_form at byte 3");
    check("a1616161ff", "record is malformed: invalid_utf8 at byte 3");
    check("a161ff00", "record is malformed: invalid_utf8 at byte 1");
    check("a10000", "record is malformed: key_not_text at byte 1");
    check("a2616100616101", "record is malformed: duplicate_key at byte 4");
    check("a2616200616101", "record is malformed: unsorted_key at byte 4");
    check("a16161c074", "record is malformed: foreign_tag at byte 3");
    check("a16161d82a4100", "record is malformed: invalid_link at byte 3");
    check("a161619bffffffffffffffff", "record is malformed: truncated at byte 12");
}

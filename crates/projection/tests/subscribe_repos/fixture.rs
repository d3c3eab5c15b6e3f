//! Where frames come from: the fixtures of the codec, and data of other projects where it is there.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Reads a fixture of `crates/eventstream`; one that is kept compressed is named without `.zst`.
pub(crate) fn own(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../eventstream/tests/fixtures").join(name);
    read(&path).unwrap_or_else(|| panic!("fixture {name} is missing"))
}

/// Reads a file of another project, or says that the test is skipped.
pub(crate) fn foreign(name: &str) -> Option<Vec<u8>> {
    let bytes = read(&foreign_root().join(name));
    if bytes.is_none() {
        println!("skipped: {name} is not there (set STANDPIPE_FOREIGN_FIXTURES)");
    }
    bytes
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where foreign data is")]
fn foreign_root() -> PathBuf {
    std::env::var_os("STANDPIPE_FOREIGN_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/foreign"),
        PathBuf::from,
    )
}

fn read(path: &Path) -> Option<Vec<u8>> {
    if let Ok(bytes) = std::fs::read(path) {
        return Some(bytes);
    }
    let compressed = std::fs::read(format!("{}.zst", path.display())).ok()?;
    Some(zstd::decode_all(compressed.as_slice()).expect("fixture decompresses"))
}

/// Splits a file of `[u32 little-endian length][frame bytes]`.
pub(crate) fn frames(file: &[u8]) -> Vec<Vec<u8>> {
    let mut left = file;
    let mut frames = Vec::new();
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame.to_vec());
        left = rest;
    }
    frames
}

pub(crate) fn json_lines(file: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(file).expect("utf-8");
    text.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
}

pub(crate) fn json(file: &[u8]) -> Value {
    serde_json::from_slice(file).expect("json")
}

pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is not text in {value}"))
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

/// The golden streams, and how many frames each has.
pub(crate) const GOLDEN: [(&str, usize); 9] = [
    ("01-basic", 61),
    ("02-ops", 116),
    ("03-records", 58),
    ("04-bigrepo", 56),
    ("05-legacy", 12),
    ("06-chain", 45),
    ("07-odd", 13),
    ("08-interleaved", 524),
    ("10-control", 8),
];

pub(crate) fn golden(stream: &str) -> Vec<(Vec<u8>, Value)> {
    let frames = frames(&own(&format!("frames/{stream}.bin")));
    let expected = json_lines(&own(&format!("frames/{stream}.expected.jsonl")));
    assert_eq!(frames.len(), expected.len());
    frames.into_iter().zip(expected).collect()
}

/// A malformed or adversarial frame, one fault each.
pub(crate) struct Hostile {
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_text: bool,
    /// What the codec says of it, as its own table has it.
    pub(crate) outcome: String,
}

pub(crate) fn hostile() -> Vec<Hostile> {
    let table = own("frames-invalid/outcomes.tsv");
    let rows: Vec<Vec<&str>> =
        str::from_utf8(&table).expect("utf-8").lines().map(|line| line.split('\t').collect()).collect();
    let bytes_of = |case: &Value| match case.get("hex").and_then(Value::as_str) {
        Some(digits) => hex(digits),
        None => own(&format!("frames-invalid/{}", text(case, "file").trim_end_matches(".zst"))),
    };
    let case = |case: &Value| {
        let id = text(case, "id").to_owned();
        let row = rows.iter().find(|row| row[0] == id).unwrap_or_else(|| panic!("no outcome for {id}"));
        Hostile { bytes: bytes_of(case), is_text: text(case, "ws") == "text", outcome: row[2].to_owned(), id }
    };
    json_lines(&own("frames-invalid/cases.jsonl")).iter().map(case).collect()
}

/// Vectors of another checker, by name.
pub(crate) fn vectors() -> Vec<(String, Vec<u8>)> {
    let file = json(&own("vectors.json"));
    let vectors = file["vectors"].as_array().expect("vectors").iter();
    vectors.map(|vector| (text(vector, "name").to_owned(), hex(text(vector, "frame_hex")))).collect()
}

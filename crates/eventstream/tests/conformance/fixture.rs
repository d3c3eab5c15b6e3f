//! Where test data comes from: fixtures of this crate, and data of other projects where it is there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use standpipe_eventstream::CidBuf;

/// Reads a fixture of this crate; one that is kept compressed is named without `.zst`.
pub(crate) fn own(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
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
pub(crate) fn frames(file: &[u8]) -> Vec<&[u8]> {
    let mut left = file;
    let mut frames = Vec::new();
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame);
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

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writes");
        text
    })
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    to_hex(CidBuf::of_dag_cbor(bytes).as_cid().digest())
}

/// Decodes base64 of the standard alphabet, padded or not.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for character in text.bytes().filter(|character| *character != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("not base64: {text}"),
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held).to_le_bytes()[0]);
        }
    }
    bytes
}

/// The file's lines that are neither empty nor comments.
pub(crate) fn list(file: &[u8]) -> Vec<&str> {
    let text = str::from_utf8(file).expect("utf-8");
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

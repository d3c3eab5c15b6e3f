//! Decoding by ciborium, and by whatever is simplest: sharing nothing with the simulator's encoders.

use std::collections::HashMap;

use ciborium::Value;
use sha2::{Digest as _, Sha256};

pub(crate) fn items(mut bytes: &[u8]) -> Vec<Value> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        items.push(ciborium::from_reader(&mut bytes).unwrap());
    }
    items
}

pub(crate) fn field<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map().unwrap().iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

pub(crate) fn text<'v>(map: &'v Value, name: &str) -> &'v str {
    field(map, name).and_then(Value::as_text).unwrap()
}

/// The 36 bytes of a link.
pub(crate) fn link(value: &Value) -> Option<Vec<u8>> {
    let (42, inner) = value.as_tag()? else { panic!("not a link: {value:?}") };
    let bytes = inner.as_bytes().unwrap();
    assert_eq!((bytes.len(), bytes[0]), (37, 0));
    Some(bytes[1..].to_vec())
}

/// Blocks by their 36 bytes of CID.
pub(crate) type Blocks = HashMap<Vec<u8>, Vec<u8>>;

/// The roots and blocks of a CAR; every block's hash is checked.
pub(crate) fn car(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Blocks) {
    let mut section = || {
        let (mut len, mut shift) = (0_usize, 0);
        loop {
            let (first, rest) = bytes.split_first()?;
            bytes = rest;
            len |= usize::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                break;
            }
        }
        let (section, rest) = bytes.split_at(len);
        bytes = rest;
        Some(section)
    };
    let header: Value = ciborium::from_reader(section().unwrap()).unwrap();
    assert_eq!(field(&header, "version"), Some(&Value::Integer(1.into())));
    let roots = field(&header, "roots").unwrap().as_array().unwrap().iter().filter_map(link).collect();
    let mut blocks = HashMap::new();
    while let Some(section) = section() {
        let (cid, block) = section.split_at(36);
        assert_eq!(cid[..4], [1, 0x71, 0x12, 0x20]);
        assert_eq!(cid[4..], Sha256::digest(block)[..]);
        let _: Value = ciborium::from_reader(block).unwrap();
        blocks.insert(cid.to_vec(), block.to_vec());
    }
    (roots, blocks)
}

/// A decoded value in the data model's JSON form, by way of ciborium and not of the simulator's own values.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Integer(integer) => i64::try_from(*integer).unwrap().into(),
        Value::Bytes(bytes) => serde_json::json!({ "$bytes": unpadded_base64(bytes) }),
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Null => serde_json::Value::Null,
        Value::Tag(..) => serde_json::json!({ "$link": base32(&link(value).unwrap()) }),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| (key.as_text().unwrap().to_owned(), json(value))).collect()
        }
        other => panic!("not of the data model: {other:?}"),
    }
}

pub(crate) fn base32(bytes: &[u8]) -> String {
    format!("b{}", radix(bytes, 5, "abcdefghijklmnopqrstuvwxyz234567"))
}

fn unpadded_base64(bytes: &[u8]) -> String {
    radix(bytes, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}

/// Digit by digit from a string of bits: slow, and not how the simulator does it.
fn radix(bytes: &[u8], width: usize, alphabet: &str) -> String {
    let bits = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
    let digit = |bits: &[u8]| {
        let padded = format!("{:0<width$}", std::str::from_utf8(bits).unwrap());
        char::from(alphabet.as_bytes()[usize::from_str_radix(&padded, 2).unwrap()])
    };
    bits.as_bytes().chunks(width).map(digit).collect()
}

//! What the fuzz targets hold the codec against: ciborium as reader and writer, and the data model said again.

use ciborium::Value as Cbor;
use serde_json::{Map, Value as Json, json};

/// Decodes one item at the start of `bytes` and returns it with what follows.
pub fn decode(bytes: &[u8]) -> Option<(Cbor, &[u8])> {
    let mut left = bytes;
    let value = ciborium::from_reader(&mut left).ok()?;
    Some((value, left))
}

/// Encodes a value with the keys of its maps in the order of DAG-CBOR, or nothing if a key is not text.
pub fn encode(value: Cbor) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value)?, &mut bytes).ok()?;
    Some(bytes)
}

fn sorted(value: Cbor) -> Option<Cbor> {
    Some(match value {
        Cbor::Array(items) => Cbor::Array(items.into_iter().map(sorted).collect::<Option<_>>()?),
        Cbor::Map(pairs) => {
            let mut keyed = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                keyed.push((key.into_text().ok()?, sorted(value)?));
            }
            keyed.sort_by(|(left, _), (right, _)| (left.len(), left).cmp(&(right.len(), right)));
            Cbor::Map(keyed.into_iter().map(|(key, value)| (Cbor::Text(key), value)).collect())
        }
        other => other,
    })
}

/// The JSON form of a value of the data model with at most `depth` levels of JSON in it, or nothing if it is none.
pub fn json_of(value: &Cbor, depth: usize) -> Option<Json> {
    Some(match value {
        Cbor::Null => Json::Null,
        Cbor::Bool(value) => Json::Bool(*value),
        Cbor::Integer(integer) => json!(i64::try_from(i128::from(*integer)).ok()?),
        Cbor::Text(text) => Json::String(text.clone()),
        Cbor::Bytes(bytes) => {
            depth.checked_sub(1)?;
            json!({"$bytes": in_groups(bytes, 6, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")})
        }
        Cbor::Tag(42, inner) => {
            depth.checked_sub(1)?;
            match inner.as_bytes()?.as_slice() {
                [0, cid @ ..] if cid.len() == 36 && matches!(cid, [1, 0x55 | 0x71, 0x12, 0x20, ..]) => {
                    json!({"$link": format!("b{}", in_groups(cid, 5, b"abcdefghijklmnopqrstuvwxyz234567"))})
                }
                _ => return None,
            }
        }
        Cbor::Array(items) => {
            let inner = depth.checked_sub(1)?;
            Json::Array(items.iter().map(|item| json_of(item, inner)).collect::<Option<_>>()?)
        }
        Cbor::Map(pairs) => {
            let inner = depth.checked_sub(1)?;
            let mut fields = Map::new();
            for (key, value) in pairs {
                let is_new = fields.insert(key.as_text()?.to_owned(), json_of(value, inner)?).is_none();
                is_new.then_some(())?;
            }
            Json::Object(fields)
        }
        _ => return None,
    })
}

/// Writes bytes bit by bit, `width` of them a letter.
fn in_groups(bytes: &[u8], width: usize, alphabet: &[u8]) -> String {
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let bit_of = |group: &[bool], bit: usize| usize::from(group.get(bit).copied().unwrap_or(false));
    let letter = |group: &[bool]| alphabet[(0..width).fold(0, |value, bit| value << 1 | bit_of(group, bit))];
    bits.chunks(width).map(|group| char::from(letter(group))).collect()
}

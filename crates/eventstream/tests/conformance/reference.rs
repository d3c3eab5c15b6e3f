//! The data model once more, by an encoder that is not ours: JSON or generated values through ciborium.

use ciborium::Value as Cbor;
use serde_json::{Map, Value as Json, json};
use standpipe_eventstream::CidBuf;

use crate::fixture::base64;

/// A value of the data model as JSON, turned into DAG-CBOR by ciborium.
pub(crate) fn dag_cbor_of(json: &Json) -> Vec<u8> {
    encode(&cbor_of(json))
}

pub(crate) fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value.clone()), &mut bytes).expect("encodes");
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Cbor> {
    let mut left = bytes;
    let value = ciborium::from_reader(&mut left).ok()?;
    left.is_empty().then_some(value)
}

/// Puts the keys of every map in the order of DAG-CBOR.
fn sorted(value: Cbor) -> Cbor {
    match value {
        Cbor::Map(pairs) => {
            let mut pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by_cached_key(|(key, _)| {
                let key = key.as_text().expect("text keys").to_owned();
                (key.len(), key)
            });
            Cbor::Map(pairs)
        }
        Cbor::Array(items) => Cbor::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

pub(crate) fn link(cid: CidBuf) -> Cbor {
    let bytes = [&[0], &cid.as_cid().as_bytes()[..]].concat();
    Cbor::Tag(42, Box::new(Cbor::Bytes(bytes)))
}

fn cbor_of(json: &Json) -> Cbor {
    match json {
        Json::Null => Cbor::Null,
        Json::Bool(value) => Cbor::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().expect("a number").into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Cbor::Array(items.iter().map(cbor_of).collect()),
        Json::Object(fields) => match (fields.len(), fields.get("$link"), fields.get("$bytes")) {
            (1, Some(Json::String(cid)), _) if CidBuf::parse(cid).is_ok() => {
                link(CidBuf::parse(cid).expect("a cid"))
            }
            (1, _, Some(Json::String(text))) => Cbor::Bytes(base64(text)),
            _ => Cbor::Map(fields.iter().map(|(key, value)| (key.as_str().into(), cbor_of(value))).collect()),
        },
    }
}

/// What the JSON form of a value is, without our encoder.
pub(crate) fn json_of(cbor: &Cbor) -> Json {
    match cbor {
        Cbor::Null => Json::Null,
        Cbor::Bool(value) => Json::Bool(*value),
        Cbor::Integer(integer) => json!(i64::try_from(i128::from(*integer)).expect("within 64 bits")),
        Cbor::Text(text) => Json::String(text.clone()),
        Cbor::Array(items) => Json::Array(items.iter().map(json_of).collect()),
        Cbor::Bytes(bytes) => json!({"$bytes": to_base64(bytes)}),
        Cbor::Tag(42, inner) => json!({"$link": base32(&inner.as_bytes().expect("bytes")[1..])}),
        Cbor::Map(pairs) => {
            let field =
                |(key, value): &(Cbor, Cbor)| (key.as_text().expect("text").to_owned(), json_of(value));
            Json::Object(pairs.iter().map(field).collect::<Map<_, _>>())
        }
        other => panic!("not of the data model: {other:?}"),
    }
}

fn to_base64(bytes: &[u8]) -> String {
    in_groups(bytes, 6, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}

fn base32(bytes: &[u8]) -> String {
    format!("b{}", in_groups(bytes, 5, b"abcdefghijklmnopqrstuvwxyz234567"))
}

/// Writes bytes bit by bit, `width` of them a letter, slowly and obviously.
fn in_groups(bytes: &[u8], width: usize, alphabet: &[u8]) -> String {
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let letter = |group: &[bool]| {
        let value = (0..width)
            .fold(0, |value, bit| value << 1 | usize::from(group.get(bit).copied().unwrap_or(false)));
        char::from(alphabet[value])
    };
    bits.chunks(width).map(letter).collect()
}

/// A CAR of any header fields and blocks.
pub(crate) fn car(header: Vec<(Cbor, Cbor)>, blocks: &[(CidBuf, Vec<u8>)]) -> Vec<u8> {
    let header = encode(&Cbor::Map(header));
    let mut bytes = [varint(header.len()), header].concat();
    for (cid, block) in blocks {
        bytes.extend(varint(36 + block.len()));
        bytes.extend_from_slice(cid.as_cid().as_bytes());
        bytes.extend_from_slice(block);
    }
    bytes
}

/// The header fields of a CAR.
pub(crate) fn car_header(roots: &[CidBuf]) -> Vec<(Cbor, Cbor)> {
    let roots = roots.iter().copied().map(link).collect();
    vec![("version".into(), 1.into()), ("roots".into(), Cbor::Array(roots))]
}

fn varint(value: usize) -> Vec<u8> {
    let (mut left, mut bytes) = (value, Vec::new());
    while left >= 0x80 {
        bytes.push(u8::try_from(left & 0x7f).expect("seven bits") | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).expect("seven bits"));
    bytes
}

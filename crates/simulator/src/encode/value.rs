//! Values of the AT Protocol data model, before they are bytes or JSON.

use std::borrow::Cow;

use crate::encode::{Cid, cbor, radix};

/// A value of the data model: what a record is made of.
///
/// It is the common source of the bytes that are sent and of the JSON that is expected; neither is derived
/// from the other. Source: <https://atproto.com/specs/data-model>.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// Unicode text.
    Text(String),
    /// Bytes; `{"$bytes": …}` in JSON, unpadded base64.
    Bytes(Vec<u8>),
    /// A link to a block or blob; `{"$link": …}` in JSON.
    Link(Cid),
    /// A list.
    List(Vec<Value>),
    /// A map; [`Value::map`] puts its keys in canonical order.
    Map(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    /// Makes a map with its keys in canonical order: shorter first, then bytewise.
    pub fn map<K: Into<Cow<'static, str>>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Self {
        let mut pairs: Vec<(Cow<'static, str>, Value)> =
            pairs.into_iter().map(|(key, value)| (key.into(), value)).collect();
        pairs.sort_unstable_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
        Self::Map(pairs)
    }

    /// Makes text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Makes a list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// Encodes the value as canonical DAG-CBOR.
    #[must_use]
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(256);
        self.encode(&mut block);
        block
    }

    /// Renders the value in the data model's JSON form.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Bytes(value) => serde_json::json!({ "$bytes": radix::base64(value) }),
            Self::Link(value) => serde_json::json!({ "$link": value.to_string() }),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(pairs) => {
                pairs.iter().map(|(key, value)| (key.clone().into_owned(), value.to_json())).collect()
            }
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => cbor::null(out),
            Self::Bool(value) => cbor::bool(out, *value),
            Self::Int(value) => cbor::int(out, *value),
            Self::Text(value) => cbor::text(out, value),
            Self::Bytes(value) => cbor::bytes(out, value),
            Self::Link(value) => cbor::link(out, value),
            Self::List(items) => {
                cbor::array(out, items.len());
                for item in items {
                    item.encode(out);
                }
            }
            Self::Map(pairs) => {
                cbor::map(out, pairs.len());
                for (key, value) in pairs {
                    cbor::text(out, key);
                    value.encode(out);
                }
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Cid> for Value {
    fn from(value: Cid) -> Self {
        Self::Link(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_encodes_shorter_keys_first() {
        let map = Value::map([("bb", Value::Int(1)), ("a", Value::Null), ("ab", true.into())]);
        assert_eq!(map.to_block(), [0xa3, 0x61, b'a', 0xf6, 0x62, b'a', b'b', 0xf5, 0x62, b'b', b'b', 1]);
    }

    #[test]
    fn json_keeps_links_and_bytes_apart_from_text() {
        let map = Value::map([
            ("link", Value::Link(Cid::of_blob(b"blob"))),
            ("bytes", Value::Bytes(vec![1])),
            ("least", Value::Int(i64::MIN)),
        ]);
        let json = map.to_json();
        assert_eq!(json["bytes"]["$bytes"], "AQ");
        assert_eq!(json["least"], i64::MIN);
        assert!(json["link"]["$link"].as_str().unwrap().starts_with("bafkrei"));
    }

    /// The CID is given for these bytes by the AT Protocol interoperability data (data model fixtures).
    #[test]
    fn a_known_object_has_its_known_cid() {
        let object = Value::map([
            ("string", "abc".into()),
            ("unicode", "a~öñ©⽘☎𓋓😀👨‍👩‍👧‍👧".into()),
            ("integer", Value::Int(123)),
            ("bool", true.into()),
            ("null", Value::Null),
            ("array", Value::list(["abc".into(), "def".into(), "ghi".into()])),
            (
                "object",
                Value::map([
                    ("string", "abc".into()),
                    ("number", Value::Int(123)),
                    ("bool", true.into()),
                    ("arr", Value::list(["abc".into(), "def".into(), "ghi".into()])),
                ]),
            ),
        ]);
        assert_eq!(
            Cid::of_block(&object.to_block()).to_string(),
            "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
        );
    }
}

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Any JSON value, of which only what the lexicons use is kept: a field of the wrong type costs its row, not the page.
#[derive(Debug, PartialEq)]
pub(crate) enum Lenient<'de> {
    Text(Cow<'de, str>),
    Bool(bool),
    /// A whole number that is not negative.
    Count(u64),
    Null,
    /// Another number, a list or an object.
    Other,
}

impl Lenient<'_> {
    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Count(_) | Self::Null | Self::Other => None,
        }
    }

    /// The number, where it is one.
    pub(crate) fn as_count(&self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Text(_) | Self::Bool(_) | Self::Null | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Lenient<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Lenient<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Lenient::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lenient::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Lenient::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Lenient::Count(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or(Lenient::Other, Lenient::Count))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Lenient::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Lenient::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_and_only_what_lexicons_use_is_kept() {
        let read = |text| serde_json::from_str::<Lenient<'_>>(text).unwrap();
        assert_eq!(read(r#""a""#), Lenient::Text("a".into()));
        assert_eq!(read(r#""\u00e9""#), Lenient::Text("é".into()));
        assert_eq!(read("true"), Lenient::Bool(true));
        assert_eq!(read("7"), Lenient::Count(7));
        assert_eq!(read("null"), Lenient::Null);
        for other in ["-7", "1.5", "1e99", "18446744073709551616", "[1,[2]]", r#"{"a":{"b":[]}}"#] {
            assert_eq!(read(other), Lenient::Other, "{other}");
        }
    }
}

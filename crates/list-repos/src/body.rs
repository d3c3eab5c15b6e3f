use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use standpipe_cursor::Cursor;
use standpipe_guarded_http::excerpt;

use crate::fault::BodyFault;
use crate::lenient::Lenient;
use crate::listing::Rows;

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Body<R> {
    pub(crate) rows: R,
    /// The cursor behind the page; `None` at the end.
    pub(crate) cursor: Option<Cursor>,
}

/// Reads an answer in one pass, without a tree. `field` has the rows.
///
/// A page may have `null` for its rows, which is how Go writes an empty list; without the field it is no page.
pub(crate) fn parse<R: Rows>(bytes: &[u8], field: &'static str) -> Result<Body<R>, BodyFault> {
    // An HTML page, a bare string: quoted within bounds rather than by the parser.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(BodyFault::NotJson { begins: excerpt(bytes) });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = BodySeed::<R> { field, rows: PhantomData };
    let found = seed.deserialize(&mut reader).and_then(|found| reader.end().map(|()| found));
    let Found { rows, cursor } = found.map_err(|source| BodyFault::Broken { source })?;
    let rows = rows.ok_or(BodyFault::NoRows { field })?;
    Ok(Body { rows, cursor: usable(&cursor)? })
}

/// Absent, null and empty are the end. A text that could not be stored, or would be taken for a mark of ours there, is
/// no cursor.
fn usable(cursor: &Lenient<'_>) -> Result<Option<Cursor>, BodyFault> {
    match cursor {
        Lenient::Null => Ok(None),
        Lenient::Text(text) if text.is_empty() => Ok(None),
        Lenient::Text(text) if is_reserved(text) => {
            Err(BodyFault::Cursor { begins: excerpt(text.as_bytes()) })
        }
        Lenient::Text(text) => match Cursor::parse(text) {
            Ok(cursor) => Ok(Some(cursor)),
            Err(_) => Err(BodyFault::Cursor { begins: excerpt(text.as_bytes()) }),
        },
        Lenient::Bool(_) | Lenient::Count(_) | Lenient::Other => {
            Err(BodyFault::Cursor { begins: excerpt(b"") })
        }
    }
}

/// Whether a text in the place of a cursor is a mark of ours, such as `!ingester-done`. No host's cursor begins so.
pub(crate) fn is_reserved(text: &str) -> bool {
    text.starts_with('!')
}

struct Found<'de, R> {
    rows: Option<R>,
    cursor: Lenient<'de>,
}

struct BodySeed<R> {
    field: &'static str,
    rows: PhantomData<R>,
}

impl<'de, R: Rows> DeserializeSeed<'de> for BodySeed<R> {
    type Value = Found<'de, R>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Rows> Visitor<'de> for BodySeed<R> {
    type Value = Found<'de, R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Self::Value, A::Error> {
        let mut found = Found { rows: None, cursor: Lenient::Null };
        while let Some(key) = page.next_key::<Lenient<'de>>()? {
            match key.as_text() {
                Some(name) if name == self.field => {
                    let mut rows = R::default();
                    page.next_value_seed(List(&mut rows))?;
                    found.rows = Some(rows);
                }
                Some("cursor") => found.cursor = page.next_value()?,
                Some(_) | None => drop(page.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// The list of rows, or null.
struct List<'r, R>(&'r mut R);

impl<'de, R: Rows> DeserializeSeed<'de> for List<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows> Visitor<'de> for List<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Row(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    /// Without quoting it: it may be long.
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(E::invalid_type(Unexpected::Other("text"), &self))
    }
}

/// One row: its fields, or that it has none.
pub(crate) struct Row<'r, R>(pub(crate) &'r mut R);

impl<'de, R: Rows> DeserializeSeed<'de> for Row<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<R: Rows> Row<'_, R> {
    #[expect(clippy::unnecessary_wraps, reason = "every visit answers so")]
    fn malformed<E>(self) -> Result<(), E> {
        self.0.take_malformed();
        Ok(())
    }
}

impl<'de, R: Rows> Visitor<'de> for Row<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<(), A::Error> {
        self.0.take(fields)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.malformed()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.malformed()
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.malformed()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.malformed()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.malformed()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.malformed()
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.malformed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RepoRows;

    fn cursor(text: &str) -> Option<String> {
        parse::<RepoRows>(text.as_bytes(), "repos").unwrap().cursor.map(|cursor| cursor.to_string())
    }

    fn fault(text: &str) -> BodyFault {
        parse::<RepoRows>(text.as_bytes(), "repos").unwrap_err()
    }

    #[test]
    fn an_absent_a_null_and_an_empty_cursor_are_the_end() {
        for text in [r#"{"repos":[]}"#, r#"{"repos":[],"cursor":null}"#, r#"{"cursor":"","repos":[]}"#] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_is_opaque_text() {
        for text in ["1783175888085::did:plc:abc", "MTIz+/=", "007", "ü"] {
            assert_eq!(cursor(&format!(r#"{{"repos":null,"cursor":"{text}"}}"#)).as_deref(), Some(text));
        }
    }

    #[test]
    fn i11_what_could_not_be_stored_or_would_read_as_a_mark_of_ours_is_no_cursor() {
        let long = format!(r#"{{"repos":[],"cursor":"{}"}}"#, "9".repeat(Cursor::MAX_LEN + 1));
        let done = r#"{"repos":[],"cursor":"!ingester-done"}"#;
        for text in [&long, done, r#"{"repos":[],"cursor":7}"#, r#"{"repos":[],"cursor":[]}"#] {
            assert!(matches!(fault(text), BodyFault::Cursor { .. }), "{text}");
        }
    }

    #[test]
    fn a_page_without_its_list_is_no_page() {
        for text in ["{}", r#"{"cursor":"5"}"#, r#"{"error":"InternalServerError"}"#, r#"{"Repos":[]}"#] {
            assert!(matches!(fault(text), BodyFault::NoRows { field: "repos" }), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_so_within_bounds() {
        for text in ["", "<html>502</html>", "[]", "null", "\"{}\""] {
            assert!(matches!(fault(text), BodyFault::NotJson { .. }), "{text}");
        }
        let long = format!("<html>{}", "\n".repeat(100_000));
        assert!(fault(&long).to_string().len() < 700);
        for text in [r#"{"repos":["#, r#"{"repos":[]} x"#, r#"{"repos":{}}"#, r#"{"repos":7}"#, "{"] {
            assert!(matches!(fault(text), BodyFault::Broken { .. }), "{text}");
        }
        let text = format!(r#"{{"repos":"{}"}}"#, "x".repeat(100_000));
        let BodyFault::Broken { source } = fault(&text) else { panic!("broken") };
        assert!(source.to_string().len() < 200, "{source}");
    }

    #[test]
    fn i6_deep_nesting_is_an_error_and_not_the_end_of_the_stack() {
        let deep = "[".repeat(1_000_000);
        for text in [
            format!(r#"{{"repos":{deep}"#),
            format!(r#"{{"repos":[{{"did":{deep}"#),
            format!(r#"{{"x":{deep}"#),
        ] {
            assert!(matches!(fault(&text), BodyFault::Broken { .. }));
        }
    }

    proptest! {
        #[test]
        fn i6_no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<RepoRows>(&bytes, "repos");
            let _ = parse::<RepoRows>(&[br#"{"repos":["#, &bytes[..]].concat(), "repos");
        }
    }
}

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::body::Row;
use crate::lenient::Lenient;
use crate::listing::Rows;

/// How many unusable rows of a page are shown, the first of them. All are counted.
const SHOWN: usize = 3;
/// The most of a row that is shown, in bytes. A proper one has about 200.
const SHOWN_BYTES: usize = 4096;

/// Shows the first rows of a page that cannot be used, as the host wrote them, and why. `field` has the rows.
///
/// It reads a page that was read before a second time, so it is for pages that have such rows: others pay nothing.
pub(crate) fn show_refused<R: Rows>(
    bytes: &[u8],
    field: &'static str,
    host_is_private: bool,
    mut show: impl FnMut(&'static str, &[u8]),
) {
    let text = as_text(bytes);
    let Ok(Some(rows)) = serde_json::Deserializer::from_str(&text).deserialize_map(RowsOf { field }) else {
        return;
    };
    let mut left = SHOWN;
    let each = Each(|row: &RawValue| {
        if let Some(reason) = reason::<R>(row, host_is_private) {
            // The row is a part of the text, and that is as long as the bytes.
            let begin = row.get().as_ptr().addr() - text.as_ptr().addr();
            let end = begin + row.get().len().min(SHOWN_BYTES);
            show(reason, bytes.get(begin..end).unwrap_or_default());
            left -= 1;
        }
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    // What is left of the list is of no account, and the reader complains of it.
    let _ = serde_json::Deserializer::from_str(rows.get()).deserialize_any(each);
}

/// The bytes as text of the same length. What is no UTF-8 is masked: a page may have it in fields that nobody reads.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        masked.push_str(chunk.valid());
        masked.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(masked)
}

/// Why the row cannot be used, if so.
fn reason<R: Rows>(row: &RawValue, host_is_private: bool) -> Option<&'static str> {
    let mut alone = R::default();
    Row(&mut alone).deserialize(&mut serde_json::Deserializer::from_str(row.get())).ok()?;
    alone.judge(host_is_private);
    alone.dropped().iter().next().map(|(reason, _)| reason)
}

/// Finds the list of a page: the last one, where the page has several.
struct RowsOf {
    field: &'static str,
}

impl<'de> Visitor<'de> for RowsOf {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Self::Value, A::Error> {
        let mut rows = None;
        while let Some(key) = page.next_key::<Lenient<'de>>()? {
            if key.as_text() == Some(self.field) {
                rows = Some(page.next_value()?);
            } else {
                page.next_value::<IgnoredAny>()?;
            }
        }
        Ok(rows)
    }
}

/// Looks at the elements of a list until it has seen enough.
struct Each<F>(F);

impl<'de, F: FnMut(&'de RawValue) -> ControlFlow<()>> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(row) = list.next_element()? {
            if (self.0)(row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::body::parse;
    use crate::{HostRows, RepoRows};

    fn shown<R: Rows>(
        body: &[u8],
        field: &'static str,
        host_is_private: bool,
    ) -> Vec<(&'static str, Vec<u8>)> {
        let mut shown = Vec::new();
        show_refused::<R>(body, field, host_is_private, |reason, row| shown.push((reason, row.to_vec())));
        shown
    }

    fn repos(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        shown::<RepoRows>(body, "repos", false)
    }

    #[test]
    fn i5_a_row_that_cannot_be_used_is_shown_to_the_byte_with_its_reason() {
        let body = br#"{"cursor":"1","repos":[{"did":"did:plc:a"},
            { "did" : "x\u0079", "rev":7 },{"did":"did:plc:b"}, "text" ,{"rev":"3"}]}"#;
        assert_eq!(
            repos(body),
            [
                (RepoRows::INVALID_DID, br#"{ "did" : "x\u0079", "rev":7 }"#.to_vec()),
                (RepoRows::MALFORMED_ROW, br#""text""#.to_vec()),
                (RepoRows::INVALID_DID, br#"{"rev":"3"}"#.to_vec()),
            ]
        );
    }

    #[test]
    fn i5_a_row_is_shown_as_it_was_received_even_where_it_is_no_utf_8() {
        let body = b"{\"repos\":[{\"\xc3\xa9\":1,\"did\":\"did:plc:a\"},{\"did\":\"\",\"x\":\"\xff\xc3(\"}]}";
        assert_eq!(parse::<RepoRows>(body, "repos").unwrap().rows.dropped().total(), 1);
        assert_eq!(repos(body), [(RepoRows::INVALID_DID, b"{\"did\":\"\",\"x\":\"\xff\xc3(\"}".to_vec())]);
    }

    #[test]
    fn i5_a_host_that_is_out_of_place_is_shown_too() {
        let body = br#"{"hosts":[{"hostname":"a.org"},{"hostname":"10.0.0.1"},{"hostname":"a b"}]}"#;
        let reason = HostRows::INVALID_HOSTNAME;
        let [inside, nonsense] = [r#"{"hostname":"10.0.0.1"}"#, r#"{"hostname":"a b"}"#].map(Vec::from);
        assert_eq!(shown::<HostRows>(body, "hosts", false), [(reason, inside), (reason, nonsense.clone())]);
        assert_eq!(shown::<HostRows>(body, "hosts", true), [(reason, nonsense)]);
    }

    #[test]
    fn i7_of_a_page_of_bad_rows_a_few_are_shown_and_of_a_long_row_its_beginning() {
        let row = format!(r#"{{"did":"{}"}}"#, "x".repeat(100_000));
        let body = format!(r#"{{"repos":[{}]}}"#, [row.as_str(); 40].join(","));
        let shown = repos(body.as_bytes());
        assert_eq!(shown.len(), SHOWN);
        assert!(shown.iter().all(|(_, shown)| *shown == row.as_bytes()[..SHOWN_BYTES]));
    }

    proptest! {
        #[test]
        fn i5_what_is_counted_is_shown_whatever_the_rows(
            rows in proptest::collection::vec(
                prop_oneof![
                    Just(r#"{"did":"did:plc:a"}"#), Just("7"), Just("null"), Just("[[{}]]"), Just("{}"),
                    Just(r#"{"did":[]}"#), Just(r#"{"did":"did:web:b.org","active":{"a":[1e9]}}"#),
                ],
                0..12,
            ),
        ) {
            let body = format!(r#"{{"x":{{"repos":[7]}},"repos":[{}]}}"#, rows.join(" ,\n"));
            let dropped = parse::<RepoRows>(body.as_bytes(), "repos").unwrap().rows.dropped().total();
            let shown = repos(body.as_bytes());
            prop_assert_eq!(shown.len(), usize::try_from(dropped).unwrap().min(SHOWN));
            prop_assert!(shown.iter().all(|(_, row)| rows.iter().any(|each| each.as_bytes() == row)));
        }

        #[test]
        fn i6_no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            repos(&bytes);
            repos(&[br#"{"repos":["#, &bytes[..], b"]}"].concat());
        }
    }
}

use std::fmt;

use crate::{CursorError, Seq};

/// The point behind which everything of a host is durable.
///
/// Either a [`Seq`] or an opaque page token of a paged enumeration. Stored as plain text; two cursors are equal
/// exactly when their texts are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(Position);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Position {
    Seq(Seq),
    Token(Box<str>),
}

impl Cursor {
    /// The longest stored text in bytes. Tokens of real hosts stay below 100.
    pub const MAX_LEN: usize = 4096;

    /// Reads what is stored.
    ///
    /// # Errors
    ///
    /// [`CursorError::Unreadable`] for empty or overlong text: neither is ever written, so something else wrote it.
    pub fn parse(stored: &str) -> Result<Self, CursorError> {
        if stored.is_empty() || stored.len() > Self::MAX_LEN {
            return Err(CursorError::unreadable(stored));
        }
        Ok(Self(canonical_seq(stored).map_or_else(|| Position::Token(stored.into()), Position::Seq)))
    }

    /// The seq, when the cursor is one.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match &self.0 {
            Position::Seq(seq) => Some(*seq),
            Position::Token(_) => None,
        }
    }
}

/// Text such as `007` is not what a seq prints as: it stays a token, so that equality remains that of the texts.
fn canonical_seq(text: &str) -> Option<Seq> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    canonical.then(|| text.parse().ok()).flatten().and_then(Seq::new)
}

impl From<Seq> for Cursor {
    fn from(seq: Seq) -> Self {
        Self(Position::Seq(seq))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Position::Seq(seq) => seq.fmt(f),
            Position::Token(token) => token.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_decimal_text_that_a_seq_prints_as_is_a_seq() {
        let seq = |text| Cursor::parse(text).unwrap().seq().map(Seq::number);
        assert_eq!(seq("31527015322"), Some(31_527_015_322));
        for token in [
            "0",
            "007",
            "-1",
            "+5",
            "1.0",
            " 1",
            "9007199254740992",
            "1783175888085::did:plc:abc",
            "!ingester-done",
        ] {
            assert_eq!(seq(token), None, "{token}");
        }
    }

    #[test]
    fn i11_empty_or_overlong_text_is_an_error_and_not_a_beginning() {
        for text in [String::new(), "9".repeat(Cursor::MAX_LEN + 1)] {
            assert!(matches!(Cursor::parse(&text), Err(CursorError::Unreadable { .. })));
        }
    }

    proptest! {
        #[test]
        fn what_is_stored_comes_back_to_the_byte(text in ".{1,100}") {
            prop_assert_eq!(Cursor::parse(&text).unwrap().to_string(), text);
        }
    }
}

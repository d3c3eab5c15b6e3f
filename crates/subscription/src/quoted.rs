use std::fmt;

/// Text that a host sent, made fit for a log line: cut to [`Quoted::MAX_BYTES`], control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// How much of the host's text is kept, before escaping.
    pub const MAX_BYTES: usize = 200;

    /// Quotes what the host sent, whatever it is.
    #[must_use]
    pub fn new(sent: &[u8]) -> Self {
        let kept = &sent[..sent.len().min(Self::MAX_BYTES)];
        let mut text: String = String::from_utf8_lossy(kept).chars().flat_map(char::escape_debug).collect();
        if kept.len() < sent.len() {
            text.push('…');
        }
        Self(text)
    }

    /// Whether the host sent nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The escaped text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_write_a_line_of_its_own() {
        let quoted = Quoted::new("a\n\u{1b}[2Jb\"\u{202e}c\0".as_bytes());
        assert_eq!(quoted.to_string(), r#""a\n\u{1b}[2Jb\"\u{202e}c\0""#);
    }

    #[test]
    fn i7_a_long_text_is_cut_even_inside_a_character() {
        let quoted = Quoted::new("é".repeat(1_000_000).as_bytes());
        assert_eq!(quoted.as_str(), format!("{}…", "é".repeat(100)));
        let cut_inside = Quoted::new(format!("x{}", "é".repeat(200)).as_bytes());
        assert!(cut_inside.as_str().ends_with("\u{fffd}…"), "{cut_inside}");
    }

    #[test]
    fn bytes_that_are_no_text_are_quoted_all_the_same() {
        assert_eq!(Quoted::new(&[0xff, b'a']).as_str(), "\u{fffd}a");
        assert!(Quoted::new(b"").is_empty());
    }
}

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Appends a JSON string, quotes included, escaping what must be escaped.
///
/// Every string of an entry passes here, those too whose syntax needs no escaping: the check costs a nanosecond, and
/// an entry stays valid JSON whatever a caller hands over.
pub(crate) fn push_string(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b'"');
    if needs_escaping(text.as_bytes()) {
        push_escaped(buffer, text.as_bytes());
    } else {
        buffer.extend_from_slice(text.as_bytes());
    }
    buffer.push(b'"');
}

/// Appends a string, or `null`.
pub(crate) fn push_string_or_null(buffer: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(buffer, text),
        None => buffer.extend_from_slice(b"null"),
    }
}

/// Appends a number in decimal.
pub(crate) fn push_number(buffer: &mut Vec<u8>, number: u64) {
    /// `u64::MAX` has twenty digits.
    const LONGEST: usize = 20;
    let mut digits = [b'0'; LONGEST];
    let (mut first, mut rest) = (LONGEST, number);
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    buffer.extend_from_slice(&digits[first..]);
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches the loop is compiled to vector instructions"
)]
fn needs_escaping(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

#[cold]
fn push_escaped(buffer: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => buffer.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                buffer.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => buffer.push(byte),
        }
    }
}

/// A string that borrows from the entry's text unless it had to be unescaped.
///
/// serde borrows into a bare `Cow`, but not into the one inside an `Option`.
#[derive(Debug)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_string(text: &str, expected: &str) {
        let mut buffer = Vec::new();
        push_string(&mut buffer, text);
        assert_eq!(String::from_utf8(buffer).unwrap(), expected);
    }

    #[test]
    fn only_what_json_requires_is_escaped() {
        check_string("", r#""""#);
        check_string("did:plc:x", r#""did:plc:x""#);
        check_string("a\"b\\c", r#""a\"b\\c""#);
        check_string("\u{0}\n\u{1f}\u{7f} é😀/", "\"\\u0000\\u000a\\u001f\u{7f} é😀/\"");
    }

    #[test]
    fn every_byte_that_needs_escaping_is_found_at_every_place() {
        for place in 0..70 {
            for byte in (0..0x20).chain([b'"', b'\\']) {
                let mut bytes = [b'a'; 70];
                bytes[place] = byte;
                assert!(needs_escaping(&bytes), "byte {byte} at {place}");
            }
        }
        assert!(!needs_escaping("a\u{7f}é😀 !#[]".as_bytes()));
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 9, 10, 31_527_015_322, (1 << 53) - 1, u64::MAX] {
            let mut buffer = Vec::new();
            push_number(&mut buffer, number);
            assert_eq!(String::from_utf8(buffer).unwrap(), number.to_string());
        }
    }

    #[test]
    fn a_string_is_borrowed_unless_it_had_to_be_unescaped() {
        let plain: Option<Text<'_>> = serde_json::from_str(r#""plain""#).unwrap();
        assert!(matches!(plain, Some(Text(Cow::Borrowed("plain")))));
        let escaped: Option<Text<'_>> = serde_json::from_str(r#""a\nb""#).unwrap();
        assert!(matches!(escaped, Some(Text(Cow::Owned(text))) if text == "a\nb"));
    }
}

use serde::de::{Deserialize, Deserializer, Error};

use crate::json_text::Text;

/// The standard alphabet. Source: [RFC 4648 section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends bytes as the data model writes them in JSON: base64 without padding.
pub(crate) fn push_base64(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let (threes, rest) = bytes.as_chunks::<3>();
    let mut push = |three: [u8; 3], digits: usize| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let all = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize]);
        buffer.extend_from_slice(&all[..digits]);
    };
    for three in threes {
        push(*three, 4);
    }
    match *rest {
        [a] => push([a, 0, 0], 2),
        [a, b] => push([a, b, 0], 3),
        _ => {}
    }
}

/// What base64 without padding stands for; `None` if it is none.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in text.as_bytes().chunks(4) {
        let digit = |bits: u32, digit: &u8| {
            let value = DIGITS.iter().position(|known| known == digit)?;
            Some(bits << 6 | u32::try_from(value).ok()?)
        };
        let bits = four.iter().try_fold(0, digit)? << (6 * (4 - four.len()));
        let whole = four.len() * 6 / 8;
        let [_, three @ ..] = bits.to_be_bytes();
        if whole == 0 || three[whole..].iter().any(|left| *left != 0) {
            return None;
        }
        bytes.extend_from_slice(&three[..whole]);
    }
    Some(bytes)
}

/// The object that stands for bytes: `{"$bytes": …}`.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct FieldOfBytes {
    #[serde(rename = "$bytes")]
    pub(crate) bytes: Base64,
}

/// Bytes that were read from base64.
#[derive(Debug)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        decode(&text).map(Self).ok_or_else(|| Error::custom("no base64 without padding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_and_read_as_the_rfc_has_them() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut buffer = Vec::new();
            push_base64(&mut buffer, bytes.as_bytes());
            assert_eq!(String::from_utf8(buffer).unwrap(), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for text in ["Z", "Zg==", "Zh", "Zm9", "Zm9v?", "Zm9vYm_", "\u{e9}"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}

//! JSON text, written straight to the end of a buffer.

/// Appends a JSON string: the text in quotes, with quotes, backslashes and control characters escaped.
///
/// ```
/// let mut out = Vec::new();
/// standpipe_eventstream::json::write_string("a \"b\"\n", &mut out);
/// assert_eq!(out, br#""a \"b\"\n""#);
/// ```
#[inline]
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    if survey(bytes).needs_escape {
        write_escaped(bytes, out);
    } else {
        out.extend_from_slice(bytes);
    }
    out.push(b'"');
}

/// What a string holds, seen eight bytes at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survey {
    pub(crate) needs_escape: bool,
    pub(crate) is_ascii: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

#[inline]
pub(crate) fn survey(bytes: &[u8]) -> Survey {
    let (words, tail) = bytes.as_chunks::<8>();
    let (mut escapes, mut all) = (0, 0);
    for word in words {
        let word = u64::from_ne_bytes(*word);
        escapes |= escapes_in(word);
        all |= word;
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        let word = u64::from_ne_bytes(*last);
        escapes |= escapes_in(word);
        all |= word;
    } else {
        for &byte in tail {
            let word = ONES * u64::from(byte);
            escapes |= escapes_in(word);
            all |= word;
        }
    }
    Survey { needs_escape: escapes & HIGH_BITS != 0, is_ascii: all & HIGH_BITS == 0 }
}

/// Sets high bits if any of the eight bytes is a control character, a quote or a backslash, and none else. Which
/// of them may be off by a carry.
#[inline]
fn escapes_in(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = word ^ (ONES * u64::from(b'"'));
    let quote = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = word ^ (ONES * u64::from(b'\\'));
    let backslash = backslashes.wrapping_sub(ONES) & !backslashes;
    control | quote | backslash
}

/// How long the inside of a JSON string becomes.
pub(crate) fn escaped_len(bytes: &[u8]) -> usize {
    let len_of = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    bytes.iter().map(len_of).sum()
}

/// Appends the inside of a JSON string.
pub(crate) fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut plain_from = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain_from..position]);
        plain_from = position + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
}

/// Appends an integer in decimal.
#[inline]
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut left = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] += (left % 10).to_le_bytes()[0];
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends base64 of the standard alphabet without padding, the inside of a `$bytes` string.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| ALPHABET[usize::from(bits.to_le_bytes()[0] & 63)];
    let (threes, rest) = bytes.as_chunks::<3>();
    out.reserve(bytes.len().div_ceil(3) * 4);
    for &[a, b, c] in threes {
        let bits = u32::from_be_bytes([0, a, b, c]);
        out.extend_from_slice(&[letter(bits >> 18), letter(bits >> 12), letter(bits >> 6), letter(bits)]);
    }
    match *rest {
        [a] => out.extend_from_slice(&[letter(u32::from(a) >> 2), letter(u32::from(a) << 4)]),
        [a, b] => {
            let bits = u32::from_be_bytes([0, a, b, 0]);
            out.extend_from_slice(&[letter(bits >> 18), letter(bits >> 12), letter(bits >> 6)]);
        }
        _ => {}
    }
}

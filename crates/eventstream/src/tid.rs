//! Timestamp identifiers: the revisions of repositories, and most record keys.

use std::fmt;

use crate::error::SyntaxError;

const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// A timestamp identifier: 53 bits of microseconds since 1970 and 10 bits of clock number.
///
/// Its order is the order of its text. The grammar still admits bit 63, so the value is an unsigned 64-bit
/// number. Source: <https://atproto.com/specs/tid>.
///
/// ```
/// use standpipe_eventstream::Tid;
///
/// let tid = Tid::parse("3jzfcijpj2z2a")?;
/// assert_eq!(tid.value(), 0x17fd_6873_eaf0_7c06);
/// assert_eq!(tid.unix_micros(), 1_688_137_381_887_007);
/// # Ok::<(), standpipe_eventstream::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(u64);

impl Tid {
    /// The length of the text form.
    pub const TEXT_LEN: usize = 13;

    /// Parses the text form.
    ///
    /// # Errors
    /// [`SyntaxError::Tid`] unless it is 13 characters of `234567a-z`, the first of them in `[2-7a-j]`.
    #[inline]
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let characters: &[u8; Self::TEXT_LEN] = text.as_bytes().try_into().map_err(|_| SyntaxError::Tid)?;
        if characters[0] > b'j' {
            return Err(SyntaxError::Tid);
        }
        let mut value = 0u64;
        for &character in characters {
            let digit = match character {
                b'2'..=b'7' => character - b'2',
                b'a'..=b'z' => character - b'a' + 6,
                _ => return Err(SyntaxError::Tid),
            };
            value = value << 5 | u64::from(digit);
        }
        Ok(Self(value))
    }

    /// The 64-bit value.
    #[must_use]
    #[inline]
    pub fn value(self) -> u64 {
        self.0
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub fn unix_micros(self) -> u64 {
        self.0 >> 10
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'2'; Self::TEXT_LEN];
        for (position, character) in text.iter_mut().rev().enumerate() {
            let digit = (self.0 >> (5 * position)).to_le_bytes()[0] & 31;
            *character = ALPHABET[usize::from(digit)];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

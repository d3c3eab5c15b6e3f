use super::text_type;
use crate::error::SyntaxError;

/// A datetime as the lexicon writes it, kept verbatim.
///
/// Shape: `YYYY-MM-DDThh:mm:ss`, optionally a point and 1 to 20 digits, and a zone, `Z` or `±hh:mm` but not
/// `-00:00`; 64 bytes in all. The calendar is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Datetime<'a>(&'a str);

text_type!(Datetime);

impl<'a> Datetime<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks the grammar and the calendar.
    ///
    /// # Errors
    /// [`SyntaxError::Datetime`] when they do not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let is_datetime = text.len() <= Self::MAX_LEN && is_datetime(text.as_bytes());
        if is_datetime { Ok(Self(text)) } else { Err(SyntaxError::Datetime) }
    }
}

#[inline]
fn is_datetime(bytes: &[u8]) -> bool {
    let Some((seconds, rest)) = bytes.split_first_chunk::<19>() else { return false };
    let zone = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=20).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    is_calendar(seconds) && is_zone(zone)
}

fn is_calendar(text: &[u8; 19]) -> bool {
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|(position, wanted)| text[*position] != *wanted) {
        return false;
    }
    let fields =
        [&text[..4], &text[5..7], &text[8..10], &text[11..13], &text[14..16], &text[17..]].map(number);
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = fields else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        [b'Z'] => true,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => match (number(&[*h1, *h2]), number(&[*m1, *m2])) {
            (Some(hours), Some(minutes)) => {
                hours < 24 && minutes < 60 && !(*sign == b'-' && hours == 0 && minutes == 0)
            }
            _ => false,
        },
        _ => false,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

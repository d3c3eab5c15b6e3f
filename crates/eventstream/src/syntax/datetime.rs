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
    match (calendar(seconds), zone_minutes(zone)) {
        (Some(moment), Some(ahead)) => !(moment.is_first_day && ahead > moment.minute_of_day),
        _ => false,
    }
}

/// What is left to know of a valid date and time, once its zone is read: whether it may fall before the year 0.
struct Moment {
    is_first_day: bool,
    minute_of_day: u32,
}

fn calendar(text: &[u8; 19]) -> Option<Moment> {
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|(position, wanted)| text[*position] != *wanted) {
        return None;
    }
    let fields =
        [&text[..4], &text[5..7], &text[8..10], &text[11..13], &text[14..16], &text[17..]].map(number);
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = fields else {
        return None;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    let is_valid = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let moment = Moment { is_first_day: (year, month, day) == (0, 1, 1), minute_of_day: hour * 60 + minute };
    is_valid.then_some(moment)
}

/// How many minutes the zone is ahead of UTC; none for one that is behind.
fn zone_minutes(zone: &[u8]) -> Option<u32> {
    match zone {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let is_minus_zero = *sign == b'-' && hours == 0 && minutes == 0;
            let ahead = if *sign == b'+' { hours * 60 + minutes } else { 0 };
            (hours < 24 && minutes < 60 && !is_minus_zero).then_some(ahead)
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

//! What people write, read as what it means. The same for files, variables and flags: a number may stand as a number
//! or as text, a list as an array or with commas.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use figment::value::{Num, Value};

use super::Flaw;

/// The most characters of a wrong value that are quoted.
const QUOTED: usize = 80;

/// A value as one text.
pub(super) fn text(value: &Value) -> Result<String, Flaw> {
    match value {
        Value::String(_, text) => Ok(text.trim().to_owned()),
        Value::Char(_, char) => Ok(char.to_string()),
        Value::Bool(_, bool) => Ok(bool.to_string()),
        Value::Num(_, num) => Ok(number(*num)),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => {
            Err(Flaw::Shape { expected: "one value, not a table or a list" })
        }
    }
}

/// A list: an array, or one text with commas. Empty elements are left out.
pub(super) fn list(value: &Value) -> Result<Vec<String>, Flaw> {
    let texts = match value {
        Value::Array(_, values) => values.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        Value::String(..)
        | Value::Char(..)
        | Value::Bool(..)
        | Value::Num(..)
        | Value::Empty(..)
        | Value::Dict(..) => text(value)?.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    Ok(texts.into_iter().filter(|item| !item.is_empty()).collect())
}

/// A value as it is shown: lists with commas.
pub(super) fn shown(value: &Value) -> String {
    list(value).map(|items| items.join(",")).unwrap_or_default()
}

/// One of the words; answers what stands beside it.
pub(super) fn word<T: Copy>(
    value: &Value,
    words: &'static [&'static str],
    meanings: &[T],
) -> Result<T, Flaw> {
    let found = text(value)?;
    let place = words.iter().position(|word| *word == found);
    let meaning = place.and_then(|place| meanings.get(place));
    meaning.copied().ok_or_else(|| Flaw::Word { found: quoted(&found), allowed: words })
}

/// A whole number within a range.
pub(super) fn count(value: &Value, range: RangeInclusive<u64>) -> Result<u64, Flaw> {
    let found = text(value)?;
    let count = found.replace('_', "").parse().map_err(|_| Flaw::Count { found: quoted(&found) })?;
    within(count, &range, &found, u64::to_string)
}

/// A number of bytes within a range: digits alone, or with a unit.
pub(super) fn size(value: &Value, range: RangeInclusive<u64>) -> Result<u64, Flaw> {
    let found = text(value)?;
    let bytes = parse_size(&found).ok_or_else(|| Flaw::Size { found: quoted(&found) })?;
    within(bytes, &range, &found, |bytes| format!("{bytes} bytes"))
}

/// A time span within a range, always with a unit.
pub(super) fn duration(value: &Value, range: RangeInclusive<Duration>) -> Result<Duration, Flaw> {
    let found = text(value)?;
    let duration = humantime::parse_duration(&found).map_err(|_| Flaw::Duration { found: quoted(&found) })?;
    within(duration, &range, &found, |duration| humantime::format_duration(*duration).to_string())
}

/// An IP address and a port.
pub(super) fn address(value: &Value) -> Result<SocketAddr, Flaw> {
    let found = text(value)?;
    found.parse().map_err(|_| Flaw::Address { found: quoted(&found) })
}

fn within<T: PartialOrd>(
    value: T,
    range: &RangeInclusive<T>,
    found: &str,
    show: impl Fn(&T) -> String,
) -> Result<T, Flaw> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Flaw::Range { found: quoted(found), least: show(range.start()), most: show(range.end()) })
}

fn parse_size(text: &str) -> Option<u64> {
    let digits_end = text.find(|char: char| !char.is_ascii_digit() && char != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    digits.replace('_', "").parse::<u64>().ok()?.checked_mul(factor)
}

fn number(num: Num) -> String {
    num.to_u128()
        .map(|number| number.to_string())
        .or_else(|| num.to_i128().map(|number| number.to_string()))
        .or_else(|| num.to_f64().map(|number| number.to_string()))
        .unwrap_or_default()
}

pub(super) fn quoted(found: &str) -> String {
    found.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_digits_with_or_without_a_unit() {
        for (written, bytes) in [
            ("0", 0),
            ("1_000", 1_000),
            ("4GiB", 4 << 30),
            ("64 MiB", 64 << 20),
            ("10kB", 10_000),
            ("1tib", 1 << 40),
        ] {
            assert_eq!(size(&written.into(), 0..=u64::MAX).unwrap(), bytes, "{written}");
        }
        assert_eq!(size(&Value::from(4096), 0..=u64::MAX).unwrap(), 4096);
        for written in ["", "GiB", "1.5GiB", "-1", "4 gibberish", "99999999999TiB", "4GB5"] {
            assert!(matches!(size(&written.into(), 0..=u64::MAX), Err(Flaw::Size { .. })), "{written}");
        }
    }

    #[test]
    fn a_duration_always_has_its_unit() {
        let any = Duration::ZERO..=Duration::MAX;
        for (written, millis) in [("30s", 30_000), ("500ms", 500), ("1m 30s", 90_000), ("2h", 7_200_000)] {
            let read = duration(&written.into(), any.clone()).unwrap();
            assert_eq!(read, Duration::from_millis(millis), "{written}");
        }
        for written in ["30", "-1s", "soon", ""] {
            let read = duration(&written.into(), any.clone());
            assert!(matches!(read, Err(Flaw::Duration { .. })), "{written}");
        }
        assert!(matches!(duration(&Value::from(30), any), Err(Flaw::Duration { .. })));
    }

    #[test]
    fn what_is_out_of_range_is_told_with_its_bounds() {
        let flaw = duration(&"2h".into(), Duration::from_secs(1)..=Duration::from_mins(5)).unwrap_err();
        assert_eq!(flaw.to_string(), "2h is not between 1s and 5m");
        assert_eq!(count(&"0".into(), 1..=9).unwrap_err().to_string(), "0 is not between 1 and 9");
    }

    #[test]
    fn a_list_is_an_array_or_a_text_with_commas() {
        let expected = ["a.b", "c.d"];
        assert_eq!(list(&"a.b, c.d,".into()).unwrap(), expected);
        assert_eq!(list(&Value::from(vec!["a.b", " c.d "])).unwrap(), expected);
        assert_eq!(list(&"".into()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_long_wrong_value_is_cut() {
        let flaw = count(&"x".repeat(1_000).into(), 0..=1).unwrap_err();
        assert_eq!(flaw.to_string().len(), QUOTED + 2 + " is no whole number".len());
    }
}

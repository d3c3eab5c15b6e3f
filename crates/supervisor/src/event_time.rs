use std::fmt;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The time that an event carries, in microseconds since 1970-01-01T00:00:00Z.
///
/// It is the upstream's word and may be wrong in any way; nothing here trusts it. Displayed as RFC 3339 in
/// UTC with six digits: `2026-03-01T06:57:29.000125Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(i64);

impl EventTime {
    /// Takes microseconds since the Unix epoch, without leap seconds; negative before it.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year, in eras of 400 years (146,097
/// days).
fn civil_date(days_since_epoch: i64) -> (i64, i64, i64) {
    let days = days_since_epoch + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::EventTime;

    fn check(micros: i64, expected: &str) {
        assert_eq!(EventTime::from_unix_micros(micros).to_string(), expected, "{micros}");
    }

    /// Expected texts by GNU `date -u -d @SECONDS`.
    #[test]
    fn a_time_is_told_as_rfc_3339() {
        check(0, "1970-01-01T00:00:00.000000Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
        check(951_868_799_000_001, "2000-02-29T23:59:59.000001Z");
        check(951_868_800_000_000, "2000-03-01T00:00:00.000000Z");
        check(1_772_348_249_000_125, "2026-03-01T06:57:29.000125Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn no_time_that_upstream_can_send_is_too_much() {
        for micros in [i64::MIN, i64::MIN + 1, i64::MAX] {
            assert!(EventTime::from_unix_micros(micros).to_string().ends_with('Z'));
        }
    }
}

//! Figures as people read them.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `12,345/s`, or `0.4/s`.
pub(crate) fn per_second(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}/s") } else { format!("{}/s", grouped(whole(rate))) }
}

/// `~41 %`: a part of an estimate. It is rounded down, so that nothing is called whole before it is.
pub(super) fn about_percent(percent: f64) -> String {
    format!("~{} %", whole(percent))
}

/// `about 3 h left`: never more precise than an estimate is.
pub(super) fn time_left(left: Duration) -> String {
    let seconds = left.as_secs();
    let nearest = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        ..MINUTE => "under 1 min left".to_owned(),
        MINUTE..5_400 => format!("about {} min left", nearest(MINUTE)),
        5_400..172_800 => format!("about {} h left", nearest(HOUR)),
        172_800.. => format!("about {} d left", nearest(DAY)),
    }
}

/// The whole number below.
fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates at both ends")]
    let whole = number as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (43_210_987, "43,210,987"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(count), shown);
        }
    }

    #[test]
    fn a_rate_keeps_one_digit_behind_the_point_where_it_is_small() {
        for (rate, shown) in [
            (0.0, "0/s"),
            (0.44, "0.4/s"),
            (9.9, "9.9/s"),
            (10.2, "10/s"),
            (12_345.6, "12,345/s"),
            (f64::NAN, "0/s"),
        ] {
            assert_eq!(per_second(rate), shown);
        }
    }

    #[test]
    fn a_percentage_is_marked_as_an_estimate_and_never_rounded_up() {
        for (percent, shown) in [(0.0, "~0 %"), (41.3, "~41 %"), (99.99, "~99 %"), (104.0, "~104 %")] {
            assert_eq!(about_percent(percent), shown);
        }
    }

    #[test]
    fn the_time_left_is_told_in_one_unit() {
        for (seconds, shown) in [
            (0, "under 1 min left"),
            (59, "under 1 min left"),
            (60, "about 1 min left"),
            (89 * 60, "about 89 min left"),
            (90 * 60, "about 2 h left"),
            (3 * 3600 + 600, "about 3 h left"),
            (47 * 3600, "about 47 h left"),
            (50 * 3600, "about 2 d left"),
        ] {
            assert_eq!(time_left(Duration::from_secs(seconds)), shown);
        }
    }
}

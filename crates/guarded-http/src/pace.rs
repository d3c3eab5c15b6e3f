use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The shortest and the longest wait that a host is believed.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(15);
/// What is left of a window when we begin to spread our requests over it: a tenth.
const SPREAD_BELOW: u64 = 10;
/// A `RateLimit-Reset` below it is no time of this century, but seconds from now.
const EARLIEST_EPOCH: u64 = 1_000_000_000;

/// How long a host that refuses a request for its rate wants us to wait: `Retry-After` in seconds or as a date (RFC 9110
/// section 10.2.3), else `RateLimit-Reset` in epoch seconds. `now` is the wall clock.
pub(crate) fn told(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait =
        retry_after.and_then(|value| wait_of(value.trim(), now)).or_else(|| until_reset(headers, now))?;
    Some(wait.clamp(SHORTEST, LONGEST))
}

fn wait_of(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().map_or(LONGEST, Duration::from_secs));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

/// How long to wait before the next request, so that none will be refused: nothing while there is plenty, and the last
/// tenth of a window's requests evenly over what is left of it.
///
/// Source: the `RateLimit-*` headers of the TypeScript hosts, `RateLimit-Reset` in epoch seconds.
pub(crate) fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let limit = number(headers, "ratelimit-limit")?;
    let remaining = number(headers, "ratelimit-remaining")?;
    if remaining.saturating_mul(SPREAD_BELOW) >= limit {
        return None;
    }
    let left = until_reset(headers, now)?.min(LONGEST);
    let share = u32::try_from(remaining).unwrap_or(u32::MAX).max(1);
    Some(left / share).filter(|pause| !pause.is_zero())
}

fn until_reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let reset = number(headers, "ratelimit-reset")?;
    if reset < EARLIEST_EPOCH {
        return Some(Duration::from_secs(reset));
    }
    let reset = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
    Some(reset.duration_since(now).unwrap_or_default())
}

/// The number that a header begins with.
fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    value[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn noon() -> SystemTime {
        httpdate::parse_http_date("Sat, 06 Nov 2010 12:00:00 GMT").unwrap()
    }

    /// Seconds since the epoch, so many after noon.
    fn epoch(after: u64) -> String {
        (noon().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + after).to_string()
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let cases = [
            ("0", Some(1)),
            (" 37 ", Some(37)),
            ("900", Some(900)),
            ("99999999999999999999999", Some(900)),
            ("Sat, 06 Nov 2010 12:01:30 GMT", Some(90)),
            ("Sat, 06 Nov 2010 11:00:00 GMT", Some(1)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            let told = told(&headers(&[("retry-after", value)]), noon());
            assert_eq!(told, seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn ratelimit_reset_is_epoch_seconds_and_stands_in_for_a_missing_retry_after() {
        let reset = |value: &str| told(&headers(&[("ratelimit-reset", value)]), noon());
        assert_eq!(reset(&epoch(120)), Some(Duration::from_mins(2)));
        assert_eq!(reset(&epoch(1_000_000)), Some(LONGEST));
        assert_eq!(reset("30"), Some(Duration::from_secs(30)));
        assert_eq!(reset("x"), None);
        let both = headers(&[("retry-after", "5"), ("ratelimit-reset", &epoch(120))]);
        assert_eq!(told(&both, noon()), Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_last_tenth_of_a_window_is_spread_over_what_is_left_of_it() {
        let spread = |limit: &str, remaining: &str, reset: &str| {
            let lines =
                [("ratelimit-limit", limit), ("ratelimit-remaining", remaining), ("ratelimit-reset", reset)];
            pause(&headers(&lines), noon())
        };
        assert_eq!(spread("3000", "300", &epoch(150)), None);
        assert_eq!(spread("3000", "299", &epoch(299)), Some(Duration::from_secs(1)));
        assert_eq!(spread("3000;w=300", "100", &epoch(50)), Some(Duration::from_millis(500)));
        assert_eq!(spread("3000", "1", &epoch(40)), Some(Duration::from_secs(40)));
        assert_eq!(spread("3000", "0", &epoch(40)), Some(Duration::from_secs(40)));
        assert_eq!(spread("3000", "0", &epoch(0)), None);
        assert_eq!(spread("3000", "0", "soon"), None);
        assert_eq!(spread("many", "0", &epoch(40)), None);
    }
}

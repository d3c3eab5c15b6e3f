use std::time::{Duration, SystemTime};

use standpipe_pipeline::Remedy;

use crate::error::LONG_RETRY;

/// What kind of answer other than an upgrade it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400, 401, 403, 404, 405, 426, 501 and the like: this request will not be answered otherwise soon.
    Misconfigured,
    /// 2xx: something is there, but no subscription. Some hosts answer a bad cursor so, some proxies everything.
    NotASubscription,
    /// 3xx. Redirects are not followed, since a cursor is of one host.
    Redirected,
    /// 429, and 503 with a time: come back later.
    Limited {
        /// How much later, between one second and fifteen minutes, where it was said.
        retry_after: Option<Duration>,
    },
    /// 5xx and 408: the host, or a proxy before it, has trouble.
    Unavailable,
}

impl Refusal {
    /// Classes a status other than 101. `retry_after` is the header's value, `now` the wall clock that an HTTP-date
    /// in it is compared with.
    pub(crate) fn of(status: u16, retry_after: Option<&str>, now: SystemTime) -> Self {
        let retry_after = retry_after.and_then(|value| parse_retry_after(value, now));
        match status {
            429 => Self::Limited { retry_after },
            503 if retry_after.is_some() => Self::Limited { retry_after },
            300..400 => Self::Redirected,
            408 | 425 => Self::Unavailable,
            501 | 400..500 => Self::Misconfigured,
            500.. => Self::Unavailable,
            ..300 => Self::NotASubscription,
        }
    }

    pub(crate) fn is_configuration(self) -> bool {
        match self {
            Self::Misconfigured | Self::NotASubscription => true,
            Self::Redirected | Self::Limited { .. } | Self::Unavailable => false,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Misconfigured => "refused_configuration",
            Self::NotASubscription => "refused_no_subscription",
            Self::Redirected => "refused_redirect",
            Self::Limited { .. } => "refused_limited",
            Self::Unavailable => "refused_unavailable",
        }
    }

    pub(crate) fn remedy(self) -> Remedy {
        match self {
            Self::Misconfigured | Self::NotASubscription => Remedy::RetryAfter(LONG_RETRY),
            Self::Limited { retry_after: Some(after) } => Remedy::RetryAfter(after),
            Self::Limited { retry_after: None } | Self::Redirected | Self::Unavailable => Remedy::Retry,
        }
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(15);

/// Seconds or an HTTP-date (RFC 9110 section 10.2.3), held between [`SHORTEST`] and [`LONGEST`].
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 12:00:00 GMT").unwrap()
    }

    #[test]
    fn every_status_has_its_remedy() {
        let retry = [408, 425, 429, 500, 502, 503, 504, 599, 300, 301, 302, 307, 308];
        for status in retry {
            assert_eq!(Refusal::of(status, None, noon()).remedy(), Remedy::Retry, "{status}");
            assert!(!Refusal::of(status, None, noon()).is_configuration(), "{status}");
        }
        for status in [200, 204, 400, 401, 403, 404, 405, 410, 426, 451, 501] {
            let refusal = Refusal::of(status, None, noon());
            assert_eq!(refusal.remedy(), Remedy::RetryAfter(Duration::from_mins(5)), "{status}");
            assert!(refusal.is_configuration(), "{status}");
        }
    }

    #[test]
    fn retry_after_is_honoured_as_seconds_and_as_a_date_within_its_bounds() {
        for (value, seconds) in [
            ("0", 1),
            ("1", 1),
            (" 37 ", 37),
            ("900", 900),
            ("999999", 900),
            ("99999999999999999999999999", 900),
            ("Sun, 06 Nov 1994 12:01:30 GMT", 90),
            ("Sunday, 06-Nov-94 12:01:30 GMT", 90),
            ("Sun Nov  6 12:01:30 1994", 90),
            ("Sun, 06 Nov 1994 11:00:00 GMT", 1),
            ("Sat, 06 Nov 2094 12:00:00 GMT", 900),
        ] {
            for status in [429, 503] {
                let refusal = Refusal::of(status, Some(value), noon());
                assert_eq!(refusal.remedy(), Remedy::RetryAfter(Duration::from_secs(seconds)), "{value}");
            }
        }
    }

    #[test]
    fn a_retry_after_that_says_nothing_leaves_the_ordinary_backoff() {
        for value in ["", "-1", "+5", "1.5", "soon", "5 s"] {
            assert_eq!(Refusal::of(429, Some(value), noon()).remedy(), Remedy::Retry, "{value}");
        }
    }
}

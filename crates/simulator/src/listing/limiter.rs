//! A fixed window of requests, as TypeScript hosts have it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::listing::RateLimit;

/// Counts requests against a limit.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// The second since 1970 at which it ends.
    ends: u64,
    taken: u32,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, window: Mutex::default() }
    }

    /// Whether one more request is taken, and the headers that say what is left.
    pub(super) fn take(&self) -> (bool, Vec<(String, String)>) {
        let (now, len) = (unix_seconds(Duration::ZERO), self.limit.window.as_secs().max(1));
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            *window = Window { ends: now + len, taken: 0 };
        }
        let is_taken = window.taken < self.limit.requests;
        window.taken += u32::from(is_taken);
        let headers = [
            ("RateLimit-Limit", self.limit.requests.to_string()),
            ("RateLimit-Remaining", (self.limit.requests - window.taken).to_string()),
            ("RateLimit-Reset", window.ends.to_string()),
            ("RateLimit-Policy", format!("{};w={len}", self.limit.requests)),
        ];
        (is_taken, headers.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

/// The second since 1970 in so much time.
pub(super) fn unix_seconds(ahead: Duration) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(ahead).as_secs()
}

/// The time in so many seconds as HTTP writes dates: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let iso = crate::world::datetime(seconds * 1000);
    let number = |from: usize, to: usize| iso.get(from..to).and_then(|text| text.parse::<usize>().ok());
    let month = number(5, 7).and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"Jan");
    let day = DAYS[usize::try_from(seconds / 86_400 % 7).unwrap_or(0)];
    format!("{day}, {} {month} {} {} GMT", &iso[8..10], &iso[0..4], &iso[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(1_785_456_000), "Fri, 31 Jul 2026 00:00:00 GMT");
    }

    #[test]
    fn what_goes_over_the_limit_is_refused_and_every_answer_says_what_is_left() {
        let limiter = Limiter::new(RateLimit { requests: 2, window: Duration::from_secs(1000) });
        let left = |headers: &[(String, String)]| headers[1].1.clone();
        let answers: Vec<_> = (0..3).map(|_| limiter.take()).collect();
        assert_eq!(answers.iter().map(|(is_taken, _)| *is_taken).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(answers.iter().map(|(_, headers)| left(headers)).collect::<Vec<_>>(), ["1", "0", "0"]);
        assert_eq!(answers[0].1[3].1, "2;w=1000");
    }
}

//! How far the enumeration of a host is, and how the last whole one ended: for lines, pages and metrics.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// From one look at the count to the next, for the rate.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Over how many such looks the rate is taken.
const LOOKS: usize = 30;

/// What an enumeration has listed so far. What is counted here is durable in the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Rows that the host listed.
    pub repos: u64,
    /// Those among them that became entries.
    pub entries: u64,
    /// Pages.
    pub pages: u64,
    /// Ranges that the host could not serve and that were left out.
    pub withheld: u64,
}

/// How a whole enumeration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When its last page was durable.
    pub at: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// How much it was.
    #[serde(flatten)]
    pub listed: Listed,
    /// Whether it is known to be neither more nor less; `false`: at least so much.
    pub exact: bool,
}

/// How the enumeration of one host is.
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// Which round it is: `first`, `again` or `new`.
    pub round: &'static str,
    /// When the round began.
    pub began_at: Timestamp,
    /// What it has listed.
    pub listed: Listed,
    /// Whether that is known to be neither more nor less; `false`: at least so much.
    pub exact: bool,
    /// How many repos the host may have, as far as anybody says. An estimate.
    pub estimate: Option<u64>,
    /// How the last whole enumeration ended.
    pub done: Option<Completed>,
    /// When so much was listed.
    looks: VecDeque<(Instant, u64)>,
}

/// What people read of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) round: &'static str,
    began_at: String,
    #[serde(flatten)]
    pub(crate) listed: Listed,
    exact: bool,
    pub(crate) repos_per_second: f64,
    pub(crate) estimated_repos: Option<u64>,
    pub(crate) estimated_percent: Option<f64>,
    pub(crate) estimated_seconds_left: Option<u64>,
    pub(crate) done: Option<Completed>,
}

impl Enumeration {
    /// A round that begins, or goes on with what it had listed.
    #[must_use]
    pub fn new(round: &'static str, began_at: Timestamp, listed: Listed, exact: bool) -> Self {
        let looks = VecDeque::from([(Instant::now(), listed.repos)]);
        Self { round, began_at, listed, exact, estimate: None, done: None, looks }
    }

    /// Takes note of what is listed now.
    pub fn has(&mut self, listed: Listed) {
        self.listed = listed;
        let is_due = self.looks.back().is_none_or(|(at, _)| at.elapsed() >= LOOK_EVERY);
        if is_due {
            if self.looks.len() == LOOKS {
                self.looks.pop_front();
            }
            self.looks.push_back((Instant::now(), listed.repos));
        }
    }

    /// Repos a second over the last half a minute.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let Some((at, repos)) = self.looks.front() else { return 0.0 };
        let more = self.listed.repos.saturating_sub(*repos);
        let seconds = at.elapsed().as_secs_f64();
        if seconds > 0.0 { float(more) / seconds } else { 0.0 }
    }

    pub(crate) fn shown(&self) -> Shown {
        let rate = self.rate();
        // What is new is no part of what the host had.
        let of_estimate = self.estimate.filter(|_| self.round != "new");
        let left = of_estimate.map(|estimate| estimate.saturating_sub(self.listed.repos));
        let seconds = left.filter(|_| rate > 0.0).map(|left| Duration::try_from_secs_f64(float(left) / rate));
        Shown {
            round: self.round,
            began_at: self.began_at.to_string(),
            listed: self.listed,
            exact: self.exact,
            repos_per_second: (rate * 10.0).round() / 10.0,
            estimated_repos: self.estimate,
            estimated_percent: of_estimate
                .filter(|estimate| *estimate > 0)
                .map(|estimate| (1_000.0 * float(self.listed.repos) / float(estimate)).round() / 10.0),
            estimated_seconds_left: seconds.and_then(Result::ok).map(|left| left.as_secs()),
            done: self.done.clone(),
        }
    }
}

/// Counts of repos are far below what a float counts exactly.
fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let float = count as f64;
    float
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_that_of_the_last_half_minute_and_an_estimate_is_called_one() {
        let began = "2026-07-04T14:00:00Z".parse().unwrap();
        let mut enumeration = Enumeration::new("first", began, Listed::default(), true);
        assert_eq!(enumeration.shown().estimated_percent, None);
        enumeration.estimate = Some(100_000);
        for second in 1..=100 {
            tokio::time::advance(Duration::from_secs(1)).await;
            let repos = if second <= 60 { 0 } else { (second - 60) * 1_000 };
            enumeration.has(Listed { repos, ..Listed::default() });
        }
        let shown = serde_json::to_value(enumeration.shown()).unwrap();
        assert_eq!(shown["repos_per_second"], 1_000.0);
        assert_eq!(
            (&shown["estimated_percent"], &shown["estimated_seconds_left"]),
            (&40.0.into(), &60.into())
        );
        assert_eq!((&shown["repos"], &shown["done"]), (&40_000.into(), &serde_json::Value::Null));
        let new = serde_json::to_value(Enumeration { round: "new", ..enumeration }.shown()).unwrap();
        assert_eq!(
            [&new["estimated_repos"], &new["estimated_percent"], &new["estimated_seconds_left"]],
            [&100_000.into(), &serde_json::Value::Null, &serde_json::Value::Null]
        );
    }
}

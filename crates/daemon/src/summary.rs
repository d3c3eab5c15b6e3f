//! What was listed, on one line: at the end of an enumeration, and at the end of a run.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::enumeration::{Completed, Listed};
use crate::ledger::{HostLedger, Labelled};
use crate::metrics::Metrics;

impl Completed {
    /// Tells that the enumeration of this host is done: what it was, and how long it took with all that came between,
    /// such as a restart.
    pub fn tell(&self, host: &str) {
        let Self { at, began_at, listed, exact } = self;
        let took = Duration::try_from(at.duration_since(*began_at)).unwrap_or_default();
        tracing::info!(
            host,
            repos = listed.repos,
            entries = listed.entries,
            pages = listed.pages,
            withheld_ranges = listed.withheld,
            took = %in_words(took),
            repos_per_second = per_second(listed.repos, took),
            exact,
            began_at = %began_at,
            done_at = %at,
            "the enumeration is done"
        );
    }
}

/// What a run has listed, whatever was listed before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Summary {
    hosts: usize,
    /// Hosts whose whole list has been read at least once, in this run or before.
    done: usize,
    listed: Listed,
}

/// Tells on one line what the run that ends has listed; nothing where no host is listed.
pub(crate) fn tell(metrics: &Metrics, ran_for: Duration) {
    let summary = Summary::of(metrics);
    if summary.hosts == 0 {
        return;
    }
    let Summary { hosts, done, listed } = summary;
    tracing::info!(
        hosts,
        done,
        repos = listed.repos,
        entries = listed.entries,
        pages = listed.pages,
        withheld_ranges = listed.withheld,
        took = %in_words(ran_for),
        repos_per_second = per_second(listed.repos, ran_for),
        "listed in this run"
    );
}

impl Summary {
    fn of(metrics: &Metrics) -> Self {
        let mut summary = Self::default();
        for ledger in metrics.ledgers() {
            let done =
                ledger.enumerates(|enumeration| enumeration.as_ref().map(|known| known.done.is_some()));
            let Some(is_done) = done else { continue };
            summary.hosts += 1;
            summary.done += usize::from(is_done);
            summary.add(&ledger);
        }
        summary
    }

    fn add(&mut self, ledger: &HostLedger) {
        let counted = ledger.counted();
        let entries = sum(&counted.entries);
        self.listed.repos += entries + sum(&counted.dropped);
        self.listed.entries += entries;
        self.listed.pages += ledger.frames.load(Relaxed);
        let withheld = counted.noted.iter().find(|(reason, _)| *reason == "rows_withheld");
        self.listed.withheld += withheld.map_or(0, |(_, count)| *count);
    }
}

/// As `2m 3s`, and with milliseconds where it took no minute.
pub(crate) fn in_words(took: Duration) -> humantime::FormattedDuration {
    let told = if took < Duration::from_mins(1) {
        Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(took.as_secs())
    };
    humantime::format_duration(told)
}

fn per_second(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let count = count as f64;
    if took.is_zero() { 0.0 } else { (count / took.as_secs_f64() * 10.0).round() / 10.0 }
}

fn sum(counts: &Labelled) -> u64 {
    counts.iter().map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_as_precise_as_it_is_short() {
        for (took, told) in [
            (Duration::from_micros(2_345_678), "2s 345ms"),
            (Duration::from_millis(123_456), "2m 3s"),
            (Duration::ZERO, "0s"),
        ] {
            assert_eq!(in_words(took).to_string(), told);
        }
    }

    #[test]
    fn a_rate_is_over_the_whole_time() {
        assert!((per_second(1_000, Duration::from_secs(3)) - 333.3).abs() < 1e-9);
        assert!(per_second(1_000, Duration::ZERO).abs() < 1e-9);
    }
}

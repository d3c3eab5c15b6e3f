use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What may wait to be sent. At about a kilobyte each, a receiver that is away costs a few megabytes.
pub(super) const QUEUE: usize = 2048;

/// How often a loss is told at most.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// The account of one signal: what waits, what was lost, and what was said of it.
#[derive(Debug)]
pub(super) struct Account {
    signal: &'static str,
    queued: AtomicUsize,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Why the last request came to nothing.
    trouble: Mutex<Option<String>>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    dropped: u64,
    failed: u64,
    /// It was told that the collector does not take anything, and not yet that it does again.
    of_trouble: bool,
}

impl Account {
    pub(super) fn new(signal: &'static str) -> Self {
        Self {
            signal,
            queued: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            trouble: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Takes a place in the queue; counts a drop where there is none.
    pub(super) fn admit(&self) -> bool {
        let place =
            self.queued.fetch_update(Relaxed, Relaxed, |queued| (queued < QUEUE).then_some(queued + 1));
        if place.is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
        place.is_ok()
    }

    /// Gives places back: a batch is on its way.
    pub(super) fn leave(&self, count: usize) {
        let _ = self.queued.fetch_update(Relaxed, Relaxed, |queued| Some(queued.saturating_sub(count)));
    }

    /// Remembers why a request came to nothing.
    pub(super) fn note_trouble(&self, trouble: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    /// Settles one export of so many, and tells of losses, at most once a minute.
    pub(super) fn settle(&self, count: u64, succeeded: bool, now: Instant) {
        if !succeeded {
            self.failed.fetch_add(count, Relaxed);
        }
        let (dropped, failed) = (self.dropped.load(Relaxed), self.failed.load(Relaxed));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let may_tell = told.at.is_none_or(|at| now.saturating_duration_since(at) >= TELL_EVERY);
        let has_lost = dropped > told.dropped || failed > told.failed;
        if may_tell && (has_lost || !succeeded) {
            let (signal, dropped_now, failed_now) =
                (self.signal, dropped - told.dropped, failed - told.failed);
            let error = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            tracing::warn!(
                signal,
                dropped = dropped_now,
                failed = failed_now,
                error,
                "telemetry is lost; ingestion goes on"
            );
            *told = Told { at: Some(now), dropped, failed, of_trouble: !succeeded };
        } else if succeeded && told.of_trouble {
            tracing::info!(signal = self.signal, "the collector takes telemetry again");
            told.of_trouble = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are written meanwhile, each by its message and fields.
    fn told(during: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, during);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn i7_the_queue_takes_no_more_than_it_has_places_and_counts_the_rest() {
        let account = Account::new("spans");
        let admitted = (0..QUEUE + 10).filter(|_| account.admit()).count();
        assert_eq!((admitted, account.dropped.load(Relaxed)), (QUEUE, 10));
        account.leave(5);
        assert_eq!((0..10).filter(|_| account.admit()).count(), 5);
    }

    #[test]
    fn a_loss_is_told_at_once_and_then_once_a_minute_with_all_that_came_together() {
        let account = Account::new("spans");
        let began = Instant::now();
        let lines = told(|| {
            for second in 0..150 {
                account.settle(2, false, began + Duration::from_secs(second));
            }
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("failed=2") && lines[1].contains("failed=120"), "{lines:?}");
    }

    #[test]
    fn the_reason_is_told_and_so_is_the_end_of_it() {
        let account = Account::new("logs");
        account.note_trouble("status 503".to_owned());
        let now = Instant::now();
        let lines = told(|| {
            account.settle(1, false, now);
            account.settle(1, true, now);
            account.settle(1, true, now);
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("status 503") && lines[0].contains("WARN"), "{lines:?}");
        assert!(lines[1].contains("again") && lines[1].contains("INFO"), "{lines:?}");
    }

    #[test]
    fn drops_are_told_although_the_collector_takes_what_is_sent() {
        let account = Account::new("logs");
        while account.admit() {}
        let lines = told(|| account.settle(512, true, Instant::now()));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("dropped=1") && lines[0].contains("failed=0"), "{lines:?}");
    }

    #[test]
    fn nothing_is_told_while_all_is_well() {
        let account = Account::new("metrics");
        assert_eq!(told(|| account.settle(1, true, Instant::now())), [""; 0]);
    }
}

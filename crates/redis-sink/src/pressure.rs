use std::sync::Arc;
use std::time::Duration;

use standpipe_pipeline::{Backpressure, Observation, Observer};

use crate::outage::Outage;

/// Tells changes of a writer's readiness, each once.
pub(crate) struct Pressure {
    told: Told,
    observer: Arc<dyn Observer>,
    host: String,
}

/// What was told last.
#[derive(PartialEq, Eq)]
enum Told {
    Nothing,
    Flowing,
    Full,
    /// With this cause.
    Unavailable(String),
}

impl Pressure {
    /// Nothing is told yet, so the first state is told, whatever it is.
    pub(crate) fn new(observer: Arc<dyn Observer>, host: &str) -> Self {
        Self { told: Told::Nothing, observer, host: host.to_owned() }
    }

    pub(crate) fn flowing(&mut self) {
        if self.told != Told::Flowing {
            if self.told != Told::Nothing {
                tracing::info!(host = self.host, "batches are taken again");
            }
            self.told = Told::Flowing;
            self.tell(Backpressure::Flowing);
        }
    }

    pub(crate) fn full(&mut self, backlog: u64) {
        if self.told != Told::Full {
            self.told = Told::Full;
            tracing::info!(host = self.host, backlog, "the stream is full; waiting for its consumers");
            self.tell(Backpressure::Full { backlog });
        }
    }

    pub(crate) fn unavailable(&mut self, cause: &Outage) {
        let told = Told::Unavailable(cause.to_string());
        if self.told != told {
            self.told = told;
            let source = std::error::Error::source(cause).map(tracing::field::display);
            tracing::warn!(host = self.host, %cause, source, "redis takes nothing; trying again until it does");
            self.tell(Backpressure::Unavailable { cause });
        }
    }

    fn tell(&self, state: Backpressure<'_>) {
        self.observer.observe(Observation::Backpressure(state));
    }
}

/// Pauses between tries while the server is away: jittered, from 0.1 s, at most 1 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    const LEAST: u64 = 100;
    const MOST: u64 = 1000;

    pub(crate) fn next(&mut self) -> Duration {
        let ceiling = (Self::LEAST << self.tries.min(8)).min(Self::MOST);
        self.tries += 1;
        Duration::from_millis(fastrand::u64(Self::LEAST..=ceiling))
    }
}

/// The pause between two looks at a full stream: jittered, 0.25 s to 1 s.
pub(crate) fn until_next_look() -> Duration {
    Duration::from_millis(fastrand::u64(250..=1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_lie_between_a_tenth_of_a_second_and_a_second() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            let pause = backoff.next();
            assert!((100..=1000).contains(&pause.as_millis()), "{pause:?}");
        }
    }
}

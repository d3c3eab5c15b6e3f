use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Resume, Seq};

use crate::{Ack, Batch, Tally};

/// What happens on the way of a host's frames. One vocabulary for metrics, health and tests.
///
/// An observer belongs to one host, so no observation names it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// The source begins to connect.
    Connecting,
    /// The source is connected and asked the host to go on from here.
    Connected {
        /// What was asked for.
        resume: Resume,
    },
    /// The source of a paged enumeration waits before it asks the host again: told to, paced, or backing off. It is a
    /// stated wait, and no stall.
    Waiting {
        /// Why, as a stable label.
        reason: &'static str,
        /// How long.
        wait: Duration,
        /// What came back for the last request, where it was no answer.
        cause: Option<&'a (dyn Error + 'static)>,
    },
    /// The host answered a request of a paged enumeration.
    Answered {
        /// Pages that it gave in this run, with this one.
        pages: u64,
        /// What the page lists, with what cannot be used.
        rows: usize,
        /// From the request to the last byte.
        took: Duration,
    },
    /// A host that had nothing to say answered a ping: it is quiet, and it lives. At most once a ping.
    Alive,
    /// The first frame of a connection that is news: where the host really went on.
    Began {
        /// What it was asked to go on after; `None` where it was asked to begin.
        after: Option<Seq>,
        /// The frame's seq.
        seq: Seq,
        /// The time that the frame gives itself; empty where it gives none.
        time: &'a str,
    },
    /// The host goes unread for long, and its connection was given back.
    Parked,
    /// A delivery begins.
    Delivering {
        /// What is being delivered.
        batch: &'a Batch,
    },
    /// A batch is durable.
    Delivered {
        /// What was delivered.
        batch: &'a Batch,
        /// The sink's answer.
        ack: Ack,
        /// From the first try to the answer.
        took: Duration,
    },
    /// What the last frames of a connection amounted to, where they moved no cursor: no delivery tells of them.
    Leftover {
        /// What was dropped, and why.
        tally: &'a Tally,
    },
    /// The sink's readiness changed.
    Backpressure(Backpressure<'a>),
    /// The sink let its oldest entries go, because its size is bounded.
    Retired {
        /// How many left.
        entries: u64,
        /// Those among them that a known reader had not acknowledged; all of them where no reader is known.
        unread: u64,
    },
    /// Input that could not be used. Whoever keeps a quarantine keeps it.
    Quarantined {
        /// Why, as a stable label.
        reason: &'static str,
        /// The frame's seq, where it could be read.
        seq: Option<u64>,
        /// The frame as received.
        frame: &'a [u8],
    },
    /// The host says, or shows, that events between what is stored and what it sends are gone.
    Gap {
        /// How it was noticed, as a stable label.
        reason: &'static str,
        /// The last seq before it, where one is known.
        from: Option<Seq>,
        /// The first seq after it. `None` where none came yet: [`Began`](Self::Began) tells it.
        to: Option<Seq>,
        /// The time that the frame after it gives itself; empty where none came yet, or gives none.
        time: &'a str,
    },
}

/// Whether the sink takes batches.
#[derive(Clone, Copy, Debug)]
pub enum Backpressure<'a> {
    /// Batches are taken.
    Flowing,
    /// The backlog is at the high-water mark; batches are taken again at the low-water mark.
    Full {
        /// Entries in the stream.
        backlog: u64,
    },
    /// The store does not answer, or answers that it cannot write for the time being.
    Unavailable {
        /// What was tried and what came back.
        cause: &'a (dyn Error + 'static),
    },
}

/// Who listens to observations. Called on the frame's way once a batch, never once an event: it must not block.
pub trait Observer: Send + Sync {
    /// Takes note.
    fn observe(&self, observation: Observation<'_>);
}

/// An observer that takes no notes.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Silent {
    /// A shared one.
    #[must_use]
    pub fn shared() -> Arc<dyn Observer> {
        Arc::new(Self)
    }
}

impl Observer for Silent {
    fn observe(&self, _: Observation<'_>) {}
}

use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Cursor, CursorError, Resume, Start};
use standpipe_pipeline::{Observation, Observer};

use super::Resuming;
use crate::settings::OnFutureCursor;

/// Hosts that number their events: a cursor is a seq, and one that is ahead of its host is an operator's matter.
#[derive(Debug)]
pub struct BySeq {
    start: Start,
    on_future_cursor: OnFutureCursor,
    released: AtomicBool,
}

impl BySeq {
    /// Where to begin when nothing is stored, and what to do when what is stored is ahead of the host.
    #[must_use]
    pub fn new(start: Start, on_future_cursor: OnFutureCursor) -> Self {
        Self { start, on_future_cursor, released: AtomicBool::new(false) }
    }
}

impl Resuming for BySeq {
    type Resume = Resume;

    /// A host that was released from its hold begins anew once; what it sends then moves the cursor.
    fn resume(&self, stored: Option<&Cursor>) -> Result<Resume, CursorError> {
        if self.released.swap(false, Ordering::Relaxed) {
            match self.on_future_cursor {
                OnFutureCursor::Hold => {}
                OnFutureCursor::Live => return Ok(Resume::Live),
                OnFutureCursor::Oldest => return Ok(Resume::Oldest),
            }
        }
        Resume::decide(stored, self.start)
    }

    fn parameter(&self, resume: &Resume) -> impl tracing::Value {
        resume.parameter()
    }

    /// Lets a host begin anew that would be held, as an operator said. What lies between is missing, or comes twice.
    fn releases(&self, resume: Option<&Resume>, host: &str, observer: &dyn Observer) -> bool {
        let reason = match self.on_future_cursor {
            OnFutureCursor::Hold => return false,
            OnFutureCursor::Live => "future_cursor_live",
            OnFutureCursor::Oldest => "future_cursor_oldest",
        };
        let from = match resume {
            Some(Resume::After(seq)) => Some(*seq),
            Some(Resume::Live | Resume::Oldest) | None => None,
        };
        tracing::warn!(host, "the stored cursor is ahead of the host; beginning anew, as configured");
        observer.observe(Observation::Gap { reason, from, to: None, time: "" });
        self.released.store(true, Ordering::Relaxed);
        true
    }
}

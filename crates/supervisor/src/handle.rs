use std::sync::Arc;

use tokio::time::Instant;

use crate::roster::Roster;
use crate::{AddError, ChildSpec, RemoveError, SupervisorStatus};

/// A view of a supervisor for those who do not own it, by which children come and go. Clones are cheap and see the
/// same; it stays valid after the end.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) roster: Arc<Roster>,
}

impl Handle {
    /// How every child is at this moment. Takes one short lock a child that no child's work ever waits for.
    #[must_use]
    pub fn status(&self) -> SupervisorStatus {
        let now = Instant::now();
        SupervisorStatus { children: self.roster.records().iter().map(|record| record.status(now)).collect() }
    }

    /// Adds a child, which begins at once; before the supervisor runs, it begins with the others.
    ///
    /// # Errors
    ///
    /// [`AddError::Setup`] as at [`Builder::build`](crate::Builder::build), also where a child of that name has ended
    /// for good but was not [removed](Self::remove); [`AddError::Over`] once the supervisor is stopping, has ended or
    /// was dropped.
    pub fn add(&self, child: ChildSpec) -> Result<(), AddError> {
        self.roster.add(child)
    }

    /// Asks a child to stop and completes when it has ended for good: its last report was given, nothing of it runs,
    /// and the status does not know it.
    ///
    /// This is bounded by the child's grace period and 1 s for what is aborted to let go. A child that waits for its
    /// restart, or has not begun, leaves at once. How it ended is no part of the supervisor's
    /// [`Outcome`](crate::Outcome). A child that removes itself waits for its own end, until its grace is over: it
    /// returns instead.
    ///
    /// # Errors
    ///
    /// [`RemoveError::Unknown`] if no child has that name.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: once polled, the child leaves whether this is waited for or not.
    pub async fn remove(&self, child: &str) -> Result<(), RemoveError> {
        let record = self.roster.dismiss(child)?;
        record.closed().await;
        self.roster.strike(&record);
        Ok(())
    }
}

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::{ExitReport, Heartbeat, panics};

/// Sees what the supervisor has to tell, besides the log.
///
/// Calls come from the supervisor's own tasks and hold up no child's work but the restart that follows; they
/// should return at once and hand over what takes longer. A panic in an observer is logged and harms nobody.
pub trait Observer: Send + Sync + 'static {
    /// An incarnation has ended; its successor has not begun.
    fn exited(&self, report: &Arc<ExitReport>);

    /// A child gives its regular sign of life.
    fn heartbeat(&self, heartbeat: &Heartbeat) {
        let _ = heartbeat;
    }
}

/// All observers of one supervisor, called in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) fn exited(&self, report: &Arc<ExitReport>) {
        self.tell(|observer| observer.exited(report));
    }

    pub(crate) fn heartbeat(&self, heartbeat: &Heartbeat) {
        self.tell(|observer| observer.heartbeat(heartbeat));
    }

    fn tell(&self, news: impl Fn(&dyn Observer)) {
        for observer in &self.0 {
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| news(observer.as_ref()))) {
                tracing::error!(cause = panics::message(payload.as_ref()), "an observer panicked");
            }
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observers({})", self.0.len())
    }
}

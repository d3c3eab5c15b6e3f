//! Where a supervised task panicked: a process-wide hook, keyed to the task by a task-local.

use std::any::Any;
use std::backtrace::Backtrace;
use std::future::Future;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tokio::task::spawn_blocking;

use crate::Place;

tokio::task_local! {
    static CURRENT: Slot;
}

/// What the hook saw of a task's last panic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Sighting>>>);

#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) place: Option<Place>,
    pub(crate) backtrace: Backtrace,
}

impl Slot {
    /// Runs a future so that its panics are seen by this slot.
    pub(crate) fn watch<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Runs blocking work likewise.
    pub(crate) fn watch_blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }

    pub(crate) fn take(&self) -> Option<Sighting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn see(&self, panic: &PanicHookInfo<'_>) {
        let place = panic.location().map(|location| Place {
            file: location.file().to_owned(),
            line: location.line(),
            column: location.column(),
        });
        let sighting = Sighting { place, backtrace: Backtrace::force_capture() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sighting);
    }
}

/// Puts our hook before the one that is there, once a process.
///
/// The earlier hook still runs, for panics of supervised tasks too: where a panic aborts the process (a
/// second one while unwinding, or `panic = "abort"`) no report follows, and that hook has the only word.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // Outside of supervised tasks there is no slot, and nothing to see.
            let _ = CURRENT.try_with(|slot| slot.see(panic));
            earlier(panic);
        }));
    });
}

/// Finds the names that a backtrace is told with, away from the threads that children run on.
///
/// That reads the program's debug information: tenths of a second, or seconds from a busy disk, and siblings whose turn
/// it is on that thread would wait. Afterwards it is told at once.
pub(crate) async fn resolve(backtrace: Arc<Backtrace>) {
    // It fails where the runtime is ending; then the names are found when they are told.
    let _ = spawn_blocking(move || drop(backtrace.to_string())).await;
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic whose payload is no text").to_owned()
}

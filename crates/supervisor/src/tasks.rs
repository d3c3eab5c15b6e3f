use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{Instrument, Span};

use crate::panics::{self, Slot};
use crate::{ChildResult, Ending};

/// How long aborted tasks may take to come to their next `.await`. One that takes longer blocks its thread.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// The tasks of one incarnation: the child itself and what it spawned.
///
/// Dropping this aborts them all. Scopes hold it weakly, since the tasks hold their scopes.
#[derive(Debug)]
pub(crate) struct Tasks {
    runtime: Handle,
    span: Span,
    set: Mutex<Set>,
}

/// Tasks; only the child itself has a result.
type Joining = JoinSet<Option<ChildResult>>;

#[derive(Debug, Default)]
struct Set {
    joining: Joining,
    known: HashMap<Id, Known>,
    closed: bool,
}

/// Who a task is: the child itself has no name.
#[derive(Debug)]
struct Known {
    task: Option<Arc<str>>,
    slot: Slot,
}

/// What came of one task.
enum Joined {
    Child(ChildResult),
    ChildCutOff,
    Panic(Ending),
    Side,
}

impl Tasks {
    pub(crate) fn new(runtime: Handle, span: Span) -> Self {
        Self { runtime, span, set: Mutex::default() }
    }

    pub(crate) fn start_child(&self, child: impl Future<Output = ChildResult> + Send + 'static) {
        let child = async move { Some(child.await) };
        self.start(None, child.instrument(self.span.clone()));
    }

    /// Starts a named task beside the child; answers whether the incarnation was still there to own it.
    pub(crate) fn start_side(&self, name: Arc<str>, side: impl Future<Output = ()> + Send + 'static) -> bool {
        let span = tracing::info_span!(parent: &self.span, "task", task = %name);
        let side = async move {
            side.await;
            None
        };
        self.start(Some(name), side.instrument(span))
    }

    /// Starts named work that blocks its thread; answers as [`start_side`](Self::start_side) does.
    pub(crate) fn start_blocking(&self, name: Arc<str>, work: impl FnOnce() + Send + 'static) -> bool {
        let span = tracing::info_span!(parent: &self.span, "task", task = %name);
        let slot = Slot::default();
        let watched = slot.clone();
        let work = move || {
            span.in_scope(|| watched.watch_blocking(work));
            None
        };
        self.own(Known { task: Some(name), slot }, |joining| joining.spawn_blocking_on(work, &self.runtime))
    }

    /// Waits for what ends the incarnation: the child's own end, or a panic in any of its tasks. Cancel-safe.
    pub(crate) async fn ending(&self) -> Ending {
        loop {
            match poll_fn(|cx| self.poll_join(cx)).await {
                Some(Joined::Child(result)) => return result.into(),
                Some(Joined::Panic(ending)) => return ending,
                // Only the runtime's own end cuts a child off that nobody aborted.
                Some(Joined::ChildCutOff) | None => return Ending::Aborted { grace: None },
                Some(Joined::Side) => {}
            }
        }
    }

    /// Aborts what is left, waits until it is gone, and weighs the ending against what came to light
    /// meanwhile.
    ///
    /// A panic outweighs all: the child that sees its spawned task vanish often ends before the panic is
    /// joined. A child that ended between the end of its time and the abort was not aborted, and not stalled.
    pub(crate) async fn clear(&self, ending: Ending) -> Ending {
        self.close();
        let mut weighed = ending;
        let drained = timeout(ABORT_WAIT, async {
            while let Some(joined) = poll_fn(|cx| self.poll_join(cx)).await {
                let before = mem::replace(&mut weighed, Ending::Stopped);
                weighed = self.span.in_scope(|| outweigh(before, joined));
            }
        });
        if drained.await.is_err() {
            let left = self.lock().left();
            self.span.in_scope(|| {
                let (tasks, names) = (left.len(), left.join(", "));
                tracing::error!(tasks, names, "aborted tasks block their threads and are left");
            });
        }
        weighed
    }

    fn start(
        &self,
        task: Option<Arc<str>>,
        future: impl Future<Output = Option<ChildResult>> + Send + 'static,
    ) -> bool {
        let slot = Slot::default();
        let watched = slot.watch(future);
        self.own(Known { task, slot }, |joining| joining.spawn_on(watched, &self.runtime))
    }

    fn own(&self, task: Known, spawn: impl FnOnce(&mut Joining) -> AbortHandle) -> bool {
        let mut set = self.lock();
        if set.closed {
            return false;
        }
        let id = spawn(&mut set.joining).id();
        set.known.insert(id, task);
        true
    }

    fn close(&self) {
        let mut set = self.lock();
        set.closed = true;
        set.joining.abort_all();
    }

    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Option<Joined>> {
        let mut set = self.lock();
        set.joining.poll_join_next_with_id(cx).map(|joined| joined.map(|joined| set.tell(joined)))
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Set {
    /// The names of the tasks that are still there, in the order of the alphabet.
    fn left(&self) -> Vec<Arc<str>> {
        let names =
            self.known.values().map(|known| known.task.clone().unwrap_or_else(|| "the child itself".into()));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    fn tell(&mut self, joined: Result<(Id, Option<ChildResult>), JoinError>) -> Joined {
        let error = match joined {
            Ok((id, result)) => {
                self.known.remove(&id);
                return result.map_or(Joined::Side, Joined::Child);
            }
            Err(error) => error,
        };
        let known = self.known.remove(&error.id());
        let (task, slot) = known.map_or_else(|| (None, Slot::default()), |Known { task, slot }| (task, slot));
        match error.try_into_panic() {
            Ok(payload) => {
                let sighting = slot.take();
                let message = panics::message(payload.as_ref());
                let (place, backtrace) =
                    sighting.map_or((None, None), |seen| (seen.place, Some(Arc::new(seen.backtrace))));
                Joined::Panic(Ending::Panicked { task, message, place, backtrace })
            }
            Err(_cut_off) if task.is_none() => Joined::ChildCutOff,
            Err(_cut_off) => Joined::Side,
        }
    }
}

fn outweigh(ending: Ending, joined: Joined) -> Ending {
    match (joined, ending) {
        (_, panicked @ Ending::Panicked { .. }) => panicked,
        (Joined::Panic(panicked), outweighed) => {
            if let Some(cause) = outweighed.cause() {
                tracing::warn!(ending = outweighed.kind(), cause, "a panic outweighs another ending");
            }
            panicked
        }
        (Joined::Child(result), Ending::Aborted { .. } | Ending::Stalled { .. }) => result.into(),
        (Joined::Child(_) | Joined::ChildCutOff | Joined::Side, ending) => ending,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::Done;

    #[tokio::test(start_paused = true)]
    async fn a_child_that_ended_just_before_it_was_aborted_was_not_aborted_and_not_stalled() {
        let (waiting_for, for_how_long) = ("the next message", ABORT_WAIT);
        for ending in [Ending::Aborted { grace: None }, Ending::Stalled { waiting_for, for_how_long }] {
            let tasks = Tasks::new(Handle::current(), Span::none());
            let (ended, has_ended) = oneshot::channel::<()>();
            tasks.start_child(async move {
                let _ended = ended;
                Ok(Done::Finished)
            });
            assert!(has_ended.await.is_err());
            let ending = tasks.clear(ending).await;
            assert!(matches!(ending, Ending::Finished), "{ending}");
        }
    }
}

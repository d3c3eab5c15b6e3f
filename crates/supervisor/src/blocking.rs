use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::{BlockingError, panics};

/// Blocking work that an incarnation has begun ([`Scope::spawn_blocking`](crate::Scope::spawn_blocking)), and the
/// value that comes of it.
///
/// The work goes on whether this is awaited, dropped or forgotten.
///
/// # Errors
///
/// [`BlockingError`] if the work panicked, or if it was never begun because the incarnation is over.
///
/// # Cancel safety
///
/// Cancel-safe: it can be polled on by reference, and dropping it loses the value alone.
#[derive(Debug)]
pub struct Blocking<T> {
    task: Arc<str>,
    answer: oneshot::Receiver<Result<T, BlockingError>>,
}

impl<T> Blocking<T> {
    /// Splits work into the part that runs it on a blocking thread, and the part that is awaited.
    pub(crate) fn new<F>(task: Arc<str>, work: F) -> (Self, impl FnOnce() + Send + 'static)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (tell, answer) = oneshot::channel();
        let name = Arc::clone(&task);
        // Nobody may be waiting, which is no fault.
        let run = move || match panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(value) => drop(tell.send(Ok(value))),
            Err(payload) => {
                let message = panics::message(payload.as_ref());
                drop(tell.send(Err(BlockingError::Panicked { task: name, message })));
                panic::resume_unwind(payload);
            }
        };
        (Self { task, answer }, run)
    }
}

impl<T> Future for Blocking<T> {
    type Output = Result<T, BlockingError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        Poll::Ready(
            answer.unwrap_or_else(|_dropped| Err(BlockingError::Over { task: Arc::clone(&self.task) })),
        )
    }
}

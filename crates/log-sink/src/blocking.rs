use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// The runtime ends, so blocking work was not begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted;

/// Runs work that waits for the disk on a thread of its own. A panic in it goes on in the caller.
///
/// Cancel-safe in this sense: work that has begun runs to its end, whether or not somebody awaits it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    match spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Interrupted),
        },
    }
}

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use standpipe_supervisor::{ChildResult, ChildSpec, Done, Scope, Trouble};
use tokio::time::sleep;

/// What one incarnation does with its life.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Finish,
    /// Says that it stopped, whether asked to or not.
    Stop,
    Lose,
    LoseFor(Duration),
    Fail,
    Panic,
    /// Runs this long, then goes on with the next act in the same life.
    Run(Duration),
    /// Makes progress, then goes on with the next act in the same life.
    Progress,
    /// Sees a message but makes no progress of it.
    See(u64),
    /// Waits to be stopped, and stops.
    Serve,
    /// Waits to be stopped, and takes this long to stop.
    StopSlowly(Duration),
}

/// A child whose lives follow a script together; the last act is repeated for ever. It never stalls.
pub(crate) fn scripted(name: &str, acts: impl IntoIterator<Item = Act>) -> ChildSpec {
    let acts: Arc<[Act]> = acts.into_iter().collect();
    let next = Arc::new(AtomicUsize::new(0));
    let child = ChildSpec::new(name, move |scope| perform(scope, Arc::clone(&acts), Arc::clone(&next)));
    child.stall_after(None)
}

async fn perform(scope: Scope, acts: Arc<[Act]>, next: Arc<AtomicUsize>) -> ChildResult {
    loop {
        let act = next.fetch_add(1, Ordering::Relaxed).min(acts.len() - 1);
        match &acts[act] {
            Act::Finish => return Ok(Done::Finished),
            Act::Stop => return Ok(Done::Stopped),
            Act::Lose => return Err(Trouble::lost(io::Error::other("reset by peer"))),
            Act::LoseFor(retry_after) => {
                return Err(Trouble::lost_for(io::Error::other("too many requests"), *retry_after));
            }
            Act::Fail => return Err(Trouble::failed(io::Error::other("wrong type"))),
            Act::Panic => panic!("out of cheese"),
            Act::Run(time) => sleep(*time).await,
            Act::Progress => scope.progressed(1, 100),
            Act::See(seq) => scope.saw(Some(*seq), None),
            Act::Serve => {
                scope.stopped().await;
                return Ok(Done::Stopped);
            }
            Act::StopSlowly(time) => {
                scope.stopped().await;
                sleep(*time).await;
                return Ok(Done::Stopped);
            }
        }
    }
}

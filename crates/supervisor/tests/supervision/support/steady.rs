use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, State};
use tokio::time::{Instant, interval};

/// A child that does something every period, and counts the beats that came late.
pub(crate) fn steady(name: &str, period: Duration, late: &Arc<AtomicU64>) -> ChildSpec {
    let late = Arc::clone(late);
    ChildSpec::new(name, move |scope| {
        let late = Arc::clone(&late);
        async move {
            let mut beats = interval(period);
            scope.set_state(State::Streaming);
            let mut due = beats.tick().await;
            loop {
                tokio::select! {
                    () = scope.stopped() => return Ok(Done::Stopped),
                    _ = beats.tick() => {}
                }
                due += period;
                late.fetch_add(u64::from(Instant::now() > due), Ordering::Relaxed);
                scope.progressed(1, 10);
            }
        }
    })
}

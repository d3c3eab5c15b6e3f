//! Tells a child that is stalled from one that waits.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Ending;
use crate::vitals::Vitals;

/// Whoever wakes later than this was held up with everybody else, the child included: a process that was suspended, a
/// machine that was paused.
const LATE: Duration = Duration::from_secs(1);

/// Waits until an incarnation has given no sign of life for that long in a state that is no reason to wait; for ever
/// with `None`. Cancel-safe.
///
/// When time has passed in which nobody could run, the child is given the whole time anew.
pub(crate) async fn stalled(vitals: &Vitals, after: Option<Duration>) -> Ending {
    let Some(after) = after else { return pending().await };
    let mut patient_since = vitals.began();
    loop {
        let now = Instant::now();
        if vitals.state().is_reason_to_wait() {
            // Leaving this state is a sign of life, so nothing can be due before then.
            patient_since = now;
        }
        let due = vitals.last_alive().max(patient_since) + after;
        if due <= now {
            let for_how_long = now.saturating_duration_since(vitals.last_alive());
            return Ending::Stalled { waiting_for: vitals.waiting_for(), for_how_long };
        }
        sleep_until(due).await;
        let woken = Instant::now();
        if woken.saturating_duration_since(due) > LATE {
            patient_since = woken;
        }
    }
}

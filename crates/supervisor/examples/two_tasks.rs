//! Supervises two tasks until Ctrl-C: one that works, and one whose peer keeps going away.

use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, SetupError, State, Supervisor, Trouble};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), SetupError> {
    tracing_subscriber::fmt().init();
    let clock = ChildSpec::new("clock", |scope| async move {
        scope.set_state(State::Streaming);
        while !scope.is_stopping() {
            sleep(SECOND).await;
            scope.progressed(1, 0);
        }
        Ok(Done::Stopped)
    });
    let flaky = ChildSpec::new("flaky", |_scope| async {
        sleep(2 * SECOND).await;
        Err(Trouble::lost("the peer went away"))
    });
    let supervisor = Supervisor::builder().child(clock).child(flaky).heartbeat_period(10 * SECOND).build()?;
    let outcome = supervisor.run(async { drop(tokio::signal::ctrl_c().await) }).await;
    tracing::info!(?outcome, "done");
    Ok(())
}

//! Supervises two tasks until Ctrl-C: one that works, and one whose peer keeps going away.

use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, Scope, State, Supervisor, Trouble};
use tokio::time::{interval, sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let supervisor = Supervisor::builder()
        .child(ChildSpec::new("clock", tick))
        .child(ChildSpec::new("flaky", |_scope| async {
            sleep(Duration::from_secs(2)).await;
            Err(Trouble::lost("the peer went away"))
        }))
        .heartbeat_period(Duration::from_secs(10))
        .build()?;
    let outcome = supervisor.run(async { drop(tokio::signal::ctrl_c().await) }).await;
    tracing::info!(?outcome, "done");
    Ok(())
}

async fn tick(scope: Scope) -> Result<Done, Trouble> {
    let mut ticks = interval(Duration::from_secs(1));
    scope.set_state(State::Streaming);
    loop {
        tokio::select! {
            () = scope.stopped() => return Ok(Done::Stopped),
            _ = ticks.tick() => scope.progressed(1, 0),
        }
    }
}

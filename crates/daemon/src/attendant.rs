use std::pin::pin;
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, Scope};
use tokio::time::interval;

/// How often an attendant says that it lives, whatever it waits for.
const SIGN_EVERY: Duration = Duration::from_secs(30);

/// A child that reads no host, but works for those that do: it stops behind them. `awaits` says for people what it waits
/// for. The work has to be cancel-safe, and where it ends, so does the child.
pub fn attendant<W>(
    name: &str,
    awaits: &'static str,
    work: impl Fn() -> W + Send + Sync + 'static,
) -> ChildSpec
where
    W: Future<Output = ()> + Send + 'static,
{
    let child = move |scope: Scope| {
        let work = work();
        async move {
            let (mut work, mut signs) = (pin!(work), interval(SIGN_EVERY));
            scope.waiting_for(awaits);
            loop {
                tokio::select! {
                    () = scope.stopped() => return Ok(Done::Stopped),
                    () = &mut work => return Ok(Done::Finished),
                    _ = signs.tick() => scope.alive(),
                }
            }
        }
    };
    ChildSpec::new(name, child).stage(1)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use standpipe_supervisor::{Outcome, Supervisor};
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attendant_without_work_is_no_stall_and_stops_when_it_should() {
        let attendant = attendant("identities", "somebody to ask", pending).stall_after(Some(SIGN_EVERY * 2));
        let supervisor = Supervisor::builder().child(attendant).build().unwrap();
        let handle = supervisor.handle();
        let outcome = supervisor.run(sleep(Duration::from_hours(48))).await;
        assert!(matches!(&outcome, Outcome::Stopped { aborted } if aborted.is_empty()), "{outcome:?}");
        assert_eq!(handle.status().children[0].incarnation, 1);
    }
}

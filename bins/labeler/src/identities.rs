use std::time::Duration;

use standpipe_daemon::Lookups;
use standpipe_identity::Resolver;
use standpipe_supervisor::{ChildSpec, Done};
use tokio::time::interval;

/// How often the child that keeps lookups going says that it lives.
const SIGN_EVERY: Duration = Duration::from_secs(30);

/// The child that keeps lookups going whose waiters are busy elsewhere. It stops behind those that read labelers.
pub(crate) fn keep_going(resolver: &Resolver) -> ChildSpec {
    let resolver = resolver.clone();
    let child = move |scope: standpipe_supervisor::Scope| {
        let resolver = resolver.clone();
        async move {
            let mut signs = interval(SIGN_EVERY);
            let mut driving = std::pin::pin!(resolver.drive());
            scope.waiting_for("somebody to ask for an identity");
            loop {
                tokio::select! {
                    () = scope.stopped() => return Ok(Done::Stopped),
                    () = &mut driving => return Ok(Done::Finished),
                    _ = signs.tick() => scope.alive(),
                }
            }
        }
    };
    ChildSpec::new("identities", child).stage(1)
}

/// What came of lookups, for metrics.
pub(crate) struct Account(pub(crate) Resolver);

impl Lookups for Account {
    fn outcomes(&self) -> Vec<(&'static str, u64)> {
        self.0.lookups()
    }

    fn remembered(&self) -> u64 {
        self.0.remembered() as u64
    }
}

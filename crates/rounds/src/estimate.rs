use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::Endpoint;
use standpipe_daemon::HostLedger;
use standpipe_list_repos::{Bounds, Hosts, ListHosts, Settings};
use standpipe_pipeline::{Silent, Source as _};
use standpipe_supervisor::{Scope, chain};
use tokio::time::sleep;

/// How soon it is looked again whether an enumeration has begun that an estimate is for.
const SOON: Duration = Duration::from_secs(1);

/// Asks the host, beside the enumeration, how many repos it may have: what its own list of hosts adds up to. Many
/// hosts have no such list, and none has to be right about it.
pub(crate) fn ask(settings: &Settings, host: &Endpoint, ledger: &Arc<HostLedger>, scope: &Scope) {
    let bounds = Bounds { give_up_after: NonZeroU32::new(3), ..settings.bounds };
    let settings = Settings { bounds, ..settings.clone() };
    let Ok(mut hosts) = ListHosts::open(&Hosts, &settings, host, None, Silent::shared()) else {
        return;
    };
    let ledger = Arc::clone(ledger);
    scope.spawn("estimate", async move {
        let mut estimate = 0_u64;
        loop {
            match hosts.next().await {
                Ok(Some(page)) => {
                    let counts = page.rows.hosts().iter().filter_map(|host| host.account_count);
                    estimate = counts.fold(estimate, u64::saturating_add);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(cause = chain(&error), "nobody says how many repos there are");
                    return;
                }
            }
        }
        let is_known = || {
            ledger.enumerates(|enumeration| {
                enumeration.as_mut().map(|known| known.estimate = (estimate > 0).then_some(estimate))
            })
        };
        while is_known().is_none() {
            sleep(SOON).await;
        }
    });
}

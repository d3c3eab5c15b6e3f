use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use standpipe_cursor::{CursorKey, CursorStore, Endpoint};
use standpipe_daemon::ingest::{Reader, reporting};
use standpipe_daemon::{Host, HostLedger, NamedHosts, Newcomers};
use standpipe_list_repos::{Host as Row, HostRows, Hosts, ListHosts, Reach, Rows as _, Settings};
use standpipe_pipeline::{Acquire, Observer, Remedy, Source as _, Transient};
use standpipe_supervisor::{ChildResult, Done, Scope, State, Trouble};
use tokio::time::sleep;

/// A host whose repos are enumerated, and what is known of it beforehand.
#[derive(Clone, Debug)]
pub struct NamedHost {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Where its name may lead, by who named it.
    pub reach: Reach,
    /// How many accounts it has, as far as anybody says.
    pub account_count: Option<u64>,
}

impl From<Endpoint> for NamedHost {
    /// A host that an operator wrote.
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint, reach: Reach::Written, account_count: None }
    }
}

impl Host for NamedHost {
    fn name(&self) -> &str {
        self.endpoint.name()
    }

    fn key(&self, stream: &str) -> CursorKey {
        CursorKey::new(stream, &self.endpoint)
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        Some(&self.endpoint)
    }
}

/// The names of the hosts that were taken on, whichever relay named them, and how many there may be. Clones are one.
#[derive(Clone, Debug)]
pub struct Known {
    written: Arc<HashSet<String>>,
    taken_on: Arc<Mutex<HashSet<String>>>,
    at_most: usize,
}

impl Known {
    /// These are in the settings, and nobody was taken on yet.
    #[must_use]
    pub fn at_most(at_most: usize, written: impl IntoIterator<Item = String>) -> Self {
        Self { written: Arc::new(written.into_iter().collect()), taken_on: Arc::default(), at_most }
    }

    /// Takes note of one that is to be read; answers why it is not, where that is so.
    fn admit(&self, name: &str) -> Result<(), &'static str> {
        if self.written.contains(name) {
            return Err(IN_SETTINGS);
        }
        let mut taken_on = self.taken_on.lock().unwrap_or_else(PoisonError::into_inner);
        if taken_on.contains(name) {
            return Ok(());
        }
        if taken_on.len() >= self.at_most {
            return Err(TOO_MANY);
        }
        taken_on.insert(name.to_owned());
        Ok(())
    }
}

/// Asks a relay for all hosts that it reads, has those that are new read by children of their own, and asks again now
/// and then. The relay's own list of repos is not read: it may lack accounts that its hosts have.
#[derive(Debug)]
pub struct HostWalk {
    /// How pages are asked for.
    pub settings: Settings,
    /// Whom to ask.
    pub relay: Endpoint,
    /// Who takes the hosts on.
    pub newcomers: Newcomers<NamedHost>,
    /// Those that were taken on.
    pub known: Known,
    /// Hosts of which statuses are left alone, besides those that are banned.
    pub skip: Vec<String>,
    /// From the end of one walk to the next; never again without.
    pub interval: Option<Duration>,
}

/// The statuses that a relay may give a host, for which one may be left alone: the reason is the status.
const STATUSES: [&str; 4] = ["banned", "idle", "offline", "throttled"];
/// It is a relay of the settings.
const IN_SETTINGS: &str = "in_settings";
/// There are as many hosts as may be.
const TOO_MANY: &str = "too_many";

impl Reader for HostWalk {
    async fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        _sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        ledger: Arc<HostLedger>,
        scope: Scope,
    ) -> ChildResult {
        let observer = reporting(&scope, Arc::clone(&ledger));
        loop {
            let named = tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                walked = self.walk(&observer, &scope) => match walked? {
                    Some(named) => named,
                    // Nobody is taken on any more.
                    None => return Ok(Done::Stopped),
                },
            };
            scope.progressed(0, 0);
            self.tell(&named);
            ledger.names(named);
            let Some(interval) = self.interval else { return Ok(Done::Finished) };
            scope.set_state(State::Waiting);
            scope.waiting_for("the next look for hosts");
            tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                () = sleep(interval) => {}
            }
        }
    }
}

impl HostWalk {
    /// Takes on every host that the relay names; `None` once the daemon is stopping.
    async fn walk(&self, observer: &Arc<dyn Observer>, scope: &Scope) -> Result<Option<NamedHosts>, Trouble> {
        let trouble = |error| trouble(error, scope);
        let mut pages = ListHosts::open(&Hosts, &self.settings, &self.relay, None, Arc::clone(observer))
            .map_err(trouble)?;
        let mut named = NamedHosts::default();
        while let Some(page) = pages.next().await.map_err(trouble)? {
            let is_private = pages.host_is_private();
            named.named += page.rows.hosts().len() as u64 + page.rows.dropped().total();
            for (reason, rows) in page.rows.dropped().iter() {
                skip(&mut named, reason, rows);
            }
            for row in page.rows.hosts() {
                if !self.take_on(row, is_private, &mut named) {
                    return Ok(None);
                }
            }
        }
        named.at = Timestamp::now();
        Ok(Some(named))
    }

    /// Takes on one, unless there is a reason not to; false once the daemon is stopping.
    fn take_on(&self, row: &Row, relay_is_private: bool, named: &mut NamedHosts) -> bool {
        if let Some(status) = self.left_alone(row) {
            skip(named, status, 1);
            return true;
        }
        let Some(endpoint) = self.endpoint(row, relay_is_private) else {
            skip(named, HostRows::INVALID_HOSTNAME, 1);
            return true;
        };
        if let Err(reason) = self.known.admit(endpoint.name()) {
            skip(named, reason, 1);
            return true;
        }
        named.read += 1;
        let reach = if relay_is_private { Reach::Written } else { Reach::Public };
        let host = NamedHost { endpoint, reach, account_count: row.account_count };
        match self.newcomers.take_on(host) {
            Ok(is_new) => {
                named.new += u64::from(is_new);
                true
            }
            Err(_over) => false,
        }
    }

    /// The status for which a host is not read.
    fn left_alone(&self, row: &Row) -> Option<&'static str> {
        let status = row.status.as_deref()?;
        let known = STATUSES.into_iter().find(|known| *known == status)?;
        (row.is_banned() || self.skip.iter().any(|skip| skip == known)).then_some(known)
    }

    /// Where the host is. A relay of the network sends us to TLS only; a private one to what it is itself.
    fn endpoint(&self, row: &Row, relay_is_private: bool) -> Option<Endpoint> {
        let is_plain = relay_is_private && !self.relay.is_tls() && !row.hostname.contains("://");
        let written = if is_plain { format!("http://{}", row.hostname) } else { row.hostname.clone() };
        written.parse().ok()
    }

    fn tell(&self, named: &NamedHosts) {
        let skipped: Vec<_> =
            named.skipped.iter().map(|(reason, hosts)| format!("{reason} {hosts}")).collect();
        let (relay, skipped) = (self.relay.name(), skipped.join(", "));
        let NamedHosts { named: hosts, read, new, .. } = named;
        tracing::info!(host = relay, hosts, read, new, skipped, "the relay has named its hosts");
        if let Some((_, beyond)) = named.skipped.iter().find(|(reason, _)| *reason == TOO_MANY) {
            tracing::warn!(
                host = relay,
                at_most = self.known.at_most,
                beyond,
                "hosts are not read because there are too many; raise backfill.hosts_at_most if they are sound"
            );
        }
    }
}

fn skip(named: &mut NamedHosts, reason: &'static str, hosts: u64) {
    match named.skipped.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, count)) => *count += hosts,
        None => named.skipped.push((reason, hosts)),
    }
}

fn trouble(error: impl Transient, scope: &Scope) -> Trouble {
    match error.remedy() {
        Remedy::Retry => Trouble::lost(error),
        Remedy::RetryAfter(delay) => Trouble::lost_for(error, delay),
        Remedy::Hold(delay) => {
            scope.set_state(State::Held);
            Trouble::lost_for(error, delay)
        }
        Remedy::Fail => Trouble::failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::on_loopback;

    type TakenOn = Arc<Mutex<Vec<NamedHost>>>;

    /// A walk of this relay's hosts, and those that it has taken on.
    fn walk(relay: &str, at_most: usize) -> (HostWalk, TakenOn) {
        let settings = on_loopback();
        let taken_on = TakenOn::default();
        let taking = Arc::clone(&taken_on);
        let newcomers = Newcomers::by(move |host: NamedHost| {
            let mut taken_on = taking.lock().unwrap();
            let is_new = taken_on.iter().all(|known| known.name() != host.name());
            taken_on.push(host);
            Ok(is_new)
        });
        let relay: Endpoint = relay.parse().unwrap();
        let known = Known::at_most(at_most, [relay.name().to_owned(), "other.relay.net".to_owned()]);
        let (skip, interval) = (vec!["offline".to_owned()], None);
        (HostWalk { settings, relay, newcomers, known, skip, interval }, taken_on)
    }

    fn row(hostname: &str, status: &str) -> Row {
        let status = Some(status.to_owned());
        Row { hostname: hostname.to_owned(), seq: None, account_count: Some(3), status }
    }

    #[test]
    fn a_host_is_taken_on_once_or_counted_with_the_reason_why_not() {
        let (walk, taken_on) = walk("relay.net", 3);
        let rows = [
            ("a.net", "active"),
            ("b.net", "idle"),
            ("c.net", "banned"),
            ("d.net", "offline"),
            ("relay.net", "active"),
            ("other.relay.net", "active"),
            ("a.net", "active"),
            ("https://", "active"),
            ("e.net", "a word that is new"),
            ("f.net", "throttled"),
            ("a.net", "banned"),
        ];
        for (new, of_later_walks) in [(3, false), (0, true)] {
            let mut named = NamedHosts::default();
            for (hostname, status) in rows {
                assert!(walk.take_on(&row(hostname, status), false, &mut named));
            }
            assert_eq!((named.read, named.new), (4, new), "{of_later_walks}");
            let skipped =
                [("banned", 2), ("offline", 1), ("in_settings", 2), ("invalid_hostname", 1), ("too_many", 1)];
            assert_eq!(named.skipped, skipped, "{of_later_walks}");
        }
        let taken_on = taken_on.lock().unwrap();
        let names: HashSet<_> = taken_on.iter().map(Host::name).collect();
        assert_eq!(names, HashSet::from(["a.net", "b.net", "e.net"]));
        assert!(taken_on.iter().all(|host| host.account_count == Some(3)));
    }

    #[test]
    fn i6_a_stranger_leads_to_public_places_over_tls_unless_a_private_relay_named_it() {
        for (relay, is_private, hostname, tls, reach) in [
            ("relay.net", false, "a.net", true, Reach::Public),
            // A relay that was written in plain text is public all the same.
            ("http://relay.net", false, "a.net", true, Reach::Public),
            ("http://127.0.0.1:1", true, "127.0.0.1:7", false, Reach::Written),
            ("relay.lan", true, "pds.lan", true, Reach::Written),
            ("relay.lan", true, "http://pds.lan", false, Reach::Written),
        ] {
            let (walk, taken_on) = walk(relay, 10);
            assert!(walk.take_on(&row(hostname, "active"), is_private, &mut NamedHosts::default()));
            let host = taken_on.lock().unwrap()[0].clone();
            assert_eq!((host.endpoint.is_tls(), host.reach), (tls, reach), "{hostname} of {relay}");
        }
    }
}

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use standpipe_cursor::Endpoint;
use standpipe_guarded_http::{Client, Fault, Guard, Settings as HttpSettings, Url, excerpt};
use tokio::time::timeout;

use crate::address::{Address, WELL_KNOWN, address};
use crate::document::Identity;
use crate::error::{ResolveError, SetupError};
use crate::keepsakes::Terms;
use crate::lane::{Lane, NoTurn};
use crate::memory::{Landing, Look, Memory, Outcome};
use crate::settings::{Bounds, Settings, WebReach};

/// How long a directory is left alone that limits our rate and does not say for how long.
const UNTOLD_PAUSE: Duration = Duration::from_secs(10);

/// Resolves DIDs to what their documents say, and remembers it. Clones share everything.
///
/// It spawns nothing: a lookup makes progress while somebody waits for it, or while [`drive`](Self::drive) runs. Whoever
/// asks for the same DID meanwhile waits for the same lookup, and when the first of them leaves, it goes on with the
/// others.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Inner>,
}

struct Inner {
    bounds: Bounds,
    web_reach: WebReach,
    endpoint: Endpoint,
    directory: Way,
    web: Way,
    memory: Memory,
    outcomes: Mutex<Vec<(&'static str, u64)>>,
}

/// The way to the directory, or to all hosts of `did:web`.
struct Way {
    client: Client,
    lane: Lane,
    /// Whether it leads to one host, so that what that host says of our rate holds for all requests.
    is_one_host: bool,
}

impl Resolver {
    /// A resolver that knows nobody yet. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`SetupError`], where the HTTP client cannot be set up as asked.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let bounds = settings.bounds;
        let http = |idle_connections| HttpSettings {
            user_agent: settings.user_agent.clone(),
            tls: Arc::clone(&settings.tls),
            accept: "application/did+ld+json, application/json",
            redirects: bounds.redirects,
            body_max_bytes: bounds.document_max_bytes,
            idle_connections,
        };
        let at_directory = bounds.directory_at_once;
        let directory_guard = Guard::written(settings.directory.host());
        let web_guard = match settings.web {
            WebReach::Public => Guard::public(),
            WebReach::PrivateNetwork => Guard::private_network(),
        };
        let inner = Inner {
            bounds,
            web_reach: settings.web,
            endpoint: settings.directory.clone(),
            directory: Way {
                client: Client::new(&http(at_directory.get()), directory_guard)?,
                lane: Lane::new(at_directory, bounds.directory_every),
                is_one_host: true,
            },
            // A host has one document, so there is nothing to keep a connection for.
            web: Way {
                client: Client::new(&http(0), web_guard)?,
                lane: Lane::new(bounds.web_at_once, Duration::ZERO),
                is_one_host: false,
            },
            memory: Memory::new(bounds),
            outcomes: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What is known of a DID, or what can be had: from memory where it is fresh, else by a lookup. Where that fails for
    /// the moment, what is not too old is as good.
    ///
    /// Bounded by [`Bounds::turn_within`] and [`Bounds::answer_within`]. Cancel-safe: the lookup ends with the last one
    /// who waits for it.
    ///
    /// # Errors
    ///
    /// [`ResolveError`], which is remembered for [`Bounds::error_age`].
    pub async fn resolve(&self, did: &str) -> Result<Arc<Identity>, Arc<ResolveError>> {
        let stale = match self.inner.memory.look(did) {
            Look::Known(known) if !known.is_stale => return Ok(known.identity),
            Look::Failed(error) => return Err(error),
            Look::Known(known) => Some(known.identity),
            Look::Unknown => None,
        };
        match (self.lookup(did).await, stale) {
            (Err(error), Some(identity)) if !error.is_final() => Ok(identity),
            (outcome, _) => outcome,
        }
    }

    /// Looks a DID up again, whatever is remembered. If it fails for the moment, what is remembered stays.
    ///
    /// For a schedule, and after a failure of the host that the document named. Bounded and cancel-safe as
    /// [`resolve`](Self::resolve) is. Where a lookup is on its way, it is that one's outcome.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub async fn refresh(&self, did: &str) -> Result<Arc<Identity>, Arc<ResolveError>> {
        self.lookup(did).await
    }

    /// Forgets a DID, because its host says that it has changed.
    pub fn forget(&self, did: &str) {
        self.inner.memory.forget(did);
    }

    /// What is remembered of the identities that were used last, for the next process: a JSON text, the same as long as
    /// nothing is learned. At most [`Bounds::kept`] of them, of 2 KB at most each, and none older than
    /// [`Bounds::max_age`].
    #[must_use]
    pub fn keepsakes(&self) -> Vec<u8> {
        self.inner.terms().write(self.inner.memory.keepsakes())
    }

    /// Recalls what an earlier process remembered ([`keepsakes`](Self::keepsakes)), with the same directory and the same
    /// [`WebReach`]. It goes on ageing by the wall clock, is looked up again as soon as it is used, and is good for what it
    /// says until then and where that fails. What cannot be read is left out, and what this process knows already is better.
    pub fn recall(&self, keepsakes: &[u8]) {
        let now = Timestamp::now();
        for keepsake in self.inner.terms().read(keepsakes, self.inner.bounds.kept) {
            self.inner.memory.recall(keepsake, now);
        }
    }

    /// Keeps all lookups going, also those whose waiters are busy elsewhere, such as children that wait for room in their
    /// sink: else a lookup of theirs would keep its turn from others. Never ends; one is enough.
    ///
    /// Cancel-safe: lookups then go on with whoever waits for them.
    pub async fn drive(&self) {
        self.inner.memory.drive().await;
    }

    /// How many identities are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.inner.memory.len()
    }

    /// How long an identity is used without another look.
    pub(crate) fn fresh_for(&self) -> Duration {
        self.inner.bounds.fresh_for
    }

    /// How many lookups there were since the beginning, by what came of them: `resolved`, or the label of the error.
    /// What came from memory is none.
    #[must_use]
    pub fn lookups(&self) -> Vec<(&'static str, u64)> {
        self.inner.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is remembered of a DID.
    pub(crate) fn look(&self, did: &str) -> Look {
        self.inner.memory.look(did)
    }

    /// The lookup that is on its way, or a new one.
    async fn lookup(&self, did: &str) -> Outcome {
        let launch = |landing| {
            let inner = Arc::clone(&self.inner);
            async move { inner.land(landing).await }.boxed()
        };
        if let Some(flight) = self.inner.memory.join(did, launch) {
            return flight.await;
        }
        let crowded = ResolveError::Crowded { did: excerpt(did.as_bytes()) };
        self.inner.count(crowded.label());
        Err(Arc::new(crowded))
    }
}

impl Inner {
    /// What keepsakes hold good under.
    fn terms(&self) -> Terms<'_> {
        Terms { directory: &self.endpoint, reach: self.web_reach }
    }

    /// Looks up, and remembers what came of it.
    async fn land(&self, landing: Landing) -> Outcome {
        let did = landing.did();
        let outcome = self.fetch(did).await.map(Arc::new).map_err(Arc::new);
        self.count(outcome.as_ref().map_or_else(|error| error.label(), |_| "resolved"));
        match &outcome {
            Ok(identity) => self.memory.learn(did, identity, Timestamp::now()),
            Err(error) => {
                tracing::debug!(%error, cause = error.source().map(tracing::field::display), "a did was not resolved");
                self.memory.learn_failure(did, error);
            }
        }
        outcome
    }

    fn count(&self, outcome: &'static str) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => outcomes.push((outcome, 1)),
        }
    }

    async fn fetch(&self, did: &str) -> Result<Identity, ResolveError> {
        let (way, host, path) = match address(did, self.web_reach)? {
            Address::Directory { path } => (&self.directory, self.endpoint.clone(), path),
            Address::Web { host } => (&self.web, host, WELL_KNOWN.to_owned()),
        };
        // No URL has a host with unusable xn-- labels.
        let url = Url::parse(&host.http_url(&path))
            .map_err(|_| ResolveError::Syntax { did: excerpt(did.as_bytes()) })?;
        let whose = || (Box::<str>::from(did), Box::<str>::from(host.name()));
        let turn = way.lane.turn(self.bounds.turn_within).await;
        let _seat = turn.map_err(|NoTurn(after)| {
            let (did, host) = whose();
            ResolveError::Busy { did, host, after }
        })?;
        let within = self.bounds.answer_within;
        let answered = timeout(within, way.client.get(url, Vec::new())).await;
        let (did_text, host) = whose();
        match answered {
            Err(_) => Err(ResolveError::Overdue { did: did_text, host, within }),
            Ok(Ok(answer)) => {
                if let Some(pause) = answer.pause.filter(|_| way.is_one_host) {
                    way.lane.leave_alone(pause);
                }
                Identity::parse(did, &answer.body).map_err(|source| ResolveError::Document {
                    did: did_text,
                    host,
                    source,
                })
            }
            Ok(Err(Fault::Refused { status: status @ (404 | 410), .. })) => {
                Err(ResolveError::NotFound { did: did_text, host, status })
            }
            Ok(Err(source)) => {
                if let (Fault::Limited { after, .. }, true) = (&source, way.is_one_host) {
                    way.lane.leave_alone(after.unwrap_or(UNTOLD_PAUSE));
                }
                Err(ResolveError::Fetch { did: did_text, host, source })
            }
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("remembered", &self.remembered()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;
    use rustls::{ClientConfig, RootCertStore};

    use super::*;

    #[test]
    fn hosts_that_strangers_name_are_public_unless_the_network_is_private() {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut settings = Settings {
            user_agent: "test".to_owned(),
            tls: Arc::new(tls),
            directory: "http://127.0.0.1:1".parse().unwrap(),
            web: WebReach::Public,
            bounds: Bounds::default(),
        };
        for (web, reaches_private) in [(WebReach::Public, false), (WebReach::PrivateNetwork, true)] {
            settings.web = web;
            let resolver = Resolver::new(&settings).unwrap();
            assert_eq!(resolver.inner.web.client.guard().host_is_private(), reaches_private);
            assert!(!resolver.inner.directory.client.guard().host_is_private(), "it was not looked up yet");
        }
    }
}

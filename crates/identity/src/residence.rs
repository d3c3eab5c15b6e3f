use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use standpipe_cursor::Endpoint;
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;
use tokio::time::Instant;

use crate::error::ResolveError;
use crate::resolver::Resolver;
use crate::settings::WebReach;

/// How long after a look the next one is worth it, where the host is not reached: it is tried again sooner than that.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often something is tried again that somebody has to change.
const LONG_RETRY: Duration = Duration::from_mins(5);

/// Where a labeler is that is named by its DID: found in its document, and looked at again when it is not reached there.
///
/// It lives as long as the labeler is read, over all connections.
#[derive(Debug)]
pub struct Residence {
    resolver: Resolver,
    did: Box<str>,
    reach: WebReach,
    search: Mutex<Search>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Search {
    looked_at: Option<Instant>,
    was_missed: bool,
}

/// Why nobody can say where a labeler is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResidenceError {
    /// Its DID is not resolved.
    #[error("find the labeler {did}")]
    Unresolved {
        /// The DID.
        did: Box<str>,
        /// Why.
        #[source]
        source: Arc<ResolveError>,
    },
    /// Its document names no host that serves labels.
    #[error(
        "find the labeler {did}: its document has no service #atproto_labeler with the URL of a host; check the did"
    )]
    NoLabeler {
        /// The DID.
        did: Box<str>,
    },
    /// Its document names a host without TLS.
    #[error(
        "find the labeler {did}: its document names {host} without TLS; say that the network is private if that is meant"
    )]
    PlainText {
        /// The DID.
        did: Box<str>,
        /// The host.
        host: Box<str>,
    },
}

impl ResidenceError {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unresolved { source, .. } => source.label(),
            Self::NoLabeler { .. } => "no_labeler",
            Self::PlainText { .. } => "plain_text",
        }
    }
}

impl Transient for ResidenceError {
    /// Nothing here has to do with a cursor, so nothing is held: what somebody has to change is tried again rarely.
    fn remedy(&self) -> Remedy {
        match self {
            Self::Unresolved { source, .. } => match source.remedy() {
                Remedy::Hold(wait) => Remedy::RetryAfter(wait),
                remedy @ (Remedy::Retry | Remedy::RetryAfter(_) | Remedy::Fail) => remedy,
            },
            Self::NoLabeler { .. } | Self::PlainText { .. } => Remedy::RetryAfter(LONG_RETRY),
        }
    }
}

impl Residence {
    /// The residence of the labeler with this DID. Nothing is looked up yet.
    #[must_use]
    pub fn new(resolver: Resolver, did: &str, reach: WebReach) -> Self {
        Self { resolver, did: did.into(), reach, search: Mutex::default() }
    }

    /// Whose it is.
    #[must_use]
    pub fn did(&self) -> &str {
        &self.did
    }

    /// Which addresses the host may have that the document names: to be asked of each that is dialled.
    #[must_use]
    pub fn permits(&self) -> fn(IpAddr) -> bool {
        self.reach.permits()
    }

    /// Where the labeler is, as far as that is known; looked up where it is not, or where the labeler was missed there.
    ///
    /// Bounded as [`Resolver::resolve`] is, and cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ResidenceError`].
    pub async fn find(&self) -> Result<Endpoint, ResidenceError> {
        let Search { looked_at, was_missed } = *self.search();
        let is_soon = looked_at.is_some_and(|at| at.elapsed() < LOOK_AGAIN_AFTER);
        if was_missed && !is_soon {
            return self.look_again().await;
        }
        self.search().looked_at.get_or_insert_with(Instant::now);
        self.named(self.resolver.resolve(&self.did).await)
    }

    /// Looks again where it is. What is remembered is as good where that fails for the moment.
    ///
    /// Bounded and cancel-safe as [`find`](Self::find) is.
    ///
    /// # Errors
    ///
    /// [`ResidenceError`].
    pub async fn look_again(&self) -> Result<Endpoint, ResidenceError> {
        self.search().looked_at = Some(Instant::now());
        match self.resolver.refresh(&self.did).await {
            Err(error) if !error.is_final() => self.named(self.resolver.resolve(&self.did).await),
            outcome => self.named(outcome),
        }
    }

    /// Says whether the labeler was reached where it should be.
    pub fn was_reached(&self, was_reached: bool) {
        self.search().was_missed = !was_reached;
    }

    fn named(&self, outcome: crate::memory::Outcome) -> Result<Endpoint, ResidenceError> {
        let did = || self.did.clone();
        let identity = outcome.map_err(|source| ResidenceError::Unresolved { did: did(), source })?;
        let host = identity.labeler().ok_or_else(|| ResidenceError::NoLabeler { did: did() })?;
        if self.reach == WebReach::Public && !host.is_tls() {
            return Err(ResidenceError::PlainText { did: did(), host: host.name().into() });
        }
        Ok(host.clone())
    }

    fn search(&self) -> MutexGuard<'_, Search> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

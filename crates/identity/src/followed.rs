use std::error::Error as _;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::Endpoint;
use standpipe_pipeline::{Remedy, Source, Transient};
use thiserror::Error;
use tokio::select;
use tokio::time::sleep;

use crate::residence::{Residence, ResidenceError};

/// A [`Source`] at a labeler's residence, which ends when the labeler has moved.
///
/// The residence is looked at again on a schedule. That it cannot be looked at ends nothing: the host is there.
pub struct Followed<S> {
    source: S,
    watch: Option<Watch>,
}

struct Watch {
    residence: Arc<Residence>,
    at: Endpoint,
    every: Duration,
    looking: Looking,
}

type Looking = Pin<Box<dyn Future<Output = Result<Endpoint, ResidenceError>> + Send>>;

/// Why a labeler is not read on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FollowError<E> {
    /// Nobody can say where it is.
    #[error(transparent)]
    Residence(#[from] ResidenceError),
    /// It is elsewhere, and is to be read on there.
    #[error("read on: the labeler has moved from {from} to {to}")]
    Moved {
        /// Where it was.
        from: Box<str>,
        /// Where it is.
        to: Box<str>,
    },
    /// Its host's matter.
    #[error(transparent)]
    Host(E),
}

impl<E: Transient> Transient for FollowError<E> {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Residence(error) => error.remedy(),
            Self::Moved { .. } => Remedy::Retry,
            Self::Host(error) => error.remedy(),
        }
    }
}

impl<S> Followed<S> {
    /// A source at a place that an operator wrote, which is not followed anywhere.
    pub fn stays(source: S) -> Self {
        Self { source, watch: None }
    }

    /// Finds the labeler and connects to it there, then looks at its residence again about this often. Whether it was
    /// reached, the residence is told. Bounded as [`Residence::find`] and `connect` are, and cancel-safe as the latter is.
    ///
    /// # Errors
    ///
    /// [`FollowError::Residence`] where it is not found, [`FollowError::Host`] where it is not reached.
    pub async fn connect<E>(
        residence: &Arc<Residence>,
        every: Duration,
        connect: impl AsyncFnOnce(&Endpoint) -> Result<S, E>,
    ) -> Result<Self, FollowError<E>> {
        let place = residence.find().await?;
        let connected = connect(&place).await;
        residence.was_reached(connected.is_ok());
        let source = connected.map_err(FollowError::Host)?;
        Ok(Self::at(source, Arc::clone(residence), place, every))
    }

    /// A source at a residence, which is looked at again about this often.
    pub fn at(source: S, residence: Arc<Residence>, at: Endpoint, every: Duration) -> Self {
        // Spread, so that many labelers that were found at once are not all looked at at once.
        let spread = RandomState::new().hash_one(residence.did()) % 256;
        let every = every.mul_f64(0.75 + f64::from(u8::try_from(spread).unwrap_or(0)) / 1024.0);
        let looking = look(&residence, every);
        Self { source, watch: Some(Watch { residence, at, every, looking }) }
    }
}

fn look(residence: &Arc<Residence>, after: Duration) -> Looking {
    let residence = Arc::clone(residence);
    Box::pin(async move {
        sleep(after).await;
        residence.look_again().await
    })
}

impl Watch {
    /// Where the labeler has moved to, once it has. Cancel-safe.
    async fn moved(&mut self) -> Endpoint {
        loop {
            let found = self.looking.as_mut().await;
            self.looking = look(&self.residence, self.every);
            match found {
                Ok(place) if !is_same(&place, &self.at) => return place,
                Ok(_) => {}
                Err(error) => {
                    let cause = error.source().map(tracing::field::display);
                    tracing::warn!(%error, cause, "where a labeler is could not be looked at again; reading on");
                }
            }
        }
    }
}

/// Whether two ways to write a host lead to the same place.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    one.http_url("") == other.http_url("")
}

impl<S: Source> Source for Followed<S> {
    type Item = S::Item;
    type Error = FollowError<S::Error>;

    /// The next item. Cancel-safe, as the source within is.
    async fn next(&mut self) -> Result<Option<Self::Item>, Self::Error> {
        let Self { source, watch } = self;
        let Some(watch) = watch else { return source.next().await.map_err(FollowError::Host) };
        select! {
            item = source.next() => item.map_err(FollowError::Host),
            to = watch.moved() => {
                let url = |place: &Endpoint| place.http_url("").into();
                Err(FollowError::Moved { from: url(&watch.at), to: url(&to) })
            }
        }
    }

    async fn park(&mut self) {
        self.source.park().await;
    }
}

impl<S: fmt::Debug> fmt::Debug for Followed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.watch.as_ref().map(|watch| watch.at.name());
        f.debug_struct("Followed").field("source", &self.source).field("at", &at).finish_non_exhaustive()
    }
}

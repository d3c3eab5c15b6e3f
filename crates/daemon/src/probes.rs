use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use standpipe_cursor::Endpoint;
use standpipe_subscription::{Permits, reach_where};
use standpipe_supervisor::chain;
use tokio::time::{Instant, timeout};

use crate::heartbeat::millis;
use crate::ledger::HostLedger;
use crate::stream::Stream;

/// How long the host may take to accept a connection when it is looked at.
const WITHIN: Duration = Duration::from_secs(2);

/// What a look at both sides came back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// When it was taken, by the wall clock.
    pub at: String,
    /// Whether the host accepts connections.
    pub host: Answer,
    /// Whether the sink answered when it was last asked.
    pub sink: Answer,
}

/// How one side answered.
///
/// As JSON it always has the same fields: `{"result":"silent","after_ms":null,"cause":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did.
    Answers {
        /// After so many milliseconds, where that was measured.
        after_ms: Option<u64>,
    },
    /// It did not.
    Silent {
        /// What was tried and what came back.
        cause: String,
    },
    /// It was not asked yet.
    Unknown,
}

impl Answer {
    /// The word for logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answers { .. } => "answers",
            Self::Silent { .. } => "silent",
            Self::Unknown => "unknown",
        }
    }

    fn cause(&self) -> Option<&str> {
        match self {
            Self::Silent { cause } => Some(cause),
            Self::Answers { .. } | Self::Unknown => None,
        }
    }

    fn after_ms(&self) -> Option<u64> {
        match self {
            Self::Answers { after_ms } => *after_ms,
            Self::Silent { .. } | Self::Unknown => None,
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Answer", 3)?;
        fields.serialize_field("result", self.word())?;
        fields.serialize_field("after_ms", &self.after_ms())?;
        fields.serialize_field("cause", &self.cause())?;
        fields.end()
    }
}

/// Looks at both sides of one host before it is tried again: the host by a connection that is closed at once, the
/// sink by what it last said. It only tells; the try goes on beside it.
#[derive(Clone, Debug)]
pub struct Prober {
    /// Where the host is; not known of one that goes by another name before it was found.
    place: Arc<Mutex<Option<(Endpoint, Permits)>>>,
    ledger: Arc<HostLedger>,
    stream: Stream,
}

impl Prober {
    pub(crate) fn new(endpoint: Option<Endpoint>, ledger: Arc<HostLedger>, stream: Stream) -> Self {
        if let Some(endpoint) = &endpoint {
            ledger.is_at(endpoint);
        }
        // An operator wrote it, so it may be anywhere.
        let place = endpoint.map(|endpoint| (endpoint, (|_| true) as Permits));
        Self { place: Arc::new(Mutex::new(place)), ledger, stream }
    }

    /// Says where the host is now, and at which addresses it may be. All clones know, and so do the pages.
    pub fn looks_at(&self, endpoint: &Endpoint, permits: Permits) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some((endpoint.clone(), permits));
        self.ledger.resides_at(endpoint);
    }

    fn place(&self) -> Option<(Endpoint, Permits)> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the try, and looks at both sides meanwhile.
    ///
    /// A try that succeeds earlier than the look answers for the host. One that fails earlier waits for the look, at
    /// most 2 s, since what it says belongs to that failure. Cancel-safe as the try is.
    pub(crate) async fn beside<T, E>(&self, attempt: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = Instant::now();
        let mut attempt = pin!(attempt);
        let mut looking = pin!(self.look_at_host());
        let tried = tokio::select! {
            biased;
            tried = &mut attempt => tried,
            host = &mut looking => {
                self.tell(host);
                return attempt.await;
            }
        };
        let host = match &tried {
            Ok(_) => Answer::Answers { after_ms: Some(millis(began.elapsed())) },
            Err(_) => looking.await,
        };
        self.tell(host);
        tried
    }

    async fn look_at_host(&self) -> Answer {
        let began = Instant::now();
        let Some((endpoint, permits)) = self.place() else { return Answer::Unknown };
        match timeout(WITHIN, reach_where(&endpoint, permits)).await {
            Ok(Ok(_)) => Answer::Answers { after_ms: Some(millis(began.elapsed())) },
            Ok(Err(error)) => Answer::Silent { cause: chain(&error) },
            Err(_) => Answer::Silent { cause: format!("no connection within {WITHIN:?}") },
        }
    }

    fn tell(&self, host: Answer) {
        let known = self.stream.condition();
        let sink = match (known.trouble, known.heard_at) {
            (Some(cause), _) => Answer::Silent { cause },
            (None, Some(_)) => Answer::Answers { after_ms: None },
            (None, None) => Answer::Unknown,
        };
        tracing::info!(
            host = &**self.ledger.host(),
            host_result = host.word(),
            host_after_ms = host.after_ms(),
            host_cause = host.cause(),
            sink_result = sink.word(),
            sink_cause = sink.cause(),
            "looked at both sides before the host is tried again"
        );
        self.ledger.probed(Look { at: Timestamp::now().to_string(), host, sink });
    }
}

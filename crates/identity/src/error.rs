use std::time::Duration;

use standpipe_guarded_http::{ClientError, Fault};
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

use crate::document::DocumentFault;

/// How often something is tried again that somebody has to look at.
const HELD_RETRY: Duration = Duration::from_mins(5);

/// Why a DID is not resolved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is no DID of the form that its method has.
    #[error("resolve {did}: it is no did of its method, check how it is written")]
    Syntax {
        /// The text, quoted.
        did: Box<str>,
    },
    /// Neither did:plc nor did:web.
    #[error("resolve {did}: only did:plc and did:web are used by the network")]
    Method {
        /// The DID, quoted.
        did: Box<str>,
    },
    /// There is no such identity, or it is gone: 404 and 410.
    #[error(
        "resolve {did}: {host} knows no such identity (status {status}), or it was deleted: check the did"
    )]
    NotFound {
        /// The DID.
        did: Box<str>,
        /// Who was asked.
        host: Box<str>,
        /// The HTTP status.
        status: u16,
    },
    /// What came back is no document of this DID.
    #[error("resolve {did}: {host} answers with something else than its document: tell whoever runs it")]
    Document {
        /// The DID.
        did: Box<str>,
        /// Who was asked.
        host: Box<str>,
        /// What is wrong with it.
        #[source]
        source: DocumentFault,
    },
    /// Nothing came back that could be a document.
    #[error("resolve {did} at {host}: it is tried again later{}", advice(source))]
    Fetch {
        /// The DID.
        did: Box<str>,
        /// Who was asked.
        host: Box<str>,
        /// What came back.
        #[source]
        source: Fault,
    },
    /// The document was not there in time.
    #[error("resolve {did} at {host} within {within:?}: it is tried again later")]
    Overdue {
        /// The DID.
        did: Box<str>,
        /// Who was asked.
        host: Box<str>,
        /// The time for one lookup.
        within: Duration,
    },
    /// Too many other lookups come before it, or the host wants to be left alone for longer than we wait.
    #[error("resolve {did}: its turn at {host} is not soon: it is tried again later")]
    Busy {
        /// The DID.
        did: Box<str>,
        /// Who was to be asked.
        host: Box<str>,
        /// When its turn would be, where that is known.
        after: Option<Duration>,
    },
    /// As many lookups as there may be are on their way.
    #[error("resolve {did}: there are too many lookups on their way, it is tried again later")]
    Crowded {
        /// The DID, quoted.
        did: Box<str>,
    },
}

fn advice(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refused { .. } | Fault::Redirect { .. } => "; check the name of the host",
        Fault::Private(_) => "; allow private addresses if that is meant",
        Fault::Connect { .. }
        | Fault::Broken { .. }
        | Fault::Status { .. }
        | Fault::Limited { .. }
        | Fault::TooLarge { .. } => "",
    }
}

impl ResolveError {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "did_syntax",
            Self::Method { .. } => "did_method",
            Self::NotFound { .. } => "not_found",
            Self::Document { .. } => "document",
            Self::Fetch { source, .. } => source.label(),
            Self::Overdue { .. } => "overdue",
            Self::Busy { .. } => "busy",
            Self::Crowded { .. } => "crowded",
        }
    }
}

impl ResolveError {
    /// Whether it says that there is no such identity, so that what was known of it holds no longer.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Syntax { .. } | Self::Method { .. } | Self::NotFound { .. })
    }

    /// For how long it is believed, where the usual age is this. Not at all, where nobody was asked.
    pub(crate) fn age(&self, usual: Duration) -> Option<Duration> {
        match self {
            Self::Busy { .. } | Self::Crowded { .. } => None,
            Self::Fetch { source: Fault::Limited { after: Some(after), .. }, .. } => Some(usual.max(*after)),
            Self::Syntax { .. }
            | Self::Method { .. }
            | Self::NotFound { .. }
            | Self::Document { .. }
            | Self::Fetch { .. }
            | Self::Overdue { .. } => Some(usual),
        }
    }
}

impl Transient for ResolveError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Syntax { .. } | Self::Method { .. } => Remedy::Fail,
            Self::NotFound { .. } | Self::Document { .. } => Remedy::Hold(HELD_RETRY),
            Self::Fetch { source, .. } => match source {
                Fault::Limited { after: Some(after), .. } => Remedy::RetryAfter(*after),
                Fault::Refused { .. }
                | Fault::Redirect { .. }
                | Fault::Private(_)
                | Fault::TooLarge { .. } => Remedy::Hold(HELD_RETRY),
                Fault::Connect { .. }
                | Fault::Broken { .. }
                | Fault::Status { .. }
                | Fault::Limited { after: None, .. } => Remedy::Retry,
            },
            Self::Busy { after: Some(after), .. } => Remedy::RetryAfter(*after),
            Self::Overdue { .. } | Self::Busy { .. } | Self::Crowded { .. } => Remedy::Retry,
        }
    }
}

/// The HTTP client cannot be set up as asked.
#[derive(Debug, Error)]
#[error("set up the HTTP client for identities: check the user agent and the TLS settings")]
pub struct SetupError(#[from] ClientError);

impl Transient for SetupError {
    fn remedy(&self) -> Remedy {
        Remedy::Fail
    }
}

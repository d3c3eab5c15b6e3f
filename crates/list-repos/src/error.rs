use std::fmt;
use std::time::Duration;

use standpipe_cursor::Cursor;
use standpipe_guarded_http::{ClientError, excerpt};
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

use crate::fault::Fault;

/// How often a host is tried again whose answer an operator has to look at.
const HELD_RETRY: Duration = Duration::from_mins(5);
/// How often after a loop: each time the pages from the stored cursor to where it closes come again.
const LOOP_RETRY: Duration = Duration::from_hours(1);

/// Where an enumeration was when it could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The host's canonical name.
    pub host: String,
    /// The method's NSID.
    pub method: &'static str,
    /// The page's number in this run, from 1.
    pub page: u64,
    /// The cursor that the page follows; `None` at the beginning.
    pub cursor: Option<Cursor>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, method, page, cursor } = self;
        write!(f, "read {method} of {host}, page {page} ")?;
        match cursor {
            Some(cursor) => write!(f, "behind cursor {}", excerpt(cursor.to_string().as_bytes())),
            None => f.write_str("from the beginning"),
        }
    }
}

/// Why an enumeration cannot go on. None of these means that it is done, and none moves a cursor.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListError {
    /// The pages go in a circle.
    #[error(
        "{place}: the host answers with cursor {next}, which it gave before; the enumeration is not done, \
         and asking again did not help: tell the host's operator"
    )]
    CursorLoop {
        /// Where.
        place: Box<Place>,
        /// The cursor that is not new, quoted.
        next: Box<str>,
    },
    /// One page after the other is empty and has a new cursor.
    #[error("{place}: {count} pages in a row are empty and say that there is more: tell the host's operator")]
    EmptyPages {
        /// Where.
        place: Box<Place>,
        /// How many.
        count: u32,
    },
    /// There are more pages than a run may have.
    #[error("{place}: this run has had its {max_pages} pages: raise the cap if the host is that large")]
    TooManyPages {
        /// Where.
        place: Box<Place>,
        /// The cap.
        max_pages: u64,
    },
    /// The host serves other pages, and this one never.
    #[error(
        "{place}: the host serves other pages and not this one, down to a limit of {limit} rows{}: tell the \
         host's operator{}",
        further(*.probed),
        advice(*.probed, *.skippable)
    )]
    PoisonPage {
        /// Where.
        place: Box<Place>,
        /// The smallest limit that was tried.
        limit: u16,
        /// How many cursors behind it were tried in vain.
        probed: u32,
        /// Whether the cursor is a number, so that rows can be skipped.
        skippable: bool,
        /// What came back last.
        #[source]
        source: Box<Fault>,
    },
    /// The host does not know our cursor.
    #[error(
        "{place}: the host refuses this cursor; it is another host's, or was lost there: look at what is stored, \
         and set or delete it to begin elsewhere"
    )]
    BadCursor {
        /// Where.
        place: Box<Place>,
        /// What came back.
        #[source]
        source: Box<Fault>,
    },
    /// The host does not answer such a request, or sends us where we do not go.
    #[error("{place}: the host will not serve it: check the host's name and whether it has this method")]
    Refused {
        /// Where.
        place: Box<Place>,
        /// What came back.
        #[source]
        source: Box<Fault>,
    },
    /// So many requests in a row failed that others should have their turn.
    #[error("{place}: {tries} requests in a row failed; it is tried again later")]
    GaveUp {
        /// Where.
        place: Box<Place>,
        /// How many.
        tries: u32,
        /// What came back last.
        #[source]
        source: Box<Fault>,
    },
    /// What is stored is no cursor that a host can be asked with.
    #[error(
        "{place}: what is stored is a mark of ours and no cursor: decide what a finished run goes on from"
    )]
    NoCursor {
        /// Where.
        place: Box<Place>,
    },
    /// No URL can have this host.
    #[error("read from {host}: no URL can have such a host, check its xn-- labels")]
    Host {
        /// The host.
        host: String,
    },
    /// The HTTP client cannot be set up as asked.
    #[error("set up the HTTP client for {host}: check the user agent and the TLS settings")]
    Setup {
        /// The host.
        host: String,
        /// What the HTTP client said.
        #[source]
        source: ClientError,
    },
}

fn further(probed: u32) -> String {
    if probed > 0 { format!(" and {probed} cursors further") } else { String::new() }
}

fn advice(probed: u32, skippable: bool) -> &'static str {
    match (probed, skippable) {
        (0, true) => ", or allow its rows to be skipped",
        (0, false) => "; its cursors are no numbers, so nothing can be skipped",
        _ => ", or allow more rows to be skipped",
    }
}

impl ListError {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::CursorLoop { .. } => "cursor_loop",
            Self::EmptyPages { .. } => "empty_pages",
            Self::TooManyPages { .. } => "too_many_pages",
            Self::PoisonPage { .. } => "poison_page",
            Self::BadCursor { .. } => "bad_cursor",
            Self::Refused { .. } => "refused",
            Self::GaveUp { .. } => "gave_up",
            Self::NoCursor { .. } => "no_cursor",
            Self::Host { .. } => "host",
            Self::Setup { .. } => "setup",
        }
    }
}

impl Transient for ListError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::CursorLoop { .. } => Remedy::Hold(LOOP_RETRY),
            Self::EmptyPages { .. }
            | Self::TooManyPages { .. }
            | Self::PoisonPage { .. }
            | Self::BadCursor { .. } => Remedy::Hold(HELD_RETRY),
            Self::Refused { .. } => Remedy::RetryAfter(HELD_RETRY),
            Self::GaveUp { .. } => Remedy::Retry,
            Self::NoCursor { .. } | Self::Host { .. } | Self::Setup { .. } => Remedy::Fail,
        }
    }
}

use std::time::Duration;

use standpipe_guarded_http as http;
use thiserror::Error;

/// What came back for a request, where it was no page.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// There was no whole answer with status 200 from where we go.
    #[error(transparent)]
    Http(http::Fault),
    /// The answer was not whole in time.
    #[error("have the whole answer within {within:?}")]
    Overdue {
        /// The time for one page.
        within: Duration,
    },
    /// The body is no page.
    #[error(transparent)]
    Body(BodyFault),
    /// The cursor behind the page is the one that was sent, or one of before.
    #[error("the cursor behind the page, {cursor}, is not new")]
    CursorLoop {
        /// The cursor, quoted.
        cursor: Box<str>,
    },
}

/// What is wrong with a body.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// It is something else: an HTML page, nothing.
    #[error("the answer is no JSON object, it begins {begins}")]
    NotJson {
        /// The beginning, quoted.
        begins: Box<str>,
    },
    /// It ends early, or its syntax is broken.
    #[error("the answer is broken JSON")]
    Broken {
        /// Where.
        source: serde_json::Error,
    },
    /// The list is missing.
    #[error("the answer has no {field}")]
    NoRows {
        /// The list's name.
        field: &'static str,
    },
    /// The cursor is no text, too long to be stored, or a mark of ours.
    #[error("the answer has an unusable cursor {begins}")]
    Cursor {
        /// The beginning, quoted.
        begins: Box<str>,
    },
}

/// What a fault says of what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The host as a whole cannot be had at the moment; it says nothing of the page.
    Outage,
    /// This page could not be had: perhaps because of what is in it.
    Page,
    /// Asking again will not help.
    Refusal,
}

impl Fault {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Http(fault) => fault.label(),
            Self::Overdue { .. } => "overdue",
            Self::Body(BodyFault::NotJson { .. }) => "not_json",
            Self::Body(BodyFault::Broken { .. }) => "broken_json",
            Self::Body(BodyFault::NoRows { .. }) => "no_rows",
            Self::Body(BodyFault::Cursor { .. }) => "unusable_cursor",
            Self::CursorLoop { .. } => "cursor_loop",
        }
    }

    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Http(http::Fault::Connect { .. } | http::Fault::Limited { .. }) => Class::Outage,
            Self::Http(
                http::Fault::Refused { .. } | http::Fault::Redirect { .. } | http::Fault::Private(_),
            ) => Class::Refusal,
            Self::Http(_) | Self::Overdue { .. } | Self::Body(_) | Self::CursorLoop { .. } => Class::Page,
        }
    }
}

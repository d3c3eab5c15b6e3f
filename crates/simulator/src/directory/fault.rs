use std::time::Duration;

/// What can go wrong with a document that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupFault {
    /// Something else instead of the document: a 500, a 429 with `Retry-After`, HTML with a 200.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Headers besides `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// 302 to the same path elsewhere.
    Redirect {
        /// Scheme and authority, for instance `https://10.0.0.1`.
        to: String,
    },
    /// No answer.
    Stall {
        /// For so long, and then the document: a slow directory. `None`: until the client leaves.
        time: Option<Duration>,
    },
    /// The head and half of the body, and then nothing until the client leaves.
    StallBody,
    /// The head and half of the body, and then the connection ends in order.
    CutBody,
    /// The connection is reset instead of an answer.
    Reset,
    /// The document, in a body of more than 1 MB.
    Oversized,
    /// A body that is no JSON, with status and type of a document.
    Garbage,
    /// The document of another identity, which is whole otherwise: its `id` is not the DID that was asked for.
    WrongId,
}

impl LookupFault {
    /// This status with a message for a body, as the directory has it with its errors.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body: br#"{"message":"Internal Server Error"}"#.to_vec(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "lookup-status",
            Self::Redirect { .. } => "lookup-redirect",
            Self::Stall { .. } => "lookup-stall",
            Self::StallBody => "lookup-stall-body",
            Self::CutBody => "lookup-cut",
            Self::Reset => "lookup-reset",
            Self::Oversized => "lookup-oversized",
            Self::Garbage => "lookup-garbage",
            Self::WrongId => "lookup-wrong-id",
        }
    }
}

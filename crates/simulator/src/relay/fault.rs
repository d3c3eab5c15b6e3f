//! What can be made to go wrong, and when.

use std::ops::Range;
use std::time::Duration;

use crate::directory::LookupFault;
use crate::listing::{PageAt, PageFault};

/// One thing that goes wrong, when, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) fault: Fault,
    pub(super) connections: Range<u64>,
    pub(super) times: u64,
}

/// A fault and the moment that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Upgrade(UpgradeFault),
    Stream(At, StreamFault),
    Page(PageAt, PageFault),
    /// Of this DID, or of any.
    Lookup(Option<String>, LookupFault),
}

/// When in the course of one connection a [`StreamFault`] happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// After so many frames, once a connection.
    Frames(u64),
    /// After every so many frames.
    Every(u64),
    /// Just before the first frame with this seq or a higher one, once a connection.
    Seq(u64),
}

impl Rule {
    /// When a client connects, each time.
    #[must_use]
    pub fn on_upgrade(fault: UpgradeFault) -> Self {
        Self::new(Fault::Upgrade(fault))
    }

    /// After `frames` frames on a connection, once on each. 0: at once, also on connections that exist.
    #[must_use]
    pub fn after_frames(frames: u64, fault: StreamFault) -> Self {
        Self::new(Fault::Stream(At::Frames(frames), fault))
    }

    /// After every `frames` frames on a connection. 0 counts as 1.
    #[must_use]
    pub fn every_frames(frames: u64, fault: StreamFault) -> Self {
        Self::new(Fault::Stream(At::Every(frames.max(1)), fault))
    }

    /// Just before the first frame with this seq or a higher one, on each connection that comes by it: so it
    /// happens again to a client that reconnects from a cursor before it.
    #[must_use]
    pub fn at_seq(seq: u64, fault: StreamFault) -> Self {
        Self::new(Fault::Stream(At::Seq(seq), fault))
    }

    /// Each page of a list that is asked for.
    #[must_use]
    pub fn each_page(fault: PageFault) -> Self {
        Self::new(Fault::Page(PageAt::Each, fault))
    }

    /// Every so many requests for pages. 0 counts as 1.
    #[must_use]
    pub fn every_pages(requests: u64, fault: PageFault) -> Self {
        Self::new(Fault::Page(PageAt::Every(requests.max(1)), fault))
    }

    /// So many of a thousand requests for pages, drawn by the seed.
    #[must_use]
    pub fn random_pages(per_mille: u32, seed: u64, fault: PageFault) -> Self {
        Self::new(Fault::Page(PageAt::Chance(per_mille, seed), fault))
    }

    /// Each page that holds the row at this place of the host's list, counted from 0 over all accounts that the host
    /// has, those too that it does not list. With [`PageFault::Answer`] of a 500: a poison row.
    #[must_use]
    pub fn on_row(place: u64, fault: PageFault) -> Self {
        Self::new(Fault::Page(PageAt::Row(place), fault))
    }

    /// Each page that holds a row at one of every so many places. 0 counts as 1.
    #[must_use]
    pub fn every_rows(rows: u64, fault: PageFault) -> Self {
        Self::new(Fault::Page(PageAt::EveryRow(rows.max(1)), fault))
    }

    /// Each document that is asked for.
    #[must_use]
    pub fn each_lookup(fault: LookupFault) -> Self {
        Self::new(Fault::Lookup(None, fault))
    }

    /// The document of this DID, each time that it is asked for.
    #[must_use]
    pub fn on_did(did: impl Into<String>, fault: LookupFault) -> Self {
        Self::new(Fault::Lookup(Some(did.into()), fault))
    }

    /// Not more than `times` times, over all connections.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Only on connections with these ordinals. Connections are numbered from 0 in the order in which they
    /// are accepted; for faults of pages and of documents, these are the ordinals of requests, which are numbered
    /// likewise.
    #[must_use]
    pub fn on_connections(mut self, ordinals: Range<u64>) -> Self {
        self.connections = ordinals;
        self
    }

    /// The name of the fault, by which it is counted.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.fault {
            Fault::Upgrade(fault) => fault.name(),
            Fault::Stream(_, fault) => fault.name(),
            Fault::Page(_, fault) => fault.name(),
            Fault::Lookup(_, fault) => fault.name(),
        }
    }

    fn new(fault: Fault) -> Self {
        Self { fault, connections: 0..u64::MAX, times: u64::MAX }
    }
}

/// What can go wrong before a stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeFault {
    /// An HTTP response instead of a websocket. A 200 with HTML is one too.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// Headers besides `Content-Length` and `Connection`, for instance `Retry-After`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The TCP connection is reset before anything was said.
    Reset,
    /// The TCP connection is accepted, and nothing is said: no TLS, no answer.
    StallAccept {
        /// For so long, and then all goes on; `None`: until the client leaves.
        time: Option<Duration>,
    },
    /// The request is read, and not answered.
    StallUpgrade {
        /// For so long, and then all goes on; `None`: until the client leaves.
        time: Option<Duration>,
    },
}

impl UpgradeFault {
    /// Refuses with a status, without headers or body.
    #[must_use]
    pub fn refuse(status: u16) -> Self {
        Self::Refuse { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Reset => "reset-upgrade",
            Self::StallAccept { .. } => "stall-accept",
            Self::StallUpgrade { .. } => "stall-upgrade",
        }
    }
}

/// What can go wrong in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// A message between the frames: hostile bytes, text, an `#info`, a ping.
    Send(Message),
    /// This message instead of the next frame.
    Replace(Vec<u8>),
    /// An error frame, then close code 1008 with the error's name for a reason.
    Error {
        /// The error's name, for instance `ConsumerTooSlow`.
        name: String,
        /// Its message, where it has one.
        message: Option<String>,
    },
    /// A close frame; the connection ends when the client has answered or five seconds have passed.
    Close {
        /// The close code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
    /// The TCP connection ends in order, without a close frame.
    HangUp,
    /// The TCP connection is reset.
    Reset,
    /// The TCP connection ends in order after half of the next frame.
    CutMidMessage,
    /// Nothing more is sent.
    Silence(Silence, Option<Duration>),
    /// From here on, one byte at a time, so many a second. 0 counts as 1.
    Trickle {
        /// Bytes a second.
        bytes_per_second: u32,
    },
    /// The next frame comes in so many fragments.
    Fragment {
        /// How many; more than the frame has bytes makes empty ones.
        fragments: u32,
    },
    /// The next frame comes once more, so many times.
    Repeat {
        /// How many times more.
        times: u32,
    },
    /// The stream goes on from so many frames before, as that of a host that lost its newest ones.
    JumpBack {
        /// How many frames.
        frames: u64,
    },
    /// So many frames are left out.
    Skip {
        /// How many frames.
        frames: u64,
    },
}

/// A websocket message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Binary, for instance a hostile frame. May be empty.
    Binary(Vec<u8>),
    /// Text, which this protocol does not use.
    Text(String),
    /// Binary, so many zeros: to be larger than what is allowed.
    Zeros {
        /// How many bytes.
        len: usize,
    },
    /// A ping, at most 125 bytes.
    Ping(Vec<u8>),
    /// A pong that nobody asked for, at most 125 bytes.
    Pong(Vec<u8>),
}

/// How a silent host behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It still answers pings.
    AnswersPings,
    /// It reads, and answers nothing.
    IgnoresPings,
    /// It neither reads nor writes nor closes: a connection whose other end is gone. It does not notice
    /// when the client leaves either, and is open in the ledger until its time is over or the relay ends.
    HalfOpen,
}

impl StreamFault {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Send(Message::Binary(_)) => "send-binary",
            Self::Send(Message::Text(_)) => "send-text",
            Self::Send(Message::Zeros { .. }) => "send-zeros",
            Self::Send(Message::Ping(_)) => "send-ping",
            Self::Send(Message::Pong(_)) => "send-pong",
            Self::Replace(_) => "replace",
            Self::Error { .. } => "error",
            Self::Close { .. } => "close",
            Self::HangUp => "hang-up",
            Self::Reset => "reset",
            Self::CutMidMessage => "cut-mid-message",
            Self::Silence(Silence::AnswersPings, _) => "silence",
            Self::Silence(Silence::IgnoresPings, _) => "silence-no-pong",
            Self::Silence(Silence::HalfOpen, _) => "half-open",
            Self::Trickle { .. } => "trickle",
            Self::Fragment { .. } => "fragment",
            Self::Repeat { .. } => "repeat",
            Self::JumpBack { .. } => "jump-back",
            Self::Skip { .. } => "skip",
        }
    }

    /// Whether it is about the next frame, and so has to wait until there is one.
    pub(super) fn needs_a_frame(&self) -> bool {
        match self {
            Self::Replace(_) | Self::CutMidMessage | Self::Fragment { .. } | Self::Repeat { .. } => true,
            Self::Send(_)
            | Self::Error { .. }
            | Self::Close { .. }
            | Self::HangUp
            | Self::Reset
            | Self::Silence(..)
            | Self::Trickle { .. }
            | Self::JumpBack { .. }
            | Self::Skip { .. } => false,
        }
    }
}

//! What can go wrong with pages.

use std::time::Duration;

/// What can go wrong with a page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// Something else instead of the page: a 500, HTML with a 200.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Headers besides `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// 429, with a word on when to come back.
    TooMany(Retry),
    /// 302 to the same path and query elsewhere.
    Redirect {
        /// Scheme and authority, for instance `https://10.0.0.1`.
        to: String,
    },
    /// No answer.
    Stall {
        /// For so long, and then the page; `None`: until the client leaves.
        time: Option<Duration>,
    },
    /// The head and half of the body, and then nothing until the client leaves.
    StallBody,
    /// The head and half of the body, and then the connection ends in order.
    CutBody,
    /// The connection is reset instead of an answer.
    Reset,
    /// The page, in a body of more than 6 MB.
    Oversized,
    /// A page of another shape. One about the cursor waits for a page that has one, or was asked with one.
    Shape(PageShape),
    /// One row of the page is not as it should be.
    Row(RowFlaw),
}

/// How a host says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// `Retry-After` in seconds.
    After(u32),
    /// `Retry-After` as the date in so many seconds.
    Date(u32),
    /// `RateLimit-Reset` as the second since 1970 in so many seconds, and `RateLimit-Remaining: 0`.
    Reset(u32),
    /// Not at all.
    Unsaid,
}

/// A page of another shape than the lexicon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageShape {
    /// No rows, and another cursor for the same place.
    EmptyPage,
    /// All rows, and the cursor that the page was asked with.
    RepeatedCursor,
    /// `repos: null` instead of the rows, and the cursor that the page was asked with.
    NullRepos,
    /// No `repos` at all.
    NoRepos,
    /// All rows and `cursor: ""`, although there are more.
    EmptyCursor,
    /// All rows and `cursor: null`, although there are more.
    NullCursor,
}

/// What can be wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFlaw {
    /// Something that is no DID.
    BadDid,
    /// No `active`; which the row's account is taken for then.
    NoActive,
    /// `rev: ""`.
    EmptyRev,
    /// A `rev` that is no TID.
    NoTid,
}

/// Which pages a [`PageFault`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageAt {
    /// Every one.
    Each,
    /// Every so many requests.
    Every(u64),
    /// So many in a thousand, by a seed and the request's number.
    Chance(u32, u64),
    /// Those that hold the row at this place.
    Row(u64),
    /// Those that hold the row at every so many places.
    EveryRow(u64),
}

impl PageFault {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { status: 200, .. } => "page-html",
            Self::Answer { .. } => "page-status",
            Self::TooMany(Retry::After(_)) => "page-retry-after",
            Self::TooMany(Retry::Date(_)) => "page-retry-date",
            Self::TooMany(Retry::Reset(_)) => "page-rate-reset",
            Self::TooMany(Retry::Unsaid) => "page-too-many",
            Self::Redirect { .. } => "page-redirect",
            Self::Stall { .. } => "page-stall",
            Self::StallBody => "page-stall-body",
            Self::CutBody => "page-cut",
            Self::Reset => "page-reset",
            Self::Oversized => "page-oversized",
            Self::Shape(PageShape::EmptyPage) => "page-empty",
            Self::Shape(PageShape::RepeatedCursor) => "page-repeat-cursor",
            Self::Shape(PageShape::NullRepos) => "page-null-repos",
            Self::Shape(PageShape::NoRepos) => "page-no-repos",
            Self::Shape(PageShape::EmptyCursor) => "page-empty-cursor",
            Self::Shape(PageShape::NullCursor) => "page-null-cursor",
            Self::Row(RowFlaw::BadDid) => "row-bad-did",
            Self::Row(RowFlaw::NoActive) => "row-no-active",
            Self::Row(RowFlaw::EmptyRev) => "row-empty-rev",
            Self::Row(RowFlaw::NoTid) => "row-no-tid",
        }
    }

    /// Whether a client can never get a row that this belongs to for good.
    pub(crate) fn withholds(&self) -> bool {
        match self {
            Self::Stall { time: Some(_) }
            | Self::Row(RowFlaw::NoActive | RowFlaw::EmptyRev | RowFlaw::NoTid) => false,
            Self::Answer { .. }
            | Self::TooMany(_)
            | Self::Redirect { .. }
            | Self::Stall { time: None }
            | Self::StallBody
            | Self::CutBody
            | Self::Reset
            | Self::Oversized
            | Self::Shape(_)
            | Self::Row(RowFlaw::BadDid) => true,
        }
    }
}

/// A request for a page, as far as a plan of faults looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageAsked<'a> {
    /// The request's number, from 0.
    pub(crate) ordinal: u64,
    /// The places of the page's rows.
    pub(crate) places: &'a [u64],
    /// Whether it came with a cursor.
    pub(crate) with_cursor: bool,
    /// Whether the page has a cursor.
    pub(crate) goes_on: bool,
}

impl PageAt {
    /// The places of the rows that the fault is about, where it is due. Those of a page fault are of no account.
    pub(crate) fn due(self, fault: &PageFault, asked: &PageAsked<'_>) -> Option<Vec<u64>> {
        let fits = match fault {
            PageFault::Shape(PageShape::RepeatedCursor) => asked.with_cursor && asked.goes_on,
            PageFault::Shape(PageShape::EmptyPage | PageShape::EmptyCursor | PageShape::NullCursor) => {
                asked.goes_on
            }
            PageFault::Row(_) => !asked.places.is_empty(),
            PageFault::Answer { .. }
            | PageFault::TooMany(_)
            | PageFault::Redirect { .. }
            | PageFault::Stall { .. }
            | PageFault::StallBody
            | PageFault::CutBody
            | PageFault::Reset
            | PageFault::Oversized
            | PageFault::Shape(PageShape::NullRepos | PageShape::NoRepos) => true,
        };
        let first = || asked.places.first().copied().into_iter().collect();
        let places: Vec<u64> = match self {
            Self::Each => first(),
            Self::Every(requests) if (asked.ordinal + 1).is_multiple_of(requests) => first(),
            Self::Chance(per_mille, seed) if is_drawn(per_mille, seed, asked.ordinal) => first(),
            Self::Every(_) | Self::Chance(..) => return None,
            Self::Row(_) | Self::EveryRow(_) => {
                let held: Vec<u64> =
                    asked.places.iter().copied().filter(|place| self.is_about(*place)).collect();
                if held.is_empty() {
                    return None;
                }
                held
            }
        };
        fits.then_some(places)
    }

    /// Whether it is about the row at this place.
    pub(crate) fn is_about(self, place: u64) -> bool {
        match self {
            Self::Row(row) => place == row,
            Self::EveryRow(rows) => (place + 1).is_multiple_of(rows),
            Self::Each | Self::Every(_) | Self::Chance(..) => false,
        }
    }
}

fn is_drawn(per_mille: u32, seed: u64, ordinal: u64) -> bool {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ordinal.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut rng = fastrand::Rng::with_seed(mixed);
    // The first number of neighbouring seeds is much the same.
    let _ = rng.u64(..);
    rng.u32(0..1000) < per_mille
}

use standpipe_cursor::{Cursor, Seq};

/// One page of an enumeration, as a host gave it.
///
/// What it lists is everything in `(after, through]` that the host has, except for a [`gap`](Self::gap). Once its rows
/// are durable, so may be `through`.
#[derive(Debug)]
pub struct Page<R> {
    /// The page's number in this run, from 1.
    pub number: u64,
    /// The cursor that it follows; `None` at the beginning. It is the one that was sent, unless there is a gap.
    pub after: Option<Cursor>,
    /// How far it reaches.
    pub through: Through,
    /// What it lists. It may be empty all the same.
    pub rows: R,
    /// What lies before its rows and could not be read.
    pub gap: Option<Gap>,
    /// The answer's size in bytes, inflated.
    pub received_bytes: usize,
}

/// How far a page reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// To this cursor; there may be more.
    Cursor(Cursor),
    /// To the end of the enumeration.
    End,
}

/// A range of numeric cursors, `(after, through]`, whose rows the host could not serve: at least one is among them, and
/// the host served the page behind `through` while it did not serve the one behind `through - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last cursor that was read.
    pub after: Seq,
    /// The cursor behind which reading went on.
    pub through: Seq,
}

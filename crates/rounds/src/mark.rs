use standpipe_cursor::{Cursor, CursorError};
use standpipe_daemon::ingest::Resuming;

/// What is stored when an enumeration is done; the origin ingester's word.
const DONE: &str = "!ingester-done";
/// What is stored when an enumeration is to begin anew.
const BEGIN: &str = "!begin";
/// What is stored behind the last page of a host, for what is new: the account of its last row, and the cursor that the
/// page was asked for with, where there was one. A host gives the rows of such a page again.
const TAIL: &str = "!tail";
/// In place of an account that is not known.
const NOBODY: &str = "-";

/// Where a round goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind this cursor; without one, from the beginning.
    Behind(Option<Cursor>),
    /// Behind the row of this account, in the page behind this cursor.
    Tail { account: String, cursor: Option<Cursor> },
    /// There is nothing left to do.
    Done,
}

/// The mark of an enumeration that is done.
pub(crate) fn done() -> Cursor {
    sound(DONE)
}

/// The mark of one that is to begin anew.
pub(crate) fn begin() -> Cursor {
    sound(BEGIN)
}

/// The mark behind a host's last page.
pub(crate) fn tail(account: Option<&str>, cursor: Option<&Cursor>) -> Cursor {
    let written = |account: &str| match cursor {
        Some(cursor) => format!("{TAIL} {account} {cursor}"),
        None => format!("{TAIL} {account}"),
    };
    let account = account.filter(|account| !account.is_empty() && !account.contains(' '));
    // Too long a mark is one without the account: its page comes again. A cursor that leaves no room even for that one
    // stands for itself.
    let whole = Cursor::parse(&written(account.unwrap_or(NOBODY)));
    let shorter = |_| Cursor::parse(&written(NOBODY));
    whole.or_else(shorter).ok().or_else(|| cursor.cloned()).unwrap_or_else(begin)
}

fn sound(text: &str) -> Cursor {
    #[expect(clippy::expect_used, reason = "a word of ours is neither empty nor long")]
    Cursor::parse(text).expect("a mark is no empty text")
}

impl Place {
    /// What the stored text means.
    pub(crate) fn of(stored: Option<&Cursor>) -> Result<Self, CursorError> {
        let Some(stored) = stored else { return Ok(Self::Behind(None)) };
        let text = stored.to_string();
        if !text.starts_with('!') {
            return Ok(Self::Behind(Some(stored.clone())));
        }
        let mut words = text.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(DONE), None, None) => Ok(Self::Done),
            (Some(BEGIN), None, None) => Ok(Self::Behind(None)),
            (Some(TAIL), Some(account), cursor) => {
                let cursor = cursor.map(Cursor::parse).transpose()?;
                Ok(match account {
                    NOBODY => Self::Behind(cursor),
                    account => Self::Tail { account: account.to_owned(), cursor },
                })
            }
            _ => Err(CursorError::unreadable(&text)),
        }
    }

    /// What the host is asked with.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::Behind(cursor) | Self::Tail { cursor, .. } => cursor.as_ref(),
            Self::Done => None,
        }
    }
}

/// Reads what is stored of a host as [`Place`] has it.
#[derive(Debug)]
pub(crate) struct ByMark;

impl Resuming for ByMark {
    type Resume = Place;

    fn resume(&self, stored: Option<&Cursor>) -> Result<Place, CursorError> {
        Place::of(stored)
    }

    fn parameter(&self, resume: &Place) -> impl tracing::Value {
        resume.cursor().map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Cursor {
        Cursor::parse(text).unwrap()
    }

    #[test]
    fn i6_a_cursor_as_long_as_can_be_stored_has_a_mark_too() {
        for length in Cursor::MAX_LEN - 20..=Cursor::MAX_LEN {
            let longest = cursor(&"9".repeat(length));
            for account in [None, Some("did:plc:a")] {
                let place = Place::of(Some(&tail(account, Some(&longest)))).unwrap();
                assert_eq!(place.cursor(), Some(&longest), "{length}");
            }
        }
    }

    #[test]
    fn i11_every_mark_comes_back_and_no_other_text_is_one() {
        let odd = cursor("1783175888085::did:plc:a b+/=");
        let tails = [
            (tail(Some("did:plc:a"), Some(&odd)), Some("did:plc:a"), Some(odd.clone())),
            (tail(Some("did:plc:a"), None), Some("did:plc:a"), None),
            (tail(None, Some(&odd)), None, Some(odd.clone())),
            (tail(Some("no account"), None), None, None),
            (tail(Some(&"x".repeat(5_000)), Some(&odd)), None, Some(odd.clone())),
        ];
        for (mark, account, cursor) in tails {
            let expected = match account {
                Some(account) => Place::Tail { account: account.to_owned(), cursor },
                None => Place::Behind(cursor),
            };
            assert_eq!(Place::of(Some(&mark)).unwrap(), expected, "{mark}");
        }
        assert_eq!(Place::of(None).unwrap(), Place::Behind(None));
        assert_eq!(Place::of(Some(&begin())).unwrap(), Place::Behind(None));
        assert_eq!(Place::of(Some(&odd)).unwrap(), Place::Behind(Some(odd)));
        assert_eq!(Place::of(Some(&cursor("!ingester-done"))).unwrap(), Place::Done);
        for text in ["!", "!done", "!tail", "!ingester-done 1", "!begin x"] {
            assert!(matches!(Place::of(Some(&cursor(text))), Err(CursorError::Unreadable { .. })), "{text}");
        }
    }
}

use crate::{Cursor, CursorError, Seq};

/// Where a stream begins when nothing is stored for its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what comes from now on.
    #[default]
    Live,
    /// With the oldest frame that the host still has.
    Oldest,
}

/// Where to begin reading a host's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// From now on: no `cursor` parameter.
    Live,
    /// From the oldest that the host still has: `cursor=0`.
    Oldest,
    /// After this seq: `cursor=SEQ`. Hosts differ on whether they send that frame again, so what is at or below
    /// it is dropped by the reader.
    After(Seq),
}

impl Resume {
    /// Decides from what is stored, and only where nothing is, from what is configured.
    ///
    /// A stored `0` is an operator's way to ask for the oldest; no daemon writes it.
    ///
    /// # Errors
    ///
    /// [`CursorError::Unreadable`] when what is stored is no seq.
    pub fn decide(stored: Option<&Cursor>, start: Start) -> Result<Self, CursorError> {
        match (stored, start) {
            (None, Start::Live) => Ok(Self::Live),
            (None, Start::Oldest) => Ok(Self::Oldest),
            (Some(cursor), _) => match cursor.seq() {
                Some(seq) => Ok(Self::After(seq)),
                None if cursor.to_string() == "0" => Ok(Self::Oldest),
                None => Err(CursorError::unreadable(&cursor.to_string())),
            },
        }
    }

    /// The value of the `cursor` parameter, or `None` when it is left out.
    #[must_use]
    pub fn parameter(self) -> Option<u64> {
        match self {
            Self::Live => None,
            Self::Oldest => Some(0),
            Self::After(seq) => Some(seq.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(stored: &str, start: Start) -> Result<Resume, CursorError> {
        Resume::decide(Some(&Cursor::parse(stored).unwrap()), start)
    }

    #[test]
    fn what_is_stored_wins_over_what_is_configured() {
        assert_eq!(decide("7", Start::Oldest).unwrap().parameter(), Some(7));
        assert_eq!(decide("0", Start::Live).unwrap().parameter(), Some(0));
        assert_eq!(Resume::decide(None, Start::Oldest).unwrap().parameter(), Some(0));
        assert_eq!(Resume::decide(None, Start::Live).unwrap().parameter(), None);
    }

    #[test]
    fn i11_a_stored_cursor_that_is_no_seq_stops_the_host_instead_of_starting_anew() {
        for stored in ["-1", "007", "abc", "9007199254740992", "!ingester-done"] {
            for start in [Start::Live, Start::Oldest] {
                assert!(matches!(decide(stored, start), Err(CursorError::Unreadable { .. })), "{stored}");
            }
        }
    }
}

/// What an incarnation is doing, in its own words.
///
/// The child sets it ([`Scope::set_state`](crate::Scope::set_state)); what the supervisor does between
/// incarnations is in [`Phase`](crate::Phase).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// It has begun and said nothing yet.
    Starting,
    /// It is reaching out to its source.
    Connecting,
    /// It is connected and does its work, even where the source has nothing to say at the moment.
    Streaming,
    /// It is connected; what comes after it takes no more until there is room again.
    Full,
    /// It is connected; what comes after it does not answer.
    Unavailable,
    /// It has let go of its source in good order and comes back when there is room.
    Parked,
    /// It waits for an operator's decision.
    Held,
    /// It waits for a time that it knows: as it was told to, before a try, or until its next round.
    Waiting,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Starting,
        Self::Connecting,
        Self::Streaming,
        Self::Full,
        Self::Unavailable,
        Self::Parked,
        Self::Held,
        Self::Waiting,
    ];

    /// The word for logs and metrics: lower case, no spaces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::Parked => "parked",
            Self::Held => "held",
            Self::Waiting => "waiting",
        }
    }

    /// Whether the child holds a connection to its source in this state.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        match self {
            Self::Streaming | Self::Full | Self::Unavailable => true,
            Self::Starting | Self::Connecting | Self::Parked | Self::Held | Self::Waiting => false,
        }
    }

    /// Whether the state itself is the reason why nothing happens, for as long as it takes.
    ///
    /// In the others a child without a sign of life is ended as [`Stalled`](crate::Ending::Stalled).
    #[must_use]
    pub const fn is_reason_to_wait(self) -> bool {
        match self {
            Self::Full | Self::Unavailable | Self::Parked | Self::Held | Self::Waiting => true,
            Self::Starting | Self::Connecting | Self::Streaming => false,
        }
    }

    /// What a child waits for in this state, unless it says so itself
    /// ([`Scope::waiting_for`](crate::Scope::waiting_for)).
    #[must_use]
    pub const fn waits_for(self) -> &'static str {
        match self {
            Self::Starting => "its own first word",
            Self::Connecting => "the source's answer",
            Self::Streaming => "the next message",
            Self::Full | Self::Parked => "room in what comes after it",
            Self::Unavailable => "an answer of what comes after it",
            Self::Held => "an operator's decision",
            Self::Waiting => "its time to come",
        }
    }

    pub(crate) fn from_index(index: u8) -> Self {
        Self::ALL.get(usize::from(index)).copied().unwrap_or(Self::Starting)
    }

    pub(crate) const fn index(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn every_state_comes_back_from_its_index() {
        for state in State::ALL {
            assert_eq!(State::from_index(state.index()), state);
        }
    }
}

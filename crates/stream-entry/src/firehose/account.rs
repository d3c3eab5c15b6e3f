use std::borrow::Cow;
use std::fmt;

/// An account's hosting status at the host that sent the event, as that host put it.
///
/// Act on `active`; `status` only explains it. The statement is the host's own: the same account may stand
/// differently elsewhere.
///
/// Source: [`com.atproto.sync.subscribeRepos#account`](https://atproto.com/specs/account).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// Whether the account's content may be shown and served.
    pub active: bool,
    /// Why it is not active, or in what state it is active; `None` where the host gave none.
    pub status: Option<AccountStatus<'a>>,
}

/// A word for an account's status. The six of the protocol, and whatever else a host sends: the set is open.
///
/// Made from a word with `From`, which takes the six in any case (the origin ingester wrote them capitalised) and
/// keeps everything else as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountStatus<'a> {
    /// `takendown`: by moderators of the host.
    Takendown,
    /// `suspended`: taken down for a time.
    Suspended,
    /// `deleted`: by its owner, for good.
    Deleted,
    /// `deactivated`: by its owner, for now.
    Deactivated,
    /// `desynchronized`: the host has lost track of the repo; may be active.
    Desynchronized,
    /// `throttled`: the host takes less than the account sends; may be active.
    Throttled,
    /// A word that is none of the six.
    Other(Cow<'a, str>),
}

impl AccountStatus<'_> {
    const KNOWN: [AccountStatus<'static>; 6] = [
        AccountStatus::Takendown,
        AccountStatus::Suspended,
        AccountStatus::Deleted,
        AccountStatus::Deactivated,
        AccountStatus::Desynchronized,
        AccountStatus::Throttled,
    ];

    /// The word as the protocol spells it, or as the host sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Takendown => "takendown",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Deactivated => "deactivated",
            Self::Desynchronized => "desynchronized",
            Self::Throttled => "throttled",
            Self::Other(word) => word,
        }
    }

    /// Whether the word is one of the six.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl<'a> From<&'a str> for AccountStatus<'a> {
    fn from(word: &'a str) -> Self {
        Cow::Borrowed(word).into()
    }
}

impl<'a> From<Cow<'a, str>> for AccountStatus<'a> {
    fn from(word: Cow<'a, str>) -> Self {
        let known = Self::KNOWN.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(&word));
        known.unwrap_or(Self::Other(word))
    }
}

impl fmt::Display for AccountStatus<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_taken_in_any_case_and_others_kept() {
        for status in AccountStatus::KNOWN {
            assert_eq!(AccountStatus::from(status.as_str()), status);
            assert_eq!(AccountStatus::from(status.as_str().to_uppercase().as_str()), status);
        }
        for word in ["", "inactive", "Inactive", "deleted ", "deactivatedx"] {
            let status = AccountStatus::from(word);
            assert!(!status.is_known(), "{word:?}");
            assert_eq!(status.as_str(), word);
        }
    }
}

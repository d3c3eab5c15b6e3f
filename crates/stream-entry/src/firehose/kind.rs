use std::fmt;

/// The type of an entry, the value of its `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `create`: a record was created.
    Create,
    /// `update`: a record was replaced.
    Update,
    /// `delete`: a record was deleted.
    Delete,
    /// `identity`: the account's handle or DID document may have changed.
    Identity,
    /// `account`: the account's hosting status at the host that sent the event.
    Account,
    /// `sync`: the repo's state was stated anew, without saying what changed.
    Sync,
    /// `repo`: the state that a whole repo was read at. Written by backfillers behind standpipe, never by standpipe.
    Repo,
}

impl Kind {
    /// Every type, in the order of their definition.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Update, Self::Delete, Self::Identity, Self::Account, Self::Sync, Self::Repo];

    /// The word that stands in the entry; a bounded set, fit for a metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Sync => "sync",
            Self::Repo => "repo",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

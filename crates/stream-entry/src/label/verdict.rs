use std::fmt;

/// What is known of a label's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is the issuer's own.
    Verified,
    /// Nothing is known of it: there is none, the label has no version, or the issuer's key could not be had.
    Unverified,
    /// It is not the issuer's. So are those that were made with a key which has been replaced since.
    Failed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Verified, Self::Unverified, Self::Failed];

    /// The word that stands for it in an entry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

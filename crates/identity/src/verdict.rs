use crate::key::{KeyFault, SignatureFault};

/// What is to be thought of a label's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Its issuer signed it with the key that it has.
    Verified,
    /// It cannot be told.
    Unverified(Doubt),
    /// Its issuer did not sign it with the key that it has.
    Failed(Flaw),
}

/// Why it cannot be told whether a label is its issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// It has no signature.
    Unsigned,
    /// It has no version 1, which is due where labels are verified.
    NoVersion,
    /// Its issuer has a DID that cannot be resolved: of another method, or malformed.
    NoMethod,
    /// Its issuer could not be resolved.
    Unresolved,
    /// Its issuer was not resolved in time.
    Late,
    /// The key that is known of its issuer does not verify it, and could not be fetched again, or not in time: the issuer
    /// may have changed it.
    Unconfirmed,
    /// It was made before its issuer's key was first seen, so it may have been signed with the key before that one.
    OlderThanKey,
}

/// What speaks against a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The directory knows no such issuer, or has deleted it.
    NoIssuer,
    /// Its issuer has no key for labels.
    Key(KeyFault),
    /// The signature does not hold.
    Signature(SignatureFault),
}

impl Verdict {
    /// `verified`, `unverified` or `failed`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified(_) => "unverified",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether nothing speaks against the label, and only its issuer's key was not to be had: that passes, and may be our
    /// trouble or the world's. Nobody can ever verify one that has another doubt, and where it is
    /// [`Unconfirmed`](Doubt::Unconfirmed) there is a key that does not verify it.
    #[must_use]
    pub fn only_wants_key(self) -> bool {
        match self {
            Self::Unverified(Doubt::Unresolved | Doubt::Late | Doubt::OlderThanKey) => true,
            Self::Unverified(Doubt::Unsigned | Doubt::NoVersion | Doubt::NoMethod | Doubt::Unconfirmed)
            | Self::Verified
            | Self::Failed(_) => false,
        }
    }

    /// A short, stable name of the reason, for metrics; `none` for what is verified.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Verified => "none",
            Self::Unverified(Doubt::Unsigned) => "unsigned",
            Self::Unverified(Doubt::NoVersion) => "no_version",
            Self::Unverified(Doubt::NoMethod) => "no_method",
            Self::Unverified(Doubt::Unresolved) => "unresolved",
            Self::Unverified(Doubt::Late) => "late",
            Self::Unverified(Doubt::Unconfirmed) => "unconfirmed",
            Self::Unverified(Doubt::OlderThanKey) => "older_than_key",
            Self::Failed(Flaw::NoIssuer) => "no_issuer",
            Self::Failed(Flaw::Key(fault)) => fault.label(),
            Self::Failed(Flaw::Signature(fault)) => fault.label(),
        }
    }
}

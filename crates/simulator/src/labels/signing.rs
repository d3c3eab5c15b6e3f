use std::cmp::Ordering;

use super::SentLabel;
use crate::key::Curve;

/// How a labeler signs. Two labelers with equal settings, of world and of signatures, say the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureSettings {
    /// The curve of all its keys; `None`: drawn for each key by the world's seed.
    pub curve: Option<Curve>,
    /// Percentage of labels that are sent unsigned.
    pub unsigned_percent: u8,
    /// Percentage of signed labels that have no `ver`.
    pub unversioned_percent: u8,
    /// Percentage of signed labels whose signature is none that may be accepted, in one of all ways
    /// ([`SignatureFlaw`]).
    pub bad_percent: u8,
    /// Percentage, of the labels that are not the labeler's own, of those whose issuer nobody knows. All others are
    /// of one colleague, which signs too ([`LabelWorld::colleague`](super::LabelWorld::colleague)).
    pub stranger_percent: u8,
    /// What is signed of a label that is sent with `neg: false`.
    pub neg_false: NegFalse,
    /// The numbers of the frames from which on a new key signs, in rising order. Key 0 signs before the first of them,
    /// key 1 from it on, and so forth.
    pub rotations: Vec<u64>,
}

impl Default for SignatureSettings {
    /// All is well: every label is signed and has a version, nothing is changed, and every issuer is known; curves
    /// as drawn, `neg: false` in either way, the same key for ever.
    fn default() -> Self {
        Self {
            curve: None,
            unsigned_percent: 0,
            unversioned_percent: 0,
            bad_percent: 0,
            stranger_percent: 0,
            neg_false: NegFalse::Either,
            rotations: Vec::new(),
        }
    }
}

impl SignatureSettings {
    /// Everything there is: one in ten unsigned, one in ten badly signed, some without a version or of strangers.
    #[must_use]
    pub fn mixed() -> Self {
        Self {
            unsigned_percent: 10,
            unversioned_percent: 3,
            bad_percent: 10,
            stranger_percent: 30,
            ..Self::default()
        }
    }
}

/// What is signed of a label that is sent with `neg: false`. Issuers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegFalse {
    /// What is sent, `neg: false` with it.
    AsSent,
    /// The label without `neg`.
    Omitted,
    /// Either, drawn for each label.
    Either,
}

/// Who a label is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Issuer {
    /// The labeler itself.
    Labeler,
    /// Another whose labels it passes on, and whose key never changes.
    Colleague,
    /// Somebody whom no directory knows.
    Stranger,
}

/// How a label was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signing {
    /// Not at all.
    Unsigned,
    /// With bytes that were drawn and are no signature: what a labeler without keys sends.
    Filler,
    /// As it has to be.
    Sound {
        /// The number of the issuer's key, from 0.
        key: usize,
        /// Whether the label was sent with `neg: false` and signed without `neg`.
        omits_neg: bool,
    },
    /// Not as it has to be.
    Bad(SignatureFlaw),
}

/// What can be wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureFlaw {
    /// Something of the label was changed after it was signed.
    Tampered,
    /// A high `s`.
    HighS,
    /// Another's key.
    OtherKey,
    /// The issuer's own key for repos, `#atproto`.
    RepoKey,
    /// DER instead of 64 bytes.
    Der,
    /// No bytes.
    Empty,
    /// What was signed has fields that are none of a label's; they are sent too.
    UnknownFields,
}

impl SignatureFlaw {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Tampered,
        Self::HighS,
        Self::OtherKey,
        Self::RepoKey,
        Self::Der,
        Self::Empty,
        Self::UnknownFields,
    ];
}

/// What a verifier must find of a label, when the document of the labeler has a certain key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The issuer signed it with the key that the document has.
    Verified,
    /// It has no signature.
    Unsigned,
    /// It is signed, and has no version.
    NoVersion,
    /// Its issuer is unknown to the directory.
    NoIssuer,
    /// The issuer signed it with a key that the document has no more.
    KeyBefore,
    /// The issuer signed it with a key that the document does not have yet.
    KeyAfter,
    /// The signature holds with no key that the issuer ever had.
    Failed,
}

impl SentLabel {
    /// What a verifier must find of it, when the labeler's document has this key.
    #[must_use]
    pub fn standing(&self, key: usize) -> Standing {
        if self.signing == Signing::Unsigned {
            return Standing::Unsigned;
        }
        if self.ver.is_none() {
            return Standing::NoVersion;
        }
        match (self.issuer, self.signing) {
            (Issuer::Stranger, _) => Standing::NoIssuer,
            (_, Signing::Filler | Signing::Bad(_)) => Standing::Failed,
            (_, Signing::Unsigned) => Standing::Unsigned,
            (Issuer::Colleague, Signing::Sound { .. }) => Standing::Verified,
            (Issuer::Labeler, Signing::Sound { key: signed_with, .. }) => match signed_with.cmp(&key) {
                Ordering::Less => Standing::KeyBefore,
                Ordering::Equal => Standing::Verified,
                Ordering::Greater => Standing::KeyAfter,
            },
        }
    }
}

use std::fmt;

use fastrand::Rng;

use super::SentLabel;
use crate::encode::Value;
use crate::key::{Curve, SigningKey};

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
                std::cmp::Ordering::Less => Standing::KeyBefore,
                std::cmp::Ordering::Equal => Standing::Verified,
                std::cmp::Ordering::Greater => Standing::KeyAfter,
            },
        }
    }
}

/// The keys of a labeler and of those whose labels it passes on.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) settings: SignatureSettings,
    /// One for each time between rotations.
    pub(super) keys: Vec<SigningKey>,
    pub(super) repo_key: SigningKey,
    pub(super) colleague_key: SigningKey,
    pub(super) colleague: String,
    stranger_key: SigningKey,
    stranger: String,
}

impl Signer {
    pub(super) fn new(settings: SignatureSettings, seed: u64, labeler: &str) -> Self {
        let key = |name: fmt::Arguments<'_>| {
            let name = format!("{labeler} {name}");
            let curve = settings.curve.unwrap_or_else(|| drawn_curve(seed, &name));
            SigningKey::of_seed(curve, seed, &name)
        };
        Self {
            keys: (0..=settings.rotations.len()).map(|nth| key(format_args!("labels {nth}"))).collect(),
            repo_key: key(format_args!("repo")),
            colleague_key: key(format_args!("colleague")),
            colleague: crate::directory::plc_did(seed, &format!("{labeler} colleague")),
            stranger_key: key(format_args!("stranger")),
            stranger: crate::directory::plc_did(seed, &format!("{labeler} stranger")),
            settings,
        }
    }

    /// The number of the key that signs in frame number `index`.
    pub(super) fn key_at(&self, index: u64) -> usize {
        self.settings.rotations.partition_point(|from| *from <= index)
    }

    /// Gives a label of frame number `index` its issuer and its signature. Everything else of it stays, but for `ver`
    /// and fields that are none of a label's.
    pub(super) fn sign(&self, label: &mut SentLabel, index: u64, rng: &mut Rng) {
        let settings = &self.settings;
        if label.issuer != Issuer::Labeler {
            let is_stranger = rng.u8(..100) < settings.stranger_percent;
            label.issuer = if is_stranger { Issuer::Stranger } else { Issuer::Colleague };
            label.src.clone_from(if is_stranger { &self.stranger } else { &self.colleague });
        }
        if rng.u8(..100) < settings.unsigned_percent {
            (label.sig, label.signing) = (None, Signing::Unsigned);
            return;
        }
        label.ver = (rng.u8(..100) >= settings.unversioned_percent).then_some(1);
        if rng.u8(..100) < settings.bad_percent {
            let flaw = SignatureFlaw::ALL[rng.usize(..SignatureFlaw::ALL.len())];
            label.sig = Some(self.bad_signature(label, index, flaw));
            label.signing = Signing::Bad(flaw);
            return;
        }
        let omits_neg = label.neg == Some(false)
            && match settings.neg_false {
                NegFalse::AsSent => false,
                NegFalse::Omitted => true,
                NegFalse::Either => rng.bool(),
            };
        let (number, key) = self.key_of(label.issuer, index);
        let signed = if omits_neg { SentLabel { neg: None, ..label.clone() } } else { label.clone() };
        label.sig = Some(key.sign(&signed.signed_bytes()).to_vec());
        label.signing = Signing::Sound { key: number, omits_neg };
    }

    /// The number of the key, and the key, that this issuer signs with in frame number `index`.
    fn key_of(&self, issuer: Issuer, index: u64) -> (usize, &SigningKey) {
        match issuer {
            Issuer::Colleague => (0, &self.colleague_key),
            Issuer::Stranger => (0, &self.stranger_key),
            Issuer::Labeler => {
                let number = self.key_at(index);
                (number, self.keys.get(number).unwrap_or(&self.repo_key))
            }
        }
    }

    fn bad_signature(&self, label: &mut SentLabel, index: u64, flaw: SignatureFlaw) -> Vec<u8> {
        let (_, key) = self.key_of(label.issuer, index);
        let bytes = label.signed_bytes();
        match flaw {
            SignatureFlaw::Tampered => {
                let before = SentLabel { val: format!("{}.", label.val), ..label.clone() };
                key.sign(&before.signed_bytes()).to_vec()
            }
            SignatureFlaw::HighS => key.sign_high_s(&bytes).to_vec(),
            SignatureFlaw::OtherKey => self.stranger_or_other(label.issuer).sign(&bytes).to_vec(),
            SignatureFlaw::RepoKey => self.repo_key.sign(&bytes).to_vec(),
            SignatureFlaw::Der => key.sign_der(&bytes),
            SignatureFlaw::Empty => Vec::new(),
            SignatureFlaw::UnknownFields => {
                label.has_more = true;
                key.sign(&label.all_but_signature().to_block()).to_vec()
            }
        }
    }

    /// A key that is not this issuer's.
    fn stranger_or_other(&self, issuer: Issuer) -> &SigningKey {
        match issuer {
            Issuer::Labeler | Issuer::Stranger => &self.colleague_key,
            Issuer::Colleague => &self.stranger_key,
        }
    }
}

fn drawn_curve(seed: u64, name: &str) -> Curve {
    let drawn =
        name.bytes().fold(seed, |sum, byte| sum.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(byte));
    if Rng::with_seed(drawn).bool() { Curve::K256 } else { Curve::P256 }
}

impl SentLabel {
    /// The bytes that its issuer signs: a map of the fields of a label that it has, and never `sig` or one that is none
    /// of a label's, in canonical DAG-CBOR.
    ///
    /// Source: <https://atproto.com/specs/label#signatures>.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        Value::map(self.signed_fields()).to_block()
    }

    /// Everything that is sent but for the signature.
    fn all_but_signature(&self) -> Value {
        Value::map(self.signed_fields().into_iter().chain(self.more_fields()))
    }
}

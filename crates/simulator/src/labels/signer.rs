use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use sha2::{Digest as _, Sha256};

use super::{Issuer, NegFalse, SentLabel, SignatureFlaw, SignatureSettings, Signing};
use crate::directory::plc_did;
use crate::encode::Value;
use crate::key::{Curve, SigningKey};

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
    /// The labels of frames that were signed already: to sign takes longer than all else, and is asked for again by
    /// each client and each check.
    signed: Mutex<HashMap<u64, Arc<[SentLabel]>>>,
}

/// How many frames' labels are kept: of some 1 KB a frame.
const KEPT_FRAMES: usize = 1 << 16;

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
            colleague: plc_did(seed, &format!("{labeler} colleague")),
            stranger_key: key(format_args!("stranger")),
            stranger: plc_did(seed, &format!("{labeler} stranger")),
            settings,
            signed: Mutex::default(),
        }
    }

    /// The labels of frame number `index`, signed; `labels` makes them as they are without.
    pub(super) fn labels(
        &self,
        index: u64,
        rng: &mut Rng,
        labels: impl FnOnce() -> Vec<SentLabel>,
    ) -> Vec<SentLabel> {
        if let Some(signed) = self.kept().get(&index) {
            return signed.to_vec();
        }
        let mut labels = labels();
        for label in &mut labels {
            self.sign(label, index, rng);
        }
        let mut kept = self.kept();
        if kept.len() >= KEPT_FRAMES {
            kept.clear();
        }
        kept.insert(index, labels.as_slice().into());
        labels
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u64, Arc<[SentLabel]>>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the key that signs in frame number `index`.
    pub(super) fn key_at(&self, index: u64) -> usize {
        self.settings.rotations.partition_point(|from| *from <= index)
    }

    /// Gives a label of frame number `index` its issuer and its signature. Everything else of it stays, but for `ver`
    /// and fields that are none of a label's.
    fn sign(&self, label: &mut SentLabel, index: u64, rng: &mut Rng) {
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
    let drawn = Sha256::new_with_prefix(seed.to_be_bytes()).chain_update(name).finalize();
    if drawn.first().is_some_and(|first| first.is_multiple_of(2)) { Curve::K256 } else { Curve::P256 }
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

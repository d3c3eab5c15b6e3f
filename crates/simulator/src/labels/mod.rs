//! A seeded labeler: what it says of accounts and posts, as one endless sequence of `#labels` frames.

mod flaw;
mod label;
mod signer;
mod signing;

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use self::flaw::flawed;
pub use self::label::SentLabel;
use self::signer::Signer;
pub use self::signing::{Issuer, NegFalse, SignatureFlaw, SignatureSettings, Signing, Standing};
use crate::directory::Document;
use crate::encode::{Value, frame};
use crate::key::SigningKey;
use crate::world::{Stream, World, WorldSettings, datetime};

/// What a labeler says, as one endless sequence of frames of `com.atproto.label.subscribeLabels`.
///
/// As of a [`World`], nothing is stored: each frame, and what must come of it, is a function of the settings and of
/// its number. All shapes occur: labels, negations of what was said and of what was not, labels that are said again;
/// with and without `cid`, `exp`, `neg: false`, `ver` and `sig`; of others than the labeler; none, one and many in a
/// frame; bad ones among good ones; fields and kinds that nobody knows.
///
/// Of the world's settings, `accounts` is how many subjects there are (few: each is labelled often), and mix and frame
/// size mean nothing. Signatures are filler of 64 bytes, unless it is [`signed`](Self::signed).
#[derive(Clone, Debug)]
pub struct LabelWorld {
    world: World,
    labeler: String,
    signer: Option<Arc<Signer>>,
}

/// What a label is about: of the same three, the latest one holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelKey {
    /// Who says it.
    pub src: String,
    /// What it is about.
    pub uri: String,
    /// What is said.
    pub val: String,
}

/// What a frame is, before anything else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    One,
    Many,
    Flawed,
    Empty,
    Unknown,
}

impl LabelWorld {
    /// Makes the labeler with this DID that these settings stand for.
    #[must_use]
    pub fn new(settings: WorldSettings, labeler: impl Into<String>) -> Self {
        Self { world: World::new(settings), labeler: labeler.into(), signer: None }
    }

    /// The same labeler with keys: what it says is the same, but for signatures, `ver`, and who the others are.
    ///
    /// To sign a label takes some 100 µs with k256 and 300 with p256 (libraries built as for tests, 2026-11-26). So the
    /// labels of up to 65,536 frames are kept, for all clones.
    #[must_use]
    pub fn signed(mut self, settings: SignatureSettings) -> Self {
        self.signer = Some(Arc::new(Signer::new(settings, self.world.settings().seed, &self.labeler)));
        self
    }

    /// The number of the key that signs the labeler's own labels in frame number `index`.
    #[must_use]
    pub fn key_at(&self, index: u64) -> usize {
        self.signer.as_ref().map_or(0, |signer| signer.key_at(index))
    }

    /// The labeler's keys, in the order in which they sign; none where nothing is signed.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        self.signer.as_ref().map_or(&[], |signer| &signer.keys)
    }

    /// The labeler's document when this key is its own, and it is at `endpoint` (`https://labels.example.com`). The
    /// document has no keys where nothing is signed, or where there is no such key.
    #[must_use]
    pub fn document(&self, key: usize, endpoint: impl Into<String>) -> Document {
        Document {
            label_key: self.keys().get(key).cloned(),
            repo_key: self.signer.as_ref().map(|signer| signer.repo_key.clone()),
            labeler: Some(endpoint.into()),
            ..Document::new(&self.labeler)
        }
    }

    /// The document of the one whose labels it passes on: an issuer with a key, and without a host for its labels.
    /// `None` where nothing is signed.
    #[must_use]
    pub fn colleague(&self) -> Option<Document> {
        let signer = self.signer.as_ref()?;
        Some(Document {
            label_key: Some(signer.colleague_key.clone()),
            ..Document::new(signer.colleague.clone())
        })
    }

    /// The labeler's DID.
    #[must_use]
    pub fn labeler(&self) -> &str {
        &self.labeler
    }

    /// The seq of frame number `index`.
    #[must_use]
    pub fn seq_at(&self, index: u64) -> u64 {
        self.world.seq_at(index)
    }

    /// The number of the first frame whose seq is above `cursor`.
    #[must_use]
    pub fn index_after(&self, cursor: u64) -> u64 {
        self.world.index_after(cursor)
    }

    /// Frame number `index` as it is on the wire.
    #[must_use]
    pub fn frame_at(&self, index: u64) -> Vec<u8> {
        let seq = ("seq", Value::Int(self.seq_at(index).cast_signed()));
        if self.kind(index) == Kind::Unknown {
            let later = Value::list([Value::Null, "later".into()]);
            return frame::message("#yetToCome", &Value::map([seq, ("payload", later)]));
        }
        let mut labels: Vec<Value> = self.expected_at(index).iter().map(SentLabel::to_value).collect();
        if self.kind(index) == Kind::Flawed {
            let mut rng = self.world.rng(Stream::LabelFlaw, index);
            for _ in 0..rng.usize(1..=3) {
                let good = self.label(index, &mut rng).to_value();
                labels.insert(rng.usize(..=labels.len()), flawed(&mut rng, good));
            }
        }
        frame::message("#labels", &Value::map([seq, ("labels", Value::List(labels))]))
    }

    /// The labels that an ingester must find in frame number `index`, in order; none where it has no sound one.
    /// Derived from the values that the frame encodes, never by decoding it.
    #[must_use]
    pub fn expected_at(&self, index: u64) -> Vec<SentLabel> {
        match &self.signer {
            None => self.unsigned_at(index),
            Some(signer) => {
                let mut rng = self.world.rng(Stream::Signature, index);
                signer.labels(index, &mut rng, || self.unsigned_at(index))
            }
        }
    }

    /// What holds after the first so many frames: of each key the label that was said last, if it was no negation.
    /// Labels that have expired hold: that is for the reader to judge.
    #[must_use]
    pub fn in_force(&self, frames: u64) -> BTreeMap<LabelKey, SentLabel> {
        let mut in_force = BTreeMap::new();
        for label in (0..frames).flat_map(|index| self.expected_at(index)) {
            let key = label.key();
            if label.neg == Some(true) {
                in_force.remove(&key);
            } else {
                in_force.insert(key, label);
            }
        }
        in_force
    }

    /// The same labels before they are signed.
    fn unsigned_at(&self, index: u64) -> Vec<SentLabel> {
        let mut rng = self.world.rng(Stream::Label, index);
        let labels = match self.kind(index) {
            Kind::One => 1,
            Kind::Many => rng.usize(2..=20),
            Kind::Flawed => rng.usize(0..=3),
            Kind::Empty | Kind::Unknown => 0,
        };
        (0..labels).map(|_| self.label(index, &mut rng)).collect()
    }

    fn kind(&self, index: u64) -> Kind {
        match self.world.rng(Stream::Kind, index).u8(..100) {
            0..75 => Kind::One,
            75..88 => Kind::Many,
            88..95 => Kind::Flawed,
            95..98 => Kind::Empty,
            _ => Kind::Unknown,
        }
    }

    fn label(&self, index: u64, rng: &mut Rng) -> SentLabel {
        const VALUES: [&str; 5] = ["spam", "!hide", "!warn", "rude", "\u{65e5}\u{672c}\u{8a9e} \"x\""];
        let account = self.world.account_did(rng.u64(0..self.world.settings().accounts.get().into()));
        let is_relayed = rng.u8(..20) == 0;
        let src = if is_relayed { "did:web:other-labeler.example.com" } else { &self.labeler };
        let millis = self.world.millis_at(index);
        let is_signed = rng.u8(..10) < 7;
        SentLabel {
            src: src.to_owned(),
            uri: if rng.bool() { account } else { format!("at://{account}/app.bsky.feed.post/3k") },
            val: match rng.usize(..=VALUES.len()) {
                // As long as it may be.
                5 => "v".repeat(128),
                place => VALUES[place].to_owned(),
            },
            cts: match rng.u8(..4) {
                0 => datetime(millis).replace('Z', "000+00:00"),
                _ => datetime(millis),
            },
            neg: match rng.u8(..10) {
                0..3 => Some(true),
                3 => Some(false),
                _ => None,
            },
            cid: (rng.u8(..5) == 0)
                .then(|| "bafyreid3fkiqbgz6zfgta63za56wo7rpsmrhoqgozqpa3wnpfss7b24eum".to_owned()),
            exp: (rng.u8(..10) == 0).then(|| datetime(millis + rng.u64(0..1 << 32))),
            ver: (is_signed || rng.u8(..5) > 0).then_some(1),
            sig: is_signed.then(|| std::iter::repeat_with(|| rng.u8(..)).take(64).collect()),
            issuer: if is_relayed { Issuer::Colleague } else { Issuer::Labeler },
            signing: if is_signed { Signing::Filler } else { Signing::Unsigned },
            has_more: rng.u8(..10) == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;

    use super::*;

    fn labeler(seed: u64) -> LabelWorld {
        let accounts = NonZeroU32::new(20).unwrap();
        LabelWorld::new(WorldSettings { seed, accounts, ..WorldSettings::default() }, "did:plc:labeler")
    }

    #[test]
    fn a_frame_depends_on_nothing_but_settings_and_index() {
        let (labeler, same, other) = (labeler(1), labeler(1), labeler(2));
        let forwards: Vec<_> = (0..300).map(|index| labeler.frame_at(index)).collect();
        let backwards: Vec<_> = (0..300).rev().map(|index| same.frame_at(index)).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
        assert!((0..300).filter(|index| other.frame_at(*index) == labeler.frame_at(*index)).count() < 30);
    }

    #[test]
    fn every_shape_occurs_and_keys_are_negated_and_said_again() {
        let labeler = labeler(1);
        let mut kinds = BTreeMap::new();
        let (mut said, mut negated, mut again, mut unknown) = (BTreeMap::new(), 0, 0, 0);
        for index in 0..2000 {
            *kinds.entry(labeler.kind(index)).or_insert(0) += 1;
            for label in labeler.expected_at(index) {
                let is_negation = label.neg == Some(true);
                match said.insert(label.key(), is_negation) {
                    Some(false) if is_negation => negated += 1,
                    Some(true) if !is_negation => again += 1,
                    None if is_negation => unknown += 1,
                    _ => {}
                }
            }
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
        assert!(kinds.values().all(|count| *count > 20), "{kinds:?}");
        assert!(negated > 100 && again > 100 && unknown > 10, "{negated} {again} {unknown}");
        let in_force = labeler.in_force(2000);
        assert_eq!(in_force.len(), said.values().filter(|is_negation| !**is_negation).count());
    }
}

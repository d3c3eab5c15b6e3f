use jiff::Timestamp;
use sha2::{Digest, Sha256};
use standpipe_eventstream::{Frame, Label, LabelMessage, NegFalse};

use crate::key::{PublicKey, SignatureFault};
use crate::verdict::Doubt;

/// What is needed of a label to verify it: digests instead of the label. It has about 200 bytes, whatever the label's size.
#[derive(Clone, Debug)]
pub struct Claim {
    src: Box<str>,
    /// When the label was made, as it says.
    made: Option<Timestamp>,
    seal: Result<Seal, Doubt>,
}

/// A signature and what it may be over.
#[derive(Clone, Debug)]
struct Seal {
    /// `None` where it is not of 64 bytes.
    signature: Option<[u8; 64]>,
    digest: [u8; 32],
    /// The digest without `neg`, where that is false: some issuers sign so.
    digest_without_neg: Option<[u8; 32]>,
}

impl Claim {
    /// The claim of a label. `scratch` is a buffer for the signed bytes, whose content is lost.
    ///
    /// Source: <https://atproto.com/specs/label#signatures>.
    #[must_use]
    pub fn of(label: &Label<'_>, scratch: &mut Vec<u8>) -> Self {
        let mut digest = |neg_false| {
            scratch.clear();
            label.write_signed(neg_false, scratch);
            Sha256::digest(&*scratch).into()
        };
        let seal = match (label.sig, label.ver) {
            (None, _) => Err(Doubt::Unsigned),
            (Some(_), None) => Err(Doubt::NoVersion),
            (Some(signature), Some(_)) => Ok(Seal {
                signature: signature.try_into().ok(),
                digest: digest(NegFalse::Kept),
                digest_without_neg: (label.neg == Some(false)).then(|| digest(NegFalse::LeftOut)),
            }),
        };
        Self { src: label.src.as_str().into(), made: moment(label.cts.as_str()), seal }
    }

    /// The claims of a frame's sound labels, in their order; none where it is no message of labels. `scratch` as above.
    #[must_use]
    pub fn all_of(frame: &[u8], scratch: &mut Vec<u8>) -> Vec<Self> {
        let Ok(Frame::Message(message)) = Frame::parse(frame) else { return Vec::new() };
        let Ok(LabelMessage::Labels(labels)) = LabelMessage::parse(&message) else { return Vec::new() };
        labels.labels().flatten().map(|label| Self::of(&label, scratch)).collect()
    }

    /// Whose label it is said to be.
    #[must_use]
    pub fn src(&self) -> &str {
        &self.src
    }

    /// What is in doubt without a look at any key.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        self.seal.as_ref().err().copied()
    }

    /// What is wrong with the signature for every key; `None` where a key is needed to tell.
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(&self.seal, Ok(Seal { signature: None, .. }))
    }

    /// Whether it says that it was made before this.
    pub(crate) fn is_older_than(&self, moment: Timestamp) -> bool {
        self.made.is_some_and(|made| made < moment)
    }

    /// Checks the signature, first over what was received.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let Ok(Seal { signature: Some(signature), digest, digest_without_neg }) = &self.seal else {
            return Err(SignatureFault::Length);
        };
        match (key.verify_digest(digest, signature), digest_without_neg) {
            (Err(SignatureFault::Mismatch), Some(digest)) => key.verify_digest(digest, signature),
            (outcome, _) => outcome,
        }
    }

    /// What it takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.src.len()
    }
}

/// The moment that a datetime of the lexicon names. Digits behind the nanoseconds are cut.
fn moment(text: &str) -> Option<Timestamp> {
    let Some((seconds, rest)) = text.split_once('.') else { return text.parse().ok() };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    format!("{seconds}.{}{}", &rest[..digits.min(9)], &rest[digits..]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datetime_of_the_lexicon_names_a_moment() {
        let nanoseconds = |text: &str| moment(text).map(Timestamp::as_nanosecond);
        assert_eq!(nanoseconds("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(nanoseconds("1970-01-01T00:00:01.5Z"), Some(1_500_000_000));
        assert_eq!(nanoseconds("1970-01-01T01:00:00.12345678901234567890+01:00"), Some(123_456_789));
        assert_eq!(nanoseconds("soon"), None);
    }
}

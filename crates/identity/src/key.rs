use k256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base58;

/// The multicodec prefixes of compressed points, as varints. Source: <https://w3c-ccg.github.io/did-key-spec/>.
const K256_PREFIX: [u8; 2] = [0xe7, 0x01];
const P256_PREFIX: [u8; 2] = [0x80, 0x24];

/// A public key of one of the two curves that the network signs with.
///
/// Source: <https://atproto.com/specs/cryptography>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Point);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Point {
    K256(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// The curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp256k1.
    K256,
    /// NIST P-256, which is secp256r1.
    P256,
}

/// Why a text is no key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum KeyFault {
    /// There is none.
    #[error("there is no key of this name")]
    Missing,
    /// Its controller is somebody else, so it is not this identity's word.
    #[error("the key is controlled by another did")]
    Controller,
    /// It is not written as multibase base58, or too long.
    #[error("the key is not in base58")]
    Encoding,
    /// A type, or a curve, that the network does not use.
    #[error("the key is of a type that is not used")]
    Type,
    /// The bytes are no compressed point of the curve.
    #[error("the key is no point of its curve")]
    Point,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SignatureFault {
    /// It is not of 64 bytes: DER, or something else.
    #[error("the signature is not of 64 bytes")]
    Length,
    /// One of its numbers is zero, or too large for the curve.
    #[error("the signature is out of range")]
    Range,
    /// It is the other of the two that a signer may choose from, which the network does not accept.
    #[error("the signature has a high s")]
    HighS,
    /// It was not made with this key, or not over these bytes.
    #[error("the signature is not of this key and these bytes")]
    Mismatch,
}

impl PublicKey {
    /// Reads a Multikey, `z…`, or a did:key, `did:key:z…`.
    ///
    /// # Errors
    /// [`KeyFault`], for everything but a compressed point of one of the two curves.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let bytes = multibase(text.strip_prefix("did:key:").unwrap_or(text))?;
        let (prefix, point) = bytes.split_first_chunk::<2>().ok_or(KeyFault::Type)?;
        let curve = match *prefix {
            K256_PREFIX => Curve::K256,
            P256_PREFIX => Curve::P256,
            _ => return Err(KeyFault::Type),
        };
        let is_compressed = point.len() == 33 && matches!(point.first(), Some(2 | 3));
        if is_compressed { Self::from_point(curve, point) } else { Err(KeyFault::Point) }
    }

    /// Reads a point without a prefix, compressed or not, as documents from before Multikey have it.
    pub(crate) fn parse_bare(curve: Curve, text: &str) -> Result<Self, KeyFault> {
        let bytes = multibase(text)?;
        let is_point = matches!((bytes.len(), bytes.first()), (33, Some(2 | 3)) | (65, Some(4)));
        if is_point { Self::from_point(curve, &bytes) } else { Err(KeyFault::Point) }
    }

    fn from_point(curve: Curve, point: &[u8]) -> Result<Self, KeyFault> {
        let point = match curve {
            Curve::K256 => k256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Point::K256),
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Point::P256),
        };
        point.map(Self).map_err(|_| KeyFault::Point)
    }

    /// The key as a Multikey, `z…`, which [`parse`](Self::parse) reads.
    #[must_use]
    pub fn multibase(&self) -> String {
        let bytes = match &self.0 {
            Point::K256(key) => [&K256_PREFIX[..], key.to_encoded_point(true).as_bytes()].concat(),
            Point::P256(key) => [&P256_PREFIX[..], key.to_encoded_point(true).as_bytes()].concat(),
        };
        format!("z{}", base58::encode(&bytes))
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> Curve {
        match self.0 {
            Point::K256(_) => Curve::K256,
            Point::P256(_) => Curve::P256,
        }
    }

    /// Checks a signature over bytes: ECDSA over their SHA-256, `r` and `s` in 32 bytes each, low `s`.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        self.verify_digest(&Sha256::digest(bytes).into(), signature)
    }

    /// Checks a signature over what has this SHA-256.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), SignatureFault> {
        if signature.len() != 64 {
            return Err(SignatureFault::Length);
        }
        // Neither library is relied on for the low s: p256 accepts both.
        let outcome = match &self.0 {
            Point::K256(key) => {
                let signature =
                    k256::ecdsa::Signature::from_slice(signature).map_err(|_| SignatureFault::Range)?;
                if signature.normalize_s().is_some() {
                    return Err(SignatureFault::HighS);
                }
                key.verify_prehash(digest, &signature)
            }
            Point::P256(key) => {
                let signature =
                    p256::ecdsa::Signature::from_slice(signature).map_err(|_| SignatureFault::Range)?;
                if signature.normalize_s().is_some() {
                    return Err(SignatureFault::HighS);
                }
                key.verify_prehash(digest, &signature)
            }
        };
        outcome.map_err(|_| SignatureFault::Mismatch)
    }
}

fn multibase(text: &str) -> Result<Vec<u8>, KeyFault> {
    text.strip_prefix('z').and_then(base58::decode).ok_or(KeyFault::Encoding)
}

impl KeyFault {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "key_missing",
            Self::Controller => "key_controller",
            Self::Encoding => "key_encoding",
            Self::Type => "key_type",
            Self::Point => "key_point",
        }
    }
}

impl SignatureFault {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Length => "sig_length",
            Self::Range => "sig_range",
            Self::HighS => "sig_high_s",
            Self::Mismatch => "sig_mismatch",
        }
    }
}

//! Keys of both curves, and what is signed with them.

use std::fmt;

use k256::ecdsa::signature::hazmat::PrehashSigner as _;
use sha2::{Digest as _, Sha256};

use crate::encode::radix::base58;

/// The multicodec prefixes of compressed points, as varints. Source: <https://w3c-ccg.github.io/did-key-spec/>.
const K256_PREFIX: [u8; 2] = [0xe7, 0x01];
const P256_PREFIX: [u8; 2] = [0x80, 0x24];

/// The curves that the network signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Curve {
    /// secp256k1.
    K256,
    /// NIST P-256, which is secp256r1.
    P256,
}

/// A key that signs: what an identity of a simulated network has, and no other must ever have.
///
/// What it is, and what it signs, depends on nothing but what it was made from: signatures are those of RFC 6979.
/// Source: <https://atproto.com/specs/cryptography>.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Secret);

#[derive(Clone, PartialEq, Eq)]
enum Secret {
    K256(k256::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl SigningKey {
    /// The key of this curve that a seed and a name stand for.
    #[must_use]
    pub fn of_seed(curve: Curve, seed: u64, name: &str) -> Self {
        let mut attempt = 0_u64;
        // All but one of 2^32 digests, or fewer, are numbers below the order of the curve.
        loop {
            let digest = Sha256::new_with_prefix(seed.to_be_bytes()).chain_update(attempt.to_be_bytes());
            if let Some(key) = Self::from_bytes(curve, &digest.chain_update(name).finalize().into()) {
                return key;
            }
            attempt += 1;
        }
    }

    /// The key of this curve that is this number, big-endian; `None` for 0, and where it is not below the order of the
    /// curve.
    #[must_use]
    pub fn from_bytes(curve: Curve, bytes: &[u8; 32]) -> Option<Self> {
        Some(Self(match curve {
            Curve::K256 => Secret::K256(k256::ecdsa::SigningKey::from_slice(bytes).ok()?),
            Curve::P256 => Secret::P256(p256::ecdsa::SigningKey::from_slice(bytes).ok()?),
        }))
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> Curve {
        match &self.0 {
            Secret::K256(_) => Curve::K256,
            Secret::P256(_) => Curve::P256,
        }
    }

    /// Signs the SHA-256 of these bytes: `r` and `s` in 32 bytes each, low `s`.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.signature(bytes, Choice::Low)
    }

    /// The other signature of these bytes, which fits as well and which the network does not accept: high `s`.
    #[must_use]
    pub fn sign_high_s(&self, bytes: &[u8]) -> [u8; 64] {
        self.signature(bytes, Choice::High)
    }

    /// The same signature as [`sign`](Self::sign) in DER, which the network does not accept: 68 to 72 bytes.
    #[must_use]
    pub fn sign_der(&self, bytes: &[u8]) -> Vec<u8> {
        let signature = self.sign(bytes);
        let (r, s) = signature.split_at(32);
        let numbers = [der_integer(r), der_integer(s)].concat();
        [&[0x30, len_byte(&numbers)][..], &numbers].concat()
    }

    /// The public key as a DID document has it, `publicKeyMultibase` of a Multikey: `zQ3sh…` or `zDnae…`.
    #[must_use]
    pub fn multikey(&self) -> String {
        let (prefix, point) = match &self.0 {
            Secret::K256(key) => (K256_PREFIX, key.verifying_key().to_encoded_point(true).to_bytes()),
            Secret::P256(key) => (P256_PREFIX, key.verifying_key().to_encoded_point(true).to_bytes()),
        };
        format!("z{}", base58(&[&prefix[..], &point].concat()))
    }

    fn signature(&self, bytes: &[u8], choice: Choice) -> [u8; 64] {
        let digest = Sha256::digest(bytes);
        let mut signature = [0; 64];
        // Of a digest of 32 bytes there is a signature, but for one of 2^256 where a number comes out as 0.
        match &self.0 {
            Secret::K256(key) => {
                let made: Result<k256::ecdsa::Signature, _> = key.sign_prehash(&digest);
                let Ok(made) = made else { return signature };
                let low = made.normalize_s().unwrap_or(made);
                let (r, s) = low.split_scalars();
                let chosen = match choice {
                    Choice::Low => Ok(low),
                    Choice::High => k256::ecdsa::Signature::from_scalars(r, -s),
                };
                signature.copy_from_slice(&chosen.unwrap_or(low).to_bytes());
            }
            Secret::P256(key) => {
                let made: Result<p256::ecdsa::Signature, _> = key.sign_prehash(&digest);
                let Ok(made) = made else { return signature };
                let low = made.normalize_s().unwrap_or(made);
                let (r, s) = low.split_scalars();
                let chosen = match choice {
                    Choice::Low => Ok(low),
                    Choice::High => p256::ecdsa::Signature::from_scalars(r, -s),
                };
                signature.copy_from_slice(&chosen.unwrap_or(low).to_bytes());
            }
        }
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.multikey()).finish()
    }
}

/// Which of the two signatures that fit.
#[derive(Clone, Copy)]
enum Choice {
    Low,
    High,
}

/// A positive number in DER: no zeros before it but for one that keeps it positive.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut digits = number.get(zeros..).unwrap_or_default().to_vec();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    [&[0x02, len_byte(&digits)][..], &digits].concat()
}

/// The length of something short, as DER has it.
fn len_byte(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(0x7f)
}

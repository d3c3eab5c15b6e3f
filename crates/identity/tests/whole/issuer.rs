//! Issuers with keys of their own: documents, labels and frames, encoded here and not by the code under test.

use ciborium::Value;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use serde_json::json;
use sha2::{Digest, Sha256};
use standpipe_identity::Claim;

pub(crate) const DID: &str = "did:plc:7rvn2fejhf474djdyuspmjnt";
pub(crate) const OTHER: &str = "did:plc:ju6zotye2cifrgzvlzogt3qx";

/// Whoever signs.
#[derive(Clone)]
pub(crate) enum Issuer {
    K256(k256::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl Issuer {
    pub(crate) fn k256(seed: u8) -> Self {
        Self::K256(k256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    /// A signature with a low s.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let digest = Sha256::digest(bytes);
        match self {
            Self::K256(key) => {
                let signature: k256::ecdsa::Signature = key.sign_prehash(&digest).unwrap();
                signature.normalize_s().unwrap_or(signature).to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(&digest).unwrap();
                signature.normalize_s().unwrap_or(signature).to_vec()
            }
        }
    }

    pub(crate) fn multikey(&self) -> String {
        let (prefix, point) = match self {
            Self::K256(key) => ([0xe7, 0x01], key.verifying_key().to_encoded_point(true).as_bytes().to_vec()),
            Self::P256(key) => ([0x80, 0x24], key.verifying_key().to_encoded_point(true).as_bytes().to_vec()),
        };
        format!("z{}", base58(&[&prefix[..], &point].concat()))
    }

    /// The document of a labeler with this key.
    pub(crate) fn document(&self, did: &str) -> String {
        json!({
            "id": did,
            "verificationMethod": [{
                "id": format!("{did}#atproto_label"),
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": self.multikey(),
            }],
            "service": [{
                "id": "#atproto_labeler",
                "type": "AtprotoLabeler",
                "serviceEndpoint": "https://labels.example.com",
            }],
        })
        .to_string()
    }

    /// The claim of a label that this issuer signed at this time.
    pub(crate) fn claim(&self, did: &str, cts: &str) -> Claim {
        self.labelled(did, cts, None, None)
    }

    /// The claim of a label that is sent with one `neg` and signed with another.
    pub(crate) fn labelled(
        &self,
        did: &str,
        cts: &str,
        neg: Option<bool>,
        signed_neg: Option<bool>,
    ) -> Claim {
        let signature = self.sign(&encoded(&fields(did, cts, signed_neg, None)));
        let frame = frame(fields(did, cts, neg, Some(signature)));
        claims(&frame).pop().unwrap()
    }
}

/// A label's fields in canonical order.
fn fields(did: &str, cts: &str, neg: Option<bool>, sig: Option<Vec<u8>>) -> Value {
    let text = |key: &str, value: &str| (Value::from(key), Value::from(value));
    let mut fields = vec![text("cts", cts)];
    fields.extend(neg.map(|neg| (Value::from("neg"), Value::from(neg))));
    fields.extend(sig.map(|sig| (Value::from("sig"), Value::Bytes(sig))));
    fields.push(text("src", did));
    fields.push(text("uri", "at://did:plc:2jlkoiayypdrkr7iot3toj3v/app.bsky.feed.post/3mmalx34s2225"));
    fields.push(text("val", "spam"));
    fields.push((Value::from("ver"), Value::from(1)));
    Value::Map(fields)
}

fn frame(label: Value) -> Vec<u8> {
    let header =
        Value::Map(vec![(Value::from("t"), Value::from("#labels")), (Value::from("op"), Value::from(1))]);
    let body = Value::Map(vec![
        (Value::from("seq"), Value::from(1)),
        (Value::from("labels"), Value::Array(vec![label])),
    ]);
    [encoded(&header), encoded(&body)].concat()
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// The claims of the sound labels of a frame.
pub(crate) fn claims(frame: &[u8]) -> Vec<Claim> {
    Claim::all_of(frame, &mut Vec::new())
}

fn base58(bytes: &[u8]) -> String {
    let mut digits = vec![0_u32];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let alphabet = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    digits.iter().rev().map(|digit| char::from(alphabet[usize::try_from(*digit).unwrap()])).collect()
}

//! Keys as documents have them, and whether a signature holds: not how the simulator does it, but for the libraries.

use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use sha2::{Digest as _, Sha256};

/// Whether this is a signature of these bytes that the network accepts, with the key that a Multikey names.
pub(crate) fn holds(multikey: &str, bytes: &[u8], signature: &[u8]) -> bool {
    let digest = Sha256::digest(bytes);
    let key = base58(multikey.strip_prefix('z').unwrap());
    let (prefix, point) = key.split_at(2);
    assert_eq!(point.len(), 33, "{multikey}");
    match prefix {
        [0xe7, 0x01] => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
            let Ok(signature) = k256::ecdsa::Signature::from_slice(signature) else { return false };
            signature.normalize_s().is_none() && key.verify_prehash(&digest, &signature).is_ok()
        }
        [0x80, 0x24] => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
            let Ok(signature) = p256::ecdsa::Signature::from_slice(signature) else { return false };
            signature.normalize_s().is_none() && key.verify_prehash(&digest, &signature).is_ok()
        }
        _ => panic!("no prefix of a key: {multikey}"),
    }
}

/// Base58 by long multiplication of decimal digits' worth: slow, and not how the simulator does it.
pub(crate) fn base58(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number: Vec<u8> = Vec::new();
    for letter in text.chars() {
        let mut carry = ALPHABET.find(letter).unwrap();
        for byte in number.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).unwrap();
            carry /= 256;
        }
        while carry > 0 {
            number.insert(0, u8::try_from(carry % 256).unwrap());
            carry /= 256;
        }
    }
    number
}

/// The bytes of a text in hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

//! The interop suite's signatures, and the two ways to sign a label that takes nothing back.

use standpipe_identity::{Curve, PublicKey, SignatureFault};

use crate::issuer::Issuer;

/// Source: protocol's interop suite, `crypto/signature-fixtures.json`: key, signature, outcome.
const VECTORS: [(&str, &str, Result<(), SignatureFault>); 6] = [
    (
        "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo",
        "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoJWExHptCfduPleDbG3rko3YZnn9Lw0IjpixVmexJDegg",
        Ok(()),
    ),
    (
        "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo",
        "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoKp7O4VS9giSAah8k5IUbXIW00SuOrjfEqQ9HEkN9JGzw",
        Err(SignatureFault::HighS),
    ),
    (
        "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc",
        "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdUn/FEznOndsz/qgiYb89zwxYCbB71f7yQK5Lr7NasfoA",
        Ok(()),
    ),
    (
        "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc",
        "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdXYA67MYxYiTMAVfdnkDCMN9S5B3vHosRe07aORmoshoQ",
        Err(SignatureFault::HighS),
    ),
    (
        "zDnaeT6hL2RnTdUhAPLij1QBkhYZnmuKyM7puQLW1tkF4Zkt8",
        "MEQCIFxYelWJ9lNcAVt+jK0y/T+DC/X4ohFZ+m8f9SEItkY1AiACX7eXz5sgtaRrz/SdPR8kprnbHMQVde0T2R8yOTBweA",
        Err(SignatureFault::Length),
    ),
    (
        "zQ3shnriYMXc8wvkbJqfNWh5GXn2bVAeqTC92YuNbek4npqGF",
        "MEUCIQCWumUqJqOCqInXF7AzhIRg2MhwRz2rWZcOEsOjPmNItgIgXJH7RnqfYY6M0eg33wU0sFYDlprwdOcpRn78Sz5ePgk",
        Err(SignatureFault::Length),
    ),
];

#[test]
fn the_interop_signatures_have_their_outcomes() {
    let message = base64("oWVoZWxsb2V3b3JsZA");
    for (key, signature, outcome) in VECTORS {
        let key = PublicKey::parse(key).unwrap();
        assert_eq!(key.verify(&message, &base64(signature)), outcome, "{key:?} {signature}");
    }
}

#[test]
fn a_signature_holds_for_its_key_and_its_bytes_alone() {
    for (issuer, other, curve) in
        [(Issuer::k256(1), Issuer::k256(2), Curve::K256), (Issuer::p256(1), Issuer::p256(2), Curve::P256)]
    {
        let key = PublicKey::parse(&issuer.multikey()).unwrap();
        assert_eq!(key.curve(), curve);
        assert_eq!(PublicKey::parse(&format!("did:key:{}", issuer.multikey())).unwrap(), key);
        let signature = issuer.sign(b"bytes");
        assert_eq!(key.verify(b"bytes", &signature), Ok(()));
        assert_eq!(key.verify(b"bytez", &signature), Err(SignatureFault::Mismatch));
        assert_eq!(key.verify(b"bytes", &other.sign(b"bytes")), Err(SignatureFault::Mismatch));
        assert_eq!(key.verify(b"bytes", &signature[1..]), Err(SignatureFault::Length));
        assert_eq!(key.verify(b"bytes", &[0; 64]), Err(SignatureFault::Range));
        assert_eq!(key.verify(b"bytes", &[0xff; 64]), Err(SignatureFault::Range));
    }
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let digit = alphabet.iter().position(|known| *known == letter).unwrap();
        bits = (bits << 6) | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

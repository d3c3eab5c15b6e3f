//! Documents, keys and signatures of any shape: a value or an error, never a panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use standpipe_identity::{Identity, PublicKey};

use crate::issuer::{DID, Issuer};

const K256: &str = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
const P256: &str = "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";

/// Values that are near to what a document has in this place.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "\\PC{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!(DID)),
        Just(json!("#atproto_label")),
        Just(json!("Multikey")),
        Just(json!(K256)),
        Just(json!("https://labels.example.com")),
    ];
    word.prop_recursive(3, 16, 4, |inner| {
        let names = prop_oneof!["[a-z]{1,4}", Just("id".to_owned()), Just("type".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names, inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn i6_a_document_of_any_shape_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        names in anything(),
        keys in anything(),
        services in anything(),
        kind in anything(),
        value in anything(),
    ) {
        let _ = Identity::parse(DID, &bytes);
        let key = json!({ "id": "#atproto", "type": kind, "controller": DID, "publicKeyMultibase": value });
        for keys in [keys, json!([key])] {
            let document = json!({ "id": DID, "alsoKnownAs": names, "verificationMethod": keys, "service": services });
            prop_assert!(Identity::parse(DID, document.to_string().as_bytes()).is_ok());
        }
    }

    #[test]
    fn i6_a_key_of_any_shape_is_read_or_refused(text in "\\PC{0,60}", letters in "[1-9A-HJ-NP-Za-km-z]{0,140}") {
        for text in [text, format!("z{letters}"), format!("zQ3s{letters}"), format!("did:key:zDna{letters}")] {
            let _ = PublicKey::parse(&text);
        }
    }

    #[test]
    fn i6_no_other_bytes_are_a_signature(
        place in 0_usize..64,
        flip in 1_u8..,
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        for (issuer, other) in [(Issuer::k256(1), K256), (Issuer::p256(1), P256)] {
            let key = PublicKey::parse(&issuer.multikey()).unwrap();
            let mut signature = issuer.sign(&bytes);
            prop_assert_eq!(key.verify(&bytes, &signature), Ok(()));
            signature[place] ^= flip;
            prop_assert!(key.verify(&bytes, &signature).is_err());
            prop_assert!(PublicKey::parse(other).unwrap().verify(&bytes, &bytes).is_err());
        }
    }
}

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;

use ciborium::Value;
use standpipe_simulator::{
    Curve, Issuer, LabelWorld, NegFalse, SentLabel, SignatureFlaw, SignatureSettings, Signing, SigningKey,
    Standing, WorldSettings, plc_did,
};

use crate::decode::{field, items, text};
use crate::keys::{base58, hex, holds};

const SEED: u64 = 4711;
const FRAMES: u64 = 1000;

fn world(settings: SignatureSettings) -> LabelWorld {
    println!("seed {SEED}");
    plain().signed(settings)
}

fn plain() -> LabelWorld {
    let accounts = NonZeroU32::new(20).unwrap();
    let settings = WorldSettings { seed: SEED, accounts, ..WorldSettings::default() };
    LabelWorld::new(settings, plc_did(SEED, "labeler"))
}

/// Everything that can be about signatures, with keys of both curves.
fn everything() -> LabelWorld {
    world(SignatureSettings { rotations: vec![300, 301, 600], ..SignatureSettings::mixed() })
}

fn key(curve: Curve, digits: &str) -> SigningKey {
    SigningKey::from_bytes(curve, &hex(digits).try_into().unwrap()).unwrap()
}

/// Sources: the interoperability data of the AT Protocol, made with implementations of did:key.
#[test]
fn public_keys_are_written_as_others_write_them() {
    for (curve, private, public) in [
        (
            Curve::K256,
            hex("9085d2bef69286a6cbb51623c8fa258629945cd55ca705cc4e66700396894e0c"),
            "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        ),
        (
            Curve::K256,
            hex("175a232d440be1e0788f25488a73d9416c04b6f924bea6354bf05dd2f1a75133"),
            "zQ3shptjE6JwdkeKN4fcpnYQY3m9Cet3NiHdAfpvSUZBFoKBj",
        ),
        (
            Curve::P256,
            base58("9p4VRzdmhsnq869vQjVCTrRry7u4TtfRxhvBFJTGU2Cp"),
            "zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb",
        ),
    ] {
        let key = SigningKey::from_bytes(curve, &private.try_into().unwrap()).unwrap();
        assert_eq!((key.curve(), key.multikey().as_str()), (curve, public));
        assert_eq!(format!("{key:?}"), format!("SigningKey({public:?})"));
    }
    assert_eq!(SigningKey::from_bytes(Curve::K256, &[0; 32]), None);
    assert_eq!(SigningKey::from_bytes(Curve::P256, &[0xff; 32]), None);
}

/// Sources: RFC 6979, A.2.5 (P-256, "sample"), whose s is high; Bitcoin's vector of the same rule for secp256k1.
#[test]
fn signatures_are_those_of_rfc_6979_with_a_low_s() {
    let p256 = key(Curve::P256, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let of_the_rfc = hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    assert_eq!(p256.sign_high_s(b"sample").to_vec(), of_the_rfc);
    let low = p256.sign(b"sample");
    assert_eq!(low[..32], of_the_rfc[..32]);
    assert!(holds(&p256.multikey(), b"sample", &low) && !holds(&p256.multikey(), b"sample", &of_the_rfc));

    let k256 = key(Curve::K256, "0000000000000000000000000000000000000000000000000000000000000001");
    let known = hex("934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
         2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
    assert_eq!(k256.sign(b"Satoshi Nakamoto").to_vec(), known);
    assert!(!holds(&k256.multikey(), b"Satoshi Nakamoto", &k256.sign_high_s(b"Satoshi Nakamoto")));

    for key in [p256, k256] {
        let (low, der) = (key.sign(b"x"), key.sign_der(b"x"));
        let (r, s) = (der_integer(&der[2..]), der_integer(&der[4 + usize::from(der[3])..]));
        assert_eq!((der[0], usize::from(der[1])), (0x30, der.len() - 2));
        assert_eq!([r, s].concat(), low);
    }
}

/// The number that a DER integer is, in 32 bytes.
fn der_integer(der: &[u8]) -> Vec<u8> {
    assert_eq!(der[0], 2);
    let digits = &der[2..2 + usize::from(der[1])];
    assert!(digits[0] < 0x80, "negative");
    let kept = &digits[digits.len().saturating_sub(32)..];
    [vec![0; 32 - kept.len()], kept.to_vec()].concat()
}

/// A label of the golden frames, whose fields are all sound.
fn golden(label: &serde_json::Value) -> SentLabel {
    let text = |key: &str| label[key].as_str().map(str::to_owned);
    SentLabel {
        src: text("src").unwrap(),
        uri: text("uri").unwrap(),
        val: text("val").unwrap(),
        cts: text("cts").unwrap(),
        neg: label["neg"].as_bool(),
        cid: text("cid"),
        exp: text("exp"),
        ver: label["ver"].as_i64(),
        sig: None,
        issuer: Issuer::Labeler,
        signing: Signing::Unsigned,
        has_more: false,
    }
}

/// The reference implementation signed them over bytes that it encoded: ours must be the same ones.
#[test]
fn the_bytes_that_are_signed_are_those_that_others_signed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../eventstream/tests/fixtures/labels/labels.expected.jsonl.zst");
    let lines = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let mut seen = BTreeMap::new();
    for line in std::str::from_utf8(&lines).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for labelled in line["labels"].as_array().into_iter().flatten() {
            let (said, label) = (labelled["sig"].as_str().unwrap(), &labelled["label"]);
            let Some(key) = labelled["key"].as_str().and_then(|key| key.strip_prefix("did:key:")) else {
                continue;
            };
            let Some(sig) = label["sig"]["$bytes"].as_str() else { continue };
            let (label, sig) = (golden(label), base64(sig));
            let holds = |label: &SentLabel| holds(key, &label.signed_bytes(), &sig);
            match said {
                "valid" => assert!(holds(&label), "{line}"),
                "invalid" => assert!(!holds(&label), "{line}"),
                "valid-without-neg-false" => {
                    assert!(!holds(&label) && holds(&SentLabel { neg: None, ..label.clone() }), "{line}");
                }
                other => panic!("{other}: {line}"),
            }
            *seen.entry(said.to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(
        seen,
        BTreeMap::from(
            [("invalid", 6), ("valid", 84), ("valid-without-neg-false", 1)]
                .map(|(said, count)| (said.to_owned(), count))
        )
    );
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text.chars().map(|digit| format!("{:06b}", ALPHABET.find(digit).unwrap()));
    let bits = bits.collect::<Vec<_>>().concat();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes.map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap()).collect()
}

/// What is signed of a label that was received, `neg: false` with it or without.
fn signed_bytes(label: &Value, without_neg: bool) -> Vec<u8> {
    let names = ["cid", "cts", "exp", "neg", "src", "uri", "val", "ver"];
    let fields = names.into_iter().filter(|name| !(without_neg && *name == "neg"));
    let fields = fields.filter_map(|name| Some((Value::from(name), field(label, name)?.clone())));
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(fields.collect()), &mut bytes).unwrap();
    bytes
}

/// The labels of a frame, as they were received, that are also expected.
fn received(world: &LabelWorld, index: u64) -> Vec<(Value, SentLabel)> {
    let [header, body] = &items(&world.frame_at(index))[..] else { panic!("two items") };
    if text(header, "t") != "#labels" {
        return Vec::new();
    }
    let mut expected = world.expected_at(index).into_iter().peekable();
    let mut received = Vec::new();
    for label in field(body, "labels").and_then(Value::as_array).unwrap() {
        let sig = label.as_map().and_then(|_| field(label, "sig")).and_then(Value::as_bytes);
        let is_it = |wanted: &SentLabel| {
            label.is_map()
                && field(label, "uri") == Some(&wanted.uri.as_str().into())
                && sig == wanted.sig.as_ref()
        };
        if let Some(wanted) = expected.next_if(is_it) {
            received.push((label.clone(), wanted));
        }
    }
    assert_eq!(expected.next(), None, "frame {index}");
    received
}

/// The key of a received label's issuer, by the documents of this moment.
fn issuer_key(world: &LabelWorld, label: &Value, key: usize) -> Option<String> {
    let documents = [Some(world.document(key, "https://labels.example.com")), world.colleague()];
    let mut documents = documents.into_iter().flatten().map(|document| document.to_json());
    let document = documents.find(|document| document["id"] == text(label, "src"))?;
    let methods = document["verificationMethod"].as_array().unwrap();
    let method = methods.iter().find(|method| method["id"].as_str().unwrap().ends_with("#atproto_label"));
    Some(method.unwrap()["publicKeyMultibase"].as_str().unwrap().to_owned())
}

/// What a verifier finds of a received label that has the documents of this moment.
fn found(world: &LabelWorld, label: &Value, key: usize) -> Standing {
    let Some(sig) = field(label, "sig").and_then(Value::as_bytes) else { return Standing::Unsigned };
    if field(label, "ver").is_none() {
        return Standing::NoVersion;
    }
    let Some(issuer_key) = issuer_key(world, label, key) else { return Standing::NoIssuer };
    let holds = |without_neg| holds(&issuer_key, &signed_bytes(label, without_neg), sig);
    let is_neg_false = field(label, "neg") == Some(&Value::Bool(false));
    if holds(false) || (is_neg_false && holds(true)) { Standing::Verified } else { Standing::Failed }
}

#[test]
fn every_label_stands_as_is_said_of_it_whatever_key_the_document_has() {
    let world = everything();
    let curves: BTreeSet<Curve> = world.keys().iter().map(SigningKey::curve).collect();
    assert_eq!((world.keys().len(), curves.len()), (4, 2), "{:?}", world.keys());
    let (mut standings, mut signings) = (BTreeMap::new(), BTreeMap::new());
    for index in 0..FRAMES {
        for (label, sent) in received(&world, index) {
            *signings.entry((sent.issuer, sent.signing)).or_insert(0) += 1;
            for key in [0, world.key_at(index), 3] {
                let standing = sent.standing(key);
                let same_word = match standing {
                    Standing::KeyBefore | Standing::KeyAfter => Standing::Failed,
                    other => other,
                };
                assert_eq!(found(&world, &label, key), same_word, "frame {index}, key {key}: {sent:?}");
                *standings.entry(standing).or_insert(0) += 1;
            }
        }
    }
    println!("{standings:?}\n{signings:?}");
    assert_eq!(standings.len(), 7, "{standings:?}");
    for flaw in SignatureFlaw::ALL {
        assert!(signings.contains_key(&(Issuer::Labeler, Signing::Bad(flaw))), "{flaw:?}");
    }
    let omitted =
        |(_, signing): &&(Issuer, Signing)| matches!(signing, Signing::Sound { omits_neg: true, .. });
    assert!(signings.keys().filter(omitted).count() > 2, "{signings:?}");
}

#[test]
fn a_key_signs_from_its_frame_on_and_no_other_does() {
    let world = everything();
    for index in 0..FRAMES {
        let due = match index {
            0..300 => 0,
            300 => 1,
            301..600 => 2,
            _ => 3,
        };
        assert_eq!(world.key_at(index), due, "{index}");
        for label in world.expected_at(index).iter().filter(|label| label.issuer == Issuer::Labeler) {
            if let Signing::Sound { key, .. } = label.signing {
                assert_eq!(key, due, "{index}");
            }
        }
    }
}

#[test]
fn all_is_verified_where_nothing_else_is_asked_for() {
    for (curve, neg_false) in [(Curve::K256, NegFalse::AsSent), (Curve::P256, NegFalse::Omitted)] {
        let curve = Some(curve);
        let world = world(SignatureSettings { curve, neg_false, ..SignatureSettings::default() });
        assert_eq!(world.keys().iter().map(|key| Some(key.curve())).collect::<Vec<_>>(), [curve]);
        let (mut labels, mut neg_false_ones) = (0, 0);
        for index in 0..200 {
            for (label, sent) in received(&world, index) {
                assert_eq!(
                    (sent.standing(0), found(&world, &label, 0)),
                    (Standing::Verified, Standing::Verified)
                );
                labels += 1;
                if let (Some(false), Signing::Sound { omits_neg, .. }) = (sent.neg, sent.signing) {
                    assert_eq!(omits_neg, neg_false == NegFalse::Omitted);
                    let issuer_key = issuer_key(&world, &label, 0).unwrap();
                    for without_neg in [false, true] {
                        let signed = signed_bytes(&label, without_neg);
                        let is_signed = holds(&issuer_key, &signed, sent.sig.as_ref().unwrap());
                        assert_eq!(is_signed, without_neg == omits_neg, "{sent:?}");
                    }
                    neg_false_ones += 1;
                }
            }
        }
        assert!(labels > 300 && neg_false_ones > 10, "{labels} {neg_false_ones}");
    }
}

#[test]
fn a_seed_has_the_same_keys_and_bytes_each_time_and_another_has_others() {
    let (world, same) = (everything(), everything());
    assert_eq!(world.keys(), same.keys());
    let forwards: Vec<_> = (250..350).map(|index| world.frame_at(index)).collect();
    let backwards: Vec<_> = (250..350).rev().map(|index| same.frame_at(index)).collect();
    assert!(forwards.iter().eq(backwards.iter().rev()));

    let settings = WorldSettings { seed: SEED + 1, ..WorldSettings::default() };
    let other = LabelWorld::new(settings, world.labeler()).signed(SignatureSettings::default());
    let neighbour =
        LabelWorld::new(WorldSettings { seed: SEED, ..WorldSettings::default() }, "did:plc:neighbour")
            .signed(SignatureSettings::default());
    let all = [&world, &other, &neighbour].map(LabelWorld::keys).concat();
    let distinct: BTreeSet<String> = all.iter().map(SigningKey::multikey).collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn a_labeler_that_signs_says_the_same_as_one_that_does_not() {
    let (plain, signed) = (plain(), everything());
    let said = |label: SentLabel| SentLabel {
        src: String::new(),
        sig: None,
        ver: None,
        issuer: Issuer::Labeler,
        signing: Signing::Unsigned,
        has_more: false,
        ..label
    };
    for index in 0..200 {
        let [plain, signed] = [&plain, &signed].map(|world| world.expected_at(index));
        assert!(plain.iter().all(|label| matches!(label.signing, Signing::Filler | Signing::Unsigned)));
        assert!(plain.into_iter().map(said).eq(signed.into_iter().map(said)), "{index}");
    }
}

//! Properties over generated data, with ciborium as the encoder and decoder that is not ours.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value as Json;
use standpipe_eventstream::{
    BlockIndex, CidBuf, Datetime, Did, Frame, MAX_SEQ, MessageError, RepoMessage, RepoPath, Tid,
    cbor::Reader, json, record::write_record_json,
};

use crate::fixture::base64;
use crate::outcome::outcome;
use crate::reference::{car, car_header, decode, encode, json_of, link};

fn cids() -> impl Strategy<Value = CidBuf> {
    vec(any::<u8>(), 0..8).prop_map(|block| CidBuf::of_dag_cbor(&block))
}

/// Values of the data model, a few levels deep.
fn values() -> impl Strategy<Value = Cbor> {
    let leaf = prop_oneof![
        Just(Cbor::Null),
        any::<bool>().prop_map(Cbor::Bool),
        any::<i64>().prop_map(Cbor::from),
        (-300i64..300).prop_map(Cbor::from),
        ".{0,40}".prop_map(Cbor::Text),
        "[ -~]{0,40}".prop_map(Cbor::Text),
        vec(any::<u8>(), 0..70).prop_map(Cbor::Bytes),
        cids().prop_map(link),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![vec(inner.clone(), 0..30).prop_map(Cbor::Array), maps(inner)]
    })
}

fn maps(inner: impl Strategy<Value = Cbor>) -> impl Strategy<Value = Cbor> {
    btree_map(prop_oneof!["[a-z$]{0,3}", ".{0,30}"], inner, 0..30).prop_map(|fields| {
        Cbor::Map(fields.into_iter().map(|(key, value)| (Cbor::Text(key), value)).collect())
    })
}

fn whole(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.skip().is_ok() && reader.end().is_ok()
}

proptest! {
    #[test]
    fn the_json_of_a_record_is_its_value(record in maps(values())) {
        let mut out = Vec::new();
        write_record_json(&encode(&record), &mut out).expect("a value of the data model");
        prop_assert_eq!(serde_json::from_slice::<Json>(&out).expect("json"), json_of(&record));
    }

    #[test]
    fn what_is_accepted_is_exactly_what_the_reference_would_encode(
        value in values(), position in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let good = encode(&value);
        prop_assert!(whole(&good));
        let mut bytes = good;
        let position = position.index(bytes.len());
        if cut { bytes.truncate(position) } else { bytes[position] = byte }
        if whole(&bytes) {
            let read = decode(&bytes).expect("what we accept, anybody does");
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn i6_any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        outcome(&bytes, 0);
        let _ = BlockIndex::new().read(&bytes);
        let mut out = Vec::new();
        if write_record_json(&bytes, &mut out).is_ok() {
            prop_assert!(serde_json::from_slice::<Json>(&out).is_ok());
        } else {
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn any_body_of_any_kind_is_survived_and_keeps_its_seq(
        kind in prop::sample::select(vec!["#commit", "#sync", "#identity", "#account", "#info", "#handle", "#new"]),
        fields in btree_map("ops|rev|repo|did|time|since|blocks|commit|active|status|name|x", values(), 0..9),
        seq in prop::option::of(0..=MAX_SEQ + 2),
    ) {
        let mut body: Vec<_> = fields.into_iter().map(|(key, value)| (Cbor::Text(key), value)).collect();
        body.extend(seq.map(|seq| (Cbor::Text("seq".to_owned()), seq.into())));
        let header = Cbor::Map(vec![("t".into(), kind.into()), ("op".into(), 1.into())]);
        let bytes = [encode(&header), encode(&Cbor::Map(body))].concat();
        let Ok(Frame::Message(message)) = Frame::parse(&bytes) else { panic!("a message") };
        let readable = seq.filter(|seq| (1..=MAX_SEQ).contains(seq));
        match RepoMessage::parse(&message) {
            Ok(RepoMessage::Info(_)) => {}
            Ok(message) => prop_assert_eq!(message.seq(), readable),
            Err(MessageError::Schema(error)) => prop_assert_eq!(error.seq, readable),
            Err(MessageError::Frame(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn json_strings_and_integers_read_back(text in ".*", integer in any::<i64>()) {
        let mut out = Vec::new();
        json::write_string(&text, &mut out);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("a string"), text);
        out.clear();
        json::write_integer(integer, &mut out);
        prop_assert_eq!(out, integer.to_string().into_bytes());
    }

    #[test]
    fn strings_of_awkward_characters_read_back(text in "[\u{0}-\u{1f}\"\\\\\u{7f}a\u{e9}\u{20ac}\u{1f600}]{0,40}") {
        let mut out = Vec::new();
        json::write_string(&text, &mut out);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("a string"), text);
    }

    #[test]
    fn bytes_become_unpadded_base64(bytes in vec(any::<u8>(), 0..100)) {
        let record = Cbor::Map(vec![("a".into(), Cbor::Bytes(bytes.clone()))]);
        let mut out = Vec::new();
        write_record_json(&encode(&record), &mut out).expect("a record");
        let json: Json = serde_json::from_slice(&out).expect("json");
        let text = json["a"]["$bytes"].as_str().expect("text");
        prop_assert!(!text.contains('='));
        prop_assert_eq!(base64(text), bytes);
    }

    #[test]
    fn cids_and_tids_read_back(cid in cids(), first in "[2-7a-j]", rest in "[2-7a-z]{12}") {
        prop_assert_eq!(CidBuf::parse(&cid.to_string()), Ok(cid));
        let text = first + &rest;
        prop_assert_eq!(Tid::parse(&text).expect("a tid").to_string(), text);
    }

    #[test]
    fn a_car_gives_every_block_back_and_no_other(
        blocks in vec(vec(any::<u8>(), 0..40), 1..120), wrong in any::<prop::sample::Index>(),
    ) {
        let cids: Vec<_> = blocks.iter().map(|block| CidBuf::of_dag_cbor(block)).collect();
        let pairs: Vec<_> = cids.iter().copied().zip(blocks.iter().cloned()).collect();
        let mut bytes = car(car_header(&cids[..1]), &pairs);
        let mut index = BlockIndex::new();
        let read = index.read(&bytes).expect("a car");
        prop_assert_eq!((read.root(), read.len()), (cids[0].as_cid(), blocks.len()));
        for (cid, block) in cids.iter().zip(&blocks) {
            prop_assert_eq!(read.block(cid.as_cid()), Ok(Some(&block[..])));
        }
        prop_assert_eq!(read.check_all(), Ok(()));
        prop_assert_eq!(read.block(CidBuf::of_dag_cbor(b"another block, longer than any of these are").as_cid()), Ok(None));

        let wrong = wrong.index(blocks.len());
        let is_first = cids.iter().position(|cid| *cid == cids[wrong]) == Some(wrong);
        if !blocks[wrong].is_empty() && is_first {
            let start = 59 + pairs[..wrong].iter().map(|(_, block)| 37 + block.len()).sum::<usize>() + 37;
            bytes[start] ^= 1;
            let read = index.read(&bytes).expect("a car");
            prop_assert!(read.block(cids[wrong].as_cid()).is_err());
            prop_assert!(read.check_all().is_err());
        }
    }

    #[test]
    fn syntax_checks_survive_any_text(text in ".{0,80}") {
        let _ = (Did::parse(&text).is_ok(), Datetime::parse(&text).is_ok(), RepoPath::parse(&text).is_ok());
    }

    #[test]
    fn paths_split_at_their_slash(collection in "[a-z]{1,9}\\.[a-z0-9]{1,9}\\.[a-zA-Z]{1,9}", rkey in "[a-zA-Z0-9_~:-]{1,30}") {
        let text = format!("{collection}/{rkey}");
        let path = RepoPath::parse(&text).expect("a path");
        prop_assert_eq!((path.collection.as_str(), path.rkey.as_str()), (&collection[..], &rkey[..]));
        let three_parts = text.clone() + "/x";
        prop_assert!(RepoPath::parse(&three_parts).is_err());
    }
}

#[test]
fn the_reference_sorts_keys_as_dag_cbor_does() {
    let fields: BTreeMap<&str, i32> = [("b", 1), ("aa", 2), ("", 3)].into();
    let map = Cbor::Map(fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect());
    assert_eq!(encode(&map), b"\xa3\x60\x03\x61b\x01\x62aa\x02");
}

use std::collections::HashMap;
use std::num::NonZeroU32;

use ciborium::Value;
use standpipe_simulator::{Change, Cid, Event, FrameSize, Mix, World, WorldSettings};

use crate::decode::{base32, car, field, items, json, link, text};

const SEED: u64 = 20_260_101;

fn world() -> World {
    println!("seed {SEED}");
    World::new(WorldSettings {
        seed: SEED,
        mix: Mix::even(),
        frame_size: FrameSize::Mean(3000),
        accounts: NonZeroU32::new(11).unwrap(),
        ..WorldSettings::default()
    })
}

#[test]
fn frames_say_what_is_expected_of_them() {
    let world = world();
    let mut ops_seen = 0;
    for index in 0..600 {
        let frame = world.frame_at(index);
        let expected = world.expected_at(index);
        let [header, body] = items(&frame).try_into().unwrap();
        assert_eq!(field(&header, "op"), Some(&Value::Integer(1.into())));
        assert_eq!(field(&body, "seq"), Some(&Value::Integer(world.seq_at(index).into())));
        let did = world.did(index);
        match text(&header, "t") {
            "#commit" => {
                assert_eq!(text(&body, "repo"), did);
                ops_seen += check_commit(&body, &expected);
            }
            "#identity" => {
                let handle = field(&body, "handle").map(|handle| handle.as_text().unwrap().to_owned());
                assert_eq!(expected[0].change, Change::Identity { handle });
            }
            "#account" => {
                let active = field(&body, "active").unwrap().as_bool().unwrap();
                let status = field(&body, "status").map(|status| status.as_text().unwrap().to_owned());
                assert_eq!(expected[0].change, Change::Account { active, status });
            }
            "#sync" => {
                let (roots, blocks) = car(field(&body, "blocks").unwrap().as_bytes().unwrap());
                assert_eq!(blocks.len(), 1);
                let (rev, commit) = (text(&body, "rev").to_owned(), base32(&roots[0]));
                assert_eq!(expected[0].change, Change::Sync { rev, commit });
            }
            "#handle" | "#migrate" | "#tombstone" | "#yetToCome" => assert_eq!(expected, []),
            other => panic!("unexpected {other}"),
        }
        for event in &expected {
            assert_eq!((event.seq, &event.did), (world.seq_at(index), &did));
            assert_eq!(event.time, text(&body, "time"));
        }
    }
    assert!(ops_seen > 800, "{ops_seen}");
}

fn check_commit(body: &Value, expected: &[Event]) -> usize {
    let (roots, blocks) = car(field(body, "blocks").unwrap().as_bytes().unwrap());
    assert_eq!(roots, [link(field(body, "commit").unwrap()).unwrap()]);
    let commit: Value = ciborium::from_reader(blocks[&roots[0]].as_slice()).unwrap();
    assert_eq!(field(&commit, "version"), Some(&Value::Integer(3.into())));
    assert_eq!(field(&commit, "prev"), Some(&Value::Null));
    assert_eq!(field(&commit, "sig").unwrap().as_bytes().unwrap().len(), 64);
    assert_eq!((text(&commit, "did"), text(&commit, "rev")), (text(body, "repo"), text(body, "rev")));
    let data = link(field(&commit, "data").unwrap()).unwrap();
    let ops = field(body, "ops").unwrap().as_array().unwrap();
    assert!(ops.is_empty() || blocks.contains_key(&data), "the tree's root is there");
    assert_eq!(ops.len(), expected.len());
    for (op, event) in ops.iter().zip(expected) {
        let action = text(op, "action");
        assert_eq!(action, event.change.name());
        let place = event.change.place().unwrap();
        assert_eq!(text(op, "path"), format!("{}/{}", place.collection, place.rkey));
        assert_eq!((place.rev.as_str(), &place.commit), (text(body, "rev"), &base32(&roots[0])));
        assert_eq!(field(op, "prev").is_some(), action != "create");
        match &event.change {
            Change::Create { cid, record, .. } | Change::Update { cid, record, .. } => {
                let link = link(field(op, "cid").unwrap()).unwrap();
                assert_eq!(&base32(&link), cid);
                let block: Value = ciborium::from_reader(blocks[&link].as_slice()).unwrap();
                assert_eq!(&json(&block), record);
                assert_eq!(text(&block, "$type"), place.collection);
            }
            Change::Delete { .. } => assert_eq!(field(op, "cid"), Some(&Value::Null)),
            other => panic!("not of a commit: {other:?}"),
        }
    }
    ops.len()
}

/// `since` and `prevData` lead from each commit of an account to the one before it.
#[test]
fn commits_of_an_account_form_a_chain() {
    let world = world();
    let mut last: HashMap<String, (String, Vec<u8>)> = HashMap::new();
    let mut followed = 0;
    for index in 0..400 {
        let [header, body] = items(&world.frame_at(index)).try_into().unwrap();
        if text(&header, "t") != "#commit" {
            continue;
        }
        let did = text(&body, "repo").to_owned();
        let rev = text(&body, "rev").to_owned();
        let since = field(&body, "since").unwrap().as_text();
        let prev_data = field(&body, "prevData").and_then(link);
        match last.get(&did) {
            None => assert_eq!((since, prev_data), (None, None)),
            Some((rev_before, data_before)) => {
                assert!(rev_before < &rev);
                assert_eq!((since, prev_data.as_ref()), (Some(rev_before.as_str()), Some(data_before)));
                followed += 1;
            }
        }
        let (roots, blocks) = car(field(&body, "blocks").unwrap().as_bytes().unwrap());
        let commit: Value = ciborium::from_reader(blocks[&roots[0]].as_slice()).unwrap();
        last.insert(did, (rev, link(field(&commit, "data").unwrap()).unwrap()));
    }
    assert!(followed > 100, "{followed}");
}

#[test]
fn cids_are_written_as_others_write_them() {
    let cid = Cid::of_block(b"\xa0");
    assert_eq!(cid.to_string(), base32(cid.as_bytes()));
}

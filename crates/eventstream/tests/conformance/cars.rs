//! Whole repositories as CARs: every listed record is there, under its CID, and reads as JSON.

use std::collections::BTreeSet;

use serde_json::Value;
use standpipe_eventstream::{Block, BlockIndex, Car, CidBuf, CommitObject, record::write_record_json};

use crate::fixture::{foreign, json, own, text};

/// Looks every record of a listing up, and says how many there were.
fn check(car: &Car<'_, '_>, listing: &[u8], name: &str) -> usize {
    let listing = str::from_utf8(listing).expect("utf-8");
    let mut records = 0;
    for line in listing.lines().filter(|line| !line.is_empty()) {
        let (path, cid) = line.split_once('\t').unwrap_or_else(|| panic!("{name}: {line}"));
        let cid = CidBuf::parse(cid).unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
        let Some(block) = car.block(cid.as_cid()).expect("its hash is right") else {
            panic!("{name}: {path} is missing");
        };
        let mut text = Vec::new();
        write_record_json(block, &mut text).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
        serde_json::from_slice::<Value>(&text).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
        records += 1;
    }
    records
}

#[test]
fn every_record_of_the_golden_repositories_is_found_under_its_cid() {
    let mut index = BlockIndex::new();
    for (name, records) in [("alice", 2), ("bob", 1), ("empty", 0), ("bigsby.initial", 6000)] {
        let bytes = own(&format!("repos/{name}.car"));
        let car = index.read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        car.check_all().expect("every block is what its cid names");
        CommitObject::parse(car.block(car.root()).expect("sound").expect("there")).expect("a commit object");
        assert_eq!(check(&car, &own(&format!("repos/{name}.records.tsv")), name), records, "{name}");
    }
}

#[test]
fn every_record_of_foreign_repositories_is_found_under_its_cid() {
    let Some(list) = foreign("cars/index.json") else { return };
    let list = json(&list);
    let mut index = BlockIndex::new();
    let mut checked = 0;
    for entry in list.as_array().expect("a list") {
        let name = text(entry, "file");
        let bytes = foreign(&format!("cars/{name}")).expect("the car is there");
        let car = index.read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        car.check_all().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(entry["roots"][0], car.root().to_string(), "{name}");
        let distinct: BTreeSet<_> = car.blocks().map(Block::cid).collect();
        assert_eq!(entry["blocks"], distinct.len(), "{name}");
        if entry["complete_tree"] == true {
            let listing = foreign(&format!("cars/{name}.records.tsv")).expect("the listing is there");
            assert_eq!(entry["records"], check(&car, &listing, name), "{name}");
            checked += 1;
        }
    }
    assert_eq!(checked, 8);
}

#[test]
fn every_record_of_a_real_repository_is_found_under_its_cid() {
    let (Some(bytes), Some(listing)) =
        (foreign("real-frames/repo.car"), foreign("real-frames/car_expected_records.tsv"))
    else {
        return;
    };
    let mut index = BlockIndex::new();
    let car = index.read(&bytes).expect("a car");
    car.check_all().expect("every block is what its cid names");
    let object = car.block(car.root()).expect("sound").expect("there");
    let object = CommitObject::parse(object).expect("a commit object");
    assert_eq!((object.did, object.rev), ("did:plc:53iucmf5ldftgqyf2ac7hmhd", "3migo7fijwi2k"));
    assert_eq!(object.data.to_string(), "bafyreidigqr65jj2zsmitco3fcuag6pi7std6quxa2bcp2xrpin44ikzsy");
    assert_eq!(check(&car, &listing, "repo.car"), 23);
}

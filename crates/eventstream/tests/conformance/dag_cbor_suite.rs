//! The DASL suite: what DAG-CBOR allows and forbids, against the reader.

use standpipe_eventstream::{CborError, cbor::Reader};

use crate::fixture::{foreign, hex, json, text};

const FILES: [&str; 10] = [
    "cid",
    "concat",
    "floats",
    "indefinite",
    "integer_range",
    "map_keys",
    "numeric_reduction",
    "short_form",
    "simple",
    "tags",
];

/// What the suite allows and this profile forbids: floats, and hashes other than SHA-256.
const FORBIDDEN_HERE: [(&str, &str); 4] = [
    ("64-bit floats only", "float"),
    ("zero float64", "float"),
    ("64-bit subnormal number", "float"),
    ("Big DASL CID", "invalid_link"),
];

fn read(bytes: &[u8]) -> Result<(), CborError> {
    let mut reader = Reader::new(bytes);
    reader.skip()?;
    reader.end()
}

#[test]
fn the_reader_accepts_and_refuses_what_the_suite_does() {
    let (mut accepted, mut refused, mut forbidden) = (0, 0, 0);
    for file in FILES.into_iter().chain(["utf8"]) {
        let Some(cases) = foreign(&format!("dasl-testing/{file}.json")) else { return };
        for case in json(&cases).as_array().expect("cases") {
            let tags = case["tags"].as_array().expect("tags");
            let concerns_us = tags.iter().any(|tag| tag == "basic" || tag == "dag-cbor" || tag == "dasl-cid");
            let (name, result) = (text(case, "name"), read(&hex(text(case, "data"))));
            match (concerns_us, text(case, "type")) {
                (true, "roundtrip") => {
                    match (result, FORBIDDEN_HERE.iter().find(|(listed, _)| *listed == name)) {
                        (Ok(()), None) => accepted += 1,
                        (Err(error), Some((_, fault))) => {
                            assert_eq!(error.fault.label(), *fault, "{name}");
                            forbidden += 1;
                        }
                        (result, _) => panic!("{name}: {result:?}"),
                    }
                }
                (true, _) => {
                    assert!(result.is_err(), "{name} is to be refused");
                    refused += 1;
                }
                (false, _) => {}
            }
        }
    }
    assert_eq!((accepted, refused, forbidden), (19, 69, 4));
}

//! The origin's way, rebuilt from its description and its published source, in our own code: ciborium for the header, `serde_ipld_dagcbor` for the body, the CAR
//! read from its start for every op, the record as an `Ipld` tree, then as a `serde_json` value, then as text.

use std::error::Error;
use std::io::Cursor;

use ipld_core::cid::Cid;
use ipld_core::ipld::Ipld;
use iroh_car::CarReader;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "t")]
    kind: String,
    #[serde(rename = "op")]
    _op: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    #[serde(with = "serde_bytes_vec")]
    blocks: Vec<u8>,
    #[serde(rename = "commit")]
    _object: Cid,
    ops: Vec<Op>,
    #[serde(rename = "prevData")]
    _prev_data: Option<Cid>,
    #[serde(rename = "rebase")]
    _rebase: bool,
    #[serde(rename = "repo")]
    _repo: String,
    #[serde(rename = "rev")]
    _rev: String,
    #[serde(rename = "seq")]
    _seq: i64,
    #[serde(rename = "since")]
    _since: Option<String>,
    #[serde(rename = "time")]
    _time: String,
    #[serde(rename = "tooBig")]
    _too_big: bool,
}

#[derive(Deserialize)]
struct Op {
    #[serde(rename = "action")]
    _action: String,
    cid: Option<Cid>,
    #[serde(rename = "path")]
    _path: String,
}

/// Byte strings into a vector.
mod serde_bytes_vec {
    use serde::de::{Deserializer, Error, Visitor};

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

pub(crate) async fn records(bytes: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut left = Cursor::new(bytes);
    let header: Header = ciborium::from_reader(&mut left)?;
    if header.kind != "#commit" {
        return Ok(Vec::new());
    }
    let commit: Commit = serde_ipld_dagcbor::from_reader(&mut left)?;
    let mut records = Vec::new();
    for cid in commit.ops.iter().filter_map(|op| op.cid.as_ref()) {
        let block = read_block(&commit.blocks, cid).await?.ok_or("no such block")?;
        let record: Ipld = serde_ipld_dagcbor::from_slice(&block)?;
        records.push(serde_json::to_string(&json(&record))?);
    }
    Ok(records)
}

/// Reads the CAR from its start, block by block, until the one that is looked for.
async fn read_block(car: &[u8], wanted: &Cid) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let mut blocks = CarReader::new(Cursor::new(car)).await?;
    while let Some((cid, block)) = blocks.next_block().await? {
        if cid == *wanted {
            return Ok(Some(block));
        }
    }
    Ok(None)
}

fn json(value: &Ipld) -> Value {
    match value {
        Ipld::Null => Value::Null,
        Ipld::Bool(value) => (*value).into(),
        Ipld::Integer(value) => i64::try_from(*value).map_or(Value::Null, Value::from),
        Ipld::Float(value) => (*value).into(),
        Ipld::String(text) => text.clone().into(),
        Ipld::Bytes(bytes) => bytes.clone().into(),
        Ipld::List(items) => items.iter().map(json).collect(),
        Ipld::Map(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), json(value))).collect())
        }
        Ipld::Link(cid) => serde_json::json!({"$link": cid.to_string()}),
    }
}

//! Blocks that look like nodes of a repo's tree.
//!
//! They have the format of nodes and real CIDs, but the trees are made up: keys are not where their depth
//! would put them, and links point outside.

use fastrand::Rng;

use crate::encode::car::Block;
use crate::encode::{Cid, Value, radix};

/// The root after a commit: what the commit wrote, among some other keys.
pub(crate) fn root(rng: &mut Rng, written: impl IntoIterator<Item = (String, Cid)>) -> Block {
    let mut entries: Vec<(String, Cid)> = written.into_iter().collect();
    entries.extend((0..rng.usize(1..3)).map(|_| (key(rng), link(rng))));
    entries.sort();
    node(rng, entries)
}

/// The root of a tree without records.
pub(crate) fn empty_root() -> Block {
    Block::new(&Value::map([("e", Value::list([])), ("l", Value::Null)]))
}

/// A node of 2 to 8 entries, about 200 to 750 bytes.
pub(crate) fn padding(rng: &mut Rng) -> Block {
    let mut entries: Vec<(String, Cid)> = (0..rng.usize(2..=8)).map(|_| (key(rng), link(rng))).collect();
    entries.sort();
    node(rng, entries)
}

fn node(rng: &mut Rng, entries: Vec<(String, Cid)>) -> Block {
    let mut previous = String::new();
    let mut encoded = Vec::with_capacity(entries.len());
    for (key, cid) in entries {
        let shared = key.bytes().zip(previous.bytes()).take_while(|(a, b)| a == b).count();
        encoded.push(Value::map([
            ("k", Value::Bytes(key.as_bytes()[shared..].to_vec())),
            ("p", Value::Int(i64::try_from(shared).unwrap_or(0))),
            ("t", rng.bool().then(|| link(rng)).into()),
            ("v", Value::Link(cid)),
        ]));
        previous = key;
    }
    Block::new(&Value::map([("e", Value::List(encoded)), ("l", rng.bool().then(|| link(rng)).into())]))
}

fn key(rng: &mut Rng) -> String {
    format!("app.bsky.feed.like/{}", radix::tid(rng.u64(1_700_000_000_000_000..1_767_000_000_000_000), 0))
}

fn link(rng: &mut Rng) -> Cid {
    let mut digest = [0; 32];
    rng.fill(&mut digest);
    Cid::of_nothing(digest)
}

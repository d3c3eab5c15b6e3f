use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::Count;

/// What one frame of a host must become.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedFrame {
    /// The frame's seq.
    pub seq: u64,
    /// The account.
    pub did: String,
    /// The entries, in order; none for a frame that says nothing.
    pub entries: Vec<Value>,
}

/// Everything that one host's frames must become, in the order of the host's seqs.
///
/// Only a hash of each entry is kept, so that millions fit into memory. Entries are compared as JSON values: neither
/// white space nor the order of keys matters.
#[derive(Debug, Default)]
pub struct Expectation {
    /// Of each frame.
    seqs: Vec<u64>,
    /// Of each frame, a number that stands for its account.
    accounts: Vec<u32>,
    /// Of each frame, the ordinal of its first entry.
    firsts: Vec<u32>,
    /// Of each entry.
    hashes: Vec<u64>,
    numbers: HashMap<String, u32>,
}

impl Expectation {
    /// Expects these frames, which come in the order of their seqs.
    pub fn of(frames: impl IntoIterator<Item = ExpectedFrame>) -> Self {
        let mut expectation = Self::default();
        for frame in frames {
            expectation.push(&frame);
        }
        expectation
    }

    fn push(&mut self, frame: &ExpectedFrame) {
        let next = small(self.numbers.len());
        let account = match self.numbers.get(&frame.did) {
            Some(known) => *known,
            None => *self.numbers.entry(frame.did.clone()).or_insert(next),
        };
        self.seqs.push(frame.seq);
        self.accounts.push(account);
        self.firsts.push(small(self.hashes.len()));
        self.hashes.extend(frame.entries.iter().map(hash));
    }

    /// How many frames there are.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.seqs.len()
    }

    /// How many entries they must become.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// The most entries that one frame must become.
    #[must_use]
    pub fn largest_frame(&self) -> u64 {
        let ends = self.firsts.iter().skip(1).copied().chain([small(self.hashes.len())]);
        let lengths = self.firsts.iter().zip(ends).map(|(first, end)| end - first);
        lengths.max().unwrap_or_default().into()
    }

    /// The seq of the last frame; 0 when there is none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.seqs.last().copied().unwrap_or_default()
    }

    /// How many entries the frames up to and including this cursor must have become.
    #[must_use]
    pub fn through(&self, cursor: u64) -> u64 {
        let frame = self.seqs.partition_point(|seq| *seq <= cursor);
        self.firsts.get(frame).map_or(self.entries(), |first| u64::from(*first))
    }

    /// Begins to count what is there.
    #[must_use]
    pub fn count(&self) -> Count<'_> {
        Count::new(self)
    }

    /// The ordinals of a frame's entries, and its account.
    pub(crate) fn frame(&self, seq: u64) -> Option<(std::ops::Range<usize>, u32)> {
        let frame = self.seqs.binary_search(&seq).ok()?;
        let end = self.firsts.get(frame + 1).map_or(self.hashes.len(), |first| *first as usize);
        Some((self.firsts[frame] as usize..end, self.accounts[frame]))
    }

    pub(crate) fn hash_at(&self, ordinal: usize) -> u64 {
        self.hashes[ordinal]
    }
}

/// A number of things that all fit into memory.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A hash in which the order of an object's keys does not matter.
pub(crate) fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(bool) => bool.hash(hasher),
        Value::Number(number) => number.hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Array(items) => {
            items.len().hash(hasher);
            for item in items {
                feed(item, hasher);
            }
        }
        Value::Object(fields) => {
            let mut pairs: Vec<_> = fields.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            pairs.len().hash(hasher);
            for (key, value) in pairs {
                key.hash(hasher);
                feed(value, hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_stands_for_the_entries_of_all_frames_up_to_it() {
        let frame = |seq, entries: usize| ExpectedFrame {
            seq,
            did: "did:web:a.test".to_owned(),
            entries: (0..entries).map(|number| json!({ "seq": seq, "number": number })).collect(),
        };
        let expectation = Expectation::of([frame(3, 1), frame(5, 0), frame(6, 2)]);
        let through = [0, 2, 3, 4, 5, 6, 100].map(|cursor| expectation.through(cursor));
        assert_eq!(through, [0, 0, 1, 1, 1, 3, 3]);
        assert_eq!((expectation.entries(), expectation.last_seq(), expectation.largest_frame()), (3, 6, 2));
    }

    #[test]
    fn a_hash_tells_values_apart_and_not_their_writing() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = parse(r#"{"a":[1,{"b":null,"c":"d"}],"e":true}"#);
        assert_eq!(hash(&one), hash(&parse(r#" {"e": true, "a": [1, {"c":"d","b":null}]} "#)));
        for other in [
            r#"{"a":[1,{"b":null,"c":"d"}],"e":false}"#,
            r#"{"a":[{"b":null,"c":"d"},1],"e":true}"#,
            r#"{"a":[1,{"b":"","c":"d"}],"e":true}"#,
            r#"{"a":[1,{"b":null,"c":"d"}]}"#,
            r#"{"a":[1,{"b":null},"c","d"],"e":true}"#,
        ] {
            assert_ne!(hash(&one), hash(&parse(other)), "{other}");
        }
    }
}

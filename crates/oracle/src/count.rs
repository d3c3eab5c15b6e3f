use std::fmt;

use serde_json::Value;

use crate::Expectation;
use crate::expectation::hash;

/// The most surprises that are quoted.
const QUOTED: usize = 5;

/// An independent count of what a stream holds, against what it must hold.
#[derive(Debug)]
pub struct Count<'a> {
    expectation: &'a Expectation,
    /// Of each entry that is expected, how often it was seen.
    seen: Vec<u8>,
    /// Of each account, the last ordinal that was seen for the first time, and one.
    last: Vec<u32>,
    verdict: Verdict,
}

/// What a count came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that must be there.
    pub expected: u64,
    /// Entries that are there.
    pub found: u64,
    /// Entries that must be there and are not.
    pub missing: u64,
    /// Entries that are there once more than they must be.
    pub repeated: u64,
    /// Entries that come after a later one of the same account.
    pub out_of_order: u64,
    /// Entries that nothing stands for, or that say something else than they must.
    pub unexpected: u64,
    /// Some of those that are not as they must be.
    pub examples: Vec<String>,
}

impl<'a> Count<'a> {
    pub(crate) fn new(expectation: &'a Expectation) -> Self {
        let entries = usize::try_from(expectation.entries()).unwrap_or(usize::MAX);
        let verdict = Verdict { expected: expectation.entries(), ..Verdict::default() };
        Self { expectation, seen: vec![0; entries], last: Vec::new(), verdict }
    }

    /// Counts the next entry of the stream.
    pub fn see(&mut self, payload: &[u8]) {
        self.verdict.found += 1;
        let Some((ordinal, account)) = self.recognise(payload) else {
            self.verdict.unexpected += 1;
            self.quote("unexpected", payload);
            return;
        };
        let times = &mut self.seen[ordinal];
        *times = times.saturating_add(1);
        if *times > 1 {
            self.verdict.repeated += 1;
            self.quote("repeated", payload);
            return;
        }
        let account = account as usize;
        if self.last.len() <= account {
            self.last.resize(account + 1, 0);
        }
        let place = u32::try_from(ordinal + 1).unwrap_or(u32::MAX);
        if place < self.last[account] {
            self.verdict.out_of_order += 1;
            self.quote("out of order", payload);
            return;
        }
        self.last[account] = place;
    }

    /// What it comes to now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let missing = self.seen.iter().map(|times| u64::from(*times == 0)).sum();
        Verdict { missing, ..self.verdict.clone() }
    }

    /// The ordinal and account of the expected entry that this is; the first that was not seen, of several alike.
    fn recognise(&self, payload: &[u8]) -> Option<(usize, u32)> {
        let value: Value = serde_json::from_slice(payload).ok()?;
        let (mut ordinals, account) = self.expectation.frame(value["seq"].as_u64()?)?;
        let hash = hash(&value);
        let alike = |ordinal: &usize| self.expectation.hash_at(*ordinal) == hash;
        let unseen = ordinals.clone().find(|ordinal| alike(ordinal) && self.seen[*ordinal] == 0);
        let ordinal = unseen.or_else(|| ordinals.find(alike))?;
        Some((ordinal, account))
    }

    fn quote(&mut self, what: &str, payload: &[u8]) {
        if self.verdict.examples.len() < QUOTED {
            let text: String = String::from_utf8_lossy(payload).chars().take(400).collect();
            self.verdict.examples.push(format!("{what}: {text}"));
        }
    }
}

impl Verdict {
    /// Whether everything is there once and in order, and nothing else.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found == self.expected
            && [self.missing, self.repeated, self.out_of_order, self.unexpected]
                .iter()
                .all(|count| *count == 0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found, missing, repeated, out_of_order, unexpected, examples } = self;
        write!(
            f,
            "{found} of {expected} entries: {missing} missing, {repeated} repeated, {out_of_order} out of order, \
             {unexpected} unexpected"
        )?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ExpectedFrame;

    fn expectation() -> Expectation {
        let frame = |seq: u64, did: &str, numbers: &[u64]| ExpectedFrame {
            seq,
            did: did.to_owned(),
            entries: numbers.iter().map(|number| json!({ "seq": seq, "number": number })).collect(),
        };
        Expectation::of([
            frame(1, "did:web:a.test", &[1, 2]),
            frame(2, "did:web:b.test", &[1]),
            frame(4, "did:web:a.test", &[1, 1]),
        ])
    }

    fn count(entries: &[(u64, u64)]) -> Verdict {
        let expectation = expectation();
        let mut count = expectation.count();
        for (seq, number) in entries {
            count.see(format!("{{\"number\": {number}, \"seq\": {seq}}}").as_bytes());
        }
        count.verdict()
    }

    fn figures(verdict: &Verdict) -> [u64; 4] {
        [verdict.missing, verdict.repeated, verdict.out_of_order, verdict.unexpected]
    }

    #[test]
    fn everything_once_and_in_order_is_clean() {
        let verdict = count(&[(1, 1), (1, 2), (2, 1), (4, 1), (4, 1)]);
        assert!(verdict.is_clean(), "{verdict}");
        // Accounts may overtake each other.
        assert!(count(&[(2, 1), (1, 1), (1, 2), (4, 1), (4, 1)]).is_clean());
    }

    #[test]
    fn each_kind_of_trouble_is_counted_as_what_it_is() {
        for (entries, expected) in [
            (&[(1, 1), (2, 1), (4, 1), (4, 1)][..], [1, 0, 0, 0]),
            (&[(1, 1), (1, 2), (2, 1), (4, 1)], [1, 0, 0, 0]),
            (&[(1, 1), (1, 1), (1, 2), (2, 1), (4, 1), (4, 1)], [0, 1, 0, 0]),
            (&[(1, 1), (1, 2), (2, 1), (4, 1), (4, 1), (4, 1)], [0, 1, 0, 0]),
            (&[(1, 2), (1, 1), (2, 1), (4, 1), (4, 1)], [0, 0, 1, 0]),
            (&[(1, 1), (4, 1), (4, 1), (2, 1), (1, 2)], [0, 0, 1, 0]),
            (&[(1, 1), (1, 3), (2, 1), (4, 1), (4, 1)], [1, 0, 0, 1]),
            (&[(1, 1), (1, 2), (2, 1), (4, 1), (4, 1), (3, 1)], [0, 0, 0, 1]),
        ] {
            let verdict = count(entries);
            assert_eq!(figures(&verdict), expected, "{entries:?}: {verdict}");
            assert!(!verdict.is_clean());
        }
    }

    #[test]
    fn what_is_no_entry_at_all_is_unexpected() {
        let expectation = expectation();
        let mut count = expectation.count();
        count.see(b"nonsense");
        count.see(b"{\"number\": 1}");
        assert_eq!(figures(&count.verdict()), [5, 0, 0, 2]);
    }
}

use standpipe_cursor::{Cursor, CursorError};

/// What the text begins with under which owed ranges are stored.
const GAPS: &str = "!gaps";

/// Ranges of a host's cursors whose rows could not be read, and are to be: what is stored beside the cursors of a host
/// as `!gaps 123-124 455-456`.
///
/// Each is `(after, through]`; they lie apart, in order. A text has no more than [`Cursor::MAX_LEN`] bytes: some two
/// hundred ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owed(Vec<(u64, u64)>);

impl Owed {
    /// What the stored text means.
    pub(crate) fn of(stored: Option<&Cursor>) -> Result<Self, CursorError> {
        let Some(stored) = stored.map(ToString::to_string) else { return Ok(Self::default()) };
        let mut words = stored.split(' ');
        let is_ours = words.next() == Some(GAPS);
        let ranges: Option<Vec<_>> = words.map(range).collect();
        let in_order = |ranges: &Vec<(u64, u64)>| ranges.is_sorted_by(|left, right| left.1 < right.0);
        let ranges = ranges.filter(|ranges| is_ours && in_order(ranges));
        ranges.map(Self).ok_or_else(|| CursorError::unreadable(&stored))
    }

    /// The text to store; `None` where it would be too long.
    pub(crate) fn text(&self) -> Option<Cursor> {
        let words = self.0.iter().map(|(after, through)| format!(" {after}-{through}"));
        let text: String = std::iter::once(GAPS.to_owned()).chain(words).collect();
        Cursor::parse(&text).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in order.
    pub(crate) fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// A range could not be read. One that touches others becomes one with them.
    pub(crate) fn owe(&mut self, (mut after, mut through): (u64, u64)) {
        if after >= through {
            return;
        }
        self.0.retain(|known| {
            let touches = known.0 <= through && after <= known.1;
            if touches {
                (after, through) = (after.min(known.0), through.max(known.1));
            }
            !touches
        });
        let place = self.0.partition_point(|known| known.0 < after);
        self.0.insert(place, (after, through));
    }

    /// A range was read: what lies in it is owed no more.
    pub(crate) fn read(&mut self, (after, through): (u64, u64)) {
        if after >= through || self.0.iter().all(|known| known.1 <= after || through <= known.0) {
            return;
        }
        let left = |known: &(u64, u64)| [(known.0, known.1.min(after)), (known.0.max(through), known.1)];
        self.0 = self.0.iter().flat_map(left).filter(|(after, through)| after < through).collect();
    }
}

fn range(word: &str) -> Option<(u64, u64)> {
    let (after, through) = word.split_once('-')?;
    let range = (after.parse().ok()?, through.parse().ok()?);
    (range.0 < range.1 && word == format!("{}-{}", range.0, range.1)).then_some(range)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    fn cursor(text: &str) -> Cursor {
        Cursor::parse(text).unwrap()
    }

    #[test]
    fn i11_what_is_stored_comes_back_and_no_other_text_is_taken_for_it() {
        for text in ["!gaps", "!gaps 123-124", "!gaps 1-2 3-9 455-9007199254740991"] {
            let owed = Owed::of(Some(&cursor(text))).unwrap();
            assert_eq!(owed.text(), Some(cursor(text)));
        }
        assert_eq!(Owed::of(None).unwrap(), Owed::default());
        for text in [
            "gaps",
            "5",
            "!gaps ",
            "!gaps 1",
            "!gaps 2-2",
            "!gaps 3-2",
            "!gaps 5-6 1-2",
            "!gaps 1-2 2-3",
            "!gaps 01-2",
            "!gaps 1-2  5-6",
            "!tail - 5",
        ] {
            let stored = cursor(text);
            assert!(matches!(Owed::of(Some(&stored)), Err(CursorError::Unreadable { .. })), "{text:?}");
        }
    }

    #[test]
    fn i5_it_is_what_was_not_read_number_by_number() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..200 {
            let (mut owed, mut numbers) = (Owed::default(), [false; 100]);
            for _ in 0..rng.usize(1..40) {
                let after = rng.usize(0..100);
                let through = rng.usize(after..100);
                let is_owed = rng.bool();
                let range = (after as u64, through as u64);
                if is_owed {
                    owed.owe(range);
                } else {
                    owed.read(range);
                }
                // A range (after, through] has the numbers from after + 1.
                numbers[after..through].fill(is_owed);
                let has = |number: usize| {
                    owed.ranges().iter().any(|(after, through)| (*after..*through).contains(&(number as u64)))
                };
                assert!((0..100).all(|number| has(number) == numbers[number]), "{owed:?}");
                assert_eq!(Owed::of(owed.text().as_ref()).unwrap(), owed);
            }
        }
    }

    #[test]
    fn i7_what_is_owed_has_a_bound() {
        let mut owed = Owed::default();
        let count = (0_u64..).take_while(|number| {
            let after = 9_000_000_000_000_000 + 2 * number;
            owed.owe((after, after + 1));
            owed.text().is_some()
        });
        assert_eq!(count.count(), 120);
    }
}

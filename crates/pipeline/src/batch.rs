use std::mem;

use bytes::Bytes;
use standpipe_cursor::{Cursor, CursorKey};

use crate::{Limits, Tally};

/// The longest event time that is kept, in bytes; a datetime of the protocol has at most 64.
const EVENT_TIME_MAX: usize = 64;

/// The batch that a decoder fills: all entries lie one after the other in one buffer.
#[derive(Debug, Default)]
pub struct OpenBatch {
    from: Option<Cursor>,
    through: Option<Cursor>,
    payload: Vec<u8>,
    ends: Vec<usize>,
    whole: Whole,
    /// The kinds of the entries of the frame at hand, counted when it is closed.
    kinds: Vec<&'static str>,
    event_time: String,
    tally: Tally,
    beside: Vec<Beside>,
}

/// Another cursor of the same host, which is stored in one step with a batch: what was left for later, or where
/// something else goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Under which name.
    pub key: CursorKey,
    /// What must be stored there for the batch to be applied; `None`: nothing.
    pub from: Option<Cursor>,
    /// What is stored with it.
    pub through: Cursor,
}

/// How far the buffer consists of whole frames.
#[derive(Clone, Copy, Debug, Default)]
struct Whole {
    payload: usize,
    entries: usize,
}

impl OpenBatch {
    /// An empty batch that follows the given cursor; `None` follows "nothing stored".
    #[must_use]
    pub fn following(from: Option<Cursor>) -> Self {
        Self { from, ..Self::default() }
    }

    /// Appends one entry of the frame at hand, of the given kind, written at the end of the buffer.
    ///
    /// # Errors
    ///
    /// What `write` returns; the buffer is then as it was before.
    pub fn append<E>(
        &mut self,
        kind: &'static str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.payload.len();
        if let Err(error) = write(&mut self.payload) {
            self.payload.truncate(before);
            return Err(error);
        }
        self.ends.push(self.payload.len());
        self.kinds.push(kind);
        Ok(())
    }

    /// Counts something that is not written, with its reason.
    pub fn dropped(&mut self, reason: &'static str) {
        self.tally.dropped.add(reason);
    }

    /// Counts something that is written and still worth counting.
    pub fn noted(&mut self, what: &'static str) {
        self.tally.noted.add(what);
    }

    /// Counts what is known of a label's signature: the word, and the reason for it.
    pub fn judged(&mut self, verdict: &'static str, reason: &'static str) {
        self.tally.judged.add((verdict, reason));
    }

    /// Moves another cursor of the host in the same step, from what is stored to `through`. It is not taken back with
    /// the frame at hand: a decoder stores it for a frame that it closes.
    ///
    /// Where this batch moves it already, `from` is what it was moved to.
    pub fn store_beside(&mut self, key: &CursorKey, from: Option<Cursor>, through: Cursor) {
        match self.beside.iter_mut().find(|beside| beside.key == *key) {
            Some(beside) => beside.through = through,
            None => self.beside.push(Beside { key: key.clone(), from, through }),
        }
    }

    /// Bytes of entries that the frame at hand has appended so far.
    #[must_use]
    pub fn frame_output(&self) -> usize {
        self.payload.len() - self.whole.payload
    }

    /// Takes back the entries that the frame at hand has appended; what was counted as dropped stays counted.
    pub fn discard_frame(&mut self) {
        self.payload.truncate(self.whole.payload);
        self.ends.truncate(self.whole.entries);
        self.kinds.clear();
    }

    /// Ends the frame at hand: its entries belong to the batch, and the cursor moves to `through`.
    ///
    /// `received` is the frame's size in bytes, `event_time` the frame's own time, or empty where it has none.
    pub fn close_frame(&mut self, through: impl Into<Cursor>, received: usize, event_time: &str) {
        self.through = Some(through.into());
        self.whole = Whole { payload: self.payload.len(), entries: self.ends.len() };
        self.kinds.drain(..).for_each(|kind| self.tally.written.add(kind));
        self.tally.frames += 1;
        self.tally.frame_bytes += received as u64;
        if event_time.len() <= EVENT_TIME_MAX {
            self.event_time.clear();
            self.event_time.push_str(event_time);
        }
    }

    /// Whether there is a cursor to move.
    pub(crate) fn has_moved(&self) -> bool {
        self.through.is_some()
    }

    /// What was dropped since the cursor moved last, if anything was.
    pub(crate) fn leftover(&self) -> Option<&Tally> {
        (!self.has_moved() && self.tally.dropped.total() > 0).then_some(&self.tally)
    }

    /// Whether there are entries of whole frames.
    pub(crate) fn has_entries(&self) -> bool {
        self.whole.entries > 0
    }

    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.ends.len() >= limits.max_entries || self.payload.len() >= limits.max_bytes
    }

    /// The batch, ready for delivery, and in its place an empty one that follows it. `None` while the cursor has not
    /// moved. `spare` lends the buffers of a delivered batch.
    ///
    /// The pump does this; it is for whoever runs a decoder without one. Entries of a frame that was not closed are
    /// discarded.
    pub fn seal(&mut self, spare: Option<OpenBatch>) -> Option<Batch> {
        self.discard_frame();
        let through = self.through.clone()?;
        let mut next = spare.unwrap_or_default();
        next.from = Some(through.clone());
        let sealed = mem::replace(self, next);
        Some(Batch {
            from: sealed.from,
            through,
            payload: Bytes::from(sealed.payload),
            ends: sealed.ends,
            event_time: sealed.event_time,
            tally: sealed.tally,
            beside: sealed.beside,
        })
    }
}

/// Entries of whole frames covering `(from, through]`, ready for delivery.
#[derive(Debug)]
pub struct Batch {
    from: Option<Cursor>,
    through: Cursor,
    payload: Bytes,
    ends: Vec<usize>,
    event_time: String,
    tally: Tally,
    beside: Vec<Beside>,
}

impl Batch {
    /// The cursor that must be stored for this batch to be applied; `None`: none at all.
    #[must_use]
    pub fn from(&self) -> Option<&Cursor> {
        self.from.as_ref()
    }

    /// The cursor to store with the entries.
    #[must_use]
    pub fn through(&self) -> &Cursor {
        &self.through
    }

    /// The other cursors of the host that are stored in the same step; mostly none.
    #[must_use]
    pub fn beside(&self) -> &[Beside] {
        &self.beside
    }

    /// The entries in order, each a slice of the one buffer.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Bytes> {
        let mut start = 0;
        self.ends.iter().map(move |&end| self.payload.slice(mem::replace(&mut start, end)..end))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no entries: the batch only moves the cursor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all entries together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// The time that the last frame gives itself; empty where it gives none.
    #[must_use]
    pub fn event_time(&self) -> &str {
        &self.event_time
    }

    /// What the frames amounted to.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The batch's buffers, emptied for [`OpenBatch::seal`] to use. A buffer of more than twice `limits.max_bytes` is
    /// given back instead.
    #[must_use]
    pub fn recycle(self, limits: &Limits) -> OpenBatch {
        let mut payload = self.payload.try_into_mut().map(Vec::from).unwrap_or_default();
        if payload.capacity() > limits.max_bytes.saturating_mul(2) {
            payload = Vec::new();
        }
        payload.clear();
        let (mut ends, mut event_time, mut tally) = (self.ends, self.event_time, self.tally);
        ends.clear();
        event_time.clear();
        tally.clear();
        OpenBatch { payload, ends, event_time, tally, ..OpenBatch::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use standpipe_cursor::Seq;

    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn append(batch: &mut OpenBatch, text: &str) {
        let written: Result<(), Infallible> = batch.append("create", |entry| {
            entry.extend_from_slice(text.as_bytes());
            Ok(())
        });
        assert!(written.is_ok());
    }

    fn entries(batch: &Batch) -> Vec<String> {
        batch.entries().map(|entry| String::from_utf8(entry.to_vec()).unwrap()).collect()
    }

    #[test]
    fn i4_entries_of_a_frame_that_was_not_closed_are_not_delivered() {
        let mut open = OpenBatch::following(None);
        append(&mut open, "a");
        append(&mut open, "b");
        open.close_frame(seq(1), 10, "");
        append(&mut open, "torn");
        let batch = open.seal(None).unwrap();
        assert_eq!(entries(&batch), ["a", "b"]);
        assert_eq!(batch.tally().written.of("create"), 2);
    }

    #[test]
    fn an_entry_that_fails_half_way_leaves_nothing_behind() {
        let mut open = OpenBatch::following(None);
        append(&mut open, "a");
        let failed = open.append("create", |entry| {
            entry.extend_from_slice(b"half");
            Err("reason")
        });
        assert_eq!(failed, Err("reason"));
        append(&mut open, "b");
        open.close_frame(seq(1), 10, "");
        let batch = open.seal(None).unwrap();
        assert_eq!(entries(&batch), ["a", "b"]);
        assert_eq!(batch.tally().written.total(), 2);
    }

    #[test]
    fn i2_each_batch_follows_the_one_before() {
        let mut open = OpenBatch::following(None);
        open.close_frame(seq(4), 1, "");
        let first = open.seal(None).unwrap();
        assert_eq!((first.from(), first.through()), (None, &Cursor::from(seq(4))));
        assert!(open.seal(None).is_none());
        open.close_frame(seq(9), 1, "");
        let second = open.seal(Some(first.recycle(&Limits::default()))).unwrap();
        assert_eq!((second.from(), second.through()), (Some(&seq(4).into()), &seq(9).into()));
    }

    #[test]
    fn i1_cursors_beside_belong_to_their_batch_and_are_moved_once_each() {
        let key = CursorKey::new("s", &"h".parse().unwrap());
        let (gaps, new) = (key.beside("gaps"), key.beside("new"));
        let mut open = OpenBatch::following(None);
        open.store_beside(&gaps, None, seq(1).into());
        open.store_beside(&new, Some(seq(7).into()), seq(8).into());
        open.store_beside(&gaps, Some(seq(1).into()), seq(2).into());
        open.close_frame(seq(4), 1, "");
        let batch = open.seal(None).unwrap();
        let beside = |key: &CursorKey, from: Option<u64>, through| Beside {
            key: key.clone(),
            from: from.map(|from| seq(from).into()),
            through: seq(through).into(),
        };
        assert_eq!(batch.beside(), [beside(&gaps, None, 2), beside(&new, Some(7), 8)]);
        open.close_frame(seq(5), 1, "");
        let next = open.seal(Some(batch.recycle(&Limits::default()))).unwrap();
        assert_eq!(next.beside(), []);
    }

    #[test]
    fn a_recycled_buffer_brings_nothing_along_and_is_not_allocated_again() {
        let limits = Limits::default();
        let mut open = OpenBatch::following(None);
        append(&mut open, "a rather long first entry");
        open.dropped("filtered");
        open.close_frame(seq(1), 10, "2026-07-04T14:38:08.999Z");
        let sealed = open.seal(None).unwrap();
        let address = sealed.payload.as_ptr();
        let spare = sealed.recycle(&limits);
        open.close_frame(seq(2), 1, "");
        assert!(open.seal(Some(spare)).is_some());
        append(&mut open, "b");
        open.close_frame(seq(3), 1, "");
        let batch = open.seal(None).unwrap();
        assert_eq!(batch.payload.as_ptr(), address);
        assert_eq!(entries(&batch), ["b"]);
        assert_eq!((batch.tally().dropped.total(), batch.event_time()), (0, ""));
    }

    #[test]
    fn i7_an_outsized_buffer_is_given_back() {
        let limits = Limits { max_bytes: 100, ..Limits::default() };
        let mut open = OpenBatch::following(None);
        append(&mut open, &"x".repeat(1000));
        open.close_frame(seq(1), 10, "");
        assert_eq!(open.seal(None).unwrap().recycle(&limits).payload.capacity(), 0);
    }
}

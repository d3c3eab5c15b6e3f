//! Prepared frames that are sent over and over, each time with the next seq.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::SimulatorError;
use crate::feed::locate;
use crate::net::websocket::{self, Opcode};
use crate::world::datetime;

/// Frames encoded once, of which only the seq is written anew when they are sent.
///
/// A seq stands in the envelope, outside of everything that is hashed or signed, and from 2^32 on it always
/// takes nine bytes of CBOR: so a frame with another seq is as good as the first, and costs no more than
/// copying it. Frame number n carries seq `first_seq + n` and is otherwise the slot `n % slots`. Revs repeat
/// with each turn.
#[derive(Debug)]
pub struct Ring {
    slots: Vec<Slot>,
    first_seq: u64,
    stamped: bool,
}

#[derive(Debug)]
struct Slot {
    /// The websocket message, head included.
    message: Vec<u8>,
    /// Where the eight bytes of the seq are.
    seq_at: usize,
    time_at: Option<usize>,
}

/// CBOR's head of an unsigned integer of eight bytes.
const EIGHT_BYTES: u8 = 0x1b;

impl Ring {
    /// Prepares those of the frames that have a seq.
    ///
    /// # Errors
    /// [`SimulatorError::RingSeq`] for a first seq below 2^32, [`SimulatorError::NothingToLoop`] if no frame
    /// has a seq.
    pub fn new(frames: impl IntoIterator<Item = Vec<u8>>, first_seq: u64) -> Result<Self, SimulatorError> {
        if first_seq < 1 << 32 {
            return Err(SimulatorError::RingSeq(first_seq));
        }
        let slots: Vec<Slot> = frames.into_iter().filter_map(Slot::new).collect();
        if slots.is_empty() {
            return Err(SimulatorError::NothingToLoop);
        }
        Ok(Self { slots, first_seq, stamped: false })
    }

    /// Writes the time of sending over the `time` of each frame, so that a reader can tell how long it was
    /// on its way. In steps of a millisecond.
    #[must_use]
    pub fn stamped(mut self) -> Self {
        self.stamped = true;
        self
    }

    /// How many frames were prepared.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The number of the prepared frame that goes out with this seq; `None` below the first seq.
    #[must_use]
    pub fn slot_of(&self, seq: u64) -> Option<usize> {
        let index = seq.checked_sub(self.first_seq)?;
        usize::try_from(index % self.slots.len() as u64).ok()
    }

    pub(super) fn seq_at(&self, index: u64) -> u64 {
        self.first_seq + index
    }

    pub(super) fn index_after(&self, cursor: u64) -> u64 {
        (cursor + 1).saturating_sub(self.first_seq)
    }

    pub(super) fn append(&self, index: u64, out: &mut Vec<u8>) {
        let seq = self.seq_at(index);
        let Some(slot) = self.slot_of(seq).and_then(|slot| self.slots.get(slot)) else { return };
        let start = out.len();
        out.extend_from_slice(&slot.message);
        let message = &mut out[start..];
        message[slot.seq_at..slot.seq_at + 8].copy_from_slice(&seq.to_be_bytes());
        if let Some(time_at) = slot.time_at.filter(|_| self.stamped) {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = datetime(u64::try_from(since_1970.as_millis()).unwrap_or(0));
            message[time_at..time_at + 24].copy_from_slice(now.as_bytes());
        }
    }
}

impl Slot {
    fn new(mut frame: Vec<u8>) -> Option<Self> {
        let seq = locate::places(&frame)?.seq?.bytes;
        let wide = [EIGHT_BYTES, 0, 0, 0, 0, 0, 0, 0, 0];
        frame.splice(seq, wide);
        let places = locate::places(&frame)?;
        let message = websocket::message(Opcode::Binary, &frame);
        let head = message.len() - frame.len();
        Some(Self {
            seq_at: head + places.seq?.bytes.start + 1,
            time_at: places.time.map(|time| head + time),
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Mix, World, WorldSettings};

    const FIRST: u64 = 1 << 33;

    #[test]
    fn a_slot_is_the_frame_itself_but_for_its_seq() {
        let low = World::new(WorldSettings { mix: Mix::even(), ..WorldSettings::default() });
        let high = World::new(WorldSettings { first_seq: FIRST, ..low.settings().clone() });
        let ring = Ring::new((0..50).map(|index| low.frame_at(index)), FIRST).unwrap();
        for index in 0..50 {
            let mut out = vec![7];
            ring.append(index, &mut out);
            assert_eq!(out[1..], websocket::message(Opcode::Binary, &high.frame_at(index)));
        }
        let mut out = Vec::new();
        ring.append(50, &mut out);
        let frame = &out[out.len() - high.frame_at(0).len()..];
        let seq = locate::places(frame).unwrap().seq.unwrap();
        assert_eq!(seq.value, FIRST + 50);
        assert_eq!((ring.slot_of(FIRST + 50), ring.slot_of(FIRST + 49)), (Some(0), Some(49)));
    }

    #[test]
    fn a_stamped_ring_says_when_it_was_sent() {
        let world = World::new(WorldSettings::default());
        let ring = Ring::new([world.frame_at(0)], FIRST).unwrap().stamped();
        let mut out = Vec::new();
        ring.append(0, &mut out);
        let time_at = ring.slots[0].time_at.unwrap();
        let time = std::str::from_utf8(&out[time_at..time_at + 24]).unwrap();
        assert!(time > "2026-01-01" && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn a_ring_refuses_low_seqs_and_frames_without_any() {
        let world = World::new(WorldSettings::default());
        assert!(matches!(Ring::new([world.frame_at(0)], 5), Err(SimulatorError::RingSeq(5))));
        assert!(matches!(Ring::new([vec![0xa0, 0xa0]], FIRST), Err(SimulatorError::NothingToLoop)));
    }
}

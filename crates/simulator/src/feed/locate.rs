//! Finds where a frame keeps its seq and time, without understanding anything else of it.

use std::ops::Range;

/// Where things are in a frame, as byte offsets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) seq: Option<Seq>,
    /// The text of the time, where it has the 24 characters of `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub(super) time: Option<usize>,
}

/// A seq and the bytes of its CBOR integer, head included.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seq {
    pub(super) value: u64,
    pub(super) bytes: Range<usize>,
}

/// `None` for bytes that are not two CBOR items of which the second is a map with text for keys.
pub(super) fn places(frame: &[u8]) -> Option<Places> {
    let mut at = 0;
    skip(frame, &mut at, 64)?;
    let (MAP, pairs) = head(frame, &mut at)? else { return None };
    let mut places = Places::default();
    for _ in 0..pairs {
        let (TEXT, len) = head(frame, &mut at)? else { return None };
        let key = take(frame, &mut at, len)?;
        let value = at;
        let (major, argument) = head(frame, &mut at)?;
        if key == b"seq" && major == UNSIGNED {
            places.seq = Some(Seq { value: argument, bytes: value..at });
        } else if key == b"time" && major == TEXT && argument == 24 {
            places.time = Some(at);
        }
        at = value;
        skip(frame, &mut at, 64)?;
    }
    Some(places)
}

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

fn skip(frame: &[u8], at: &mut usize, depth: u8) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let (major, argument) = head(frame, at)?;
    let items = match major {
        BYTES | TEXT => {
            take(frame, at, argument)?;
            0
        }
        ARRAY => argument,
        MAP => argument.checked_mul(2)?,
        TAG => 1,
        // Integers and simple values.
        _ => 0,
    };
    for _ in 0..items {
        skip(frame, at, depth)?;
    }
    Some(())
}

fn head(frame: &[u8], at: &mut usize) -> Option<(u8, u64)> {
    let first = *frame.get(*at)?;
    *at += 1;
    let width = match first & 0x1f {
        small @ 0..24 => return Some((first >> 5, u64::from(small))),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let argument = take(frame, at, width)?;
    Some((first >> 5, argument.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))))
}

fn take<'f>(frame: &'f [u8], at: &mut usize, len: u64) -> Option<&'f [u8]> {
    let end = at.checked_add(usize::try_from(len).ok()?)?;
    let taken = frame.get(*at..end)?;
    *at = end;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Mix, World, WorldSettings};

    #[test]
    fn every_frame_of_a_world_gives_up_its_seq_and_time() {
        let world = World::new(WorldSettings {
            mix: Mix::even(),
            first_seq: (1 << 32) - 100,
            ..WorldSettings::default()
        });
        for index in 0..300 {
            let frame = world.frame_at(index);
            let places = places(&frame).unwrap();
            let seq = places.seq.unwrap();
            assert_eq!(seq.value, world.seq_at(index));
            assert_eq!(seq.bytes.len(), if seq.value < 1 << 32 { 5 } else { 9 });
            let time = places.time.unwrap();
            assert!(frame[time..time + 24].ends_with(b"Z"));
        }
    }

    #[test]
    fn bytes_that_are_no_frame_have_no_places() {
        for bytes in [
            &b""[..],
            b"\xa0",
            b"\xff\xff",
            b"\xa0\x80",
            b"\xa0\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            &[0x81; 5000],
        ] {
            assert_eq!(places(bytes), None);
        }
    }
}

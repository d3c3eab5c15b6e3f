use super::Reader;
use crate::error::{CborError, CborFault};

/// The major type of an item, with what this profile distinguishes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Major {
    /// Major type 0: the value itself.
    Unsigned,
    /// Major type 1: -1 minus the argument.
    Negative,
    /// Major type 2: a byte string, the argument is its length.
    Bytes,
    /// Major type 3: a text string, the argument is its length in bytes.
    Text,
    /// Major type 4: an array, the argument is its item count.
    Array,
    /// Major type 5: a map, the argument is its pair count.
    Map,
    /// Major type 6: a tag, the argument is its number.
    Tag,
    /// Major type 7: false (20), true (21) or null (22); nothing else is let through.
    Simple,
}

/// The argument of the simple value `false`.
pub(crate) const FALSE: u64 = 20;
/// The argument of the simple value `true`.
pub(crate) const TRUE: u64 = 21;

impl Reader<'_> {
    /// Reads the head of the next item: its major type and argument.
    #[inline]
    pub(crate) fn head(&mut self) -> Result<(Major, u64), CborError> {
        let Some(&first) = self.input().get(self.position()) else {
            return Err(self.error(CborFault::Truncated));
        };
        let info = first & 0x1f;
        if info < 24 && first < 0xe0 {
            self.advance(1);
            return Ok((major(first), u64::from(info)));
        }
        if info == 24
            && first < 0xe0
            && let Some(&argument @ 24..) = self.input().get(self.position() + 1)
        {
            self.advance(2);
            return Ok((major(first), u64::from(argument)));
        }
        self.long_head(first, info)
    }

    fn long_head(&mut self, first: u8, info: u8) -> Result<(Major, u64), CborError> {
        if first >= 0xe0 {
            return self.simple_head(info);
        }
        let width: usize = match info {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            31 => return Err(self.error(CborFault::Indefinite)),
            _ => return Err(self.error(CborFault::ReservedInfo)),
        };
        let start = self.position() + 1;
        let Some(argument_bytes) = self.input().get(start..start + width) else {
            return Err(self.error(CborFault::Truncated));
        };
        let argument = argument_bytes.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let smallest: u64 = match info {
            24 => 24,
            25 => 1 << 8,
            26 => 1 << 16,
            _ => 1 << 32,
        };
        if argument < smallest {
            return Err(self.error(CborFault::NotShortest));
        }
        self.advance(1 + width);
        Ok((major(first), argument))
    }

    fn simple_head(&mut self, info: u8) -> Result<(Major, u64), CborError> {
        let fault = match info {
            20..=22 => {
                self.advance(1);
                return Ok((Major::Simple, u64::from(info)));
            }
            25..=27 => {
                let width = 1 << (info - 24);
                if self.remaining() > width { CborFault::Float } else { CborFault::Truncated }
            }
            28..=30 => CborFault::ReservedInfo,
            31 => CborFault::Indefinite,
            _ => CborFault::SimpleValue,
        };
        Err(self.error(fault))
    }
}

#[inline]
fn major(first: u8) -> Major {
    match first >> 5 {
        0 => Major::Unsigned,
        1 => Major::Negative,
        2 => Major::Bytes,
        3 => Major::Text,
        4 => Major::Array,
        5 => Major::Map,
        6 => Major::Tag,
        _ => Major::Simple,
    }
}

//! The few pieces of canonical DAG-CBOR: every length and integer in its shortest form.

use crate::encode::Cid;

/// CBOR's major types, as their three bits.
#[derive(Clone, Copy)]
enum Major {
    Unsigned = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
}

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const TAG_LINK: [u8; 2] = [0xd8, 42];

pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    // A negative n is written as the number -1 - n, whose bits are those of !n.
    if value < 0 {
        head(out, Major::Negative, !value.cast_unsigned());
    } else {
        head(out, Major::Unsigned, value.cast_unsigned());
    }
}

pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    head(out, Major::Bytes, value.len() as u64);
    out.extend_from_slice(value);
}

pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    head(out, Major::Text, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

pub(crate) fn array(out: &mut Vec<u8>, len: usize) {
    head(out, Major::Array, len as u64);
}

/// The head of a map; the caller writes `len` pairs after it, shorter keys first.
pub(crate) fn map(out: &mut Vec<u8>, len: usize) {
    head(out, Major::Map, len as u64);
}

pub(crate) fn link(out: &mut Vec<u8>, cid: &Cid) {
    out.extend_from_slice(&TAG_LINK);
    head(out, Major::Bytes, 37);
    out.push(0);
    out.extend_from_slice(cid.as_bytes());
}

pub(crate) fn bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { TRUE } else { FALSE });
}

pub(crate) fn null(out: &mut Vec<u8>) {
    out.push(NULL);
}

fn head(out: &mut Vec<u8>, major: Major, argument: u64) {
    let major = (major as u8) << 5;
    if let Ok(small) = u8::try_from(argument) {
        if small < 24 {
            out.push(major | small);
        } else {
            out.extend_from_slice(&[major | 0x18, small]);
        }
    } else if let Ok(two) = u16::try_from(argument) {
        out.push(major | 0x19);
        out.extend_from_slice(&two.to_be_bytes());
    } else if let Ok(four) = u32::try_from(argument) {
        out.push(major | 0x1a);
        out.extend_from_slice(&four.to_be_bytes());
    } else {
        out.push(major | 0x1b);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_their_shortest_form() {
        for (value, expected) in [
            (0, vec![0x00]),
            (23, vec![0x17]),
            (24, vec![0x18, 24]),
            (255, vec![0x18, 255]),
            (256, vec![0x19, 1, 0]),
            (65_535, vec![0x19, 255, 255]),
            (65_536, vec![0x1a, 0, 1, 0, 0]),
            (1 << 32, vec![0x1b, 0, 0, 0, 1, 0, 0, 0, 0]),
            (-1, vec![0x20]),
            (-25, vec![0x38, 24]),
            (i64::MIN, vec![0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            let mut out = Vec::new();
            int(&mut out, value);
            assert_eq!(out, expected, "{value}");
        }
    }
}

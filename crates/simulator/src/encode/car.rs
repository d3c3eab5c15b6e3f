//! CAR version 1: the container of a commit's blocks.

use crate::encode::{Cid, Value};

/// A block and its identifier.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) cid: Cid,
    pub(crate) bytes: Vec<u8>,
}

impl Block {
    pub(crate) fn new(value: &Value) -> Self {
        let bytes = value.to_block();
        Self { cid: Cid::of_block(&bytes), bytes }
    }

    /// The block's length in a CAR, its length prefix and identifier included.
    pub(crate) fn len_in_car(&self) -> usize {
        self.bytes.len() + 38
    }
}

/// Writes a CAR with one root.
pub(crate) fn car<'a>(root: Cid, blocks: impl IntoIterator<Item = &'a Block>) -> Vec<u8> {
    let header =
        Value::map([("version", Value::Int(1)), ("roots", Value::list([Value::Link(root)]))]).to_block();
    let mut out = Vec::with_capacity(8192);
    uvarint(&mut out, header.len());
    out.extend_from_slice(&header);
    for block in blocks {
        uvarint(&mut out, 36 + block.bytes.len());
        out.extend_from_slice(block.cid.as_bytes());
        out.extend_from_slice(&block.bytes);
    }
    out
}

fn uvarint(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_one_seen_on_the_wire() {
        let root = Cid::of_block(b"root");
        let car = car(root, []);
        assert_eq!(car.len(), 59);
        assert_eq!(car[..17], *b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00\x01\x71\x12");
        assert_eq!(car[18..50], root.as_bytes()[4..]);
        assert_eq!(car[50..], *b"\x67version\x01");
    }

    #[test]
    fn lengths_are_minimal_varints() {
        for (value, expected) in [(0, vec![0]), (127, vec![127]), (128, vec![0x80, 1]), (300, vec![0xac, 2])]
        {
            let mut out = Vec::new();
            uvarint(&mut out, value);
            assert_eq!(out, expected);
        }
    }
}

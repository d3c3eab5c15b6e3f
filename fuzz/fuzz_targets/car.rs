//! Any CAR: no panic, and the index finds what a plain walk finds.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use standpipe_eventstream::{BlockIndex, CidBuf};

fuzz_target!(|bytes: &[u8]| {
    let mut index = BlockIndex::new();
    let Ok(car) = index.read(bytes) else { return };
    let blocks = walk(bytes).expect("a plain walk goes as far");
    let mut first: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for (cid, block) in &blocks {
        first.entry(cid).or_insert(block);
    }
    assert_eq!(car.len(), blocks.len());
    let mut listed: Vec<_> =
        car.blocks().map(|block| (&block.cid().as_bytes()[..], block.unchecked())).collect();
    let mut walked = blocks.clone();
    listed.sort_unstable();
    walked.sort_unstable();
    assert_eq!(listed, walked);
    for block in car.blocks() {
        let found = car.find(block.cid()).expect("it is listed");
        assert_eq!(Some(&found.unchecked()), first.get(&block.cid().as_bytes()[..]));
        let is_right = CidBuf::of_dag_cbor(found.unchecked()).as_cid().digest() == block.cid().digest();
        assert_eq!(car.block(block.cid()).is_ok(), is_right);
    }
    let _ = (car.block(car.root()), car.check_all());
});

/// The sections of a CAR, after whatever header it has.
fn walk(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut left = bytes;
    let header_len = varint(&mut left)?;
    left = left.get(header_len..)?;
    let mut blocks = Vec::new();
    while !left.is_empty() {
        let len = varint(&mut left)?;
        blocks.push((left.get(..36)?, left.get(36..len)?));
        left = &left[len..];
    }
    Some(blocks)
}

fn varint(left: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for group in 0..9 {
        let (byte, rest) = left.split_first()?;
        *left = rest;
        value |= usize::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

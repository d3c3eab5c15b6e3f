//! CAR version 1: a flat list of blocks under their CIDs, with the roots in front.
//!
//! Source: <https://dasl.ing/car.html>. Blocks may come in any order, more than once, or unreferenced; the first of
//! several with one CID is the one that is found.

use crate::cbor::{KeyOrder, Reader};
use crate::cid::Cid;
use crate::error::{CarError, CborError, CborFault};

/// The longest header that is read, in bytes.
const MAX_HEADER_LEN: u64 = 4096;

/// From how many blocks on the index is sorted, so that lookups in a large CAR do not cost its square.
const SORTED_FROM: usize = 48;

/// Where the blocks of a CAR are: kept by the caller, so that reading one CAR after another allocates nothing.
///
/// ```
/// use standpipe_eventstream::{BlockIndex, CidBuf};
///
/// let block = b"\xa0";
/// let cid = CidBuf::of_dag_cbor(block);
/// let mut car = b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00".to_vec();
/// car.extend_from_slice(cid.as_cid().as_bytes());
/// car.extend_from_slice(b"\x67version\x01\x25");
/// car.extend_from_slice(cid.as_cid().as_bytes());
/// car.extend_from_slice(block);
///
/// let mut index = BlockIndex::new();
/// let car = index.read(&car)?;
/// assert_eq!(car.root(), cid.as_cid());
/// assert_eq!(car.block(cid.as_cid())?, Some(&block[..]));
/// # Ok::<(), standpipe_eventstream::CarError>(())
/// ```
#[derive(Debug, Default)]
pub struct BlockIndex {
    spans: Vec<Span>,
}

/// One section: the first eight bytes of its digest, and where it is.
#[derive(Debug, Clone, Copy)]
struct Span {
    digest_start: u64,
    cid_at: u32,
    block_len: u32,
}

/// A CAR whose sections have been walked and whose blocks can be looked up.
#[derive(Debug, Clone, Copy)]
pub struct Car<'s, 'a> {
    bytes: &'a [u8],
    root: Cid<'a>,
    spans: &'s [Span],
    is_sorted: bool,
}

/// A block as it lies in a CAR.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    cid: Cid<'a>,
    bytes: &'a [u8],
    offset: usize,
}

impl BlockIndex {
    /// An index that has not read anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Walks all sections of a CAR, without hashing any.
    ///
    /// The index holds 16 bytes a section, of which there is at most one for every 37 bytes of input.
    ///
    /// # Errors
    /// [`CarError`] for whatever breaks the reader rules, wherever it is in the CAR.
    pub fn read<'s, 'a>(&'s mut self, bytes: &'a [u8]) -> Result<Car<'s, 'a>, CarError> {
        self.spans.clear();
        if bytes.is_empty() {
            return Err(CarError::Empty);
        }
        if u32::try_from(bytes.len()).is_err() {
            return Err(CarError::TooLong { len: bytes.len() });
        }
        let (root, mut at) = read_header(bytes)?;
        while at < bytes.len() {
            let (declared, cid_at) = read_varint(bytes, at)?;
            let section = usize::try_from(declared)
                .ok()
                .filter(|len| *len >= Cid::LEN)
                .and_then(|len| bytes[cid_at..].get(..len))
                .ok_or(CarError::SectionLength { offset: at })?;
            let (cid, block) = section.split_at(Cid::LEN);
            let cid = Cid::from_slice(cid).ok_or(CarError::SectionCid { offset: at })?;
            self.spans.push(Span {
                digest_start: digest_start(cid),
                cid_at: u32::try_from(cid_at).unwrap_or(u32::MAX),
                block_len: u32::try_from(block.len()).unwrap_or(u32::MAX),
            });
            at = cid_at + section.len();
        }
        let is_sorted = self.spans.len() >= SORTED_FROM;
        if is_sorted {
            self.spans.sort_unstable_by(|left, right| {
                (left.digest_start.cmp(&right.digest_start))
                    .then_with(|| left.digest(bytes).cmp(right.digest(bytes)))
                    .then_with(|| left.cid_at.cmp(&right.cid_at))
            });
        }
        Ok(Car { bytes, root, spans: &self.spans, is_sorted })
    }
}

impl Span {
    fn cid_at(&self) -> usize {
        self.cid_at as usize
    }

    fn digest<'a>(&self, car: &'a [u8]) -> &'a [u8] {
        &car[self.cid_at() + 4..self.cid_at() + Cid::LEN]
    }

    fn block<'a>(&self, car: &'a [u8]) -> Option<Block<'a>> {
        let offset = self.cid_at() + Cid::LEN;
        let cid = Cid::from_slice(car.get(self.cid_at()..offset)?)?;
        Some(Block { cid, bytes: car.get(offset..offset + self.block_len as usize)?, offset })
    }
}

impl<'a> Car<'_, 'a> {
    /// The first root. Others are ignored.
    #[must_use]
    pub fn root(&self) -> Cid<'a> {
        self.root
    }

    /// How many sections it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether it has no section.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// All blocks, unchecked. The order is that of the CAR, or by digest in a large one.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'a>> {
        let bytes = self.bytes;
        self.spans.iter().filter_map(move |span| span.block(bytes))
    }

    /// Looks a block up and checks that it is what its CID names.
    ///
    /// # Errors
    /// [`CarError::Hash`] when it is not.
    #[inline]
    pub fn block(&self, cid: Cid<'_>) -> Result<Option<&'a [u8]>, CarError> {
        self.find(cid).map(Block::checked).transpose()
    }

    /// Looks a block up without checking it.
    #[must_use]
    #[inline]
    pub fn find(&self, cid: Cid<'_>) -> Option<Block<'a>> {
        let wanted = digest_start(cid);
        if self.is_sorted {
            let from = self.spans.partition_point(|span| {
                (span.digest_start.cmp(&wanted))
                    .then_with(|| span.digest(self.bytes).cmp(cid.digest()))
                    .is_lt()
            });
            let same = self.spans[from..].iter().take_while(|span| span.digest(self.bytes) == cid.digest());
            return same.filter_map(|span| span.block(self.bytes)).find(|block| block.cid == cid);
        }
        let similar = self.spans.iter().filter(|span| span.digest_start == wanted);
        similar.filter_map(|span| span.block(self.bytes)).find(|block| block.cid == cid)
    }

    /// Hashes every block.
    ///
    /// # Errors
    /// [`CarError::Hash`] for a block that does not match its CID.
    pub fn check_all(&self) -> Result<(), CarError> {
        self.blocks().try_for_each(|block| block.checked().map(|_| ()))
    }
}

impl<'a> Block<'a> {
    /// The CID that the block claims.
    #[must_use]
    pub fn cid(self) -> Cid<'a> {
        self.cid
    }

    /// The bytes, which may not be what the CID names.
    #[must_use]
    pub fn unchecked(self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes, hashed and found to be what the CID names.
    ///
    /// # Errors
    /// [`CarError::Hash`] when they are not.
    #[inline]
    pub fn checked(self) -> Result<&'a [u8], CarError> {
        if self.cid.names(self.bytes) { Ok(self.bytes) } else { Err(CarError::Hash { offset: self.offset }) }
    }
}

#[inline]
fn digest_start(cid: Cid<'_>) -> u64 {
    let bytes = cid.as_bytes();
    u64::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9], bytes[10], bytes[11]])
}

/// Reads a varint of at most nine bytes, in its shortest form, and returns it with where it ends.
#[inline]
fn read_varint(bytes: &[u8], offset: usize) -> Result<(u64, usize), CarError> {
    match bytes[offset..] {
        [only @ ..0x80, ..] => return Ok((u64::from(only), offset + 1)),
        [low @ 0x80..=0xff, high @ 1..0x80, ..] => {
            return Ok((u64::from(low & 0x7f) | u64::from(high) << 7, offset + 2));
        }
        _ => {}
    }
    let mut value = 0u64;
    for (group, &byte) in bytes[offset..].iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            let is_shortest = byte != 0 || group == 0;
            return if is_shortest {
                Ok((value, offset + group + 1))
            } else {
                Err(CarError::Varint { offset })
            };
        }
    }
    Err(CarError::Varint { offset })
}

/// What stands around the root in the header of a CAR with one root, which is nearly every one.
const ONE_ROOT_START: &[u8] = b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00";
const ONE_ROOT_END: &[u8] = b"\x67version\x01";
const ONE_ROOT_LEN: usize = 59;

/// Reads the header and returns the first root and where the first section begins.
#[inline]
fn read_header(bytes: &[u8]) -> Result<(Cid<'_>, usize), CarError> {
    let root = bytes
        .first_chunk::<ONE_ROOT_LEN>()
        .and_then(|header| header.strip_prefix(ONE_ROOT_START)?.strip_suffix(ONE_ROOT_END))
        .and_then(Cid::from_slice);
    match root {
        Some(root) => Ok((root, ONE_ROOT_LEN)),
        None => read_any_header(bytes),
    }
}

fn read_any_header(bytes: &[u8]) -> Result<(Cid<'_>, usize), CarError> {
    let (len, start) = read_varint(bytes, 0)?;
    if !(1..=MAX_HEADER_LEN).contains(&len) {
        return Err(CarError::HeaderLength { len });
    }
    let header = usize::try_from(len)
        .ok()
        .and_then(|len| bytes.get(..start + len))
        .ok_or(CarError::HeaderLength { len })?;
    let mut reader = Reader::starting_at(header, start);
    let (mut root, mut version) = (None, None);
    let mut order = KeyOrder::default();
    for _ in 0..reader.map().map_err(|error| unusable(error, "header"))? {
        match order.key(&mut reader).map_err(CarError::Header)? {
            b"roots" => {
                let count = reader.array().map_err(|error| unusable(error, "roots"))?;
                for position in 0..count {
                    let link = reader.link().map_err(|error| unusable(error, "roots"))?;
                    if position == 0 {
                        root = Some(link);
                    }
                }
                if count == 0 {
                    return Err(CarError::NoRoot);
                }
            }
            b"version" => version = Some(reader.integer().map_err(|error| unusable(error, "version"))?),
            _ => reader.skip().map_err(CarError::Header)?,
        }
    }
    reader.end().map_err(CarError::Header)?;
    match (root, version) {
        (Some(root), Some(1)) => Ok((root, header.len())),
        (None, _) => Err(CarError::HeaderField { field: "roots" }),
        _ => Err(CarError::HeaderField { field: "version" }),
    }
}

fn unusable(error: CborError, field: &'static str) -> CarError {
    let is_field_wrong = matches!(error.fault, CborFault::WrongType | CborFault::IntegerRange);
    if is_field_wrong { CarError::HeaderField { field } } else { CarError::Header(error) }
}

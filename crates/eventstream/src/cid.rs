//! Content identifiers in the one binary form that the protocol blesses.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::SyntaxError;

/// The length of the binary form of a CID in bytes.
const LEN: usize = 36;
/// The length of the text form in bytes.
const TEXT_LEN: usize = 59;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What the bytes behind a CID are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// `0x71`: DAG-CBOR (commits, tree nodes, records).
    DagCbor,
    /// `0x55`: raw bytes (blobs).
    Raw,
}

/// A borrowed CID: version 1, DAG-CBOR or raw, SHA-256.
///
/// Shape: the 36 bytes `01 (71|55) 12 20` and the digest. Source: <https://dasl.ing/cid.html>.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid<'a>(&'a [u8; LEN]);

impl<'a> Cid<'a> {
    /// The length of the binary form.
    pub const LEN: usize = LEN;
    /// The length of the text form: `b` and 58 characters of lower-case base32.
    pub const TEXT_LEN: usize = TEXT_LEN;

    /// Recognises a CID in exactly these bytes.
    #[must_use]
    #[inline]
    pub fn from_slice(bytes: &'a [u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.try_into().ok()?;
        match bytes {
            [1, 0x71 | 0x55, 0x12, 0x20, ..] => Some(Self(bytes)),
            _ => None,
        }
    }

    /// The binary form.
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'a [u8; LEN] {
        self.0
    }

    /// What the bytes behind it are.
    #[must_use]
    #[inline]
    pub fn codec(self) -> Codec {
        if self.0[1] == 0x71 { Codec::DagCbor } else { Codec::Raw }
    }

    /// The SHA-256 digest.
    #[must_use]
    #[inline]
    pub fn digest(self) -> &'a [u8] {
        &self.0[4..]
    }

    /// Whether it names exactly these bytes: hashes them and compares.
    #[must_use]
    #[inline]
    pub fn names(self, block: &[u8]) -> bool {
        Sha256::digest(block).as_slice() == self.digest()
    }

    /// The text form, for example `bafyreic…`.
    #[must_use]
    pub fn to_text(self) -> [u8; TEXT_LEN] {
        let mut text = [b'b'; TEXT_LEN];
        let (groups, last) = text[1..].as_chunks_mut::<8>();
        let (fives, _) = self.0.as_chunks::<5>();
        for (five, group) in fives.iter().zip(groups) {
            let bits = u64::from_be_bytes([0, 0, 0, five[0], five[1], five[2], five[3], five[4]]);
            for (position, character) in group.iter_mut().enumerate() {
                *character = letter(bits >> (35 - 5 * position));
            }
        }
        let bits = u64::from(self.0[35]) << 2;
        last[0] = letter(bits >> 5);
        last[1] = letter(bits);
        text
    }

    /// Appends the text form.
    #[inline]
    pub fn write_text(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_text());
    }
}

#[inline]
fn letter(bits: u64) -> u8 {
    ALPHABET[usize::from(bits.to_le_bytes()[0] & 31)]
}

impl fmt::Display for Cid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.to_text()).unwrap_or_default())
    }
}

impl fmt::Debug for Cid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cid({self})")
    }
}

/// An owned CID of the blessed form, for keeping one beyond its frame and for reading text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CidBuf([u8; LEN]);

impl CidBuf {
    /// Parses the text form: `b` and 58 characters of lower-case base32.
    ///
    /// # Errors
    /// [`SyntaxError::Cid`] for anything else, other bases, codecs and hashes included.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let characters: &[u8; TEXT_LEN] = text.as_bytes().try_into().map_err(|_| SyntaxError::Cid)?;
        let mut bytes = [0u8; LEN];
        let (mut bits, mut held, mut filled) = (0u32, 0u32, 0usize);
        for &character in &characters[1..] {
            let value = match character {
                b'a'..=b'z' => character - b'a',
                b'2'..=b'7' => character - b'2' + 26,
                _ => return Err(SyntaxError::Cid),
            };
            bits = bits << 5 | u32::from(value);
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes[filled] = (bits >> held).to_le_bytes()[0];
                filled += 1;
                bits &= (1 << held) - 1;
            }
        }
        let is_blessed = characters[0] == b'b' && bits == 0 && Cid::from_slice(&bytes).is_some();
        if is_blessed { Ok(Self(bytes)) } else { Err(SyntaxError::Cid) }
    }

    /// Names a block of DAG-CBOR.
    #[must_use]
    pub fn of_dag_cbor(block: &[u8]) -> Self {
        let mut bytes = [0u8; LEN];
        bytes[..4].copy_from_slice(&[1, 0x71, 0x12, 0x20]);
        bytes[4..].copy_from_slice(&Sha256::digest(block));
        Self(bytes)
    }

    /// Borrows it.
    #[must_use]
    pub fn as_cid(&self) -> Cid<'_> {
        Cid(&self.0)
    }
}

impl From<Cid<'_>> for CidBuf {
    fn from(cid: Cid<'_>) -> Self {
        Self(*cid.0)
    }
}

impl fmt::Display for CidBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_cid().fmt(f)
    }
}

impl fmt::Debug for CidBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CidBuf({self})")
    }
}

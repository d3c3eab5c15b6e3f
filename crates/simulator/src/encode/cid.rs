//! Content identifiers: version 1, SHA-256, of a DAG-CBOR block or of raw bytes.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::encode::radix::base32;

/// The identifier of a block: 36 bytes on the wire, `b…` in text.
///
/// Source: <https://atproto.com/specs/data-model#link-and-cid-formats>.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid([u8; 36]);

const DAG_CBOR: u8 = 0x71;
const RAW: u8 = 0x55;

impl Cid {
    /// Identifies a DAG-CBOR block: a record, a tree node, a commit.
    #[must_use]
    pub fn of_block(block: &[u8]) -> Self {
        Self::with(DAG_CBOR, Sha256::digest(block).into())
    }

    /// Identifies raw bytes: a blob.
    #[must_use]
    pub fn of_blob(blob: &[u8]) -> Self {
        Self::with(RAW, Sha256::digest(blob).into())
    }

    /// Identifies some block that exists nowhere, by a digest out of thin air.
    pub(crate) fn of_nothing(digest: [u8; 32]) -> Self {
        Self::with(DAG_CBOR, digest)
    }

    /// The binary form: version, codec, hash function, hash length, digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 36] {
        &self.0
    }

    fn with(codec: u8, digest: [u8; 32]) -> Self {
        let mut bytes = [0; 36];
        bytes[..4].copy_from_slice(&[1, codec, 0x12, 0x20]);
        bytes[4..].copy_from_slice(&digest);
        Self(bytes)
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", base32(&self.0))
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

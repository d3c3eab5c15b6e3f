use std::num::NonZeroU64;

use thiserror::Error;

use crate::{ReaderName, StateFolder};

/// How the embedded log is kept.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Where.
    pub folder: StateFolder,
    /// What leaves it, and when.
    pub retention: Retention,
    /// Memory for pages of the file, in bytes. Default 16 MiB: one batch is written from it, and readers are other
    /// processes with memory of their own.
    pub cache_bytes: usize,
}

impl LogSettings {
    /// The default for [`cache_bytes`](Self::cache_bytes), 16 MiB.
    pub const CACHE_BYTES: usize = 16 << 20;

    /// The defaults, in this folder.
    #[must_use]
    pub fn new(folder: StateFolder) -> Self {
        Self { folder, retention: Retention::default(), cache_bytes: Self::CACHE_BYTES }
    }
}

/// What bounds a stream of the embedded log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The newest bytes of each stream are kept, and the oldest entries leave as new ones come, read or not. What
    /// leaves unread is counted and said. The default, with 4 GiB.
    Keep {
        /// Bytes of each stream: for each entry its own, an eighth more, and 16, which is about what it takes on the
        /// disk. The file's length may be twice that, since it grows by doubling, with holes where nothing is.
        bytes: NonZeroU64,
    },
    /// An entry leaves once every named reader has acknowledged it, and delivery waits while too many have not.
    Block(Block),
}

impl Retention {
    /// The default of [`Retention::Keep`], 4 GiB.
    pub const KEEP_BYTES: NonZeroU64 = NonZeroU64::new(4 << 30).unwrap();
}

impl Default for Retention {
    fn default() -> Self {
        Self::Keep { bytes: Self::KEEP_BYTES }
    }
}

/// For whom delivery waits, and from which backlog on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    high_water: NonZeroU64,
    low_water: u64,
    readers: Vec<ReaderName>,
}

impl Block {
    /// Delivery waits from `high_water` unacknowledged entries on, until 90 % of it are left. A batch is never
    /// split, so a stream has at most `high_water` and one batch.
    ///
    /// # Errors
    ///
    /// [`BlockError::NoReader`]: nothing would ever leave.
    pub fn new(high_water: NonZeroU64, readers: Vec<ReaderName>) -> Result<Self, BlockError> {
        if readers.is_empty() {
            return Err(BlockError::NoReader);
        }
        let low_water = high_water.get() - high_water.get().div_ceil(10);
        Ok(Self { high_water, low_water, readers })
    }

    /// The same, flowing again at this backlog.
    ///
    /// # Errors
    ///
    /// [`BlockError::LowWater`] when it is not below the high-water mark.
    pub fn with_low_water(self, low_water: u64) -> Result<Self, BlockError> {
        if low_water >= self.high_water.get() {
            return Err(BlockError::LowWater { low_water, high_water: self.high_water.get() });
        }
        Ok(Self { low_water, ..self })
    }

    /// The backlog, in entries, at which delivery waits.
    #[must_use]
    pub fn high_water(&self) -> u64 {
        self.high_water.get()
    }

    /// The backlog, in entries, at which delivery goes on.
    #[must_use]
    pub fn low_water(&self) -> u64 {
        self.low_water
    }

    /// The readers for whom entries are kept.
    #[must_use]
    pub fn readers(&self) -> &[ReaderName] {
        &self.readers
    }
}

/// Why a log cannot block like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Without a named reader nothing would ever leave.
    #[error("a log that waits for its readers needs the name of at least one")]
    NoReader,
    /// Delivery would stop and go at once.
    #[error("the low-water mark {low_water} is not below the high-water mark {high_water}")]
    LowWater {
        /// The mark at which delivery would go on.
        low_water: u64,
        /// The mark at which it waits.
        high_water: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_water_mark_is_below_the_high_water_mark() {
        let readers = vec!["indexer".parse().unwrap()];
        for (high, low) in [(1, 0), (2, 1), (10, 9), (1000, 900)] {
            let block = Block::new(NonZeroU64::new(high).unwrap(), readers.clone()).unwrap();
            assert_eq!((block.high_water(), block.low_water()), (high, low));
            assert_eq!(
                block.with_low_water(high),
                Err(BlockError::LowWater { low_water: high, high_water: high })
            );
        }
        assert_eq!(Block::new(NonZeroU64::MIN, Vec::new()), Err(BlockError::NoReader));
    }
}

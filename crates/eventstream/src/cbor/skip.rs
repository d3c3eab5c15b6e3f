use super::{KeyOrder, MAX_DEPTH, Major, Reader};
use crate::error::{CborError, CborFault};

impl Reader<'_> {
    /// Checks one whole item and moves past it.
    ///
    /// Integers of the full DAG-CBOR range (-2^64 to 2^64-1) pass here; the typed reads are stricter.
    ///
    /// # Errors
    /// What is wrong with the bytes, or [`CborFault::TooDeep`] below [`MAX_DEPTH`] arrays and maps.
    pub fn skip(&mut self) -> Result<(), CborError> {
        self.skip_within(MAX_DEPTH)
    }

    /// Like `skip`, for an item that sits inside `levels` arrays and maps already.
    pub(crate) fn skip_inside(&mut self, levels: usize) -> Result<(), CborError> {
        self.skip_within(MAX_DEPTH.saturating_sub(levels))
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), CborError> {
        let start = self.position();
        match self.head()? {
            (Major::Unsigned | Major::Negative | Major::Simple, _) => Ok(()),
            (Major::Bytes, length) => self.take(length).map(|_| ()),
            (Major::Text, length) => match str::from_utf8(self.take(length)?) {
                Ok(_) => Ok(()),
                Err(_) => Err(CborError::new(CborFault::Utf8, start)),
            },
            (Major::Tag, tag) => self.link_after_tag(tag, start).map(|_| ()),
            (Major::Array, count) => {
                let inner = deeper(depth, start)?;
                for _ in 0..self.count(count, 1)? {
                    self.skip_within(inner)?;
                }
                Ok(())
            }
            (Major::Map, count) => {
                let inner = deeper(depth, start)?;
                let mut order = KeyOrder::default();
                for _ in 0..self.count(count, 2)? {
                    order.key(self)?;
                    self.skip_within(inner)?;
                }
                Ok(())
            }
        }
    }
}

fn deeper(depth: usize, start: usize) -> Result<usize, CborError> {
    depth.checked_sub(1).ok_or(CborError::new(CborFault::TooDeep, start))
}

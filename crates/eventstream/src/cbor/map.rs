use super::{Major, Reader};
use crate::error::{CborError, CborFault};

/// Reads the keys of one map and insists on their order: shorter first, equal lengths bytewise, none twice.
#[derive(Debug, Default)]
pub(crate) struct KeyOrder<'a> {
    last: Option<&'a [u8]>,
}

impl<'a> KeyOrder<'a> {
    /// Reads the next key. The bytes are valid UTF-8.
    #[inline]
    pub(crate) fn key(&mut self, reader: &mut Reader<'a>) -> Result<&'a [u8], CborError> {
        let start = reader.position();
        let key = self.key_unchecked_utf8(reader)?;
        if !key.is_ascii() && str::from_utf8(key).is_err() {
            return Err(CborError::new(CborFault::Utf8, start));
        }
        Ok(key)
    }

    /// Reads the next key and leaves it to the caller to find out whether it is UTF-8.
    #[inline]
    pub(crate) fn key_unchecked_utf8(&mut self, reader: &mut Reader<'a>) -> Result<&'a [u8], CborError> {
        let start = reader.position();
        let (major, length) = reader.head()?;
        if major != Major::Text {
            return Err(CborError::new(CborFault::KeyNotText, start));
        }
        let key = reader.take(length)?;
        if let Some(last) = self.last
            && !is_before(last, key)
        {
            let fault = if last == key { CborFault::DuplicateKey } else { CborFault::UnsortedKey };
            return Err(CborError::new(fault, start));
        }
        self.last = Some(key);
        Ok(key)
    }
}

/// Whether `last` sorts before `key`. Neighbours of one length mostly differ in their first byte.
#[inline]
fn is_before(last: &[u8], key: &[u8]) -> bool {
    if last.len() != key.len() {
        return last.len() < key.len();
    }
    match (last.first(), key.first()) {
        (Some(last_first), Some(key_first)) if last_first != key_first => last_first < key_first,
        _ => last < key,
    }
}

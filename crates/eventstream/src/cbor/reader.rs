use super::Major;
use super::head::{FALSE, TRUE};
use crate::cid::Cid;
use crate::error::{CborError, CborFault};

/// A position in DAG-CBOR bytes, and typed reads from there.
///
/// Offsets in errors count from the start of the input. After an error the position is unspecified, but inside
/// the input.
///
/// ```
/// use standpipe_eventstream::cbor::Reader;
///
/// let mut reader = Reader::new(&[0x82, 0x18, 0x2a, 0x63, b's', b'e', b'q']);
/// assert_eq!(reader.array()?, 2);
/// assert_eq!(reader.integer()?, 42);
/// assert_eq!(reader.text()?, "seq");
/// reader.end()?;
/// # Ok::<(), standpipe_eventstream::CborError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `input`.
    #[must_use]
    #[inline]
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0 }
    }

    /// Reads from `position` of `input`, so that offsets in errors count from the start of the whole.
    #[inline]
    pub(crate) fn starting_at(input: &'a [u8], position: usize) -> Self {
        Self { input, position: position.min(input.len()) }
    }

    /// The offset of the next byte.
    #[must_use]
    #[inline]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The number of bytes that are left.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.input.len() - self.position
    }

    /// Insists that nothing is left.
    ///
    /// # Errors
    /// [`CborFault::Trailing`] when bytes are left.
    #[inline]
    pub fn end(&self) -> Result<(), CborError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.error(CborFault::Trailing)) }
    }

    /// Reads a text string.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, [`CborFault::Utf8`], or what is wrong with the bytes.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let start = self.position;
        let length = self.expect(Major::Text)?;
        let bytes = self.take(length)?;
        str::from_utf8(bytes).map_err(|_| CborError::new(CborFault::Utf8, start))
    }

    /// Reads a byte string.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, or what is wrong with the bytes.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let length = self.expect(Major::Bytes)?;
        self.take(length)
    }

    /// Reads an integer that fits 64 bits with sign, the range of the data model.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, [`CborFault::IntegerRange`], or what is wrong with the bytes.
    #[inline]
    pub fn integer(&mut self) -> Result<i64, CborError> {
        let start = self.position;
        let (major, argument) = self.head()?;
        let value = i64::try_from(argument);
        match (major, value) {
            (Major::Unsigned, Ok(value)) => Ok(value),
            (Major::Negative, Ok(value)) => Ok(-1 - value),
            (Major::Unsigned | Major::Negative, Err(_)) => {
                Err(CborError::new(CborFault::IntegerRange, start))
            }
            _ => Err(CborError::new(CborFault::WrongType, start)),
        }
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, or what is wrong with the bytes.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool, CborError> {
        let start = self.position;
        match self.head()? {
            (Major::Simple, FALSE) => Ok(false),
            (Major::Simple, TRUE) => Ok(true),
            _ => Err(CborError::new(CborFault::WrongType, start)),
        }
    }

    /// Consumes a `null` if the next item is one, and says whether it was.
    #[inline]
    pub fn null(&mut self) -> bool {
        let is_null = self.input.get(self.position) == Some(&0xf6);
        self.position += usize::from(is_null);
        is_null
    }

    /// Reads what `read` reads, or `null`.
    ///
    /// # Errors
    /// Those of `read`.
    #[inline]
    pub fn nullable<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CborError>,
    ) -> Result<Option<T>, CborError> {
        if self.null() { Ok(None) } else { read(self).map(Some) }
    }

    /// Reads the head of an array and returns its item count, which the bytes that are left can hold.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, or what is wrong with the bytes.
    #[inline]
    pub fn array(&mut self) -> Result<usize, CborError> {
        let count = self.expect(Major::Array)?;
        self.count(count, 1)
    }

    /// Reads the head of a map and returns its pair count, which the bytes that are left can hold.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, or what is wrong with the bytes.
    #[inline]
    pub fn map(&mut self) -> Result<usize, CborError> {
        let count = self.expect(Major::Map)?;
        self.count(count, 2)
    }

    /// Reads a link: tag 42 around a byte string of `00` and a blessed CID.
    ///
    /// # Errors
    /// [`CborFault::WrongType`] for another item, [`CborFault::Link`] for a tag 42 that holds anything else,
    /// [`CborFault::Tag`] for another tag, or what is wrong with the bytes.
    #[inline]
    pub fn link(&mut self) -> Result<Cid<'a>, CborError> {
        let start = self.position;
        let tag = self.expect(Major::Tag)?;
        self.link_after_tag(tag, start)
    }

    /// Reads what follows the head of a tag that began at `start`.
    #[inline]
    pub(crate) fn link_after_tag(&mut self, tag: u64, start: usize) -> Result<Cid<'a>, CborError> {
        if tag != 42 {
            return Err(CborError::new(CborFault::Tag, start));
        }
        let content = match self.head()? {
            (Major::Bytes, length) => self.take(length)?,
            _ => return Err(CborError::new(CborFault::Link, start)),
        };
        match content {
            [0, cid @ ..] => Cid::from_slice(cid).ok_or(CborError::new(CborFault::Link, start)),
            _ => Err(CborError::new(CborFault::Link, start)),
        }
    }

    /// Checks a declared count against the bytes that are left, each item being at least `least` bytes.
    #[inline]
    pub(crate) fn count(&self, declared: u64, least: usize) -> Result<usize, CborError> {
        match usize::try_from(declared) {
            Ok(count) if count <= self.remaining() / least => Ok(count),
            _ => Err(self.error(CborFault::Truncated)),
        }
    }

    /// Consumes `length` bytes.
    #[inline]
    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.position.checked_add(length))
            .and_then(|end| self.input.get(self.position..end));
        match taken {
            Some(bytes) => {
                self.position += bytes.len();
                Ok(bytes)
            }
            None => Err(self.error(CborFault::Truncated)),
        }
    }

    #[inline]
    fn expect(&mut self, wanted: Major) -> Result<u64, CborError> {
        let start = self.position;
        let (major, argument) = self.head()?;
        if major == wanted { Ok(argument) } else { Err(CborError::new(CborFault::WrongType, start)) }
    }

    #[inline]
    pub(crate) fn input(&self) -> &'a [u8] {
        self.input
    }

    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.position += bytes;
    }

    #[cold]
    pub(crate) fn error(&self, fault: CborFault) -> CborError {
        CborError::new(fault, self.position)
    }
}

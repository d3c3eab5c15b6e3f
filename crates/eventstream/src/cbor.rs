//! The strict DAG-CBOR reader: definite lengths, shortest forms, sorted unique text keys, tag 42 only.
//!
//! It borrows from its input, holds one position, allocates nothing, and never trusts a declared length or count
//! further than the bytes that are there. Source: the DRISL profile of DASL (<https://dasl.ing/drisl.html>) and
//! the AT Protocol data model (<https://atproto.com/specs/data-model>), which forbids floats.

mod head;
mod map;
mod reader;
mod skip;

pub(crate) use self::head::{FALSE, Major, TRUE};
pub(crate) use self::map::KeyOrder;
pub use self::reader::Reader;

/// The deepest nesting of arrays and maps that protocol objects (headers, bodies, commit objects) may have.
pub const MAX_DEPTH: usize = 64;

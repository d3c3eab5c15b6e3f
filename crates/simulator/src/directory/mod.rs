//! DID documents, and the hosts that serve them.

mod document;

pub use self::document::{Document, plc_did};

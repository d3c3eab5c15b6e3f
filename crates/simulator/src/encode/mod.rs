//! The simulator's own encoders: values, DAG-CBOR, CIDs, CARs and frames.
//!
//! They share nothing with the code that the simulator exercises, so that a mistake there cannot be
//! cancelled out by the same mistake here.

pub(crate) mod car;
pub(crate) mod cbor;
mod cid;
pub mod frame;
pub(crate) mod radix;
mod value;

pub use cid::Cid;
pub use value::Value;

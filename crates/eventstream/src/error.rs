//! Everything that this crate can say no to.
//!
//! Each enum has `label`, a stable lower-case word for metrics, and a `Display` that says what and where. Offsets
//! count bytes from the start of the frame, or of the block where a block is judged.

mod cbor;
mod check;
mod label;
mod message;
mod record;
mod syntax;

pub use self::cbor::{CborError, CborFault};
pub use self::check::{CarError, CheckError, Consequence};
pub use self::label::LabelError;
pub use self::message::{FieldFault, FrameError, MessageError, SchemaError};
pub use self::record::RecordError;
pub use self::syntax::SyntaxError;

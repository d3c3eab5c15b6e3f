//! Who signs: DIDs to documents, documents to keys, keys and signatures to verdicts.

mod address;
mod base58;
mod document;
mod error;
mod generations;
mod key;
mod lane;
mod memory;
mod resolver;
mod settings;

pub use document::{DocumentFault, Identity};
pub use error::{ResolveError, SetupError};
pub use key::{Curve, KeyFault, PublicKey, SignatureFault};
pub use resolver::Resolver;
pub use settings::{Bounds, Settings, WebReach};

//! The grammars of identifiers, each as a borrowed type that exists only for valid text.
//!
//! ASCII only, anchored to the whole string, nothing is normalised. Sources: <https://atproto.com/specs/did>,
//! `/handle`, `/nsid`, `/record-key`, `/repository` and `/lexicon`.

mod cid;
mod datetime;
mod did;
mod handle;
mod nsid;
mod record_key;
mod repo_path;
mod uri;

pub use self::cid::CidSyntax;
pub use self::datetime::Datetime;
pub use self::did::{Did, DidMethod};
pub use self::handle::Handle;
pub use self::nsid::Nsid;
pub use self::record_key::RecordKey;
pub use self::repo_path::RepoPath;
pub use self::uri::Uri;

/// Gives a borrowed text type what all of them have.
macro_rules! text_type {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// The text as it was written.
            #[must_use]
            #[inline]
            pub fn as_str(self) -> &'a str {
                self.0
            }
        }

        impl std::fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}
use text_type;

/// Whether all bytes are of a class. Without an early end, so that many bytes are looked at in one step.
#[inline]
fn all(bytes: &[u8], is_of_class: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |so_far, byte| so_far & is_of_class(*byte))
}

/// Whether this is a label of a hostname: 1 to 63 letters, digits and inner hyphens.
fn is_host_label(label: &[u8]) -> bool {
    match label {
        [first, .., last] => {
            label.len() <= 63
                && first.is_ascii_alphanumeric()
                && last.is_ascii_alphanumeric()
                && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        }
        [only] => only.is_ascii_alphanumeric(),
        [] => false,
    }
}

use std::num::NonZeroUsize;
use std::time::Duration;

use standpipe_cursor::Endpoint;

use super::keys;
use super::reader::Reader;
use super::written::{count, duration, size, text, word};

/// What becomes of the signatures of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelPlan {
    /// Whether they are looked at, and what follows.
    pub verify: Verify,
    /// What is made of labels that may have been signed with a key before the one that their issuer has.
    pub older_than_key: OlderThanKey,
    /// How long a frame waits for the keys of its labels' issuers at most.
    pub within: Duration,
    /// How many frames of one labeler wait for that at most.
    pub frames: usize,
    /// How many bytes of them, at most.
    pub bytes: usize,
}

/// Whether signatures are looked at, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// None is.
    Off,
    /// Entries say what was found.
    Mark,
    /// Likewise, and what a signature speaks against does not become an entry.
    Enforce,
}

/// What a label is called that its issuer's key does not verify, and that says that it was made before that key was
/// first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderThanKey {
    /// `failed`.
    Failed,
    /// `unverified`.
    Unverified,
}

/// How identities are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityPlan {
    /// Where `did:plc` is looked up.
    pub directory: Endpoint,
    /// How long what was found holds before it is looked at again.
    pub refresh: Duration,
    /// How many identities are remembered at most.
    pub remembered: NonZeroUsize,
    /// Whether what identities name may be at private addresses, and in plain text.
    pub is_private_network: bool,
}

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn read_labels(reader: &mut Reader<'_>) -> LabelPlan {
    LabelPlan {
        verify: reader.read(keys::LABELER_VERIFY, |value| {
            word(value, &["off", "mark", "enforce"], &[Verify::Off, Verify::Mark, Verify::Enforce])
        }),
        older_than_key: reader.read(keys::LABELER_OLDER_THAN_KEY, |value| {
            word(value, &["failed", "unverified"], &[OlderThanKey::Failed, OlderThanKey::Unverified])
        }),
        within: reader.read(keys::LABELER_VERIFY_WITHIN, |value| {
            duration(value, Duration::from_millis(10)..=SECOND * 60)
        }),
        frames: to_usize(reader.read(keys::LABELER_VERIFY_FRAMES, |value| count(value, 1..=1_000_000))),
        bytes: to_usize(reader.read(keys::LABELER_VERIFY_BYTES, |value| size(value, 1 << 10..=1 << 30))),
    }
}

pub(super) fn read_identity(reader: &mut Reader<'_>) -> IdentityPlan {
    let remembered = reader.read(keys::IDENTITY_REMEMBERED, |value| count(value, 16..=100_000_000));
    IdentityPlan {
        directory: reader.read(keys::IDENTITY_DIRECTORY, |value| Ok(text(value)?.parse::<Endpoint>()?)),
        refresh: reader
            .read(keys::IDENTITY_REFRESH, |value| duration(value, SECOND..=Duration::from_hours(24))),
        remembered: NonZeroUsize::new(to_usize(remembered)).unwrap_or(NonZeroUsize::MIN),
        is_private_network: reader
            .read(keys::IDENTITY_PRIVATE_NETWORK, |value| word(value, &["true", "false"], &[true, false])),
    }
}

/// Bounds keep every such number far below what any machine addresses.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

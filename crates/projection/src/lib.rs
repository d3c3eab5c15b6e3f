//! Upstream messages into stream entries.
//!
//! A decoder of this crate takes one websocket message or page after another, decides what of it becomes entries, and counts
//! by reason what does not. Pure: bytes and the time come in, entries and observations go out.
//!
//! **The one contract:** every message whose seq is readable and new moves the cursor, whatever becomes of it, and
//! nothing that a host sends ends the reading of that host for ever: a frame that cannot be read ends a connection
//! when it is met, and is skipped when it comes again.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `repos` | [`RepoDecoder`]: frames of `com.atproto.sync.subscribeRepos` |
//! | `labels` | [`LabelDecoder`]: frames of `com.atproto.label.subscribeLabels`; [`Verdicts`] on their signatures |
//! | `reading` | what both have in common: unreadable frames, and what the others do to the cursor |
//! | `listed_repos` | [`ListedRepoDecoder`]: pages of a host's list of repositories |
//! | `announcements` | [`Announcements`]: each repo announced once, however many hosts list it |
//! | `recent` | accounts met before, in bounded memory |
//! | `standing` | [`StandingFilter`]: accounts of which standing the operator wants |
//! | `entries` | what of one message becomes entries, and why the rest does not |
//! | `filter` | [`CollectionFilter`] and [`DidFilter`]: what the operator wants |
//! | `sequence` | what a host's numbering means: fresh, stale, gone back, behind our cursor |
//! | `poison` | [`PoisonMemory`]: unreadable frames that were met before |
//! | `halt` | [`Halt`]: why a host cannot be read on over this connection |
//!
//! # Example
//!
//! ```
//! use standpipe_cursor::Resume;
//! use standpipe_pipeline::{Decoder, OpenBatch, RawMessage, Silent};
//! use standpipe_projection::{CollectionFilter, DidFilter, PoisonMemory, RepoDecoder, RepoSettings};
//! use standpipe_stream_entry::firehose::Profile;
//!
//! let settings = RepoSettings {
//!     profile: Profile::Compatible,
//!     collections: CollectionFilter::parse(["app.bsky.*", "com.example.status"])?,
//!     dids: DidFilter::default(),
//!     hash_all_blocks: false,
//! };
//! let now_micros = || 1_783_175_889_000_000;
//! let mut decoder =
//!     RepoDecoder::new(&settings, Resume::Live, PoisonMemory::default(), Silent::shared(), now_micros);
//!
//! let identity = b"\xa2\x61t\x69#identity\x62op\x01\
//!     \xa3\x63did\x78\x20did:plc:7iza6de2dwap2sbkpav7c6c6\x63seq\x18\x2a\x64time\x742026-07-04T14:38:09Z";
//! let mut batch = OpenBatch::following(None);
//! decoder.decode(RawMessage::Binary(identity.as_slice().into()), &mut batch)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod announcements;
mod entries;
mod filter;
mod halt;
mod labels;
mod listed_repos;
mod poison;
mod reading;
mod recent;
mod repos;
mod sequence;
mod standing;

pub use announcements::{Announcements, HostAnnouncements};
pub use entries::MAX_FRAME_OUTPUT;
pub use filter::{CollectionFilter, DidFilter, FilterError};
pub use halt::Halt;
pub use labels::{Admission, Finding, LabelDecoder, Unasked, Verdicts};
pub use listed_repos::{ListedRepoDecoder, ListedRepoSettings};
pub use poison::PoisonMemory;
pub use repos::{RepoDecoder, RepoSettings};
pub use standing::StandingFilter;

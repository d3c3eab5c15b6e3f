//! A small AT Protocol network on loopback, over a seeded world.
//!
//! Every frame is a pure function of a seed and its number: [`World::frame`] gives the bytes that are on the
//! wire, [`World::expected`] what must come of them. So any cursor can be replayed, and what was ingested can
//! be counted against an independent source, without anything being stored.
//!
//! # The one contract
//!
//! Expectation and bytes come from the same values, and neither from the other. The crate encodes its own
//! bytes and depends on none of the crates that it is there to exercise.
//!
//! # Layout
//!
//! - [`World`] and [`WorldSettings`]: frames and expectations by number or seq.
//! - [`Value`], [`Cid`] and [`frame`]: the encoders, for bytes of one's own making.
//!
//! # Example
//!
//! ```
//! use standpipe_simulator::{World, WorldSettings};
//!
//! let world = World::new(WorldSettings { seed: 7, ..WorldSettings::default() });
//! let seq = world.seq_at(41);
//! let frame = world.frame(seq).unwrap_or_default();
//! assert_eq!(World::new(world.settings().clone()).frame(seq), Some(frame));
//! for event in world.expected(seq).unwrap_or_default() {
//!     assert_eq!(event.seq, seq);
//! }
//! ```

mod encode;
mod world;

pub use encode::{Cid, Value, frame};
pub use world::{Change, Event, FrameSize, Mix, Place, World, WorldSettings};

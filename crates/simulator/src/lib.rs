//! A small AT Protocol network on loopback, over a seeded world, with faults.
//!
//! Every frame is a pure function of a seed and its number: [`World::frame`] gives the bytes that are on the
//! wire, [`World::expected`] what must come of them. So any cursor can be replayed, and what was ingested can
//! be counted against an independent source, without anything being stored. A [`Relay`] serves such a world,
//! or frames from a file, to any number of clients, and does to them what hosts and networks do.
//!
//! # The one contract
//!
//! Expectation and bytes come from the same values, and neither from the other. The crate encodes its own
//! bytes and depends on none of the crates that it is there to exercise. What goes wrong does so because it
//! was planned, and is counted.
//!
//! # Layout
//!
//! - [`World`] and [`WorldSettings`]: frames and expectations by number or seq.
//! - [`LabelWorld`]: the same for a labeler; [`SentLabel`] is what it says. By [`SignatureSettings`] it signs, with keys
//!   that change and with signatures that do not hold; [`Standing`] is what a verifier must find.
//! - [`Feed`]: where a relay's frames come from: a world, a labeler, a prepared [`Ring`], or canned bytes
//!   ([`read_frames`]).
//! - [`Relay`] and [`RelaySettings`]: the host; [`CursorRules`] and [`Pace`] for how it behaves in good
//!   times, [`FaultPlan`] and [`Rule`] for the others, [`Connection`] for what it has seen.
//! - [`ListingSettings`]: what a host lists over HTTP on the same address, and by which [`ListingRules`];
//!   [`PageFault`] for what goes wrong with pages, [`PageRequest`] for what it was asked. A PDS is a [`Relay`] that
//!   lists one [`Share`] of the world's accounts.
//! - [`Labeler`]: a labeler's labels, host and document together; it changes its key and its host
//!   ([`Labeler::move_away`]), and its document follows. [`SigningKey`] and [`Document`] for what has to be made by hand.
//! - [`Directory`]: a directory of `did:plc` that serves [`Documents`]; [`LookupFault`] for what goes wrong with them,
//!   [`Lookup`] for what it was asked. A host of `did:web` serves the same ones ([`RelaySettings::documents`]).
//! - [`Authority`]: certificates for `wss://` and `https://`.
//! - [`Value`], [`Cid`] and [`frame`]: the encoders, for bytes of one's own making.
//!
//! # Example
//!
//! ```
//! use standpipe_simulator::{Feed, Relay, RelaySettings, Rule, StreamFault, World, WorldSettings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), standpipe_simulator::SimulatorError> {
//! let world = World::new(WorldSettings { seed: 7, ..WorldSettings::default() });
//! let settings = RelaySettings { backlog: 1000, ..RelaySettings::default() };
//! let relay = Relay::start(Feed::World(world.clone()), settings)?;
//! assert!(relay.url().starts_with("ws://127.0.0.1:"));
//!
//! // The first client is cut off once, after 500 frames.
//! let cut = relay.faults().add(Rule::after_frames(500, StreamFault::Reset).times(1));
//! assert_eq!(relay.faults().fired(cut), 0);
//!
//! // What any client must make of the newest frame:
//! let newest = relay.newest_seq().unwrap_or_default();
//! for event in world.expected(newest).unwrap_or_default() {
//!     assert_eq!(event.seq, newest);
//! }
//! # Ok(())
//! # }
//! ```

mod directory;
mod encode;
mod error;
mod feed;
mod key;
mod labeler;
mod labels;
mod listing;
mod net;
mod relay;
mod world;

pub use directory::{Directory, Document, Documents, Lookup, LookupFault, plc_did};
pub use encode::{Cid, Value, frame};
pub use error::SimulatorError;
pub use feed::{Canned, Feed, Ring, read_frames, write_frames};
pub use key::{Curve, SigningKey};
pub use labeler::{Labeler, Leaving};
pub use labels::{
    Issuer, LabelKey, LabelWorld, NegFalse, SentLabel, SignatureFlaw, SignatureSettings, Signing, Standing,
};
pub use listing::{
    ListEnd, ListedAccount, ListedHost, ListingRules, ListingSettings, PageFault, PageRequest, PageShape,
    RateLimit, Retry, RowFlaw, Share, Tokens,
};
pub use net::Authority;
pub use relay::{
    AtEnd, Connection, CursorRules, Ended, FaultId, FaultPlan, FutureCursor, Inside, Message, Pace, Relay,
    RelaySettings, Rule, Silence, StreamFault, TooOld, UpgradeFault,
};
pub use world::{Change, Event, FrameSize, Mix, Place, World, WorldSettings};

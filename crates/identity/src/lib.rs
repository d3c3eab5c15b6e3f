//! Who signs: DIDs to documents, documents to keys, keys and signatures to verdicts.
//!
//! **The one contract:** strangers choose what is looked up, so nothing here is without a bound. A lookup has a deadline,
//! a turn, a size and an address that is allowed ([`Bounds`], [`WebReach`]); there is one for each DID at a time; what is
//! remembered, of failures too, is bounded in number and age. And no trouble with a lookup delays a stream of labels
//! beyond its [`VerdictQueue`]: what cannot be told in time is [`Verdict::Unverified`], and says why.
//!
//! # How a daemon uses it
//!
//! - It has one [`Resolver`] for the whole process, and runs [`Resolver::drive`] in a child of its own, so that a lookup
//!   goes on whose waiter waits for something else.
//! - It has [`Followed::connect`] ask a [`Residence`] where a labeler is, before each connection; the source of frames then
//!   looks again on a schedule. [`ResidenceError`] says what helps
//!   ([`Transient`](standpipe_pipeline::Transient)).
//! - It wraps the source of frames in [`Verified::frames`], whose items come with a [`Verdict`] for each [`Claim`].
//! - It keeps [`Resolver::keepsakes`] where the next process finds them, which has them [recalled](Resolver::recall).
//! - Other signatures, such as those of commits, are checked with [`Identity::repo_key`] and [`PublicKey::verify`].
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `resolver` | [`Resolver`]: what a lookup is, and who waits for it |
//! | `memory`, `generations` | what is known, what failed, what is on its way; how old, and how much |
//! | `keepsakes` | what the next process is told of it |
//! | `lane` | turns: how many lookups at once, and how far apart |
//! | `address` | where the document of a DID is |
//! | `document` | [`Identity`], what a document says |
//! | `key`, `base58` | [`PublicKey`], and signatures of both curves |
//! | `claim` | [`Claim`], what is needed of a label to verify it |
//! | `verifier`, `verdict` | [`Verifier`]: a claim and a key to a [`Verdict`]; when a key is fetched again |
//! | `queue`, `verified` | [`VerdictQueue`] and [`Verified`]: verdicts in order, within bounds |
//! | `residence`, `followed` | [`Residence`], where a labeler is; [`Followed`]: its frames, until it has moved |
//! | `settings`, `error` | [`Settings`] and [`Bounds`]; [`ResolveError`] |
//!
//! # Example
//!
//! ```no_run
//! # use std::sync::Arc;
//! use standpipe_eventstream::{Frame, LabelMessage};
//! use standpipe_identity::{Bounds, Claim, History, Resolver, Settings, Verifier, WebReach};
//!
//! # async fn example(tls: Arc<rustls::ClientConfig>, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let resolver = Resolver::new(&Settings {
//!     user_agent: "standpipe/0.1.0 (+mailto:ops@example.com)".to_owned(),
//!     tls,
//!     directory: "plc.directory".parse()?,
//!     web: WebReach::Public,
//!     bounds: Bounds::default(),
//! })?;
//! let labeler = resolver.resolve("did:plc:ar7c4by46qjdydhdevvrndac").await?;
//! println!("it is at {:?}", labeler.labeler().map(|host| host.name()));
//!
//! let verifier = Verifier::new(resolver, History::default());
//! let mut scratch = Vec::new();
//! if let Frame::Message(message) = Frame::parse(bytes)?
//!     && let LabelMessage::Labels(labels) = LabelMessage::parse(&message)?
//! {
//!     for label in labels.labels().flatten() {
//!         let verdict = verifier.verify(&Claim::of(&label, &mut scratch)).await;
//!         println!("{} is {} ({})", label.val, verdict.word(), verdict.reason());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod base58;
mod claim;
mod document;
mod error;
mod followed;
mod generations;
mod keepsakes;
mod key;
mod lane;
mod memory;
mod queue;
mod residence;
mod resolver;
mod settings;
mod verdict;
mod verified;
mod verifier;

pub use claim::Claim;
pub use document::{DocumentFault, Identity};
pub use error::{ResolveError, SetupError};
pub use followed::{FollowError, Followed};
pub use key::{Curve, KeyFault, PublicKey, SignatureFault};
pub use queue::{Judged, Patience, VerdictQueue};
pub use residence::{Residence, ResidenceError};
pub use resolver::Resolver;
pub use settings::{Bounds, Settings, WebReach};
pub use verdict::{Doubt, Flaw, Verdict};
pub use verified::{ClaimsOfFrame, Verified};
pub use verifier::{History, Verifier};

//! One websocket subscription of one AT Protocol host, as a [`Source`](standpipe_pipeline::Source) of raw messages.
//!
//! It connects (IPv6 and IPv4 raced, TLS unless written otherwise), asks the host to go on from a cursor, and hands
//! on every message as it is, without a copy: text, which the protocol does not have, and what is somewhat too large
//! as well. What a message says, and whether it was met before, is a decoder's matter: if a broken message ended the
//! connection each time, it would come again from the same cursor for ever.
//!
//! **The one contract:** a subscription is either alive or over. Every wait has a deadline of its own, so a host that
//! is silent, half open, trickling or babbling ends in a typed error with its remedy, and a new subscription begins
//! from the durable cursor.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `subscription` | [`Subscription`], the thin shell around the sockets |
//! | `session` | whether a silent host still lives: pure, told the time |
//! | `frames`, `wire` | frame boundaries followed in the bytes that pass, so that a message under way is seen |
//! | `dial`, `race`, `transport` | name, addresses, TCP and TLS, under one deadline |
//! | `upgrade`, `answer`, `refusal` | the HTTP exchange; its answers are parsed and judged without I/O |
//! | `settings` | [`Settings`] and [`Deadlines`] |
//! | `tls` | [`Tls`], whom we trust, and [`Roots`], what was found |
//! | `user_agent` | [`UserAgent`], who we say that we are |
//! | `quoted` | [`Quoted`], hostile text fit for a log |
//!
//! # Example
//!
//! ```no_run
//! use standpipe_cursor::Resume;
//! use standpipe_pipeline::{RawMessage, Silent, Source};
//! use standpipe_subscription::{Deadlines, Settings, Subscription, Tls, UserAgent};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings {
//!     user_agent: UserAgent::with_contact("mailto:ops@example.com")?,
//!     tls: Tls::with_platform_roots(),
//!     deadlines: Deadlines::repos(),
//! };
//! let host = "bsky.network".parse()?;
//! let nsid = "com.atproto.sync.subscribeRepos";
//! let mut subscription = Subscription::connect(&settings, &host, nsid, Resume::Live, &Silent::shared()).await?;
//! while let Some(message) = subscription.next().await? {
//!     match message {
//!         RawMessage::Binary(frame) => println!("a frame of {} bytes", frame.len()),
//!         RawMessage::Text(text) => println!("{} bytes of text, which is no frame", text.len()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod dial;
mod error;
mod frames;
mod quoted;
mod race;
mod refusal;
mod session;
mod settings;
mod subscription;
mod tls;
mod transport;
mod upgrade;
mod user_agent;
mod wire;

pub use dial::{Permits, reach, reach_where};
pub use error::{AnswerFault, Phase, SubscriptionError};
pub use quoted::Quoted;
pub use refusal::Refusal;
pub use settings::{Deadlines, MAX_MESSAGE_BYTES, Settings};
pub use subscription::Subscription;
pub use tls::{Roots, RootsFrom, Tls};
pub use transport::Transport;
pub use user_agent::{ContactError, UserAgent};

//! HTTP GETs to hosts that strangers may have named: where they may lead, how much is read, what came back.
//!
//! **The one contract:** an answer is a whole body with status 200, within the size that was allowed, from an address
//! that was allowed; everything else is a [`Fault`] that names which rule it broke. What is judged is what is dialled:
//! the [`Guard`] is the client's resolver, redirects are followed here and not by the client, and the environment's
//! proxies are not used.
//!
//! It has no deadline, no rate and no retry of its own, since those belong to whoever knows what the request is for.
//! Whoever asks for pages or documents owns such a [`Client`]; no other crate of ours speaks HTTP to the network.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `client` | [`Client`], one exchange: redirects, body, status |
//! | `guard`, `address` | [`Guard`]: which addresses may be connected to; [`is_private`], what an address is |
//! | `pace` | what a host's headers say of our rate |
//! | `fault` | [`Fault`], what came back where it was no answer |
//! | `settings` | [`Settings`] |
//!
//! # Example
//!
//! ```no_run
//! # use std::sync::Arc;
//! use standpipe_guarded_http::{Client, Guard, Settings};
//!
//! # async fn example(tls: Arc<rustls::ClientConfig>) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings {
//!     user_agent: "standpipe/0.1.0 (+mailto:ops@example.com)".to_owned(),
//!     tls,
//!     accept: "application/json",
//!     redirects: 3,
//!     body_max_bytes: 262_144,
//!     idle_connections: 1,
//! };
//! // The name was told by the network, so it leads to public addresses only.
//! let client = Client::new(&settings, Guard::public())?;
//! let answer = client.get("https://example.com/.well-known/did.json".parse()?, Vec::new()).await?;
//! println!("{} bytes", answer.body.len());
//! # Ok(())
//! # }
//! ```

mod address;
mod client;
mod fault;
mod guard;
mod pace;
mod settings;

pub use address::is_private;
pub use client::{Answer, Client};
pub use fault::{Fault, PrivateAddress, RedirectFault, excerpt};
pub use guard::Guard;
pub use reqwest::{Error as ClientError, Url};
pub use settings::Settings;

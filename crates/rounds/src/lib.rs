//! One host's list of repos, read in rounds: everything once, then what is new now and then, and everything again.
//!
//! **The one contract:** a repo that the host could serve is in the sink, and "done" is said only behind the last of them.
//! Each kind of round has a cursor of its own, so that none disturbs what another has reached.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `rounds` | [`Rounds`]: which round comes next, and when |
//! | `feed`, `decoder` | one round's pages, from the walk to the decoder of rows |
//! | `gaps` | what could not be read, asked for again |
//! | `hosts` | [`HostWalk`]: the hosts that a relay names, taken on one by one |
//! | `pages`, `turns` | how hosts take turns where they are many |
//! | `mark` | what is stored of a host in place of a page's cursor |
//! | `marks`, `owed` | what is stored beside that: where the next round begins, and what is owed |
//! | `account` | what a round has listed, kept beside its cursor |
//! | `counting` | the sink that keeps the account, and tells of what is owed |
//! | `estimate` | how many repos the host may have |
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use standpipe_cursor::Endpoint;
//! use standpipe_daemon::HostSetup;
//! use standpipe_list_repos::{Repos, Settings};
//! use standpipe_projection::ListedRepoSettings;
//! use standpipe_rounds::{Estimate, Rounds, Turns};
//!
//! // How a daemon reads a host.
//! fn reader(host: &Endpoint, setup: HostSetup<'_>, settings: Settings) -> Rounds<Repos> {
//!     let HostSetup { plan, key, prober, .. } = setup;
//!     Rounds {
//!         listing: Repos,
//!         settings,
//!         host: host.clone(),
//!         repos: ListedRepoSettings::default(),
//!         key,
//!         limits: plan.limits,
//!         prober: Some(prober),
//!         state: plan.state.path().to_owned(),
//!         interval: Some(Duration::from_mins(5)),
//!         again: None,
//!         gaps_again: Some(Duration::from_hours(1)),
//!         estimate: Estimate::Ask,
//!         patience: None,
//!         turns: Turns::new(1),
//!     }
//! }
//! ```

mod account;
mod counting;
mod decoder;
mod estimate;
mod feed;
mod gaps;
mod hosts;
mod mark;
mod marks;
mod owed;
mod pages;
mod rounds;
#[cfg(test)]
mod scripted;
mod turns;

pub use hosts::{HostWalk, Known, NamedHost};
pub use rounds::{Estimate, Rounds};
pub use turns::Turns;

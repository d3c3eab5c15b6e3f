//! Paged enumerations of one AT Protocol host, as [`Source`](standpipe_pipeline::Source)s of pages: its repos, its
//! hosts, its repos with a collection.
//!
//! A walk asks for one page after the other, each behind the cursor of the last, and hands it on with both cursors. It
//! waits out what passes by itself (rate limits, failures, outages) inside, so that what it has learned of a page is
//! not lost, and says so through [`Observation::Waiting`](standpipe_pipeline::Observation::Waiting). It can do so
//! without a risk to any cursor, because none moves but by a page that was handed on.
//!
//! **The one contract:** the end is the end. `None` comes behind a page that the host itself called the last one, and
//! never because of a circle, a broken answer, a cap or a refusal: those are errors ([`ListError`]) that say what to
//! do. Every row that the host could serve is in a page, or is counted there with its reason, or lies in a [`Gap`]
//! that the page names. The first few of a page that are only counted are shown to the observer, as
//! [`Observation::Quarantined`](standpipe_pipeline::Observation::Quarantined).
//!
//! # How a daemon uses it
//!
//! - It opens a walk behind the stored cursor (none: from the beginning) and gives it to a pump. Its decoder writes a
//!   page's rows, adds [`Rows::dropped`] to the batch's counts, and closes the frame with the page's cursor, so that
//!   both are stored in one step. A page whose [`Page::through`] is [`Through::End`] has no cursor: its rows are
//!   closed with the mark for "done", which is thereby stored with the last rows and never before them.
//! - `!ingester-done` is no cursor: [`Walk::open`] refuses it. What a finished run goes on from is the daemon's to
//!   remember. A host that leaves the cursor out of its last page gives that page's rows again then.
//! - [`Observation::Waiting`](standpipe_pipeline::Observation::Waiting) is a stated reason for no progress: the
//!   supervisor must hear of it, or the child looks stalled. Its reasons are those of [`Fault::label`], `rate_limit`
//!   (paced before being refused) and `search` (past a page that fails).
//!   [`Observation::Answered`](standpipe_pipeline::Observation::Answered) ends the wait.
//! - Hosts that `listHosts` names are opened with [`Reach::Public`], unless the relay itself is at a private address
//!   ([`Walk::host_is_private`]), and with [`Bounds::give_up_after`], so that dead ones do not keep others waiting.
//! - A [`Gap`] is worth coming back to: [`Revisit`] asks for what is in it, and for nothing behind it.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `walk` | [`Walk`], the source: [`ListRepos`], [`ListHosts`], [`ListReposByCollection`] |
//! | `course`, `ladder`, `search`, `seen` | where it is, the stop rules, what to do about a page that fails; pure |
//! | `revisit`, `visit` | [`Revisit`], the source of what can be read of gaps later |
//! | `pages`, `flight` | where pages are asked for; one request on its way, with its deadline |
//! | `listing`, `repo_rows`, `host_rows`, `body`, `lenient` | what a page says, read in one pass |
//! | `refused` | rows that cannot be used, a few a page, as they were received |
//! | `page`, `repo_page` | [`Page`] and [`Gap`]; what a decoder sees of a page of repos |
//! | `settings` | [`Settings`] and [`Bounds`] |
//! | `error`, `fault` | [`ListError`], why a walk ends; [`Fault`], what one request came back with |
//!
//! # Example
//!
//! ```no_run
//! # use std::sync::Arc;
//! use standpipe_list_repos::{Bounds, ListRepos, PageLimit, Poison, Reach, Repos, Settings};
//! use standpipe_pipeline::{Silent, Source};
//!
//! # async fn example(tls: Arc<rustls::ClientConfig>) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings {
//!     user_agent: "standpipe/0.1.0 (+mailto:ops@example.com)".to_owned(),
//!     tls,
//!     reach: Reach::Written,
//!     limit: PageLimit::default(),
//!     poison: Poison::Hold,
//!     bounds: Bounds::default(),
//! };
//! let host = "bsky.network".parse()?;
//! let mut repos = ListRepos::open(&Repos, &settings, &host, None, Silent::shared())?;
//! while let Some(page) = repos.next().await? {
//!     println!("{} repos, through {:?}", page.rows.iter().len(), page.through);
//! }
//! # Ok(())
//! # }
//! ```

mod body;
mod course;
mod error;
mod fault;
mod flight;
mod host_rows;
mod ladder;
mod lenient;
mod listing;
mod page;
mod pages;
mod refused;
mod repo_page;
mod repo_rows;
mod revisit;
mod search;
mod seen;
mod settings;
mod visit;
mod walk;

pub use error::{ListError, Place};
pub use fault::{BodyFault, Fault};
pub use host_rows::{Host, HostRows};
pub use listing::{Hosts, Listing, Repos, ReposByCollection, Rows};
pub use page::{Gap, Page, Through};
pub use repo_rows::{Repo, RepoRows};
pub use revisit::{Revisit, Revisited};
pub use settings::{Bounds, PageLimit, Poison, Reach, Settings};
pub use walk::{Advance, ListHosts, ListRepos, ListReposByCollection, Walk};

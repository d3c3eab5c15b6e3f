use serde::de::MapAccess;
use standpipe_pipeline::Counts;

use crate::{HostRows, RepoRows};

/// One of the paged enumerations that a host may have. Implemented by this crate: [`Repos`], [`Hosts`] and
/// [`ReposByCollection`].
pub trait Listing: Send + 'static {
    /// What its pages list.
    type Rows: Rows;
    /// The method's name.
    const NSID: &'static str;
    /// The field of a page that has its rows.
    const FIELD: &'static str;
    /// The largest `limit` that its lexicon allows.
    const MAX_LIMIT: u16;

    /// A parameter beside `limit` and `cursor`.
    fn parameter(&self) -> Option<(&'static str, &str)> {
        None
    }
}

/// The rows of one page. What cannot be used is counted by reason and costs nothing else.
pub trait Rows: Default + Send + 'static {
    /// Takes the row of which these are the fields.
    ///
    /// # Errors
    ///
    /// What the reader says: the JSON itself is broken.
    fn take<'de, A: MapAccess<'de>>(&mut self, fields: A) -> Result<(), A::Error>;

    /// Takes note of a row that is no object.
    fn take_malformed(&mut self);

    /// Judges what depends on the host: whether its own addresses are private ones.
    fn judge(&mut self, host_is_private: bool) {
        let _ = host_is_private;
    }

    /// How many rows can be used.
    fn len(&self) -> usize;

    /// Whether no row can be used.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows that cannot be used, by reason.
    fn dropped(&self) -> &Counts;

    /// The name in the first row.
    fn first(&self) -> Option<&str>;

    /// The name in the last row.
    fn last(&self) -> Option<&str>;

    /// Forgets the first row.
    fn forget_first(&mut self);
}

/// `com.atproto.sync.listRepos`: all repos of a host.
///
/// Source: <https://docs.bsky.app/docs/api/com-atproto-sync-list-repos>.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repos;

impl Listing for Repos {
    type Rows = RepoRows;
    const NSID: &'static str = "com.atproto.sync.listRepos";
    const FIELD: &'static str = "repos";
    const MAX_LIMIT: u16 = 1000;
}

/// `com.atproto.sync.listHosts`: all hosts that a relay reads.
///
/// Source: <https://docs.bsky.app/docs/api/com-atproto-sync-list-hosts>.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hosts;

impl Listing for Hosts {
    type Rows = HostRows;
    const NSID: &'static str = "com.atproto.sync.listHosts";
    const FIELD: &'static str = "hosts";
    const MAX_LIMIT: u16 = 1000;
}

/// `com.atproto.sync.listReposByCollection`: the repos that have records of a collection. Its rows have only a DID,
/// so `head` and `rev` are empty.
///
/// Source: <https://docs.bsky.app/docs/api/com-atproto-sync-list-repos-by-collection>.
#[derive(Clone, Debug)]
pub struct ReposByCollection {
    /// The collection's NSID.
    pub collection: String,
}

impl Listing for ReposByCollection {
    type Rows = RepoRows;
    const NSID: &'static str = "com.atproto.sync.listReposByCollection";
    const FIELD: &'static str = "repos";
    const MAX_LIMIT: u16 = 2000;

    fn parameter(&self) -> Option<(&'static str, &str)> {
        Some(("collection", &self.collection))
    }
}

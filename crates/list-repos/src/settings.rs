use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

/// How to enumerate: the same for all hosts of one kind.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we say that we are: the value of `User-Agent`.
    pub user_agent: String,
    /// Whom we trust, with ring as its provider. All hosts share one.
    pub tls: Arc<ClientConfig>,
    /// Where the host's name may lead.
    pub reach: Reach,
    /// How many rows are asked for at a time. Held below the method's own maximum.
    pub limit: PageLimit,
    /// What to do about a row that breaks its page.
    pub poison: Poison,
    /// What bounds a run.
    pub bounds: Bounds,
}

/// Where a host's name may lead. Public addresses always are permitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// An operator wrote the name: it may lead to a private address. If it leads to no other, what the host redirects to
    /// may too.
    #[default]
    Written,
    /// The network told the name: it leads to public addresses only.
    Public,
}

/// How many rows a page may have, from 2 to 2000. With 1, a relay never says that there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The smallest.
    pub const MIN: u16 = 2;
    /// The largest that any method takes.
    pub const MAX: u16 = 2000;

    /// A limit, or `None` outside 2..=2000.
    #[must_use]
    pub const fn new(rows: u16) -> Option<Self> {
        if rows < Self::MIN || rows > Self::MAX { None } else { Some(Self(rows)) }
    }

    /// The number of rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.0
    }
}

impl Default for PageLimit {
    /// 1000, the most that `listRepos` takes.
    fn default() -> Self {
        Self(1000)
    }
}

/// What to do about a row for which a host cannot serve the page that it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Poison {
    /// Keep the cursor before it, and tell a human.
    #[default]
    Hold,
    /// Where the cursor is a number: add 1 to it until the host serves a page again. What lies between is a gap.
    SkipRow {
        /// How often 1 is added at most, before a human is told all the same. A host's numbers may have holes.
        at_most: u32,
    },
}

/// What bounds a run: memory by bytes, waiting by the clock, work by counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long one page may take, with its redirects, from the request to the last byte. Default 30 s.
    pub page_within: Duration,
    /// The largest page in bytes, inflated. It is read piece by piece, never allocated ahead. Default 5,000,000;
    /// 1000 repos have about 200,000.
    pub page_max_bytes: usize,
    /// The most pages of one run. Default 1,000,000.
    pub max_pages: u64,
    /// How many cursors are remembered to notice a circle, the newest. Default 262,144, which are some 8 MB.
    pub seen_cursors: usize,
    /// How often a page is asked for before its limit shrinks, and before a circle is believed. Default 3.
    pub tries: NonZeroU32,
    /// How many requests may fail in a row before the run ends, so that another host has its turn; of a first page, with
    /// one more for each smaller limit. Default `None`: it is tried for ever, which is right where the host is the only
    /// one.
    pub give_up_after: Option<NonZeroU32>,
    /// The ceiling of the first wait after a failure; the waits are drawn evenly below it, and it doubles. Default 1 s.
    pub backoff_base: Duration,
    /// The highest ceiling. Default 5 min.
    pub backoff_cap: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            page_within: Duration::from_secs(30),
            page_max_bytes: 5_000_000,
            max_pages: 1_000_000,
            seen_cursors: 262_144,
            tries: const { NonZeroU32::new(3).expect("above zero") },
            give_up_after: None,
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_mins(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_at_least_two() {
        for (rows, limit) in [(0, None), (1, None), (2, Some(2)), (2000, Some(2000)), (2001, None)] {
            assert_eq!(PageLimit::new(rows).map(PageLimit::rows), limit);
        }
    }
}

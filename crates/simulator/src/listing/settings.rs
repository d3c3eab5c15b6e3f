//! What a host has to list.

use std::time::Duration;

use crate::listing::{ListedAccount, ListingRules};
use crate::world::World;

/// What a host has to list, and how it does.
#[derive(Clone, Debug)]
pub struct ListingSettings {
    /// The world whose accounts it has. Nothing of it is stored: a million accounts take no more memory than one.
    pub world: World,
    /// Which of them it has.
    pub share: Share,
    /// How it lists them.
    pub rules: ListingRules,
    /// How many requests it takes.
    pub rate_limit: Option<RateLimit>,
    /// What `listHosts` answers; as given, so it may be nonsense.
    pub hosts: Vec<ListedHost>,
}

impl ListingSettings {
    /// All accounts of a world, as a relay lists them.
    #[must_use]
    pub fn relay(world: World) -> Self {
        Self { world, share: Share::ALL, rules: ListingRules::RELAY, rate_limit: None, hosts: Vec::new() }
    }

    /// One of so many shares of a world's accounts, as a PDS lists them.
    #[must_use]
    pub fn pds(world: World, share: Share) -> Self {
        Self { share, rules: ListingRules::PDS, ..Self::relay(world) }
    }

    /// How many accounts the host has, active or not.
    #[must_use]
    pub fn accounts(&self) -> u64 {
        let all = u64::from(self.world.settings().accounts.get());
        all.saturating_sub(self.share.index).div_ceil(self.share.of.max(1))
    }

    /// The host's account at a place of its list, listed or not; `None` beyond its last.
    #[must_use]
    pub fn account_at(&self, place: u64) -> Option<ListedAccount> {
        let account = place.checked_mul(self.share.of.max(1))?.checked_add(self.share.index)?;
        self.world.listed_account(account)
    }

    /// Whether the host lists the account.
    #[must_use]
    pub fn lists(&self, account: &ListedAccount) -> bool {
        account.active || self.rules.inactive
    }
}

/// One of several equal shares of a world's accounts: each account belongs to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which share, from 0.
    pub index: u64,
    /// How many there are.
    pub of: u64,
}

impl Share {
    /// The only share, which is all.
    pub const ALL: Self = Self { index: 0, of: 1 };
}

/// How many requests a host takes: so many in so much time, then 429 until the time is over.
///
/// Every answer says how many are left, in `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in one window.
    pub requests: u32,
    /// The window's length. Whole seconds; at least one.
    pub window: Duration,
}

/// A row of `listHosts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedHost {
    /// The host's name, as the list has it.
    pub hostname: String,
    /// The seq that the relay is at.
    pub seq: Option<u64>,
    /// How many accounts the relay knows there.
    pub account_count: Option<u64>,
    /// `active`, `idle`, `offline`, `throttled`, `banned`, or something new.
    pub status: Option<String>,
}

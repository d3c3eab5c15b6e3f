//! Lists over HTTP: `listRepos`, `listHosts` and `listReposByCollection` of one host.

mod account;
mod fault;
mod ledger;
mod limiter;
mod page;
mod rules;
mod serve;
mod settings;
mod token;

pub use self::account::ListedAccount;
pub(crate) use self::fault::{PageAsked, PageAt};
pub use self::fault::{PageFault, PageShape, Retry, RowFlaw};
pub use self::ledger::PageRequest;
use self::limiter::Limiter;
pub use self::rules::{ListEnd, ListingRules, Tokens};
pub(crate) use self::serve::{is_list, serve};
pub use self::settings::{ListedHost, ListingSettings, RateLimit, Share};
use crate::relay::Ledger;

/// The lists of a running host.
#[derive(Debug)]
pub(crate) struct Listing {
    settings: ListingSettings,
    limiter: Option<Limiter>,
    pub(crate) requests: Ledger<PageRequest>,
}

impl Listing {
    pub(crate) fn new(settings: ListingSettings) -> Self {
        let limiter = settings.rate_limit.map(Limiter::new);
        Self { settings, limiter, requests: Ledger::new() }
    }

    pub(crate) fn settings(&self) -> &ListingSettings {
        &self.settings
    }
}

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::recent::Recent;

/// Which host has announced which repo in a run, so that each is announced once, however many hosts list it.
///
/// Shared by the decoders of all hosts; clones are the same memory. A row is passed over where **another** host has
/// announced its account as active, or where the row says no more than that it is not active and another host said so
/// too. So an account that has moved is announced by its new host even after the old one listed it as deactivated.
/// A host never passes over what it announced itself: it may be reading a page again that did not become durable.
///
/// Memory is bounded: about 40 bytes an account, at most for the number of accounts given. Beyond it the accounts that
/// were met longest ago are forgotten, and announced again by the next host that lists them. The bound never loses a
/// repo, nor does a restart, which forgets all.
///
/// What it trusts: that a host which announced an account gets its page into the sink. Where a host ends for ever
/// between the two, its enumeration stays unfinished, and accounts of that one page can be missing although other
/// hosts list them. And it believes hosts: one that lists accounts which it does not have is announced in place of the
/// one that has them.
#[derive(Clone, Debug)]
pub struct Announcements {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    recent: Recent<Claim>,
    hosts: u32,
}

/// Who announced an account last, and as what.
#[derive(Clone, Copy, Debug)]
struct Claim {
    host: HostNumber,
    active: bool,
}

/// One host among those that share [`Announcements`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostNumber(u32);

impl Announcements {
    /// A memory of at most so many accounts.
    #[must_use]
    pub fn bounded(accounts: NonZeroUsize) -> Self {
        let state = State { recent: Recent::bounded(accounts), hosts: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The share of one host, kept for as long as the run lasts, whatever becomes of its decoders.
    #[must_use]
    pub fn of_host(&self) -> HostAnnouncements {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.hosts += 1;
        HostAnnouncements { host: HostNumber(state.hosts), all: self.clone() }
    }
}

/// What one host announces among all, see [`Announcements`]. Clones are the same host.
#[derive(Clone, Debug)]
pub struct HostAnnouncements {
    host: HostNumber,
    all: Announcements,
}

impl HostAnnouncements {
    /// Whether this host is the one to announce the account; then it has.
    pub(crate) fn claim(&self, did: &str, active: bool) -> bool {
        let ours = Claim { host: self.host, active };
        let is_ours =
            |known: Option<Claim>| known.is_none_or(|by| by.host == self.host || (active && !by.active));
        // The memory is whole between any two statements, so a panic elsewhere leaves it usable.
        let mut state = self.all.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.recent.meet(did, |known| match known {
            // A host that lists an account both ways has announced it as active.
            Some(by) if by.host == self.host => Claim { active: active || by.active, ..ours },
            Some(by) if !is_ours(known) => by,
            Some(_) | None => ours,
        });
        is_ours(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_hosts(accounts: usize) -> (HostAnnouncements, HostAnnouncements) {
        let all = Announcements::bounded(NonZeroUsize::new(accounts).unwrap());
        (all.of_host(), all.of_host())
    }

    #[test]
    fn the_first_host_announces_an_account_and_no_other_does() {
        let (first, second) = two_hosts(100);
        assert!(first.claim("did:plc:a", true));
        assert!(!second.claim("did:plc:a", true));
        assert!(!second.claim("did:plc:a", false));
        assert!(second.claim("did:plc:b", true));
        assert!(!first.claim("did:plc:b", true));
    }

    #[test]
    fn i1_a_host_that_reads_a_page_again_announces_it_again() {
        let (first, second) = two_hosts(100);
        assert!(first.claim("did:plc:a", true) && first.clone().claim("did:plc:a", true));
        assert!(!second.claim("did:plc:a", true));
    }

    #[test]
    fn an_account_that_moved_is_announced_by_its_new_host_too() {
        let (old, new) = two_hosts(100);
        assert!(old.claim("did:plc:a", false));
        assert!(new.claim("did:plc:a", true));
        assert!(!old.claim("did:plc:a", false));
        assert!(new.claim("did:plc:a", true));
    }

    #[test]
    fn beyond_the_bound_an_account_is_announced_again_rather_than_lost() {
        let (first, second) = two_hosts(10);
        assert!(first.claim("did:plc:a", true));
        for number in 0..10 {
            assert!(first.claim(&format!("did:plc:{number}"), true));
        }
        assert!(second.claim("did:plc:a", true));
    }
}

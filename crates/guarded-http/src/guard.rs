use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::address::is_private;
use crate::fault::PrivateAddress;

/// Says which addresses may be connected to. It is the HTTP client's resolver, so what it lets pass is what is dialled.
///
/// Public addresses always are permitted.
#[derive(Clone)]
pub struct Guard {
    rule: Arc<Rule>,
}

struct Rule {
    /// The name that an operator wrote.
    host: Option<String>,
    /// Whether private addresses are permitted to all.
    is_private_network: bool,
    /// What kinds of addresses the written name has led to.
    was_private: AtomicBool,
    was_public: AtomicBool,
    is_private: fn(IpAddr) -> bool,
}

impl Guard {
    /// No private address, for names that the network told.
    #[must_use]
    pub fn public() -> Self {
        Self::new(None, false)
    }

    /// For one name that an operator wrote: it may lead to a private address. If it leads to no other, what the host
    /// redirects to may too; nobody else may. An IPv6 address is without its brackets.
    ///
    /// Who answers at a public address is a stranger, whatever else its name leads to, or led to before.
    #[must_use]
    pub fn written(host: &str) -> Self {
        Self::new(Some(host.to_owned()), false)
    }

    /// Private addresses for every name: for tests, and for a network that is private as a whole.
    #[must_use]
    pub fn private_network() -> Self {
        Self::new(None, true)
    }

    fn new(host: Option<String>, is_private_network: bool) -> Self {
        Self::with(host, is_private_network, is_private)
    }

    fn with(host: Option<String>, is_private_network: bool, is_private: fn(IpAddr) -> bool) -> Self {
        let [was_private, was_public] = [const { AtomicBool::new(false) }; 2];
        Self { rule: Arc::new(Rule { host, is_private_network, was_private, was_public, is_private }) }
    }

    /// As [`written`](Self::written), with another judgement of addresses, for tests that have only loopback ones.
    #[cfg(test)]
    pub(crate) fn judging(host: &str, is_private: fn(IpAddr) -> bool) -> Self {
        Self::with(Some(host.to_owned()), false, is_private)
    }

    /// Whether the written host was found at private addresses, and at no other, as far as it was looked up.
    #[must_use]
    pub fn host_is_private(&self) -> bool {
        self.rule.reaches_private()
    }

    /// Judges the host of a URL where it is an address: no resolver is asked for it. An IPv6 address may be in
    /// brackets.
    pub(crate) fn check_literal(&self, host: &str) -> Result<(), PrivateAddress> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(address) => self.rule.permitted(bare, [SocketAddr::new(address, 0)]).map(drop),
            Err(_) => Ok(()),
        }
    }
}

impl Rule {
    fn reaches_private(&self) -> bool {
        let [was_private, was_public] =
            [&self.was_private, &self.was_public].map(|was| was.load(Ordering::Relaxed));
        self.is_private_network || (was_private && !was_public)
    }

    /// Those of a name's addresses that may be connected to.
    fn permitted(
        &self,
        name: &str,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let (private, public): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| (self.is_private)(address.ip()));
        let is_host = self.host.as_deref() == Some(name);
        if is_host {
            self.was_private.fetch_or(!private.is_empty(), Ordering::Relaxed);
            self.was_public.fetch_or(!public.is_empty(), Ordering::Relaxed);
        }
        let Some(first) = private.first().map(SocketAddr::ip) else { return Ok(public) };
        if is_host || self.reaches_private() {
            return Ok([public, private].concat());
        }
        if public.is_empty() {
            return Err(PrivateAddress { name: name.to_owned(), address: first });
        }
        Ok(public)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = Arc::clone(&self.rule);
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let permitted = rule.permitted(name.as_str(), found)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(guard: &Guard, name: &str, found: &[&str]) -> Result<usize, IpAddr> {
        let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
        guard.rule.permitted(name, found).map(|found| found.len()).map_err(|error| error.address)
    }

    #[test]
    fn a_name_that_an_operator_wrote_may_lead_to_a_private_address_and_then_so_may_its_redirects() {
        let guard = Guard::written("relay.lan");
        assert!(permitted(&guard, "other.lan", &["10.0.0.2"]).is_err());
        assert_eq!(permitted(&guard, "relay.lan", &["10.0.0.1"]), Ok(1));
        assert!(guard.host_is_private());
        assert_eq!(permitted(&guard, "other.lan", &["10.0.0.2"]), Ok(1));
        guard.check_literal("127.0.0.1").unwrap();
    }

    #[test]
    fn a_public_host_leads_to_no_private_address() {
        let guard = Guard::written("bsky.network");
        assert_eq!(permitted(&guard, "bsky.network", &["1.1.1.1"]), Ok(1));
        assert_eq!(
            permitted(&guard, "evil.org", &["::ffff:10.0.0.1"]),
            Err("::ffff:10.0.0.1".parse().unwrap())
        );
        assert_eq!(permitted(&guard, "evil.org", &["169.254.169.254", "1.1.1.1"]), Ok(1));
        for literal in ["127.0.0.1", "[::1]", "[::ffff:192.168.0.1]", "100.64.0.1"] {
            assert!(guard.check_literal(literal).is_err(), "{literal}");
        }
        guard.check_literal("1.1.1.1").unwrap();
        guard.check_literal("evil.org").unwrap();
    }

    #[test]
    fn a_host_that_was_found_at_a_public_address_too_is_no_private_one() {
        let judged =
            |guard: &Guard| (guard.host_is_private(), permitted(guard, "other.lan", &["10.0.0.2"]).is_ok());
        // Both at once: who answers is at the public address, and names the private network its own.
        let guard = Guard::written("relay.org");
        assert_eq!(permitted(&guard, "relay.org", &["10.0.0.1", "1.1.1.1"]), Ok(2));
        assert_eq!(judged(&guard), (false, false));
        // One after the other, in any order.
        for found in [["10.0.0.1", "1.1.1.1"], ["1.1.1.1", "10.0.0.1"]] {
            let guard = Guard::written("relay.org");
            for address in found {
                assert_eq!(permitted(&guard, "relay.org", &[address]), Ok(1));
            }
            assert_eq!(judged(&guard), (false, false));
            assert!(guard.check_literal("169.254.169.254").is_err());
        }
    }

    #[test]
    fn a_name_that_the_network_told_leads_to_no_private_address_at_all() {
        let guard = Guard::public();
        assert!(permitted(&guard, "pds.evil.org", &["127.0.0.1"]).is_err());
        assert!(!guard.host_is_private());
    }
}

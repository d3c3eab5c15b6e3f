use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use standpipe_cursor::Endpoint;
use tokio::net::lookup_host;

use crate::Reach;
use crate::address::is_private;
use crate::fault::PrivateAddress;

/// Says which addresses may be connected to. It is the HTTP client's resolver, so what it lets pass is what is dialled.
///
/// The host itself may be at a private address where an operator wrote its name, and then it may also lead us to
/// others; nobody else may.
#[derive(Clone)]
pub(crate) struct Guard {
    rule: Arc<Rule>,
}

struct Rule {
    host: String,
    reach: Reach,
    /// Whether the host itself is at a private address, as far as it was looked up.
    host_is_private: AtomicBool,
    is_private: fn(IpAddr) -> bool,
}

impl Guard {
    pub(crate) fn of(endpoint: &Endpoint, reach: Reach) -> Self {
        Self::judging(endpoint, reach, is_private)
    }

    /// With another judgement of addresses, for tests that have only loopback ones.
    pub(crate) fn judging(endpoint: &Endpoint, reach: Reach, is_private: fn(IpAddr) -> bool) -> Self {
        let host = endpoint.host().to_owned();
        Self { rule: Arc::new(Rule { host, reach, host_is_private: AtomicBool::new(false), is_private }) }
    }

    /// Whether the host itself was found at a private address.
    pub(crate) fn host_is_private(&self) -> bool {
        self.rule.host_is_private.load(Ordering::Relaxed)
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
    /// Those of a name's addresses that may be connected to.
    fn permitted(
        &self,
        name: &str,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let (private, public): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| (self.is_private)(address.ip()));
        let Some(first) = private.first().map(SocketAddr::ip) else { return Ok(public) };
        if name == self.host && self.reach == Reach::Written {
            self.host_is_private.store(true, Ordering::Relaxed);
        }
        if self.host_is_private.load(Ordering::Relaxed) {
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

    fn guard(host: &str, reach: Reach) -> Guard {
        Guard::of(&host.parse().unwrap(), reach)
    }

    fn permitted(guard: &Guard, name: &str, found: &[&str]) -> Result<usize, IpAddr> {
        let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
        guard.rule.permitted(name, found).map(|found| found.len()).map_err(|error| error.address)
    }

    #[test]
    fn a_name_that_an_operator_wrote_may_lead_to_a_private_address_and_then_so_may_its_redirects() {
        let guard = guard("relay.lan", Reach::Written);
        assert!(permitted(&guard, "other.lan", &["10.0.0.2"]).is_err());
        assert_eq!(permitted(&guard, "relay.lan", &["10.0.0.1"]), Ok(1));
        assert!(guard.host_is_private());
        assert_eq!(permitted(&guard, "other.lan", &["10.0.0.2"]), Ok(1));
        guard.check_literal("127.0.0.1").unwrap();
    }

    #[test]
    fn a_public_host_leads_to_no_private_address() {
        let guard = guard("bsky.network", Reach::Written);
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
    fn a_name_that_the_network_told_leads_to_no_private_address_at_all() {
        let guard = guard("pds.evil.org", Reach::Public);
        assert!(permitted(&guard, "pds.evil.org", &["127.0.0.1"]).is_err());
        assert!(!guard.host_is_private());
    }
}

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};
use standpipe_cursor::Endpoint;
use standpipe_eventstream::Handle;
use standpipe_pipeline::Counts;

use crate::Rows;
use crate::lenient::Lenient;

/// Top-level domains that no public host has (RFC 2606, 6761, 6762, 7686, 9476, and ICANN's reserve).
const RESERVED: [&str; 10] =
    ["alt", "arpa", "example", "home", "internal", "invalid", "local", "localhost", "onion", "test"];

/// One row of a page of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Where the host is: a public name in lower case without a port. From a relay that is itself at a private
    /// address, anything that is an [`Endpoint`].
    pub hostname: String,
    /// The last seq that the relay has from it.
    pub seq: Option<u64>,
    /// How many accounts the relay knows there.
    pub account_count: Option<u64>,
    /// What the relay thinks of it: `active`, `idle`, `offline`, `throttled`, `banned`, or another word.
    pub status: Option<String>,
}

impl Host {
    /// Whether the relay wants nothing from it, and so should nobody.
    #[must_use]
    pub fn is_banned(&self) -> bool {
        self.status.as_deref() == Some("banned")
    }
}

/// The hosts of one page.
#[derive(Debug, Default)]
pub struct HostRows {
    hosts: Vec<Host>,
    dropped: Counts,
}

impl HostRows {
    /// The reason of a row that is no object.
    pub const MALFORMED_ROW: &'static str = "malformed_row";
    /// The reason of a row without a name that a host of the network can have.
    pub const INVALID_HOSTNAME: &'static str = "invalid_hostname";

    /// The rows in the relay's order.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Hostname,
    Seq,
    AccountCount,
    Status,
    #[serde(other)]
    Unknown,
}

impl Rows for HostRows {
    fn take<'de, A: MapAccess<'de>>(&mut self, mut fields: A) -> Result<(), A::Error> {
        let [mut hostname, mut seq, mut account_count, mut status] = [const { Lenient::Null }; 4];
        while let Some(field) = fields.next_key()? {
            match field {
                Field::Hostname => hostname = fields.next_value()?,
                Field::Seq => seq = fields.next_value()?,
                Field::AccountCount => account_count = fields.next_value()?,
                Field::Status => status = fields.next_value()?,
                Field::Unknown => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        match hostname.as_text().filter(|name| name.parse::<Endpoint>().is_ok()) {
            Some(hostname) => self.hosts.push(Host {
                hostname: hostname.to_owned(),
                seq: seq.as_count(),
                account_count: account_count.as_count(),
                status: status.as_text().map(str::to_owned),
            }),
            None => self.dropped.add(Self::INVALID_HOSTNAME),
        }
        Ok(())
    }

    fn take_malformed(&mut self) {
        self.dropped.add(Self::MALFORMED_ROW);
    }

    /// A relay of the network cannot send us to a private place; one in a private network may know its neighbours.
    fn judge(&mut self, host_is_private: bool) {
        if host_is_private {
            return;
        }
        let dropped = &mut self.dropped;
        self.hosts.retain(|host| {
            let is_public = is_public_name(&host.hostname);
            if !is_public {
                dropped.add(Self::INVALID_HOSTNAME);
            }
            is_public
        });
    }

    fn len(&self) -> usize {
        self.hosts.len()
    }

    fn dropped(&self) -> &Counts {
        &self.dropped
    }

    fn first(&self) -> Option<&str> {
        self.hosts.first().map(|host| host.hostname.as_str())
    }

    fn last(&self) -> Option<&str> {
        self.hosts.last().map(|host| host.hostname.as_str())
    }

    fn forget_first(&mut self) {
        if !self.hosts.is_empty() {
            self.hosts.remove(0);
        }
    }
}

fn is_public_name(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    Handle::parse(name).is_ok()
        && !name.bytes().any(|byte| byte.is_ascii_uppercase())
        && !RESERVED.contains(&top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    fn rows(json: &str, host_is_private: bool) -> HostRows {
        let body = format!(r#"{{"hosts":[{json}]}}"#);
        let mut rows = parse::<HostRows>(body.as_bytes(), "hosts").unwrap().rows;
        rows.judge(host_is_private);
        rows
    }

    #[test]
    fn a_row_is_what_the_relay_wrote() {
        let rows = rows(
            r#"{"hostname":"pds.bsky.network","seq":7,"accountCount":12,"status":"active"},
               {"hostname":"b.org","status":"banned","seq":-1,"accountCount":"many"}"#,
            false,
        );
        let host = |hostname: &str, seq, account_count, status: &str| Host {
            hostname: hostname.to_owned(),
            seq,
            account_count,
            status: Some(status.to_owned()),
        };
        assert_eq!(
            rows.hosts(),
            [host("pds.bsky.network", Some(7), Some(12), "active"), host("b.org", None, None, "banned")]
        );
        assert_eq!((rows.hosts()[0].is_banned(), rows.hosts()[1].is_banned()), (false, true));
    }

    #[test]
    fn a_hostname_that_leads_nowhere_public_is_counted_and_dropped() {
        let names = [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "pds.local",
            "pds.internal",
            "a.onion",
            "PDS.bsky.network",
            "pds.bsky.network:8080",
            "10.0.0.1",
            "pds",
            "a.example",
            "169.254.169.254",
        ];
        for name in names {
            let public = rows(&format!(r#"{{"hostname":"{name}"}}"#), false);
            assert_eq!((public.len(), public.dropped().of(HostRows::INVALID_HOSTNAME)), (0, 1), "{name}");
            assert_eq!(rows(&format!(r#"{{"hostname":"{name}"}}"#), true).len(), 1, "{name}");
        }
        for name in ["https://", "a b", "user@a.org", "a.org/x", ""] {
            let dropped = rows(&format!(r#"{{"hostname":"{name}"}}"#), true);
            assert_eq!(dropped.dropped().of(HostRows::INVALID_HOSTNAME), 1, "{name}");
        }
    }
}

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::EndpointError;

/// A host as people write it, parsed once: `bsky.network`, `https://bsky.network/`, `ws://127.0.0.1:7777`.
///
/// Plain text transport is used only when it was written (`ws` or `http`); everything else is TLS.
/// The canonical [`name`](Self::name) is lower case, without scheme and slash, and with the port only where one
/// was written that is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    written: String,
    name: String,
    host: String,
    port: u16,
    tls: bool,
}

impl Endpoint {
    /// The canonical name: what cursors, metrics and logs call this host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that was parsed, as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The DNS name or IP address to connect to; an IPv6 address is without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The websocket URL of a path with query, which begins with a slash.
    #[must_use]
    pub fn websocket_url(&self, path_and_query: &str) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{path_and_query}", self.name)
    }

    /// The HTTP URL of a path with query, which begins with a slash.
    #[must_use]
    pub fn http_url(&self, path_and_query: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{path_and_query}", self.name)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(written: &str) -> Result<Self, EndpointError> {
        let wrong = |error: fn(String) -> EndpointError| error(written.to_owned());
        let text = written.trim();
        let (tls, authority) = match text.split_once("://") {
            None => (true, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "https" | "wss" => (true, rest),
                "http" | "ws" => (false, rest),
                _ => return Err(wrong(|written| EndpointError::Scheme { written })),
            },
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() {
            return Err(wrong(|written| EndpointError::Empty { written }));
        }
        if authority.contains(['/', '?', '#', '@']) {
            return Err(wrong(|written| EndpointError::NotOnlyAHost { written }));
        }
        let (host, port) = split_port(authority);
        let host = host.to_ascii_lowercase();
        if !is_dns_name(&host) && !is_ip_address(&host) {
            return Err(wrong(|written| EndpointError::Name { written }));
        }
        let own_port = if tls { 443 } else { 80 };
        let port = match port {
            None => own_port,
            Some(digits) => {
                parse_port(digits).ok_or_else(|| wrong(|written| EndpointError::Port { written }))?
            }
        };
        let name = if port == own_port { host.clone() } else { format!("{host}:{port}") };
        Ok(Self { written: written.to_owned(), name, host, port, tls })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Splits at the colon before the port, which in an IPv6 address comes after the closing bracket.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| digits.parse::<NonZeroU16>().ok()).flatten().map(NonZeroU16::get)
}

/// RFC 1123 host names; one label is enough, since test and container networks have such names.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let all_numeric =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !all_numeric && name.split('.').all(is_label)
}

fn is_ip_address(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bracketed.map_or_else(|| host.parse::<Ipv4Addr>().is_ok(), |inner| inner.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, name: &str, websocket: &str) {
        let endpoint: Endpoint = written.parse().unwrap();
        assert_eq!(endpoint.name(), name, "{written}");
        assert_eq!(endpoint.websocket_url("/x"), websocket, "{written}");
        assert_eq!(endpoint.written(), written);
    }

    #[test]
    fn every_way_to_write_a_host_has_one_canonical_name() {
        check("bsky.network", "bsky.network", "wss://bsky.network/x");
        check("https://bsky.network/", "bsky.network", "wss://bsky.network/x");
        check("wss://BSKY.network", "bsky.network", "wss://bsky.network/x");
        check("bsky.network:443", "bsky.network", "wss://bsky.network/x");
        check("  bsky.network ", "bsky.network", "wss://bsky.network/x");
        check("bsky.network:8443", "bsky.network:8443", "wss://bsky.network:8443/x");
        check("redis_net-1", "redis_net-1", "wss://redis_net-1/x");
    }

    #[test]
    fn plain_transport_is_used_only_when_written() {
        check("ws://127.0.0.1:7777", "127.0.0.1:7777", "ws://127.0.0.1:7777/x");
        check("http://[::1]:2470/", "[::1]:2470", "ws://[::1]:2470/x");
        check("ws://localhost:80", "localhost", "ws://localhost/x");
        check("127.0.0.1:7777", "127.0.0.1:7777", "wss://127.0.0.1:7777/x");
    }

    #[test]
    fn an_ipv6_host_connects_without_its_brackets() {
        let endpoint: Endpoint = "http://[::1]:2470".parse().unwrap();
        assert_eq!((endpoint.host(), endpoint.port()), ("::1", 2470));
    }

    #[test]
    fn what_is_not_just_a_host_is_refused_with_the_reason() {
        let refusal = |written: &str| written.parse::<Endpoint>().unwrap_err();
        for written in ["", " ", "https://", "/"] {
            assert!(matches!(refusal(written), EndpointError::Empty { .. }), "{written}");
        }
        for written in ["ftp://a.b", "redis://a.b", "://a.b"] {
            assert!(matches!(refusal(written), EndpointError::Scheme { .. }), "{written}");
        }
        for written in ["a.b/xrpc", "a.b?cursor=1", "user@a.b", "a.b#x", "https://a.b//"] {
            assert!(matches!(refusal(written), EndpointError::NotOnlyAHost { .. }), "{written}");
        }
        for written in ["a..b", "-a.b", "a b", "bücher.example", "1.2.3", "256.1.1.1", "[::1", "::1", "a.b."]
        {
            assert!(matches!(refusal(written), EndpointError::Name { .. }), "{written}");
        }
        for written in ["a.b:", "a.b:0", "a.b:65536", "a.b:x", "a.b:+1"] {
            assert!(matches!(refusal(written), EndpointError::Port { .. }), "{written}");
        }
    }
}

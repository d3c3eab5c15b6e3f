use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What is said to a browser that was led here under a name of somebody else's.
const MISDIRECTED: &str = "This address is for this machine alone, and answers to its numbers and to localhost.\n\
    A proxy in front of it has to ask with one of these as Host: docs/operations.md, \"What to put in front\".\n";

/// Which names an admin address answers to.
///
/// A site on the web can let its own name point to 127.0.0.1, and its script then reads what is there as if it were
/// its own. The browser sends that name, and it has a dot. So does a proxy that passes on the name which it was asked
/// for; it is told what to send instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    is_loopback: bool,
}

impl Guard {
    /// The guard of this address. One that is not of this machine alone is reached under any name.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self { is_loopback: address.ip().is_loopback() }
    }

    fn lets_in(self, host: Option<&HeaderValue>) -> bool {
        let Some(host) = host.filter(|_| self.is_loopback) else { return true };
        host.to_str().is_ok_and(is_ours)
    }
}

/// Whether nobody on the web can have this name: it is a number, localhost, or has no dot.
fn is_ours(host: &str) -> bool {
    let has_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if has_port(port) && !name.ends_with(':') => name,
        _ => host,
    };
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    number.parse::<IpAddr>().is_ok() || !name.contains('.') || name.ends_with(".localhost")
}

/// Turns away who was led here, and tells browsers to keep nothing and to guess nothing.
pub(crate) async fn stay_within(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut answer = if guard.lets_in(request.headers().get(header::HOST)) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, MISDIRECTED).into_response()
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    answer.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_answers_to_no_name_that_somebody_else_can_have() {
        let loopback = ["127.0.0.1:4100", "[::1]:4100"].map(|address| Guard::of(address.parse().unwrap()));
        let open = Guard::of("0.0.0.0:4100".parse().unwrap());
        for (host, is_let_in) in [
            ("127.0.0.1:4100", true),
            ("127.0.0.1", true),
            ("[::1]:4100", true),
            ("[::1]", true),
            ("::1", true),
            ("localhost", true),
            ("LOCALHOST.:4100", true),
            ("firehose.localhost:80", true),
            ("firehose:4100", true),
            ("evil.example", false),
            ("evil.example:4100", false),
            ("evil.example.", false),
            ("127.0.0.1.evil.example:4100", false),
            ("localhost.evil.example", false),
            ("evillocalhost.example", false),
            ("127.1.evil.example", false),
        ] {
            let value = HeaderValue::from_static(host);
            for guard in loopback {
                assert_eq!(guard.lets_in(Some(&value)), is_let_in, "{host}");
            }
            assert!(open.lets_in(Some(&value)), "{host}");
        }
        assert!(loopback[0].lets_in(None));
    }
}

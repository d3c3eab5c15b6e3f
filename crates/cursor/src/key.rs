use std::fmt;

use crate::Endpoint;

/// The name under which the cursor of one host and stream is stored: `{stream}:cursor:{host}`.
///
/// The origin ingester used the host entry verbatim, with scheme or slash where the operator typed them. Where
/// that differs from the canonical name, [`origin_name`](Self::origin_name) gives it, so that a store adopts what
/// is found there instead of silently starting anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CursorKey {
    stream: String,
    host: String,
    origin_host: Option<String>,
}

impl CursorKey {
    /// The key of a host's cursor for the stream of that name.
    #[must_use]
    pub fn new(stream: impl Into<String>, endpoint: &Endpoint) -> Self {
        let host = endpoint.name().to_owned();
        let origin_host = (endpoint.written() != host).then(|| endpoint.written().to_owned());
        Self { stream: stream.into(), host, origin_host }
    }

    /// The key of the cursor of an account, by its DID: it goes with the account wherever that moves. No endpoint has such a
    /// name.
    #[must_use]
    pub fn of_account(stream: impl Into<String>, did: impl Into<String>) -> Self {
        Self { stream: stream.into(), host: did.into(), origin_host: None }
    }

    /// The name of another mark of the same host, beside its cursor: `{stream}:cursor:{host}!{mark}`. No host's name has
    /// such a character.
    #[must_use]
    pub fn beside(&self, mark: &str) -> Self {
        Self { host: format!("{}!{mark}", self.host), origin_host: None, ..self.clone() }
    }

    /// The stream that the events go to.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The host's canonical name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name that the origin ingester would have used, where it differs.
    #[must_use]
    pub fn origin_name(&self) -> Option<String> {
        self.origin_host.as_ref().map(|host| format!("{}:cursor:{host}", self.stream))
    }
}

impl fmt::Display for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:cursor:{}", self.stream, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(written: &str) -> CursorKey {
        CursorKey::new("firehose_live", &written.parse().unwrap())
    }

    #[test]
    fn the_name_is_what_existing_deployments_know() {
        let key = key("relay1.us-east.bsky.network");
        assert_eq!(key.to_string(), "firehose_live:cursor:relay1.us-east.bsky.network");
        assert_eq!(key.origin_name(), None);
    }

    #[test]
    fn the_cursor_of_an_account_goes_by_its_did() {
        let key = CursorKey::of_account("label_live", "did:web:labels.example");
        assert_eq!(
            (key.to_string().as_str(), key.origin_name()),
            ("label_live:cursor:did:web:labels.example", None)
        );
    }

    #[test]
    fn a_mark_beside_a_cursor_has_its_name_and_one_more_word() {
        let mark = key("https://bsky.network/").beside("new");
        assert_eq!(
            (mark.to_string().as_str(), mark.origin_name()),
            ("firehose_live:cursor:bsky.network!new", None)
        );
    }

    #[test]
    fn a_host_written_with_scheme_or_slash_also_has_the_name_that_the_origin_gave_it() {
        let key = key("https://bsky.network/");
        assert_eq!(key.to_string(), "firehose_live:cursor:bsky.network");
        assert_eq!(key.origin_name().as_deref(), Some("firehose_live:cursor:https://bsky.network/"));
    }
}

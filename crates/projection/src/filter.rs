use std::collections::HashSet;

use standpipe_eventstream::{Did, Nsid};
use thiserror::Error;

/// Why a filter cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Neither `*`, nor an NSID, nor the beginning of one before `.*`.
    #[error(
        "collection {0:?} is neither an NSID like app.bsky.feed.post, nor a prefix like app.bsky.*, nor *"
    )]
    Collection(String),
    /// Not a DID.
    #[error("{0:?} is no DID like did:plc:ewvi7nxzyoun6zhxrhs64oiz")]
    Did(String),
    /// None of the words for an account's standing.
    #[error(
        "{0:?} is no standing; write active, inactive, takendown, suspended, deleted, deactivated, desynchronized or throttled"
    )]
    Standing(String),
    /// A filter that lets nothing pass.
    #[error("the list of collections is empty; write * for all")]
    NoCollection,
}

/// Which collections become entries.
///
/// Each pattern is an NSID, a prefix before `.*` (its dot is part of it: `app.bsky.*` does not let `app.bskyx.y`
/// pass), or `*` for all. The default is what the existing consumers index: `app.bsky.*` and `chat.bsky.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionFilter {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    /// With the dot at its end.
    Prefix(String),
    Exact(String),
}

impl CollectionFilter {
    /// A filter that lets pass what any of the patterns names.
    ///
    /// # Errors
    ///
    /// [`FilterError`] for the first text that is no pattern, or when there is none.
    pub fn parse<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, FilterError> {
        let patterns = patterns.into_iter().map(Pattern::parse).collect::<Result<Vec<_>, _>>()?;
        if patterns.is_empty() { Err(FilterError::NoCollection) } else { Ok(Self { patterns }) }
    }

    /// Whether records of the collection become entries.
    #[must_use]
    pub fn passes(&self, collection: &str) -> bool {
        self.patterns.iter().any(|pattern| match pattern {
            Pattern::All => true,
            Pattern::Prefix(prefix) => collection.starts_with(prefix.as_str()),
            Pattern::Exact(exact) => collection == exact,
        })
    }
}

impl Default for CollectionFilter {
    fn default() -> Self {
        let prefix = |prefix: &str| Pattern::Prefix(prefix.to_owned());
        Self { patterns: vec![prefix("app.bsky."), prefix("chat.bsky.")] }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, FilterError> {
        let refused = || FilterError::Collection(text.to_owned());
        if text == "*" {
            return Ok(Self::All);
        }
        let Some(prefix) = text.strip_suffix('*') else {
            return Nsid::parse(text).map(|_| Self::Exact(text.to_owned())).map_err(|_| refused());
        };
        // Two more segments make an NSID of any prefix that can begin one.
        match Nsid::parse(&format!("{prefix}x.x")) {
            Ok(_) if prefix.ends_with('.') => Ok(Self::Prefix(prefix.to_owned())),
            Ok(_) | Err(_) => Err(refused()),
        }
    }
}

/// Whose messages become entries: those of the DIDs named, or, when none is, everybody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DidFilter {
    dids: HashSet<String>,
}

impl DidFilter {
    /// A filter that lets pass the DIDs named; all, if none is.
    ///
    /// # Errors
    ///
    /// [`FilterError::Did`] for the first text that is no DID.
    pub fn parse<'d>(dids: impl IntoIterator<Item = &'d str>) -> Result<Self, FilterError> {
        let checked = |did: &str| match Did::parse(did) {
            Ok(_) => Ok(did.to_owned()),
            Err(_) => Err(FilterError::Did(did.to_owned())),
        };
        Ok(Self { dids: dids.into_iter().map(checked).collect::<Result<_, _>>()? })
    }

    /// Whether the account's messages become entries.
    #[must_use]
    pub fn passes(&self, did: &str) -> bool {
        self.dids.is_empty() || self.dids.contains(did)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], passing: &[&str], stopped: &[&str]) {
        let filter = CollectionFilter::parse(patterns.iter().copied()).unwrap();
        for collection in passing {
            assert!(filter.passes(collection), "{patterns:?} should let {collection} pass");
        }
        for collection in stopped {
            assert!(!filter.passes(collection), "{patterns:?} should stop {collection}");
        }
    }

    #[test]
    fn a_prefix_keeps_its_dot_and_an_nsid_is_exact() {
        check(
            &["app.bsky.*"],
            &["app.bsky.feed.post", "app.bsky.x"],
            &["app.bskyx.feed", "chat.bsky.convo.x"],
        );
        check(
            &["app.bsky.feed.post"],
            &["app.bsky.feed.post"],
            &["app.bsky.feed.postgate", "app.bsky.feed.like"],
        );
        check(&["*"], &["com.example.anything"], &[]);
        check(
            &["app.bsky.graph.*", "com.example.status"],
            &["app.bsky.graph.follow", "com.example.status"],
            &["app.bsky.feed.like"],
        );
    }

    #[test]
    fn without_a_word_the_existing_consumers_collections_pass() {
        let filter = CollectionFilter::default();
        assert_eq!(filter, CollectionFilter::parse(["app.bsky.*", "chat.bsky.*"]).unwrap());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in
            ["", "app", "app.*bsky", "*.bsky", "app.bsky*", "app..bsky.*", ".*", "app.bsky.feed.", "a b.c.d"]
        {
            assert_eq!(CollectionFilter::parse([pattern]), Err(FilterError::Collection(pattern.to_owned())));
        }
        assert_eq!(CollectionFilter::parse([]), Err(FilterError::NoCollection));
    }

    #[test]
    fn only_named_dids_pass_and_all_when_none_is() {
        let one = DidFilter::parse(["did:web:example.com"]).unwrap();
        assert!(one.passes("did:web:example.com") && !one.passes("did:web:example.org"));
        assert!(DidFilter::default().passes("did:web:example.org"));
        assert_eq!(DidFilter::parse(["example.com"]), Err(FilterError::Did("example.com".to_owned())));
    }
}

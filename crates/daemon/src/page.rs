//! The page for people: one document that shows what `/status` says, as it goes on.
//!
//! It is put together from the files beside it at the start. The browser is told by hash which style and which script
//! are ours, so nothing that a host calls itself can become either.

mod guard;
mod rates;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

pub(crate) use guard::{Guard, stay_within};
pub(crate) use rates::{LOOK_EVERY, Rates};

/// The document, with a place for each of the two below.
const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// What the script is made of, in this order.
const SCRIPT: [&str; 8] = [
    include_str!("page/words.js"),
    include_str!("page/nodes.js"),
    include_str!("page/verdict.js"),
    include_str!("page/sink.js"),
    include_str!("page/hosts.js"),
    include_str!("page/decisions.js"),
    include_str!("page/lists.js"),
    include_str!("page/live.js"),
];

/// The document as it is sent, and what it may do.
#[derive(Debug)]
pub(crate) struct Page {
    document: String,
    policy: HeaderValue,
}

impl Page {
    /// Puts the document together.
    pub(crate) fn new() -> Self {
        let script = format!("'use strict';(() => {{\n{}}})();\n", SCRIPT.concat());
        let document = FRAME.replace("/*style*/", STYLE).replace("/*script*/", &script);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'",
            base64(&Sha256::digest(STYLE)),
            base64(&Sha256::digest(&script)),
        );
        // Hashes and our own words are ASCII.
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { document, policy }
    }

    /// The answer to a request for it.
    pub(crate) fn answer(&self) -> Response {
        let heads = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
        ];
        (heads, self.document.clone()).into_response()
    }
}

/// RFC 4648 section 4, with padding: what a policy's hashes are written in.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of_three = |three: &[u8]| {
        let bits =
            three.iter().chain([0; 2].iter()).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        let digits = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]));
        digits.into_iter().take(three.len() + 1).chain(std::iter::repeat('=')).take(4).collect::<Vec<_>>()
    };
    bytes.chunks(3).flat_map(of_three).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn the_document_is_whole_and_asks_for_nothing_from_elsewhere() {
        let Page { document, policy } = Page::new();
        for left in [
            "/*style*/",
            "/*script*/",
            "http://",
            "https://",
            "//cdn",
            "innerHTML",
            "insertAdjacent",
            "eval(",
        ] {
            let found = document.replace("http://www.w3.org/2000/svg", "");
            assert!(!found.contains(left), "{left}");
        }
        let policy = policy.to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
            "{policy}"
        );
        // A style or a script that holds its own end tag would not be the one that was hashed.
        assert_eq!(document.matches("</style>").count(), 1);
        assert_eq!(document.matches("</script>").count(), 1);
        assert_eq!(document.matches(" style=").count(), 0, "inline styles are refused by the policy");
    }
}

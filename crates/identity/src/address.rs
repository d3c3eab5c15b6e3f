use standpipe_cursor::Endpoint;
use standpipe_eventstream::{Did, DidMethod, Handle};
use standpipe_guarded_http::excerpt;

use crate::error::ResolveError;
use crate::settings::WebReach;

/// Where the document of a DID is to be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// At the directory, by this path.
    Directory { path: String },
    /// At a host of its own.
    Web { host: Endpoint },
}

/// Where a host has its own document.
pub(crate) const WELL_KNOWN: &str = "/.well-known/did.json";

/// Where the document of a DID is to be had.
///
/// `did:plc` has 24 letters of base32, and nobody is asked for another. `did:web` has a hostname and nothing else: paths
/// are not used by the network, and ports only where it is private.
pub(crate) fn address(did: &str, reach: WebReach) -> Result<Address, ResolveError> {
    let syntax = || ResolveError::Syntax { did: excerpt(did.as_bytes()) };
    match Did::parse(did).map_err(|_| syntax())?.method() {
        DidMethod::Plc => {
            let id = &did["did:plc:".len()..];
            let is_plc = id.len() == 24 && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
            if is_plc { Ok(Address::Directory { path: format!("/{did}") }) } else { Err(syntax()) }
        }
        DidMethod::Web => web(&did["did:web:".len()..], reach).ok_or_else(syntax),
        DidMethod::Other => Err(ResolveError::Method { did: excerpt(did.as_bytes()) }),
    }
}

fn web(id: &str, reach: WebReach) -> Option<Address> {
    let (name, port) = match (id.split_once("%3A"), reach) {
        (None, _) => (id, None),
        (Some((name, port)), WebReach::PrivateNetwork) => (name, Some(port)),
        (Some(_), WebReach::Public) => return None,
    };
    let is_local = reach == WebReach::PrivateNetwork && name == "localhost";
    if !is_local && Handle::parse(name).is_err() {
        return None;
    }
    let scheme = if is_local { "http" } else { "https" };
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    Some(Address::Web { host: format!("{scheme}://{name}{port}").parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(did: &str, reach: WebReach) -> Result<String, &'static str> {
        match address(did, reach) {
            Ok(Address::Directory { path }) => Ok(path),
            Ok(Address::Web { host }) => Ok(host.http_url(WELL_KNOWN)),
            Err(error) => Err(error.label()),
        }
    }

    #[test]
    fn every_did_has_one_address_or_none() {
        let (public, private) = (WebReach::Public, WebReach::PrivateNetwork);
        let plc = "did:plc:7rvn2fejhf474djdyuspmjnt";
        assert_eq!(url(plc, public).unwrap(), format!("/{plc}"));
        assert_eq!(
            url("did:web:Mod.example.com", public).unwrap(),
            "https://mod.example.com/.well-known/did.json"
        );
        let local = "did:web:localhost%3A7943";
        assert_eq!(url(local, private).unwrap(), "http://localhost:7943/.well-known/did.json");
        assert_eq!(url("did:web:localhost", private).unwrap(), "http://localhost/.well-known/did.json");
        for (did, label) in [
            (local, "did_syntax"),
            ("did:web:localhost", "did_syntax"),
            ("did:web:127.0.0.1", "did_syntax"),
            ("did:web:2130706433", "did_syntax"),
            ("did:web:mod.example.com:path", "did_syntax"),
            ("did:web:mod.example.com%2Fpath", "did_syntax"),
            ("did:web:mod.example.com%3A8080", "did_syntax"),
            ("did:web:user%40mod.example.com", "did_syntax"),
            ("did:web:mod..example.com", "did_syntax"),
            ("did:web:", "did_syntax"),
            ("did:plc:7rvn2fejhf474djdyuspmjn", "did_syntax"),
            ("did:plc:7rvn2fejhf474djdyuspmjn1", "did_syntax"),
            ("did:plc:..%2F..%2Fexport1234567", "did_syntax"),
            ("did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc", "did_method"),
            ("mod.example.com", "did_syntax"),
        ] {
            assert_eq!(url(did, public), Err(label), "{did}");
        }
        for did in [
            "did:web:localhost%3A0",
            "did:web:localhost%3A80%3A80",
            "did:web:localhost%3A",
            "did:web:127.0.0.1%3A80",
        ] {
            assert_eq!(url(did, private), Err("did_syntax"), "{did}");
        }
    }
}

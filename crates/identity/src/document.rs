use serde_json::{Map, Value, json};
use standpipe_cursor::Endpoint;
use standpipe_eventstream::Handle;
use standpipe_guarded_http::excerpt;
use thiserror::Error;

use crate::key::{Curve, KeyFault, PublicKey};

/// The services that are used, each with its type.
const PDS: (&str, &str) = ("#atproto_pds", "AtprotoPersonalDataServer");
const LABELER: (&str, &str) = ("#atproto_labeler", "AtprotoLabeler");

/// What a DID document says of an identity, as far as the network uses it. It has less than 2 KB.
///
/// What is missing or unusable in it costs only itself: a document without keys is a document.
/// Source: <https://atproto.com/specs/did#did-documents>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    did: Box<str>,
    handle: Option<Box<str>>,
    repo_key: Result<PublicKey, KeyFault>,
    label_key: Result<PublicKey, KeyFault>,
    pds: Option<Endpoint>,
    labeler: Option<Endpoint>,
}

/// Why something is no DID document of this DID.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is no JSON object.
    #[error("it is no JSON object, it begins {begins}")]
    NotJson {
        /// The beginning, quoted.
        begins: Box<str>,
    },
    /// It has no `id`.
    #[error("it has no id")]
    NoId,
    /// It speaks of somebody else.
    #[error("it is of {id}")]
    OtherId {
        /// Of whom, quoted.
        id: Box<str>,
    },
}

impl Identity {
    /// Reads the document of a DID.
    ///
    /// # Errors
    /// [`DocumentFault`], where it is none, or another's.
    pub fn parse(did: &str, document: &[u8]) -> Result<Self, DocumentFault> {
        let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(document) else {
            return Err(DocumentFault::NotJson { begins: excerpt(document) });
        };
        Self::read(did, &object)
    }

    /// Reads the document of a DID, as [`parse`](Self::parse) does.
    pub(crate) fn read(did: &str, document: &Map<String, Value>) -> Result<Self, DocumentFault> {
        match document.get("id").and_then(Value::as_str) {
            None => return Err(DocumentFault::NoId),
            Some(id) if id != did => return Err(DocumentFault::OtherId { id: excerpt(id.as_bytes()) }),
            Some(_) => {}
        }
        let list = |field| document.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let (keys, services) = (list("verificationMethod"), list("service"));
        let mut names = list("alsoKnownAs").iter().filter_map(Value::as_str);
        let handle = names.find_map(|name| Handle::parse(name.strip_prefix("at://")?).ok());
        Ok(Self {
            did: did.into(),
            handle: handle.map(|handle| handle.as_str().into()),
            repo_key: key(did, keys, "#atproto"),
            label_key: key(did, keys, "#atproto_label"),
            pds: service(did, services, PDS),
            labeler: service(did, services, LABELER),
        })
    }

    /// A document that says the same. What could not be used is left out.
    pub(crate) fn document(&self) -> Value {
        let did = &*self.did;
        let keys = [("#atproto", &self.repo_key), ("#atproto_label", &self.label_key)];
        let keys = keys.into_iter().filter_map(|(id, key)| {
            let key = key.as_ref().ok()?.multibase();
            Some(json!({ "id": id, "type": "Multikey", "controller": did, "publicKeyMultibase": key }))
        });
        let services = [(PDS, &self.pds), (LABELER, &self.labeler)];
        let services = services.into_iter().filter_map(|((id, kind), host)| {
            Some(json!({ "id": id, "type": kind, "serviceEndpoint": host.as_ref()?.http_url("") }))
        });
        json!({
            "id": did,
            "alsoKnownAs": self.handle.iter().map(|handle| format!("at://{handle}")).collect::<Vec<_>>(),
            "verificationMethod": keys.collect::<Vec<_>>(),
            "service": services.collect::<Vec<_>>(),
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn did(&self) -> &str {
        &self.did
    }

    /// The handle that the identity claims: nobody has asked whether the handle claims it too.
    #[must_use]
    pub fn claimed_handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// The key that its commits are signed with, `#atproto`.
    ///
    /// # Errors
    /// [`KeyFault`], where there is none that can be used.
    pub fn repo_key(&self) -> Result<&PublicKey, KeyFault> {
        self.repo_key.as_ref().map_err(|fault| *fault)
    }

    /// The key that its labels are signed with, `#atproto_label`, and never any other.
    ///
    /// # Errors
    /// [`KeyFault`], where there is none that can be used.
    pub fn label_key(&self) -> Result<&PublicKey, KeyFault> {
        self.label_key.as_ref().map_err(|fault| *fault)
    }

    /// The host that has its repo, `#atproto_pds`.
    #[must_use]
    pub fn pds(&self) -> Option<&Endpoint> {
        self.pds.as_ref()
    }

    /// The host that serves its labels, `#atproto_labeler`.
    #[must_use]
    pub fn labeler(&self) -> Option<&Endpoint> {
        self.labeler.as_ref()
    }
}

/// The first entry of this name, which may be written with the DID before it or without.
fn named<'d>(did: &str, entries: &'d [Value], fragment: &str) -> Option<&'d Value> {
    entries.iter().find(|entry| {
        let id = entry.get("id").and_then(Value::as_str);
        id.is_some_and(|id| id == fragment || id.strip_prefix(did) == Some(fragment))
    })
}

fn key(did: &str, keys: &[Value], fragment: &str) -> Result<PublicKey, KeyFault> {
    let entry = named(did, keys, fragment).ok_or(KeyFault::Missing)?;
    let text = |field| entry.get(field).and_then(Value::as_str);
    if text("controller") != Some(did) {
        return Err(KeyFault::Controller);
    }
    let value = text("publicKeyMultibase").ok_or(KeyFault::Encoding)?;
    match text("type") {
        Some("Multikey") => PublicKey::parse(value),
        Some("EcdsaSecp256k1VerificationKey2019") => PublicKey::parse_bare(Curve::K256, value),
        Some("EcdsaSecp256r1VerificationKey2019") => PublicKey::parse_bare(Curve::P256, value),
        Some(_) | None => Err(KeyFault::Type),
    }
}

/// The first service of this name with its type and a usable origin. Documents may have lists and objects in the place
/// of a URL, which are none of ours.
fn service(did: &str, services: &[Value], (fragment, kind): (&str, &str)) -> Option<Endpoint> {
    let entry = named(did, services, fragment)?;
    if entry.get("type").and_then(Value::as_str) != Some(kind) {
        return None;
    }
    let url = entry.get("serviceEndpoint").and_then(Value::as_str)?;
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    if is_http { url.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:plc:7rvn2fejhf474djdyuspmjnt";
    const K256: &str = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
    const P256: &str = "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";

    fn parsed(document: &Value) -> Identity {
        Identity::parse(DID, document.to_string().as_bytes()).unwrap()
    }

    fn label_key(entries: &Value) -> Result<Curve, KeyFault> {
        let identity = parsed(&json!({ "id": DID, "verificationMethod": entries }));
        identity.label_key().map(PublicKey::curve)
    }

    fn entry(id: &str, kind: &str, controller: &str, value: &str) -> Value {
        json!({ "id": id, "type": kind, "controller": controller, "publicKeyMultibase": value })
    }

    #[test]
    fn a_document_of_somebody_else_is_none() {
        let fault = |text: &str| Identity::parse(DID, text.as_bytes()).unwrap_err();
        assert!(matches!(
            fault(r#"{"id":"did:plc:7rvn2fejhf474djdyuspmjn2"}"#),
            DocumentFault::OtherId { .. }
        ));
        assert!(matches!(fault(r#"{"id":7}"#), DocumentFault::NoId));
        for text in ["", "[]", "<html>", "\"did\"", "{\"id\":", &"[".repeat(100_000)] {
            assert!(matches!(fault(text), DocumentFault::NotJson { .. }), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_costs_only_itself() {
        let identity = parsed(&json!({
            "id": DID,
            "alsoKnownAs": [7, "https://a.org", "at://-", "at://labeler.example.com", "at://second.example.com"],
            "verificationMethod": "none",
            "service": [
                null,
                { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": ["https://a.org"] },
                { "id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": "https://labels.example.com" },
            ],
        }));
        assert_eq!(identity.claimed_handle(), Some("labeler.example.com"));
        assert_eq!((identity.pds(), identity.labeler().unwrap().name()), (None, "labels.example.com"));
        assert_eq!(identity.repo_key(), Err(KeyFault::Missing));
    }

    #[test]
    fn an_identity_writes_a_document_that_says_the_same() {
        let identity = parsed(&json!({
            "id": DID,
            "alsoKnownAs": ["at://labeler.example.com"],
            "verificationMethod": [
                entry("#atproto", "EcdsaSecp256k1VerificationKey2019", DID, "z25z9DTpsiYYJKGsWmSPJK2NFN8PcJtZig12K59UgW7q5t"),
                entry("#atproto_label", "Multikey", DID, P256),
            ],
            "service": [
                { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "http://127.0.0.1:7" },
                { "id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": "https://labels.example.com" },
            ],
        }));
        assert!(identity.repo_key().is_ok() && identity.pds().is_some() && identity.labeler().is_some());
        assert_eq!(parsed(&identity.document()), identity);
        let nothing = parsed(&json!({ "id": DID }));
        assert_eq!(parsed(&nothing.document()), nothing);
    }

    #[test]
    fn a_labeler_has_an_origin_and_nothing_else() {
        let labeler = |id: &str, kind: &str, url: &str| {
            let service = json!([{ "id": id, "type": kind, "serviceEndpoint": url }]);
            let identity = parsed(&json!({ "id": DID, "service": service }));
            identity.labeler().map(|endpoint| endpoint.http_url(""))
        };
        let absolute = format!("{DID}#atproto_labeler");
        for id in ["#atproto_labeler", &absolute] {
            let found = labeler(id, "AtprotoLabeler", "https://mod.example.com");
            assert_eq!(found.as_deref(), Some("https://mod.example.com"));
        }
        for (id, kind, url) in [
            ("#atproto_labeler", "AtprotoLabeler", "https://mod.example.com/path"),
            ("#atproto_labeler", "AtprotoLabeler", "https://user@mod.example.com"),
            ("#atproto_labeler", "AtprotoLabeler", "mod.example.com"),
            ("#atproto_labeler", "AtprotoLabeler", "ftp://mod.example.com"),
            ("#atproto_labeler", "Other", "https://mod.example.com"),
            ("did:plc:other#atproto_labeler", "AtprotoLabeler", "https://mod.example.com"),
            ("x#atproto_labeler", "AtprotoLabeler", "https://mod.example.com"),
        ] {
            assert_eq!(labeler(id, kind, url), None, "{id} {kind} {url}");
        }
    }

    #[test]
    fn a_label_key_is_the_first_of_its_name_and_its_own() {
        let absolute = format!("{DID}#atproto_label");
        let good = entry(&absolute, "Multikey", DID, K256);
        assert_eq!(label_key(&json!([good])), Ok(Curve::K256));
        assert_eq!(
            label_key(&json!([entry("#atproto_label", "Multikey", DID, P256), good])),
            Ok(Curve::P256)
        );
        let cases = [
            (entry("#atproto", "Multikey", DID, K256), KeyFault::Missing),
            (entry("did:plc:other#atproto_label", "Multikey", DID, K256), KeyFault::Missing),
            (entry("#atproto_label", "Multikey", "did:plc:other", K256), KeyFault::Controller),
            (entry("#atproto_label", "Ed25519VerificationKey2020", DID, K256), KeyFault::Type),
            (entry("#atproto_label", "Multikey", DID, &K256[1..]), KeyFault::Encoding),
            (
                entry("#atproto_label", "Multikey", DID, "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"),
                KeyFault::Type,
            ),
            (entry("#atproto_label", "EcdsaSecp256k1VerificationKey2019", DID, K256), KeyFault::Point),
        ];
        for (entry, fault) in cases {
            assert_eq!(label_key(&json!([entry])), Err(fault), "{entry}");
        }
    }

    #[test]
    fn keys_from_before_multikey_are_bare_points() {
        // The same keys as above, as the interop suite writes them for the older types.
        for (kind, value, curve) in [
            (
                "EcdsaSecp256k1VerificationKey2019",
                "z25z9DTpsiYYJKGsWmSPJK2NFN8PcJtZig12K59UgW7q5t",
                Curve::K256,
            ),
            (
                "EcdsaSecp256r1VerificationKey2019",
                "zxdM8dSstjrpZaRUwBmDvjGXweKuEMVN95A9oJBFjkWMh",
                Curve::P256,
            ),
        ] {
            assert_eq!(label_key(&json!([entry("#atproto_label", kind, DID, value)])), Ok(curve));
        }
    }
}

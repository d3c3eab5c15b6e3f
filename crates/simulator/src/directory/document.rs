use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::encode::radix::base32;
use crate::key::{Curve, SigningKey};

/// What the document of a DID says.
///
/// Sources: <https://atproto.com/specs/did>, and <https://web.plc.directory/spec/v0.1/did-plc> for its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The DID.
    pub did: String,
    /// The handle; `None`: it is known by none.
    pub handle: Option<String>,
    /// The key of the repo, `#atproto`.
    pub repo_key: Option<SigningKey>,
    /// The key of labels, `#atproto_label`.
    pub label_key: Option<SigningKey>,
    /// Where the repo is, `#atproto_pds`.
    pub pds: Option<String>,
    /// Where the labeler is, `#atproto_labeler`: scheme and authority.
    pub labeler: Option<String>,
}

impl Document {
    /// A document of somebody who has a handle and a PDS, and neither keys nor a labeler.
    #[must_use]
    pub fn new(did: impl Into<String>) -> Self {
        Self {
            did: did.into(),
            handle: Some("labels.example.com".to_owned()),
            repo_key: None,
            label_key: None,
            pds: Some("https://pds.example.com".to_owned()),
            labeler: None,
        }
    }

    /// The document as the directory of `did:plc` writes it: ids of keys with the DID, ids of services without.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let keys = [("atproto", &self.repo_key), ("atproto_label", &self.label_key)];
        let keys: Vec<_> = keys.into_iter().filter_map(|(id, key)| Some((id, key.as_ref()?))).collect();
        let mut context = vec!["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"];
        for (_, key) in &keys {
            let suite = match key.curve() {
                Curve::K256 => "https://w3id.org/security/suites/secp256k1-2019/v1",
                Curve::P256 => "https://w3id.org/security/suites/ecdsa-2019/v1",
            };
            if !context.contains(&suite) {
                context.push(suite);
            }
        }
        let method = |(id, key): (&str, &SigningKey)| {
            json!({
                "id": format!("{}#{id}", self.did),
                "type": "Multikey",
                "controller": self.did,
                "publicKeyMultibase": key.multikey(),
            })
        };
        let services = [
            ("#atproto_pds", "AtprotoPersonalDataServer", &self.pds),
            ("#atproto_labeler", "AtprotoLabeler", &self.labeler),
        ];
        let service = |(id, kind, endpoint): (&str, &str, &Option<String>)| {
            Some(json!({ "id": id, "type": kind, "serviceEndpoint": endpoint.as_ref()? }))
        };
        json!({
            "@context": context,
            "id": self.did,
            "alsoKnownAs": self.handle.iter().map(|handle| format!("at://{handle}")).collect::<Vec<_>>(),
            "verificationMethod": keys.into_iter().map(method).collect::<Vec<_>>(),
            "service": services.into_iter().filter_map(service).collect::<Vec<_>>(),
        })
    }
}

/// The `did:plc` that a seed and a name stand for: of the right form, and of nobody.
#[must_use]
pub fn plc_did(seed: u64, name: &str) -> String {
    let digest = Sha256::new_with_prefix(seed.to_le_bytes()).chain_update(name).finalize();
    format!("did:plc:{}", base32(digest.get(..15).unwrap_or_default()))
}

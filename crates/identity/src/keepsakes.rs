use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use standpipe_cursor::Endpoint;

use crate::address::address;
use crate::document::Identity;
use crate::memory::Keepsake;
use crate::settings::WebReach;

/// What keepsakes hold good under: who was asked, and where hosts might be.
pub(crate) struct Terms<'s> {
    pub(crate) directory: &'s Endpoint,
    pub(crate) reach: WebReach,
}

impl Terms<'_> {
    /// Keepsakes as a text, the same for the same ones:
    /// `{"directory":"https://…","private_network":false,"identities":[{"document":{…},"fetched_at":"…","label_key_since":"…"}]}`.
    pub(crate) fn write(&self, mut keepsakes: Vec<Keepsake>) -> Vec<u8> {
        keepsakes.sort_unstable_by(|one, other| one.identity.did().cmp(other.identity.did()));
        let identities = keepsakes.iter().map(|Keepsake { identity, fetched_at, label_key_since }| {
            json!({
                "document": identity.document(),
                "fetched_at": fetched_at.to_string(),
                "label_key_since": label_key_since.to_string(),
            })
        });
        let (directory, is_private) = self.in_words();
        let identities: Vec<_> = identities.collect();
        json!({ "directory": directory, "private_network": is_private, "identities": identities })
            .to_string()
            .into_bytes()
    }

    /// The keepsakes of a text, at most so many. What cannot be read is left out; all of it, where the terms are others.
    pub(crate) fn read(&self, text: &[u8], most: usize) -> Vec<Keepsake> {
        let Ok(text) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
        let (directory, is_private) = self.in_words();
        if text["directory"] != directory.as_str() || text["private_network"] != is_private {
            return Vec::new();
        }
        let identities = text["identities"].as_array().map_or(&[][..], Vec::as_slice);
        identities.iter().filter_map(|kept| self.keepsake(kept)).take(most).collect()
    }

    fn keepsake(&self, kept: &Value) -> Option<Keepsake> {
        let document = kept["document"].as_object()?;
        let did = document.get("id")?.as_str()?;
        // Nobody could be asked for it again.
        address(did, self.reach).ok()?;
        let moment = |field: &str| kept[field].as_str()?.parse::<Timestamp>().ok();
        Some(Keepsake {
            identity: Arc::new(Identity::read(did, document).ok()?),
            fetched_at: moment("fetched_at")?,
            label_key_since: moment("label_key_since")?,
        })
    }

    fn in_words(&self) -> (String, bool) {
        (self.directory.http_url(""), self.reach == WebReach::PrivateNetwork)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIDS: [&str; 2] = ["did:plc:7rvn2fejhf474djdyuspmjnt", "did:web:labels.example.com"];

    fn keepsake(did: &str) -> Keepsake {
        let key = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
        let entry = json!({ "id": "#atproto_label", "type": "Multikey", "controller": did, "publicKeyMultibase": key });
        let document = json!({ "id": did, "verificationMethod": [entry] }).to_string();
        Keepsake {
            identity: Arc::new(Identity::parse(did, document.as_bytes()).unwrap()),
            fetched_at: "2026-11-26T00:00:00.5Z".parse().unwrap(),
            label_key_since: "2026-11-25T00:00:00Z".parse().unwrap(),
        }
    }

    fn directory(url: &str) -> Endpoint {
        url.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_on_the_same_terms_only() {
        let (plc, other) = (directory("plc.directory"), directory("other.example"));
        let terms = Terms { directory: &plc, reach: WebReach::Public };
        let keepsakes = DIDS.map(keepsake);
        let text = terms.write(keepsakes.to_vec());
        assert_eq!(terms.write(keepsakes.iter().rev().cloned().collect()), text);
        assert_eq!(terms.read(&text, 10), keepsakes);
        assert_eq!(terms.read(&text, 1), keepsakes[..1]);
        for terms in [
            Terms { directory: &other, reach: WebReach::Public },
            Terms { directory: &plc, reach: WebReach::PrivateNetwork },
        ] {
            assert_eq!(terms.read(&text, 10), []);
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let plc = directory("plc.directory");
        let terms = Terms { directory: &plc, reach: WebReach::Public };
        for text in [
            "",
            "{",
            "[]",
            "7",
            "null",
            "{}",
            r#"{"directory":"https://plc.directory","private_network":false}"#,
        ] {
            assert_eq!(terms.read(text.as_bytes(), 10), [], "{text}");
        }
        let good: Value = serde_json::from_slice(&terms.write(vec![keepsake(DIDS[0])])).unwrap();
        for (field, bad) in [
            ("document", json!({ "id": "did:web:localhost%3A80" })),
            ("document", json!({ "id": 7 })),
            ("document", json!([])),
            ("fetched_at", json!("yesterday")),
            ("label_key_since", json!(null)),
        ] {
            let mut text = good.clone();
            text["identities"][0][field] = bad;
            text["identities"].as_array_mut().unwrap().push(good["identities"][0].clone());
            assert_eq!(terms.read(text.to_string().as_bytes(), 10), [keepsake(DIDS[0])], "{text}");
        }
    }
}

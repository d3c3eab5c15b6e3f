//! Entries of the stream [`REPO_BACKFILL`](crate::REPO_BACKFILL): the repositories that a host lists.
//!
//! Shape: one JSON object with `did`, `host`, `rev`, `status` and `active`, in this order and without a `type`. One
//! entry a repository; those that are not active are entries too.

use std::borrow::Cow;

use serde::Deserialize;

use crate::EntryError;
use crate::firehose::AccountStatus;
use crate::json_text::{Text, push_string, push_string_or_null};

/// One repository as a host lists it: what a backfill writes, and what its consumers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRepo<'a> {
    /// The account.
    pub did: Cow<'a, str>,
    /// The host that lists it, `https://` and its canonical name; not always the host that has it. Resolve the DID
    /// to find that.
    pub host: Cow<'a, str>,
    /// The repo's revision when the host was asked, usually a TID; empty where the host gives none.
    pub rev: Cow<'a, str>,
    /// Why the account is not active, or in what state it is active; `None` where the host gives no reason.
    pub status: Option<AccountStatus<'a>>,
    /// Whether the account's content may be shown and served.
    pub active: bool,
}

impl<'a> ListedRepo<'a> {
    /// Appends the entry to a buffer, without white space, its strings escaped where they must be.
    pub fn write(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(br#"{"did":"#);
        push_string(buffer, &self.did);
        buffer.extend_from_slice(br#","host":"#);
        push_string(buffer, &self.host);
        buffer.extend_from_slice(br#","rev":"#);
        push_string(buffer, &self.rev);
        buffer.extend_from_slice(br#","status":"#);
        push_string_or_null(buffer, self.status.as_ref().map(AccountStatus::as_str));
        buffer.extend_from_slice(if self.active { br#","active":true}"# } else { br#","active":false}"# });
    }

    /// Reads the value of a stream entry's one field, in one pass and without copying strings.
    ///
    /// Keys that the contract does not know are ignored. `rev`, `status` and `active` may be missing, as other
    /// writers leave them out: no revision, no reason, active.
    ///
    /// # Errors
    ///
    /// [`EntryError::Json`] for what is no such object.
    pub fn parse(value: &'a [u8]) -> Result<Self, EntryError> {
        let wire: Wire<'a> = serde_json::from_slice(value).map_err(EntryError::Json)?;
        Ok(Self {
            did: wire.did.0,
            host: wire.host.0,
            rev: wire.rev.map_or(Cow::Borrowed(""), |Text(rev)| rev),
            status: wire.status.map(|Text(word)| word.into()),
            active: wire.active.unwrap_or(true),
        })
    }
}

/// An entry as it lies in the stream.
#[derive(Debug, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    did: Text<'a>,
    #[serde(borrow)]
    host: Text<'a>,
    #[serde(borrow)]
    rev: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    active: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_writers_leave_out_means_active_without_a_reason() {
        let read = ListedRepo::parse(br#"{"host":"https://a.example","did":"did:plc:x","later":[1]}"#);
        let repo = read.unwrap();
        assert_eq!((repo.rev.as_ref(), repo.status, repo.active), ("", None, true));
    }

    #[test]
    fn the_six_words_are_written_in_lower_case_and_others_as_they_are() {
        for (said, written) in [("Takendown", "takendown"), ("Novel \"one\"", r#"Novel \"one\""#)] {
            let repo = ListedRepo {
                did: "did:plc:x".into(),
                host: "https://a.example".into(),
                rev: "".into(),
                status: Some(said.into()),
                active: false,
            };
            let mut buffer = Vec::new();
            repo.write(&mut buffer);
            let ending = format!(r#""status":"{written}","active":false}}"#);
            assert!(buffer.ends_with(ending.as_bytes()), "{}", String::from_utf8_lossy(&buffer));
        }
    }

    #[test]
    fn what_is_no_entry_of_this_stream_is_an_error() {
        for value in ["", "[]", "{}", r#"{"did":"did:plc:x"}"#, r#"{"did":1,"host":""}"#] {
            assert!(matches!(ListedRepo::parse(value.as_bytes()), Err(EntryError::Json(_))), "{value}");
        }
    }

    #[test]
    fn strings_are_borrowed_from_the_entry() {
        let value = br#"{"did":"did:plc:x","host":"https://a.example","rev":"3k"}"#;
        let repo = ListedRepo::parse(value).unwrap();
        assert!(matches!((repo.did, repo.rev), (Cow::Borrowed(_), Cow::Borrowed(_))));
    }
}

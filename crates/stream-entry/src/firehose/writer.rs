use super::{Account, AccountStatus, Kind, Profile};
use crate::CidText;
use crate::json_text::{push_number, push_string, push_string_or_null};

/// What every entry says of the frame that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead<'a> {
    /// The host's number for the frame, 1 to 2^53 - 1 by the protocol.
    pub seq: u64,
    /// The frame's own time, as the host wrote it.
    pub time: &'a str,
    /// The account's DID: `repo` of a `#commit`, `did` of every other message.
    pub did: &'a str,
}

/// What entries say of the commit that they come from: the state that the repo is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitHead<'a> {
    /// The frame that brought the commit.
    pub frame: FrameHead<'a>,
    /// The commit's CID.
    pub commit: CidText,
    /// The commit's revision, a TID.
    pub rev: &'a str,
}

/// Where a record stands in its repo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPath<'a> {
    /// The collection, an NSID.
    pub collection: &'a str,
    /// The record key.
    pub rkey: &'a str,
}

/// Whether a `sync` entry was written.
#[must_use = "an event that is not written must be counted"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// The entry stands at the end of the buffer.
    Written,
    /// The profile has no such entries; the buffer is as it was.
    NotInProfile,
}

/// Appends entries of one profile to buffers of the caller's.
///
/// Each call appends one JSON object without white space, or nothing. Nothing is allocated but the buffer's own
/// growth. All strings are escaped where they must be, so the entry is valid JSON whatever they hold; the text of a
/// record is the caller's to get right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryWriter {
    profile: Profile,
}

impl EntryWriter {
    /// A writer of the given profile.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        Self { profile }
    }

    /// The profile that it writes.
    #[must_use]
    pub const fn profile(self) -> Profile {
        self.profile
    }

    /// Appends a `create` entry. `write_record` appends the record's JSON text, one object, to the same buffer.
    ///
    /// # Errors
    ///
    /// What `write_record` returns; the buffer is then as it was before the call.
    pub fn create<E>(
        self,
        buffer: &mut Vec<u8>,
        commit: &CommitHead<'_>,
        path: &RecordPath<'_>,
        cid: &CidText,
        write_record: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        push_record_write(buffer, Kind::Create, commit, path, cid, write_record)
    }

    /// Appends an `update` entry. `write_record` appends the record's JSON text, one object, to the same buffer.
    ///
    /// # Errors
    ///
    /// What `write_record` returns; the buffer is then as it was before the call.
    pub fn update<E>(
        self,
        buffer: &mut Vec<u8>,
        commit: &CommitHead<'_>,
        path: &RecordPath<'_>,
        cid: &CidText,
        write_record: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        push_record_write(buffer, Kind::Update, commit, path, cid, write_record)
    }

    /// Appends a `delete` entry.
    pub fn delete(self, buffer: &mut Vec<u8>, commit: &CommitHead<'_>, path: &RecordPath<'_>) {
        push_commit(buffer, Kind::Delete, commit);
        push_path(buffer, path);
        buffer.push(b'}');
    }

    /// Appends an `identity` entry; without a handle it has no such key.
    pub fn identity(self, buffer: &mut Vec<u8>, frame: &FrameHead<'_>, handle: Option<&str>) {
        push_frame(buffer, Kind::Identity, frame);
        if let Some(handle) = handle {
            buffer.extend_from_slice(br#","handle":"#);
            push_string(buffer, handle);
        }
        buffer.push(b'}');
    }

    /// Appends an `account` entry; without a status it is `null`.
    pub fn account(self, buffer: &mut Vec<u8>, frame: &FrameHead<'_>, account: &Account<'_>) {
        push_frame(buffer, Kind::Account, frame);
        buffer.extend_from_slice(if account.active { br#","active":true"# } else { br#","active":false"# });
        buffer.extend_from_slice(br#","status":"#);
        let said = account.status.as_ref().map(AccountStatus::as_str);
        if self.must_substitute(account) {
            push_string(buffer, AccountStatus::Deactivated.as_str());
            buffer.extend_from_slice(br#","hostStatus":"#);
        }
        push_string_or_null(buffer, said);
        buffer.push(b'}');
    }

    /// Appends a `sync` entry where the profile has them; `commit` is the state that the repo is said to be at.
    pub fn sync(self, buffer: &mut Vec<u8>, commit: &CommitHead<'_>) -> SyncOutcome {
        if !self.profile.has_sync() {
            return SyncOutcome::NotInProfile;
        }
        push_commit(buffer, Kind::Sync, commit);
        buffer.push(b'}');
        SyncOutcome::Written
    }

    /// The existing indexer refuses an inactive account with a status that it does not know, and takes one without
    /// any for active.
    fn must_substitute(self, account: &Account<'_>) -> bool {
        let known = account.status.as_ref().is_some_and(AccountStatus::is_known);
        match self.profile {
            Profile::Compatible => !account.active && !known,
            Profile::Full => false,
        }
    }
}

fn push_record_write<E>(
    buffer: &mut Vec<u8>,
    kind: Kind,
    commit: &CommitHead<'_>,
    path: &RecordPath<'_>,
    cid: &CidText,
    write_record: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = buffer.len();
    push_commit(buffer, kind, commit);
    push_path(buffer, path);
    buffer.extend_from_slice(br#","cid":""#);
    buffer.extend_from_slice(cid.as_bytes());
    buffer.extend_from_slice(br#"","record":"#);
    let record_start = buffer.len();
    if let Err(error) = write_record(buffer) {
        buffer.truncate(start);
        return Err(error);
    }
    debug_assert!(
        buffer.get(record_start) == Some(&b'{') && buffer.last() == Some(&b'}'),
        "a record's text is one JSON object"
    );
    buffer.push(b'}');
    Ok(())
}

fn push_frame(buffer: &mut Vec<u8>, kind: Kind, frame: &FrameHead<'_>) {
    buffer.extend_from_slice(br#"{"type":""#);
    buffer.extend_from_slice(kind.as_str().as_bytes());
    buffer.extend_from_slice(br#"","seq":"#);
    push_number(buffer, frame.seq);
    buffer.extend_from_slice(br#","time":"#);
    push_string(buffer, frame.time);
    buffer.extend_from_slice(br#","did":"#);
    push_string(buffer, frame.did);
}

fn push_commit(buffer: &mut Vec<u8>, kind: Kind, commit: &CommitHead<'_>) {
    push_frame(buffer, kind, &commit.frame);
    buffer.extend_from_slice(br#","commit":""#);
    buffer.extend_from_slice(commit.commit.as_bytes());
    buffer.extend_from_slice(br#"","rev":"#);
    push_string(buffer, commit.rev);
}

fn push_path(buffer: &mut Vec<u8>, path: &RecordPath<'_>) {
    buffer.extend_from_slice(br#","collection":"#);
    push_string(buffer, path.collection);
    buffer.extend_from_slice(br#","rkey":"#);
    push_string(buffer, path.rkey);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: FrameHead<'static> =
        FrameHead { seq: 7, time: "2026-07-04T14:38:08.999Z", did: "did:plc:ewvi7nxzyoun6zhxrhs64oiz" };

    fn commit() -> CommitHead<'static> {
        CommitHead { frame: FRAME, commit: CidText::encode(&[1; 36]), rev: "3mpuxk5o4lk2h" }
    }

    #[test]
    fn a_record_that_fails_half_way_leaves_the_buffer_as_it_was() {
        let path = RecordPath { collection: "app.bsky.feed.post", rkey: "self" };
        let cid = CidText::encode(&[2; 36]);
        let half = |buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(br#"{"text":"#);
            Err("too deep")
        };
        let mut buffer = b"before".to_vec();
        assert_eq!(EntryWriter::default().create(&mut buffer, &commit(), &path, &cid, half), Err("too deep"));
        assert_eq!(buffer, b"before");
        assert_eq!(EntryWriter::default().update(&mut buffer, &commit(), &path, &cid, half), Err("too deep"));
        assert_eq!(buffer, b"before");
    }

    #[test]
    fn sync_is_written_in_the_full_profile_only() {
        let mut buffer = Vec::new();
        assert_eq!(
            EntryWriter::new(Profile::Compatible).sync(&mut buffer, &commit()),
            SyncOutcome::NotInProfile
        );
        assert_eq!(buffer, b"");
        assert_eq!(EntryWriter::new(Profile::Full).sync(&mut buffer, &commit()), SyncOutcome::Written);
        assert!(buffer.starts_with(br#"{"type":"sync","#));
    }

    #[test]
    fn only_an_inactive_account_without_a_known_status_is_given_another() {
        let check = |active, status: Option<&str>, compatible: &str, full: &str| {
            let account = Account { active, status: status.map(Into::into) };
            for (profile, expected) in [(Profile::Compatible, compatible), (Profile::Full, full)] {
                let mut buffer = Vec::new();
                EntryWriter::new(profile).account(&mut buffer, &FRAME, &account);
                let text = String::from_utf8(buffer).unwrap();
                assert!(text.ends_with(expected), "{profile}: {text} should end with {expected}");
            }
        };
        let same = |active, status, expected| check(active, status, expected, expected);
        same(true, None, r#","active":true,"status":null}"#);
        same(true, Some("throttled"), r#","active":true,"status":"throttled"}"#);
        same(true, Some("novel"), r#","active":true,"status":"novel"}"#);
        same(false, Some("Takendown"), r#","active":false,"status":"takendown"}"#);
        check(
            false,
            Some("inactive"),
            r#","active":false,"status":"deactivated","hostStatus":"inactive"}"#,
            r#","active":false,"status":"inactive"}"#,
        );
        check(
            false,
            None,
            r#","active":false,"status":"deactivated","hostStatus":null}"#,
            r#","active":false,"status":null}"#,
        );
    }
}

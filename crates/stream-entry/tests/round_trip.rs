//! Whatever strings an entry is made of, it is valid JSON and reads back as what was written.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::Value;
use serde_json::value::RawValue;
use standpipe_stream_entry::CidText;
use standpipe_stream_entry::backfill::ListedRepo;
use standpipe_stream_entry::firehose::{
    Account, AccountStatus, CommitHead, Entry, EntryWriter, Event, FrameHead, Identity, Profile, Record,
    RecordDelete, RecordPath, RecordWrite, RepoState, SyncOutcome,
};
use standpipe_stream_entry::label::{Label, LabelsEntry, Verdict};

/// Any text, with the characters that JSON escapes more often than chance would have them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"\\\\\u{0}-\u{1f}\u{7f}-\u{9f}a-z\u{2028}\u{fffd}\u{10ffff}]{0,90}",
        "did:plc:[a-z2-7]{24}",
    ]
}

fn status() -> impl Strategy<Value = String> {
    const WORDS: [&str; 7] =
        ["takendown", "suspended", "deleted", "deactivated", "desynchronized", "throttled", "Deleted"];
    prop_oneof![text(), proptest::sample::select(&WORDS[..]).prop_map(str::to_owned)]
}

fn profile() -> impl Strategy<Value = Profile> {
    proptest::sample::select(&[Profile::Compatible, Profile::Full][..])
}

fn label() -> impl Strategy<Value = Label<'static>> {
    let texts = (text(), text(), text(), text());
    let maybe =
        (proptest::option::of(text()), proptest::option::of(text()), proptest::option::of(any::<bool>()));
    let signed = (proptest::option::of(any::<u64>()), proptest::option::of(any::<Vec<u8>>()));
    let verdict = proptest::option::of(proptest::sample::select(&Verdict::ALL[..]));
    (texts, maybe, signed, verdict).prop_map(
        |((src, uri, val, cts), (cid, exp, neg), (ver, sig), verdict)| Label {
            src: src.into(),
            uri: uri.into(),
            cid: cid.map(Into::into),
            val: val.into(),
            neg,
            cts: cts.into(),
            ver,
            exp: exp.map(Into::into),
            sig: sig.map(Into::into),
            verdict,
        },
    )
}

/// The strings of an entry of a record, in the order of their keys.
type Texts = (String, String, String, String, String);

/// What is appended before; an entry must not touch it.
const BEFORE: &[u8] = br#"{"the entry":"before"}"#;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn listed_repos_read_back_equal(
        (did, host, rev) in (text(), text(), text()),
        status in proptest::option::of(status()),
        active: bool,
    ) {
        let repo = ListedRepo {
            did: did.into(),
            host: host.into(),
            rev: rev.into(),
            status: status.as_deref().map(Into::into),
            active,
        };
        let mut buffer = BEFORE.to_vec();
        repo.write(&mut buffer);
        let value = buffer.strip_prefix(BEFORE).unwrap();
        prop_assert_eq!(ListedRepo::parse(value).unwrap(), repo);
    }

    #[test]
    fn labels_read_back_equal(
        seq: u64,
        labels in proptest::collection::vec(label(), 0..4),
    ) {
        let entry = LabelsEntry { seq, labels };
        let mut buffer = BEFORE.to_vec();
        entry.write(&mut buffer);
        let value = buffer.strip_prefix(BEFORE).unwrap();
        prop_assert_eq!(LabelsEntry::parse(value).unwrap(), entry);
    }

    #[test]
    fn record_entries_read_back_equal(
        seq: u64,
        (time, did, rev, collection, rkey) in (text(), text(), text(), text(), text()),
        commit in any::<[u8; 32]>(),
        cid in any::<[u8; 32]>(),
        record_text in text(),
        profile in profile(),
    ) {
        let texts: Texts = (time, did, rev, collection, rkey);
        let (commit, cid) = (cid_text(commit), cid_text(cid));
        let head = commit_head(seq, &texts, commit);
        let path = RecordPath { collection: &texts.3, rkey: &texts.4 };
        let record = serde_json::json!({ "text": record_text }).to_string();
        let write_record = |buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(record.as_bytes());
            Ok::<_, Infallible>(())
        };
        let (commit, cid_in_text) = (commit.to_string(), cid.to_string());
        let expected = RecordWrite {
            commit: commit.as_str().into(),
            rev: texts.2.as_str().into(),
            collection: texts.3.as_str().into(),
            rkey: texts.4.as_str().into(),
            cid: cid_in_text.as_str().into(),
            record: read_record(&record),
        };
        let writer = EntryWriter::new(profile);
        check(seq, &texts, Event::Create(expected.clone()), |buffer| {
            assert_eq!(writer.create(buffer, &head, &path, &cid, write_record), Ok(()));
        });
        check(seq, &texts, Event::Update(expected.clone()), |buffer| {
            assert_eq!(writer.update(buffer, &head, &path, &cid, write_record), Ok(()));
        });
        let expected = RecordDelete {
            commit: expected.commit,
            rev: expected.rev,
            collection: expected.collection,
            rkey: expected.rkey,
        };
        check(seq, &texts, Event::Delete(expected), |buffer| writer.delete(buffer, &head, &path));
    }

    #[test]
    fn other_entries_read_back_equal_in_either_profile(
        seq: u64,
        (time, did, rev) in (text(), text(), text()),
        handle in proptest::option::of(text()),
        active: bool,
        status in proptest::option::of(status()),
        commit in any::<[u8; 32]>(),
        profile in profile(),
    ) {
        let texts: Texts = (time, did, rev, String::new(), String::new());
        let head = commit_head(seq, &texts, cid_text(commit));
        let writer = EntryWriter::new(profile);

        let identity = Identity { handle: handle.as_deref().map(Into::into) };
        check(seq, &texts, Event::Identity(identity), |buffer| {
            writer.identity(buffer, &head.frame, handle.as_deref());
        });

        let account = Account { active, status: status.as_deref().map(AccountStatus::from) };
        check(seq, &texts, Event::Account(account.clone()), |buffer| writer.account(buffer, &head.frame, &account));

        let commit = head.commit.to_string();
        let state = RepoState { commit: commit.as_str().into(), rev: texts.2.as_str().into() };
        let writer = EntryWriter::new(Profile::Full);
        check(seq, &texts, Event::Sync(state), |buffer| {
            assert_eq!(writer.sync(buffer, &head), SyncOutcome::Written);
        });
    }

    /// The statuses that the existing indexer takes of an inactive account, and what it does without one.
    #[test]
    fn the_compatible_profile_gives_every_inactive_account_a_known_status(status in proptest::option::of(status())) {
        let account = Account { active: false, status: status.as_deref().map(AccountStatus::from) };
        let mut buffer = Vec::new();
        let frame = FrameHead { seq: 1, time: "", did: "" };
        EntryWriter::new(Profile::Compatible).account(&mut buffer, &frame, &account);
        let entry: Value = serde_json::from_slice(&buffer).unwrap();
        let written = entry["status"].as_str().unwrap();
        let taken = ["deactivated", "suspended", "takendown", "deleted", "throttled", "desynchronized"];
        prop_assert!(taken.contains(&written), "{}", written);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, cut in 0_usize..60) {
        drop(Entry::parse(&bytes));
        let entry = br#"{"type":"account","seq":5,"time":"t","did":"d","active":true}"#;
        drop(Entry::parse(&entry[..cut]));
    }
}

fn check(seq: u64, texts: &Texts, event: Event<'_>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut buffer = BEFORE.to_vec();
    write(&mut buffer);
    let (before, entry) = buffer.split_at(BEFORE.len());
    assert_eq!(before, BEFORE);
    let object: Value = serde_json::from_slice(entry).unwrap();
    assert!(object.is_object());
    let expected =
        Entry { seq: Some(seq), time: texts.0.as_str().into(), did: texts.1.as_str().into(), event };
    assert_eq!(Entry::parse(entry).unwrap(), expected);
}

fn commit_head(seq: u64, texts: &Texts, commit: CidText) -> CommitHead<'_> {
    CommitHead { frame: FrameHead { seq, time: &texts.0, did: &texts.1 }, commit, rev: &texts.2 }
}

fn cid_text(hash: [u8; 32]) -> CidText {
    let mut binary = [0; 36];
    binary[..4].copy_from_slice(&[0x01, 0x71, 0x12, 0x20]);
    binary[4..].copy_from_slice(&hash);
    CidText::encode(&binary)
}

fn read_record(text: &str) -> Record<'_> {
    serde_json::from_str::<&RawValue>(text).unwrap().into()
}

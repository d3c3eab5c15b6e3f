//! The contract, byte for byte: what is written equals `tests/golden`, reads back equal, and is what `docs/events.md`
//! shows.
//!
//! A golden file lies in its stream's folder and is named for its shape. `.compatible` or `.full` before the ending says that only this profile
//! writes it so; without either, both do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;
use standpipe_stream_entry::backfill::ListedRepo;
use standpipe_stream_entry::firehose::{
    Account, CommitHead, Entry, EntryWriter, Event, FrameHead, Identity, Kind, Profile, RecordDelete,
    RecordPath, RecordWrite, RepoState, SyncOutcome,
};
use standpipe_stream_entry::label::{Label, LabelsEntry, Verdict};
use standpipe_stream_entry::{CidText, FIREHOSE_LIVE, LABEL_LIVE, REPO_BACKFILL, Stream};

const TIME: &str = "2026-07-04T14:38:08.999Z";
const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const REV: &str = "3mpuxk5o4lk2h";
const COMMIT: u8 = 0xc1;
const RECORD: u8 = 0x5e;

const POST: &str = concat!(
    r#"{"text":"up the standpipe\nfüllt sich 🚒","$type":"app.bsky.feed.post","embed":{"$type":"app.bsky.embed.images","#,
    r#""images":[{"alt":"a \"red\" hydrant","image":{"ref":{"$link":"#,
    r#""bafyreia3dmnrwgy3dmnrwgy3dmnrwgy3dmnrwgy3dmnrwgy3dmnrwgy3dm"},"size":482113,"$type":"blob","#,
    r#""mimeType":"image/jpeg"}}]},"langs":["en"],"createdAt":"2026-07-04T14:38:08.412Z"}"#
);
const PROFILE: &str = concat!(
    r#"{"$type":"app.bsky.actor.profile","number":-9007199254740993,"example":{"$bytes":"3q2+7w"},"#,
    r#""description":null,"displayName":""}"#
);

/// What a golden file says, and who writes it so.
struct Case {
    file: &'static str,
    profiles: &'static [Profile],
    entry: Entry<'static>,
}

fn cases() -> Vec<Case> {
    const BOTH: &[Profile] = &[Profile::Compatible, Profile::Full];
    const COMPATIBLE: &[Profile] = &[Profile::Compatible];
    const FULL: &[Profile] = &[Profile::Full];
    let case = |file, profiles, seq, event| {
        let entry = Entry { seq: Some(seq), time: TIME.into(), did: DID.into(), event };
        Case { file, profiles, entry }
    };
    let account = |active, status: Option<&'static str>| {
        Event::Account(Account { active, status: status.map(Into::into) })
    };
    let delete = RecordDelete {
        commit: cid(COMMIT).to_string().into(),
        rev: REV.into(),
        collection: "app.bsky.feed.like".into(),
        rkey: "3mpuxk4rz2c2s".into(),
    };
    let state = RepoState { commit: cid(COMMIT).to_string().into(), rev: REV.into() };
    let handle = Some("hydrant.example.com".into());
    let (unknown, embargoed) = (Some("inactive"), Some("embargoed"));
    vec![
        case(
            "create",
            BOTH,
            31_527_015_322,
            Event::Create(write("app.bsky.feed.post", "3mpuxk4rz2c2s", POST)),
        ),
        case("update", BOTH, 31_527_015_323, Event::Update(write("app.bsky.actor.profile", "self", PROFILE))),
        case("delete", BOTH, 31_527_015_324, Event::Delete(delete)),
        case("identity", BOTH, 31_527_015_325, Event::Identity(Identity { handle })),
        case("identity-without-handle", BOTH, 31_527_015_326, Event::Identity(Identity { handle: None })),
        case("account-active", BOTH, 31_527_015_327, account(true, None)),
        case("account-active-with-status", BOTH, 31_527_015_328, account(true, Some("throttled"))),
        case("account-active-with-unknown-status", BOTH, 31_527_015_329, account(true, embargoed)),
        case("account-inactive", BOTH, 31_527_015_330, account(false, Some("deleted"))),
        case(
            "account-inactive-with-unknown-status.compatible",
            COMPATIBLE,
            31_527_015_331,
            account(false, unknown),
        ),
        case("account-inactive-with-unknown-status.full", FULL, 31_527_015_331, account(false, unknown)),
        case("account-inactive-without-status.compatible", COMPATIBLE, 31_527_015_332, account(false, None)),
        case("account-inactive-without-status.full", FULL, 31_527_015_332, account(false, None)),
        case("sync.full", FULL, 31_527_015_333, Event::Sync(state)),
    ]
}

#[test]
fn every_shape_is_written_as_its_golden_file_has_it() {
    let goldens = goldens(FIREHOSE_LIVE);
    for Case { file, profiles, entry } in cases() {
        for &profile in profiles {
            assert_eq!(written(&entry, profile), goldens[file], "{file}, written in the profile {profile}");
        }
    }
}

#[test]
fn there_is_a_golden_file_for_every_shape_and_no_other() {
    let goldens = goldens(FIREHOSE_LIVE);
    let files: BTreeSet<&str> = goldens.keys().map(String::as_str).collect();
    assert_eq!(files, cases().into_iter().map(|case| case.file).collect());
}

#[test]
fn every_golden_file_reads_as_what_was_written() {
    let goldens = goldens(FIREHOSE_LIVE);
    for Case { file, entry, .. } in cases() {
        assert_eq!(Entry::parse(goldens[file].as_bytes()).unwrap(), entry, "{file}");
    }
}

/// What the golden files of [`REPO_BACKFILL`] say.
fn listed_repos() -> BTreeMap<String, ListedRepo<'static>> {
    let repo =
        |did: &'static str, host: &'static str, rev: &'static str, status: Option<&'static str>, active| {
            ListedRepo {
                did: did.into(),
                host: host.into(),
                rev: rev.into(),
                status: status.map(Into::into),
                active,
            }
        };
    let pds = "https://pds.example.com";
    [
        ("active", repo(DID, "https://relay1.us-east.bsky.network", REV, None, true)),
        (
            "active-with-status",
            repo(
                "did:web:hydrant.example.com",
                "https://pds.example.com:8443",
                REV,
                Some("desynchronized"),
                true,
            ),
        ),
        ("inactive", repo(DID, pds, REV, Some("takendown"), false)),
        ("without-rev", repo(DID, pds, "", None, false)),
    ]
    .map(|(file, repo)| (file.to_owned(), repo))
    .into()
}

#[test]
fn every_shape_of_a_listed_repo_is_written_and_read_as_its_golden_file_has_it() {
    let written = |repo: &ListedRepo<'_>| {
        let mut buffer = Vec::new();
        repo.write(&mut buffer);
        String::from_utf8(buffer).unwrap()
    };
    let repos = listed_repos();
    let goldens = goldens(REPO_BACKFILL);
    assert_eq!(
        repos.iter().map(|(file, repo)| (file.clone(), written(repo))).collect::<BTreeMap<_, _>>(),
        goldens
    );
    for (file, text) in &goldens {
        assert_eq!(ListedRepo::parse(text.as_bytes()).unwrap(), repos[file], "{file}");
    }
}

#[test]
fn the_document_lists_the_keys_of_a_listed_repo_in_their_order() {
    let document = document();
    let rows = section(&document, "## Entries of `repo_backfill`").lines();
    let listed: Vec<&str> = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    for text in goldens(REPO_BACKFILL).values() {
        let places: Vec<_> = listed.iter().map(|key| text.find(&format!(r#""{key}":"#)).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        let Value::Object(entry) = serde_json::from_str(text).unwrap() else { panic!("no object: {text}") };
        assert_eq!(entry.len(), listed.len(), "{text}");
    }
}

/// What the golden files of [`LABEL_LIVE`] say.
fn labels() -> BTreeMap<String, LabelsEntry<'static>> {
    const POST: &str = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3mpuxk4rz2c2s";
    let sig: Vec<u8> = (0..64).collect();
    let spam = Label {
        src: "did:plc:ar7c4by46qjdydhdevvrndac".into(),
        uri: DID.into(),
        cid: None,
        val: "spam".into(),
        neg: None,
        cts: TIME.into(),
        ver: Some(1),
        exp: None,
        sig: Some(sig.into()),
        verdict: Some(Verdict::Verified),
    };
    let taken_back = Label { neg: Some(true), cts: "2026-07-04T14:39:00.000Z".into(), ..spam.clone() };
    let pinned = Label {
        uri: POST.into(),
        cid: Some(cid(RECORD).to_string().into()),
        val: "!warn".into(),
        neg: Some(false),
        exp: Some("2026-08-01T00:00:00Z".into()),
        verdict: Some(Verdict::Failed),
        ..spam.clone()
    };
    let unsigned =
        Label { uri: POST.into(), ver: None, sig: None, verdict: Some(Verdict::Unverified), ..spam.clone() };
    let not_looked_at = Label { verdict: None, ..spam.clone() };
    [
        ("label", 1201, vec![spam]),
        ("negation", 1202, vec![taken_back]),
        ("several", 1203, vec![pinned, unsigned]),
        ("without-verdict", 1204, vec![not_looked_at]),
    ]
    .map(|(file, seq, labels)| (file.to_owned(), LabelsEntry { seq, labels }))
    .into()
}

#[test]
fn every_shape_of_labels_is_written_and_read_as_its_golden_file_has_it() {
    let written = |entry: &LabelsEntry<'_>| {
        let mut buffer = Vec::new();
        entry.write(&mut buffer);
        String::from_utf8(buffer).unwrap()
    };
    let (labels, goldens) = (labels(), goldens(LABEL_LIVE));
    assert_eq!(
        labels.iter().map(|(file, entry)| (file.clone(), written(entry))).collect::<BTreeMap<_, _>>(),
        goldens
    );
    for (file, text) in &goldens {
        assert_eq!(LabelsEntry::parse(text.as_bytes()).unwrap(), labels[file], "{file}");
    }
}

#[test]
fn the_document_lists_the_keys_of_labels_in_their_order() {
    let document = document();
    // The table of verdicts below it has words, and no keys.
    let rows = section(&document, "## Entries of `label_live`").split("\n### ").next().unwrap().lines();
    let listed: Vec<&str> = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let mut written = BTreeSet::new();
    for text in goldens(LABEL_LIVE).values() {
        let entry: Value = serde_json::from_str(text).unwrap();
        for label in entry["labels"].as_array().unwrap() {
            written.extend(label.as_object().unwrap().keys().cloned());
        }
        let first = text.split("},{").next().unwrap();
        let places: Vec<_> = listed.iter().filter_map(|key| first.find(&format!(r#""{key}":"#))).collect();
        assert!(places.is_sorted(), "{text}");
    }
    assert_eq!(written, listed.into_iter().map(str::to_owned).collect());
}

#[test]
fn the_document_shows_every_golden_file_and_no_other_entry() {
    let document = document();
    let shown: Vec<&str> = fenced_blocks(&document, "json");
    let goldens = [goldens(FIREHOSE_LIVE), goldens(REPO_BACKFILL), goldens(LABEL_LIVE)];
    for (file, text) in goldens.iter().flatten() {
        assert_eq!(shown.iter().filter(|block| *block == text).count(), 1, "{file} in docs/events.md");
    }
    for block in shown {
        assert!(
            goldens.iter().flatten().any(|(_, text)| text == block),
            "docs/events.md shows what no golden file has: {block}"
        );
    }
}

/// The first column of the table holds the keys, the third the types of entries that have them.
#[test]
fn the_document_lists_every_key_with_the_types_that_have_it() {
    let document = document();
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in section(&document, "## Keys").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let types = match cells[3] {
            "all" => Kind::ALL
                .into_iter()
                .filter(|&kind| kind != Kind::Repo)
                .map(|kind| kind.to_string())
                .collect(),
            types => types.split(", ").map(str::to_owned).collect(),
        };
        assert!(listed.insert(cells[1].trim_matches('`').to_owned(), types).is_none(), "listed twice: {row}");
    }

    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in goldens(FIREHOSE_LIVE).values() {
        let Value::Object(entry) = serde_json::from_str(text).unwrap() else { panic!("no object: {text}") };
        for key in entry.keys() {
            written.entry(key.clone()).or_default().insert(entry["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(listed, written);
}

#[test]
fn the_document_names_every_stream() {
    let document = document();
    for stream in [FIREHOSE_LIVE, REPO_BACKFILL, LABEL_LIVE] {
        let row = format!("| `{}` | `{}` |", stream.name, stream.field);
        assert!(section(&document, "## Streams").contains(&row), "{row}");
    }
}

fn written(entry: &Entry<'_>, profile: Profile) -> String {
    let writer = EntryWriter::new(profile);
    let frame = FrameHead { seq: entry.seq.unwrap(), time: &entry.time, did: &entry.did };
    let commit = CommitHead { frame, commit: cid(COMMIT), rev: REV };
    let mut buffer = Vec::new();
    let record = |text: &'static str| {
        move |buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(text.as_bytes());
            Ok::<_, Infallible>(())
        }
    };
    match &entry.event {
        Event::Create(write) => {
            let path = RecordPath { collection: &write.collection, rkey: &write.rkey };
            assert_eq!(writer.create(&mut buffer, &commit, &path, &cid(RECORD), record(POST)), Ok(()));
        }
        Event::Update(write) => {
            let path = RecordPath { collection: &write.collection, rkey: &write.rkey };
            assert_eq!(writer.update(&mut buffer, &commit, &path, &cid(RECORD), record(PROFILE)), Ok(()));
        }
        Event::Delete(delete) => {
            writer.delete(
                &mut buffer,
                &commit,
                &RecordPath { collection: &delete.collection, rkey: &delete.rkey },
            );
        }
        Event::Identity(identity) => writer.identity(&mut buffer, &frame, identity.handle.as_deref()),
        Event::Account(account) => writer.account(&mut buffer, &frame, account),
        Event::Sync(_) => assert_eq!(writer.sync(&mut buffer, &commit), SyncOutcome::Written),
        Event::Repo(_) => panic!("no writer of ours"),
    }
    String::from_utf8(buffer).unwrap()
}

fn write(collection: &'static str, rkey: &'static str, record: &'static str) -> RecordWrite<'static> {
    RecordWrite {
        commit: cid(COMMIT).to_string().into(),
        rev: REV.into(),
        collection: collection.into(),
        rkey: rkey.into(),
        cid: cid(RECORD).to_string().into(),
        record: serde_json::from_str::<&RawValue>(record).unwrap().into(),
    }
}

/// A DAG-CBOR CID whose hash is 32 times the same byte.
fn cid(byte: u8) -> CidText {
    let mut binary = [byte; 36];
    binary[..4].copy_from_slice(&[0x01, 0x71, 0x12, 0x20]);
    CidText::encode(&binary)
}

/// File name without `.json` to the entry in it without the line's end.
fn goldens(stream: Stream) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(stream.name);
    let mut goldens = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let entry = text.strip_suffix('\n').unwrap().to_owned();
        let name = file.file_name().into_string().unwrap().strip_suffix(".json").unwrap().to_owned();
        goldens.insert(name, entry);
    }
    goldens
}

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md")).unwrap()
}

fn fenced_blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    document.split(&opening).skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect()
}

fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

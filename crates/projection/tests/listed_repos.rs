//! Pages of a host's list of repositories, through the decoder and through a pump.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::future::pending;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use standpipe_cursor::{Cursor, Endpoint};
use standpipe_pipeline::{
    Ack, Batch, Counts, Decoder as _, End, Limits, Never, Observation, Observer, OpenBatch, Pump, RepoPage,
    RepoRow, Silent, Sink, Source, Tally,
};
use standpipe_projection::{Announcements, DidFilter, ListedRepoDecoder, ListedRepoSettings, StandingFilter};
use standpipe_stream_entry::backfill::ListedRepo;

const REV: &str = "3mpuxk5o4lk2h";
/// What is stored at the end of a list.
const END: &str = "!ingester-done";
const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

fn host() -> Endpoint {
    "https://PDS.example.com:8443/".parse().unwrap()
}

fn decoder(settings: ListedRepoSettings) -> ListedRepoDecoder<Page> {
    ListedRepoDecoder::new(&host(), cursor(END), settings, Silent::shared())
}

#[derive(Clone)]
struct Row {
    did: String,
    rev: String,
    status: Option<String>,
    active: bool,
}

struct Page {
    through: Option<Cursor>,
    rows: Vec<Row>,
    unreadable: Counts,
}

impl RepoPage for Page {
    fn through(&self) -> Option<&Cursor> {
        self.through.as_ref()
    }

    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>> {
        self.rows.iter().map(|row| RepoRow {
            did: &row.did,
            rev: &row.rev,
            status: row.status.as_deref(),
            active: row.active,
        })
    }

    fn unreadable(&self) -> &Counts {
        &self.unreadable
    }

    fn received_bytes(&self) -> usize {
        100
    }
}

fn row(did: &str) -> Row {
    Row { did: did.to_owned(), rev: REV.to_owned(), status: None, active: true }
}

fn standing(did: &str, active: bool, status: Option<&str>) -> Row {
    Row { active, status: status.map(str::to_owned), ..row(did) }
}

fn cursor(text: &str) -> Cursor {
    Cursor::parse(text).unwrap()
}

fn page(through: Option<&str>, rows: Vec<Row>) -> Page {
    Page { through: through.map(cursor), rows, unreadable: Counts::default() }
}

/// What one page of these rows becomes.
fn decode(decoder: &mut ListedRepoDecoder<Page>, rows: Vec<Row>) -> (Vec<String>, Tally) {
    let mut open = OpenBatch::following(None);
    let Ok(()) = decoder.decode(page(Some("next"), rows), &mut open);
    let batch = open.seal(None).unwrap();
    assert_eq!(batch.through(), &cursor("next"));
    (entries(&batch), batch.tally().clone())
}

fn entries(batch: &Batch) -> Vec<String> {
    batch.entries().map(|entry| String::from_utf8(entry.to_vec()).unwrap()).collect()
}

fn dids(entries: &[String]) -> Vec<String> {
    entries.iter().map(|entry| ListedRepo::parse(entry.as_bytes()).unwrap().did.into_owned()).collect()
}

fn counts(tally: &Tally) -> Vec<(&'static str, u64)> {
    tally.dropped.iter().chain(tally.noted.iter()).collect()
}

#[test]
fn a_row_becomes_the_entry_that_consumers_know() {
    let rows =
        vec![row(DID), standing("did:web:a.example", false, Some("takendown")), standing(DID, false, None)];
    let (entries, tally) = decode(&mut decoder(ListedRepoSettings::default()), rows);
    assert_eq!(
        entries,
        [
            r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","host":"https://pds.example.com:8443","rev":"3mpuxk5o4lk2h","status":null,"active":true}"#,
            r#"{"did":"did:web:a.example","host":"https://pds.example.com:8443","rev":"3mpuxk5o4lk2h","status":"takendown","active":false}"#,
            r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","host":"https://pds.example.com:8443","rev":"3mpuxk5o4lk2h","status":null,"active":false}"#,
        ]
    );
    assert_eq!((tally.frames, tally.frame_bytes, tally.written.of("repo")), (1, 100, 3));
    assert_eq!(counts(&tally), [("repeated_row", 1)]);
}

#[derive(Default)]
struct Quarantine(Mutex<Vec<(String, String)>>);

impl Observer for Quarantine {
    fn observe(&self, observation: Observation<'_>) {
        if let Observation::Quarantined { reason, frame, .. } = observation {
            let text = String::from_utf8_lossy(frame).into_owned();
            self.0.lock().unwrap().push((reason.to_owned(), text));
        }
    }
}

#[test]
fn i5_a_row_without_a_usable_did_is_counted_and_kept_and_costs_no_other() {
    let quarantine = Arc::new(Quarantine::default());
    let mut decoder = ListedRepoDecoder::new(
        &host(),
        cursor(END),
        ListedRepoSettings::default(),
        Arc::clone(&quarantine) as _,
    );
    let long = format!("did:plc:{}", "a".repeat(5000));
    let bad = ["", "did:", "did:plc:a\n", "handle.example", "did:key:zQ3", &long];
    for did in bad {
        let (entries, tally) = decode(&mut decoder, vec![row(did), row(DID)]);
        assert_eq!(dids(&entries), [DID]);
        assert_eq!(tally.dropped.total(), 1);
    }
    let kept = quarantine.0.lock().unwrap();
    let reasons = kept.iter().map(|(reason, _)| reason.as_str());
    let syntax = "did_syntax";
    assert!(reasons.eq([syntax, syntax, syntax, syntax, "did_method", syntax]), "{kept:?}");
    assert_eq!(kept[3].1, "handle.example");
    assert!(kept.iter().all(|(_, text)| text.len() <= 2048));
}

#[test]
fn i7_of_a_page_of_unusable_rows_a_few_are_kept_and_all_are_counted() {
    let quarantine = Arc::new(Quarantine::default());
    let settings = ListedRepoSettings::default();
    let mut decoder = ListedRepoDecoder::new(&host(), cursor(END), settings, Arc::clone(&quarantine) as _);
    for page in 1..=2 {
        let (_, tally) = decode(&mut decoder, vec![row("did:key:zQ3"); 1000]);
        assert_eq!(counts(&tally), [("did_method", 1000)]);
        assert_eq!(quarantine.0.lock().unwrap().len(), 3 * page);
    }
}

#[test]
fn what_else_is_wrong_with_a_row_is_counted_and_the_repo_is_announced() {
    let long = "x".repeat(129);
    let rows = vec![
        Row { rev: String::new(), ..row("did:plc:a") },
        Row { rev: "1".to_owned(), ..row("did:plc:b") },
        Row { rev: long.clone(), ..row("did:plc:c") },
        Row { status: Some(long), ..row("did:plc:d") },
    ];
    let (entries, tally) = decode(&mut decoder(ListedRepoSettings::default()), rows);
    let read: Vec<_> = entries.iter().map(|entry| ListedRepo::parse(entry.as_bytes()).unwrap()).collect();
    let revs: Vec<&str> = read.iter().map(|repo| repo.rev.as_ref()).collect();
    assert_eq!(revs, ["", "1", "", REV]);
    assert!(read.iter().all(|repo| repo.active && repo.status.is_none()));
    let noted = ["rev_missing", "rev_no_tid", "rev_too_long", "status_too_long"].map(|note| (note, 1));
    assert_eq!(counts(&tally), noted);
}

#[test]
fn what_the_operator_does_not_want_is_counted() {
    let settings = ListedRepoSettings {
        standings: StandingFilter::parse(["active", "deactivated"]).unwrap(),
        dids: DidFilter::parse(["did:plc:a", "did:plc:b", "did:plc:c"]).unwrap(),
        announcements: None,
    };
    let rows = vec![
        row("did:plc:a"),
        standing("did:plc:b", false, Some("deactivated")),
        standing("did:plc:c", false, Some("deleted")),
        row("did:plc:d"),
    ];
    let (entries, tally) = decode(&mut decoder(settings), rows);
    assert_eq!(dids(&entries), ["did:plc:a", "did:plc:b"]);
    assert_eq!(counts(&tally), [("status_filtered", 1), ("did_filtered", 1)]);
}

#[test]
fn an_account_listed_on_two_pages_is_written_twice_and_counted() {
    let mut decoder = decoder(ListedRepoSettings::default());
    let (_, first) = decode(&mut decoder, vec![row("did:plc:a"), row("did:plc:b")]);
    let (entries, second) = decode(&mut decoder, vec![row("did:plc:b"), row("did:plc:c")]);
    assert_eq!(dids(&entries), ["did:plc:b", "did:plc:c"]);
    assert_eq!((counts(&first), counts(&second)), (vec![], vec![("repeated_row", 1)]));
}

#[test]
fn a_repo_is_announced_once_across_hosts_where_that_is_wanted() {
    let all = Announcements::bounded(NonZeroUsize::new(1000).unwrap());
    let host = || decoder(ListedRepoSettings { announcements: Some(all.of_host()), ..Default::default() });
    let (mut relay, mut pds) = (host(), host());
    let listed = || vec![row("did:plc:a"), standing("did:plc:moved", false, Some("deactivated"))];
    assert_eq!(decode(&mut relay, listed()).0.len(), 2);
    let (entries, tally) = decode(&mut pds, vec![row("did:plc:a"), row("did:plc:moved"), row("did:plc:b")]);
    assert_eq!(dids(&entries), ["did:plc:moved", "did:plc:b"]);
    assert_eq!(counts(&tally), [("announced_elsewhere", 1)]);
    // The relay's page did not become durable, and is read again.
    assert_eq!(dids(&decode(&mut relay, listed()).0), ["did:plc:a"]);
}

#[test]
fn the_documented_reasons_are_those_that_are_counted() {
    let long = "x".repeat(129);
    let all = Announcements::bounded(NonZeroUsize::new(10).unwrap());
    let settings = ListedRepoSettings {
        standings: StandingFilter::parse(["active"]).unwrap(),
        dids: DidFilter::parse(["did:plc:a", "did:plc:b"]).unwrap(),
        announcements: Some(all.of_host()),
    };
    let mut other =
        decoder(ListedRepoSettings { announcements: Some(all.of_host()), ..ListedRepoSettings::default() });
    decode(&mut other, vec![row("did:plc:b")]);
    let rows = vec![
        row("none"),
        row("did:key:a"),
        row("did:plc:unwanted"),
        row("did:plc:b"),
        standing("did:plc:a", false, None),
        Row { rev: String::new(), ..row("did:plc:a") },
        Row { rev: "1".to_owned(), ..row("did:plc:a") },
        Row { rev: long.clone(), status: Some(long), ..row("did:plc:a") },
    ];
    let mut unreadable = Counts::default();
    unreadable.add("malformed_row");
    unreadable.add("invalid_did");
    let mut open = OpenBatch::following(None);
    let Ok(()) = decoder(settings).decode(Page { through: None, rows, unreadable }, &mut open);
    let tally = open.seal(None).unwrap().tally().clone();
    let counted: BTreeSet<&str> = counts(&tally).into_iter().map(|(reason, _)| reason).collect();

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, tables) = document.split_once("\n| what becomes no entry |").unwrap();
    let tables = tables.split("\n## ").next().unwrap();
    let cells = tables.lines().filter_map(|line| line.trim_end_matches(" |").rsplit_once("| "));
    let documented: BTreeSet<&str> = cells.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(documented, counted);
}

struct Pages(VecDeque<Page>);

impl Source for Pages {
    type Item = Page;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<Page>, Never> {
        Ok(self.0.pop_front())
    }
}

/// Keeps of each batch the cursors, and how many entries were stored with them.
#[derive(Default)]
struct Steps(Vec<(Option<Cursor>, Cursor, usize)>);

impl Sink for Steps {
    type Error = Never;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Never> {
        self.0.push((batch.from().cloned(), batch.through().clone(), batch.len()));
        Ok(Ack::applied(None))
    }
}

#[tokio::test(start_paused = true)]
async fn i4_a_page_is_stored_whole_with_its_opaque_cursor_and_the_end_comes_last() {
    let rows = |number: usize| (0..1000).map(|each| row(&format!("did:plc:{number}x{each}"))).collect();
    let second = "1783175888085::did:plc:0x999";
    let pages = [
        page(Some(second), rows(0)),
        page(Some("+/=007"), rows(1)),
        page(Some("empty"), Vec::new()),
        page(None, rows(2)),
    ];
    let limits = Limits { max_entries: 500, ..Limits::default() };
    let decoder = decoder(ListedRepoSettings::default());
    let mut pump = Pump::new(Pages(pages.into()), decoder, Steps::default(), limits, Silent::shared());
    assert_eq!(pump.run(None, pending()).await.unwrap(), End::Finished);
    let Steps(steps) = pump.into_parts().2;
    assert_eq!(
        steps,
        [
            (None, cursor(second), 1000),
            (Some(cursor(second)), cursor("+/=007"), 1000),
            (Some(cursor("+/=007")), cursor(END), 1000),
        ]
    );
}

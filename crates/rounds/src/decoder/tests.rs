//! What becomes of pages, and what is stored beside them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use standpipe_cursor::{CursorError, CursorKey, CursorStore, Seq};
use standpipe_list_repos::{Gap, Through};
use standpipe_pipeline::{Batch, Beside, Remedy, Silent, Transient as _};

use super::*;

#[derive(Default)]
struct Store(HashMap<String, Cursor>);

impl CursorStore for Store {
    async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        Ok(self.0.get(key.host()).cloned())
    }

    async fn save(&self, key: &CursorKey, _: &Cursor) -> Result<(), CursorError> {
        panic!("{key} is saved by itself")
    }

    async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        panic!("{key} is cleared")
    }
}

fn cursor(text: &str) -> Cursor {
    Cursor::parse(text).unwrap()
}

fn key() -> CursorKey {
    CursorKey::new("repo_backfill", &"relay.test".parse().unwrap())
}

/// Marks of a host with this stored beside its cursor.
async fn marks(stored: &[(&str, &str)]) -> Marks {
    let stored = stored.iter().map(|(mark, text)| (key().beside(mark).host().to_owned(), cursor(text)));
    let marks = Marks::beside(&key());
    marks.load(&Store(stored.collect())).await.unwrap();
    marks
}

fn decoder(ending: Ending, marks: &Marks, known: Option<&str>) -> PageDecoder {
    let host = "relay.test".parse().unwrap();
    let settings = standpipe_projection::ListedRepoSettings::default();
    let account =
        |known: &str| Known { account: known.to_owned(), rows_left: 10, bytes_left: 5_000, held: Vec::new() };
    PageDecoder {
        inner: ListedRepoDecoder::new(&host, mark::done(), settings, Silent::shared()),
        ending,
        marks: marks.clone(),
        known: known.map(account),
    }
}

fn did(row: u64) -> String {
    let letter = |digit: u8| char::from(digit - b'0' + b'a');
    format!("did:plc:{}", format!("{row:0>24}").bytes().map(letter).collect::<String>())
}

/// A page of these rows behind that cursor, which says that there is more, unless it is the last one.
fn page(after: u64, rows: RangeInclusive<u64>, is_last: bool) -> Page<RepoRows> {
    let through = if is_last { Through::End } else { Through::Cursor(cursor(&rows.end().to_string())) };
    let rows: Vec<_> = rows.map(|row| format!(r#"{{"did":"{}","rev":"3jzfcijpj2z2a"}}"#, did(row))).collect();
    Page {
        number: 1,
        after: Seq::new(after).map(Cursor::from),
        through,
        rows: RepoRows::parse(format!(r#"{{"repos":[{}]}}"#, rows.join(",")).as_bytes()).unwrap(),
        gap: None,
        received_bytes: 100,
    }
}

fn behind_gap(after: u64, through: u64, page: Page<RepoRows>) -> Page<RepoRows> {
    let gap = Gap { after: Seq::new(after).unwrap(), through: Seq::new(through).unwrap() };
    Page { after: Some(gap.after.into()), gap: Some(gap), ..page }
}

/// One batch of these pages.
fn batch(decoder: &mut PageDecoder, pages: impl IntoIterator<Item = Page<RepoRows>>) -> Batch {
    let mut open = OpenBatch::following(None);
    pages.into_iter().for_each(|page| decoder.decode(page, &mut open).unwrap());
    open.seal(None).unwrap()
}

fn beside(mark: &str, from: Option<&str>, through: &str) -> Beside {
    Beside { key: key().beside(mark), from: from.map(cursor), through: cursor(through) }
}

#[tokio::test]
async fn i2_rows_that_were_written_are_known_however_small_the_pages_are() {
    let marks = marks(&[]).await;
    // The page that ended with row 6 was asked for behind 2. It comes again in two, as when the host fails meanwhile.
    for (pages, written) in [
        (vec![page(2, 3..=8, true)], 2),
        (vec![page(2, 3..=4, false), page(4, 5..=8, true)], 2),
        (vec![page(2, 3..=4, false), page(4, 5..=6, false), page(6, 7..=8, true)], 2),
        // The host has taken row 6 down: nobody knows which of the others were written.
        (vec![page(2, 3..=4, false), page(4, 7..=8, true)], 4),
        (vec![page(2, 11..=16, false), page(16, 21..=24, false), page(24, 25..=28, true)], 14),
    ] {
        let batch = batch(&mut decoder(Ending::Tail, &marks, Some(&did(6))), pages);
        assert_eq!(batch.len(), written, "{batch:?}");
    }
}

#[tokio::test]
async fn i7_an_account_is_looked_for_in_no_more_than_one_page_has() {
    let marks = marks(&[]).await;
    let long = |row| Page { received_bytes: 2_000, ..page(row - 1, row..=row, false) };
    let empty = |row| Page { rows: RepoRows::default(), ..page(row - 1, row..=row, false) };
    let (long, empty): (Vec<_>, Vec<_>) = ((3..=9).map(long).collect(), (3..=30).map(empty).collect());
    for (pages, held) in [(long, 2), (empty, 9)] {
        let mut decoder = decoder(Ending::Tail, &marks, Some(&did(99)));
        let mut open = OpenBatch::following(None);
        let mut most = 0;
        for page in pages {
            decoder.decode(page, &mut open).unwrap();
            most = most.max(decoder.known.as_ref().map_or(0, |known| known.held.len()));
        }
        assert_eq!(most, held);
        assert!(open.seal(None).is_some());
    }
}

#[tokio::test]
async fn i5_what_was_read_of_a_range_and_cannot_be_noted_is_owed_still() {
    // The text is full, and to read the middle of a range makes two of it.
    let wide = (8_000_000_000_000_000_u64, 8_000_000_000_000_009_u64);
    let others = (0..119).map(|range| 9_000_000_000_000_000_u64 + 2 * range).map(|after| (after, after + 1));
    let ranges: Vec<_> = std::iter::once(wide).chain(others).collect();
    let text = |ranges: &[(u64, u64)]| {
        let words = ranges.iter().map(|(after, through)| format!(" {after}-{through}"));
        format!("!gaps{}", words.collect::<String>())
    };
    let marks = marks(&[("gaps", &text(&ranges))]).await;
    let gap = |after, through| Gap { after: Seq::new(after).unwrap(), through: Seq::new(through).unwrap() };
    assert_eq!(marks.read_owed(gap(wide.0 + 3, wide.0 + 5)), None);
    let (after, through) = ranges[119];
    assert_eq!(marks.read_owed(gap(after, through)), Some(cursor(&text(&ranges[..119]))));
}

#[tokio::test]
async fn i1_a_range_that_is_passed_is_owed_from_the_same_batch_on() {
    let marks = marks(&[("gaps", "!gaps 1-2")]).await;
    let mut decoder = decoder(Ending::Done, &marks, None);
    let first = batch(&mut decoder, [page(2, 3..=4, false), page(4, 5..=6, false)]);
    assert_eq!(first.beside(), []);
    let pages = [behind_gap(6, 7, page(7, 8..=9, false)), behind_gap(9, 12, page(12, 13..=14, false))];
    let passing = batch(&mut decoder, pages);
    assert_eq!(passing.beside(), [beside("gaps", Some("!gaps 1-2"), "!gaps 1-2 6-7 9-12")]);
    assert_eq!(passing.tally().noted.of("rows_withheld"), 2);
    assert!(marks.take_noted() && !marks.take_noted());
    let last = batch(&mut decoder, [page(14, 15..=16, true)]);
    assert_eq!(last.beside(), [beside("new", None, &format!("!tail {} 14", did(16)))]);
    assert_eq!(last.through(), &mark::done());
}

#[tokio::test]
async fn i2_what_a_later_round_has_read_is_owed_no_more() {
    let marks = marks(&[("gaps", "!gaps 3-4 7-9 20-21"), ("new", "!tail - 5")]).await;
    let mut decoder = decoder(Ending::Done, &marks, None);
    let first = batch(&mut decoder, [page(0, 1..=5, false), page(5, 6..=8, false)]);
    assert_eq!(first.beside(), [beside("gaps", Some("!gaps 3-4 7-9 20-21"), "!gaps 8-9 20-21")]);
    // It fails anew.
    let again = batch(&mut decoder, [behind_gap(8, 9, page(9, 10..=11, false))]);
    assert_eq!(again.beside(), []);
    let last = batch(&mut decoder, [page(11, 12..=22, true)]);
    let tail = format!("!tail {} 11", did(22));
    let expected =
        [beside("new", Some("!tail - 5"), &tail), beside("gaps", Some("!gaps 8-9 20-21"), "!gaps 8-9")];
    assert_eq!(last.beside(), expected);
}

#[tokio::test]
async fn a_list_that_ends_with_a_gap_goes_on_behind_it() {
    let marks = marks(&[]).await;
    let mut decoder = decoder(Ending::Tail, &marks, None);
    let end = Page { rows: RepoRows::default(), ..page(7, 8..=8, true) };
    let batch = batch(&mut decoder, [behind_gap(6, 7, end)]);
    assert_eq!(batch.beside(), [beside("gaps", None, "!gaps 6-7")]);
    assert_eq!(batch.through(), &cursor("!tail - 7"));
}

#[tokio::test]
async fn i7_a_host_that_owes_too_much_is_held_and_what_it_owes_stays() {
    const GAP: u64 = 8_000_000_000_000_000;
    let many: Vec<_> = (0..120).map(|range| 9_000_000_000_000_000_u64 + 2 * range).collect();
    let ranges: Vec<_> = many.iter().map(|after| format!("{after}-{}", after + 1)).collect();
    let marks = marks(&[("gaps", &format!("!gaps {}", ranges.join(" ")))]).await;
    let mut decoder = decoder(Ending::Done, &marks, None);
    let owed = marks.owed();
    let mut open = OpenBatch::following(None);
    let halt = decoder.decode(behind_gap(GAP, GAP + 1, page(GAP + 1, GAP + 2..=GAP + 3, false)), &mut open);
    assert!(matches!(halt.unwrap_err().remedy(), Remedy::Hold(_)));
    assert!(open.seal(None).is_none() && marks.is_full());
    assert_eq!(marks.owed(), owed);
}

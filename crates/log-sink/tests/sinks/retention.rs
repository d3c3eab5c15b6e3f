use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use standpipe_log_sink::{EmbeddedLog, LogReader, LogSink, Read, ReadFrom, Retention};
use standpipe_pipeline::{Acquire, Sink};

use crate::support::{Folder, Frame, Notes, STREAM, cursor, deliver, entries, frame, key};

/// Entries of 75 bytes count 100 each.
const TEN_ENTRIES: Retention = Retention::Keep { bytes: NonZeroU64::new(1000).unwrap() };

fn numbered(seqs: RangeInclusive<u64>) -> Vec<Frame> {
    seqs.map(|seq| frame(seq, &[&format!("{seq:075}")])).collect()
}

async fn write<K: Sink<Error: std::fmt::Debug>>(sink: &mut K, seqs: RangeInclusive<u64>) {
    let from = (*seqs.start() > 1).then(|| cursor(seqs.start() - 1));
    deliver(sink, from, numbered(seqs)).await.unwrap();
}

async fn writer(folder: &Folder, notes: &std::sync::Arc<Notes>) -> (EmbeddedLog, LogSink) {
    let log = EmbeddedLog::open(folder.settings_with(TEN_ENTRIES)).await.unwrap();
    let log = log.observed_by(notes.observer());
    let sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    (log, sink)
}

#[tokio::test]
async fn the_newest_bytes_are_kept_and_what_leaves_unread_is_counted() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (_log, mut sink) = writer(&folder, &notes).await;
    write(&mut sink, 1..=10).await;
    assert_eq!(notes.all(), ["flowing"]);
    write(&mut sink, 11..=14).await;
    assert_eq!(notes.all(), ["flowing", "retired 4 unread 4"]);
    let kept = entries(&folder.state()).await;
    assert_eq!(kept.iter().map(|(index, _)| *index).collect::<Vec<_>>(), (5..=14).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_every_known_reader_has_acknowledged_does_not_leave_unread() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (_log, mut sink) = writer(&folder, &notes).await;
    write(&mut sink, 1..=10).await;
    let mut reader = LogReader::open(folder.state(), STREAM, ReadFrom::Oldest).await.unwrap();
    while reader.next().await.unwrap().is_some() {}
    reader.acknowledge(&"quick".parse().unwrap(), 10).await.unwrap();
    reader.acknowledge(&"slow".parse().unwrap(), 3).await.unwrap();
    write(&mut sink, 11..=15).await;
    assert_eq!(notes.all(), ["flowing", "retired 5 unread 2"]);
}

#[tokio::test]
async fn a_reader_that_was_overtaken_is_told_what_it_missed() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (_log, mut sink) = writer(&folder, &notes).await;
    write(&mut sink, 1..=2).await;
    let mut reader = LogReader::open(folder.state(), STREAM, ReadFrom::Index(2)).await.unwrap();
    let mut from_the_first = LogReader::open(folder.state(), STREAM, ReadFrom::Index(1)).await.unwrap();
    assert!(matches!(reader.next().await.unwrap(), Some(Read::Entry(entry)) if entry.index == 2));
    write(&mut sink, 3..=12).await;
    write(&mut sink, 13..=20).await;
    assert_eq!(reader.next().await.unwrap(), Some(Read::Gap { first: 3, last: 10 }));
    assert!(matches!(reader.next().await.unwrap(), Some(Read::Entry(entry)) if entry.index == 11));
    assert_eq!(from_the_first.next().await.unwrap(), Some(Read::Gap { first: 1, last: 10 }));
}

#[tokio::test]
async fn a_batch_that_is_larger_than_what_is_kept_stays_until_the_next_one() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (_log, mut sink) = writer(&folder, &notes).await;
    write(&mut sink, 1..=50).await;
    assert_eq!(entries(&folder.state()).await.len(), 50);
    write(&mut sink, 51..=51).await;
    assert_eq!(entries(&folder.state()).await.len(), 10);
}

#[tokio::test]
async fn i7_the_file_stays_near_what_is_kept() {
    const KEPT: u64 = 2 << 20;
    let folder = Folder::new();
    let retention = Retention::Keep { bytes: NonZeroU64::new(KEPT).unwrap() };
    let log = EmbeddedLog::open(folder.settings_with(retention)).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    let mut from = None;
    for batch in 0..200_u64 {
        let frames = (1..=100).map(|n| frame(batch * 100 + n, &[&"x".repeat(592)])).collect();
        deliver(&mut sink, from, frames).await.unwrap();
        from = Some(cursor(batch * 100 + 100));
    }
    let len = std::fs::metadata(folder.state().log_file()).unwrap().len();
    println!("12.6 MB delivered, {KEPT} kept, the file has {len}");
    assert!(len < 3 * KEPT, "{len}");
}

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::time::Duration;

use standpipe_log_sink::{Block, EmbeddedLog, LogReader, ReadFrom, ReaderName, Retention};
use standpipe_pipeline::{Ack, Acquire};
use tokio::time::timeout;

use crate::support::{Folder, Frame, Notes, STREAM, cursor, deliver, entries, frame, key};

const LONG: Duration = Duration::from_mins(1);

/// High water at ten entries, low water at six.
fn block_at_ten(readers: &[&str]) -> Retention {
    let readers = readers.iter().map(|name| name.parse().unwrap()).collect();
    let block = Block::new(NonZeroU64::new(10).unwrap(), readers).unwrap();
    Retention::Block(block.with_low_water(6).unwrap())
}

fn numbered(seqs: RangeInclusive<u64>) -> Vec<Frame> {
    seqs.map(|seq| frame(seq, &[&seq.to_string()])).collect()
}

async fn acknowledge(folder: &Folder, reader: &str, index: u64) {
    let reader: ReaderName = reader.parse().unwrap();
    let handle = LogReader::open(folder.state(), STREAM, ReadFrom::Newest).await.unwrap();
    handle.acknowledge(&reader, index).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn i7_a_full_stream_delays_delivery_until_the_low_water_mark() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let log = EmbeddedLog::open(folder.settings_with(block_at_ten(&["indexer"]))).await.unwrap();
    let mut sink = log.observed_by(notes.observer()).acquire(&key("relay.test")).await.unwrap().sink;
    // A batch is never split: the stream passes the mark by one batch at most.
    let ack = deliver(&mut sink, None, numbered(1..=12)).await.unwrap();
    assert_eq!(ack, Ack::applied(Some(12)));
    let mut delivery = pin!(deliver(&mut sink, Some(cursor(12)), numbered(13..=14)));
    assert!(timeout(LONG, &mut delivery).await.is_err());
    assert_eq!(notes.all(), ["flowing", "full 12"]);
    acknowledge(&folder, "indexer", 5).await;
    assert!(timeout(LONG, &mut delivery).await.is_err(), "seven are left, and the low-water mark is six");
    assert_eq!(entries(&folder.state()).await.len(), 12);
    acknowledge(&folder, "indexer", 6).await;
    assert_eq!(delivery.await.unwrap(), Ack::applied(Some(8)));
    assert_eq!(notes.all(), ["flowing", "full 12", "flowing"]);
    let left: Vec<_> = entries(&folder.state()).await.into_iter().map(|(index, _)| index).collect();
    assert_eq!(left, (7..=14).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_the_slowest_named_reader_has_acknowledged_it() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings_with(block_at_ten(&["quick", "slow"]))).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, numbered(1..=10)).await.unwrap();
    acknowledge(&folder, "quick", 10).await;
    acknowledge(&folder, "somebody-else", 10).await;
    let mut delivery = pin!(deliver(&mut sink, Some(cursor(10)), numbered(11..=11)));
    assert!(timeout(LONG, &mut delivery).await.is_err());
    acknowledge(&folder, "slow", 6).await;
    assert_eq!(delivery.await.unwrap(), Ack::applied(Some(5)));
    assert_eq!(entries(&folder.state()).await[0].0, 7);
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_entries_is_never_refused_for_fullness() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings_with(block_at_ten(&["indexer"]))).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, numbered(1..=10)).await.unwrap();
    let empty = deliver(&mut sink, Some(cursor(10)), vec![frame(11, &[])]);
    assert_eq!(timeout(LONG, empty).await.unwrap().unwrap(), Ack::applied(Some(10)));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_cannot_be_used_acknowledges_nothing() {
    let folder = Folder::new();
    let reader: ReaderName = "indexer".parse().unwrap();
    let path = folder.state().acknowledgement_file(STREAM, &reader);
    let log = EmbeddedLog::open(folder.settings_with(block_at_ten(&["indexer"]))).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, numbered(1..=10)).await.unwrap();
    acknowledge(&folder, "indexer", 10).await;
    let good = std::fs::read_to_string(&path).unwrap();
    let (log_id, _) = good.split_once(' ').unwrap();
    let mut delivery = pin!(deliver(&mut sink, Some(cursor(10)), numbered(11..=11)));
    for unusable in [
        String::new(),
        "garbage".to_owned(),
        "0123456789abcdef 10\n".to_owned(),
        format!("{log_id} 1"),
        format!("{log_id} 11\n"),
        format!("{log_id} 18446744073709551615\n"),
    ] {
        std::fs::write(&path, &unusable).unwrap();
        assert!(timeout(LONG, &mut delivery).await.is_err(), "{unusable:?}");
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(delivery.await.unwrap(), Ack::applied(Some(1)));
}

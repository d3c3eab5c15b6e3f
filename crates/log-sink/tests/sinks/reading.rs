use std::io;
use std::time::Duration;

use standpipe_log_sink::{EmbeddedLog, LogReader, LogSink, Read, ReadError, ReadFrom, ReaderName};
use standpipe_pipeline::Acquire;
use tokio::join;
use tokio::time::timeout;

use crate::support::{Folder, STREAM, cursor, deliver, frame, key};

async fn three_entries(folder: &Folder) -> (EmbeddedLog, LogSink) {
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a", "b"]), frame(5, &["c"])]).await.unwrap();
    (log, sink)
}

async fn check(folder: &Folder, from: ReadFrom, expected: &[(u64, &str)]) {
    let mut reader = LogReader::open(folder.state(), STREAM, from).await.unwrap();
    let mut read = Vec::new();
    while let Some(Read::Entry(entry)) = reader.next().await.unwrap() {
        read.push((entry.index, String::from_utf8(entry.payload.to_vec()).unwrap()));
    }
    let expected: Vec<_> = expected.iter().map(|(index, text)| (*index, (*text).to_owned())).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn reading_begins_where_it_is_told_to() {
    let folder = Folder::new();
    let (_log, _sink) = three_entries(&folder).await;
    let all = [(1, "a"), (2, "b"), (3, "c")];
    let indexer: ReaderName = "indexer".parse().unwrap();
    check(&folder, ReadFrom::Oldest, &all).await;
    check(&folder, ReadFrom::Newest, &[]).await;
    check(&folder, ReadFrom::Index(2), &all[1..]).await;
    check(&folder, ReadFrom::Index(4), &[]).await;
    check(&folder, ReadFrom::Acknowledged(indexer.clone()), &all).await;
    let mut reader = LogReader::open(folder.state(), STREAM, ReadFrom::Oldest).await.unwrap();
    reader.next().await.unwrap();
    reader.acknowledge(&indexer, 1).await.unwrap();
    check(&folder, ReadFrom::Acknowledged(indexer), &all[1..]).await;
}

#[tokio::test]
async fn a_place_that_is_not_in_this_log_is_an_error_and_not_a_beginning() {
    let folder = Folder::new();
    let (log, sink) = three_entries(&folder).await;
    let open = async |from| LogReader::open(folder.state(), STREAM, from).await.map(|_| ()).unwrap_err();
    assert!(matches!(open(ReadFrom::Index(5)).await, ReadError::Beyond { index: 5, next: 4, .. }));

    let indexer: ReaderName = "indexer".parse().unwrap();
    let path = folder.state().acknowledgement_file(STREAM, &indexer);
    let mut reader = LogReader::open(folder.state(), STREAM, ReadFrom::Oldest).await.unwrap();
    assert!(matches!(reader.acknowledge(&indexer, 1).await, Err(ReadError::Beyond { index: 1, .. })));
    reader.next().await.unwrap();
    reader.acknowledge(&indexer, 1).await.unwrap();
    drop((log, sink, reader));
    std::fs::remove_file(folder.state().log_file()).unwrap();
    let (_log, _sink) = three_entries(&folder).await;
    assert!(matches!(open(ReadFrom::Acknowledged(indexer.clone())).await, ReadError::OtherLog { .. }));
    std::fs::write(&path, "31527").unwrap();
    assert!(matches!(open(ReadFrom::Acknowledged(indexer)).await, ReadError::Acknowledgement { .. }));
}

#[tokio::test]
async fn without_a_log_there_is_nothing_to_read() {
    let folder = Folder::new();
    let Err(error) = LogReader::open(folder.state(), STREAM, ReadFrom::Oldest).await else { panic!() };
    assert!(
        matches!(&error, ReadError::Open { source, .. } if source.kind() == io::ErrorKind::NotFound),
        "{error}"
    );
    assert!(!folder.state().path().exists());
}

#[tokio::test]
async fn a_stream_that_nothing_was_delivered_to_is_empty() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    check(&folder, ReadFrom::Oldest, &[]).await;
    let mut reader = LogReader::open(folder.state(), STREAM, ReadFrom::Newest).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    assert!(matches!(reader.next().await.unwrap(), Some(Read::Entry(entry)) if entry.index == 1));
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_for_what_is_written_next() {
    let folder = Folder::new();
    let (_log, mut sink) = three_entries(&folder).await;
    let reader = LogReader::open(folder.state(), STREAM, ReadFrom::Newest).await.unwrap();
    let mut reader = reader.poll_every(Duration::ZERO);
    let write = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        deliver(&mut sink, Some(cursor(5)), vec![frame(6, &["d", "e"])]).await.unwrap();
    };
    let follow = async { [reader.follow().await.unwrap(), reader.follow().await.unwrap()] };
    let ((), read) = join!(write, timeout(Duration::from_mins(1), follow));
    let indexes = read.unwrap().map(|read| match read {
        Read::Entry(entry) => entry.index,
        Read::Gap { .. } => 0,
    });
    assert_eq!(indexes, [4, 5]);
    assert_eq!(reader.position(), 6);
}

use standpipe_cursor::{CursorError, CursorStore};
use standpipe_log_sink::{EmbeddedLog, LogError};
use standpipe_pipeline::{Ack, Acquire, Remedy, Transient};
use tokio::join;

use crate::support::{Folder, Notes, cursor, deliver, entries, frame, key};

#[tokio::test]
async fn a_new_host_has_no_cursor_and_its_batches_are_numbered_from_one() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut acquired = log.acquire(&key("relay.test")).await.unwrap();
    assert_eq!(acquired.cursor, None);
    let frames = vec![frame(4, &["a", "b"]), frame(7, &["c"])];
    let ack = deliver(&mut acquired.sink, None, frames).await.unwrap();
    assert_eq!(ack, Ack::applied(Some(3)));
    let ack = deliver(&mut acquired.sink, Some(cursor(7)), vec![frame(9, &["d"])]).await.unwrap();
    assert_eq!(ack, Ack::applied(Some(4)));
    let expected = ["a", "b", "c", "d"].map(str::to_owned);
    assert_eq!(entries(&folder.state()).await, (1..).zip(expected).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_delivered_is_there_after_reopening() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    drop((sink, log));
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut acquired = log.acquire(&key("relay.test")).await.unwrap();
    assert_eq!(acquired.cursor, Some(cursor(4)));
    deliver(&mut acquired.sink, Some(cursor(4)), vec![frame(5, &["b"])]).await.unwrap();
    assert_eq!(entries(&folder.state()).await, [(1, "a".to_owned()), (2, "b".to_owned())]);
}

#[tokio::test]
async fn i1_a_batch_without_entries_moves_the_cursor_alone() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    let ack = deliver(&mut sink, None, vec![frame(4, &[])]).await.unwrap();
    assert_eq!(ack, Ack::applied(Some(0)));
    assert_eq!(log.load(&key("relay.test")).await.unwrap(), Some(cursor(4)));
    assert_eq!(entries(&folder.state()).await, []);
}

#[tokio::test]
async fn i2_a_batch_that_is_delivered_again_is_already_there() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    for already in [false, true, true] {
        let ack = deliver(&mut sink, None, vec![frame(4, &["a", "b"])]).await.unwrap();
        assert_eq!(ack, Ack { backlog: Some(2), already });
    }
    assert_eq!(entries(&folder.state()).await.len(), 2);
}

#[tokio::test]
async fn i2_a_batch_that_follows_another_cursor_is_refused_and_begins_anew() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    for (from, through) in [(Some(cursor(3)), 5), (Some(cursor(5)), 6), (None, 5)] {
        let error = deliver(&mut sink, from, vec![frame(through, &["lost"])]).await.unwrap_err();
        assert!(
            matches!(&error, LogError::Mismatch { stored: Some(stored), .. } if stored == "4"),
            "{error}"
        );
        assert_eq!(error.remedy(), Remedy::Retry);
    }
    assert_eq!(entries(&folder.state()).await, [(1, "a".to_owned())]);
    assert_eq!(log.load(&key("relay.test")).await.unwrap(), Some(cursor(4)));
}

#[tokio::test]
async fn i2_an_earlier_writer_of_the_host_is_fenced() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut earlier = log.acquire(&key("relay.test")).await.unwrap().sink;
    let mut other_host = log.acquire(&key("other.test")).await.unwrap().sink;
    deliver(&mut earlier, None, vec![frame(4, &["a"])]).await.unwrap();
    let mut later = log.acquire(&key("relay.test")).await.unwrap();
    assert_eq!(later.cursor, Some(cursor(4)));
    let error = deliver(&mut earlier, Some(cursor(4)), vec![frame(5, &["zombie"])]).await.unwrap_err();
    assert!(matches!(error, LogError::Fenced { ours: 1, current: 2, .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
    deliver(&mut later.sink, Some(cursor(4)), vec![frame(5, &["b"])]).await.unwrap();
    deliver(&mut other_host, None, vec![frame(1, &["c"])]).await.unwrap();
    let payloads: Vec<_> = entries(&folder.state()).await.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(payloads, ["a", "b", "c"]);
}

#[tokio::test]
async fn i2_a_cancelled_delivery_is_stored_whole_or_not_at_all() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut expected = Vec::new();
    for seq in 1..=20_u64 {
        let mut acquired = log.acquire(&key("relay.test")).await.unwrap();
        let from = acquired.cursor.clone();
        // Polled once, so that the transaction has begun, and dropped.
        let batch = vec![frame(seq, &["first", "second", "third"])];
        tokio::select! {
            biased;
            _ = deliver(&mut acquired.sink, from.clone(), batch) => {}
            () = tokio::task::yield_now() => {}
        }
        let stored = log.acquire(&key("relay.test")).await.unwrap().cursor;
        if stored == Some(cursor(seq)) {
            expected.extend(["first", "second", "third"].map(str::to_owned));
        } else {
            assert_eq!(stored, from);
        }
    }
    let payloads: Vec<_> = entries(&folder.state()).await.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(payloads, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_entries_of_a_host_keep_their_order_among_those_of_others() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let write = async |host: &str| {
        let mut acquired = log.acquire(&key(host)).await.unwrap();
        for seq in 1..=50 {
            let batch = vec![frame(seq, &[&format!("{host} {seq}.0"), &format!("{host} {seq}.1")])];
            deliver(&mut acquired.sink, acquired.cursor, batch).await.unwrap();
            acquired.cursor = Some(cursor(seq));
        }
    };
    join!(write("a.test"), write("b.test"), write("c.test"));
    let all = entries(&folder.state()).await;
    for host in ["a.test", "b.test", "c.test"] {
        let of_host: Vec<_> = all.iter().filter(|(_, entry)| entry.starts_with(host)).collect();
        let expected = (1..=50).flat_map(|seq| [(seq, 0), (seq, 1)]);
        assert!(
            of_host
                .iter()
                .map(|(_, entry)| entry.clone())
                .eq(expected.map(|(seq, n)| format!("{host} {seq}.{n}")))
        );
        // A frame lies in one piece, whatever the other hosts write.
        assert!(of_host.chunks(2).all(|pair| pair[0].0 + 1 == pair[1].0));
    }
}

#[tokio::test]
async fn streams_of_one_file_are_apart() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let host = "relay.test".parse().unwrap();
    let labels = standpipe_cursor::CursorKey::new("label_live", &host);
    let mut events = log.acquire(&key("relay.test")).await.unwrap().sink;
    let mut labels = log.acquire(&labels).await.unwrap();
    assert_eq!(labels.cursor, None);
    deliver(&mut events, None, vec![frame(4, &["event"])]).await.unwrap();
    let ack = deliver(&mut labels.sink, None, vec![frame(9, &["label"])]).await.unwrap();
    assert_eq!(ack, Ack::applied(Some(1)));
    assert_eq!(entries(&folder.state()).await, [(1, "event".to_owned())]);
}

#[tokio::test]
async fn i11_an_unreadable_cursor_is_an_error_of_its_host_alone() {
    let folder = Folder::new();
    drop(EmbeddedLog::open(folder.settings()).await.unwrap());
    for unreadable in [&b""[..], b"\xff\xfe", "9".repeat(5000).as_bytes()] {
        plant_cursor(&folder, "firehose_live:cursor:relay.test", unreadable);
        let notes = Notes::new();
        let log = EmbeddedLog::open(folder.settings()).await.unwrap().observed_by(notes.observer());
        let Err(error) = log.acquire(&key("relay.test")).await else { panic!("{unreadable:?} was read") };
        assert!(matches!(error, LogError::Cursor { source: CursorError::Unreadable { .. }, .. }), "{error}");
        assert_eq!(error.remedy(), Remedy::Fail);
        assert!(matches!(log.load(&key("relay.test")).await, Err(CursorError::Unreadable { .. })));
        assert_eq!(log.acquire(&key("other.test")).await.unwrap().cursor, None);
        assert_eq!(notes.all(), ["flowing"]);
    }
}

fn plant_cursor(folder: &Folder, key: &str, text: &[u8]) {
    const CURSORS: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("cursors");
    let database = redb::Database::open(folder.state().log_file()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(CURSORS).unwrap().insert(key, text).unwrap();
    transaction.commit().unwrap();
}

#[tokio::test]
async fn an_operator_sets_a_cursor_and_the_writer_begins_anew_from_it() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    log.save(&key("relay.test"), &cursor(2)).await.unwrap();
    let error = deliver(&mut sink, Some(cursor(4)), vec![frame(5, &["b"])]).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Retry);
    assert_eq!(log.acquire(&key("relay.test")).await.unwrap().cursor, Some(cursor(2)));
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_of_the_file_is_refused_with_its_path() {
    let folder = Folder::new();
    let first = EmbeddedLog::open(folder.settings()).await.unwrap();
    let Err(error) = EmbeddedLog::open(folder.settings()).await else { panic!("two writers") };
    assert!(matches!(error, LogError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&folder.state().log_file().display().to_string()), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
    drop(first);
    EmbeddedLog::open(folder.settings()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_log_is_refused_and_left_alone() {
    let folder = Folder::new();
    let path = folder.state().log_file();
    std::fs::create_dir_all(folder.state().path()).unwrap();
    std::fs::write(&path, "my diary, and not a short one").unwrap();
    let Err(error) = EmbeddedLog::open(folder.settings()).await else { panic!("opened a diary") };
    assert!(matches!(error, LogError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "my diary, and not a short one");
}

#[tokio::test]
async fn a_file_that_a_crash_left_before_its_first_mark_is_begun_anew() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.state().path()).unwrap();
    for left in [Vec::new(), vec![0; 1 << 20]] {
        std::fs::write(folder.state().log_file(), left).unwrap();
        let log = EmbeddedLog::open(folder.settings()).await.unwrap();
        let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
        deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    }
}

//! Cursors that are stored in one step with a batch, beside its own.

use standpipe_cursor::{Cursor, CursorStore};
use standpipe_log_sink::{EmbeddedLog, Lines, LinesError, LogError};
use standpipe_pipeline::{Acquire, Batch, OpenBatch, Remedy, Sink, Transient};

use crate::support::{Folder, cursor, key};

/// A batch without entries that moves the cursor beside from and to these.
fn batch(from: Option<Cursor>, through: u64, (mark, then): (Option<Cursor>, u64)) -> Batch {
    let mut open = OpenBatch::following(from);
    open.store_beside(&key("relay.test").beside("new"), mark, cursor(then));
    open.close_frame(cursor(through), 1, "");
    open.seal(None).unwrap()
}

async fn stored(store: &impl CursorStore) -> [Option<Cursor>; 2] {
    let key = key("relay.test");
    [store.load(&key).await.unwrap(), store.load(&key.beside("new")).await.unwrap()]
}

#[tokio::test]
async fn i1_the_log_stores_a_cursor_beside_with_its_batch_and_only_from_where_it_was() {
    let folder = Folder::new();
    let log = EmbeddedLog::open(folder.settings()).await.unwrap();
    let mut sink = log.acquire(&key("relay.test")).await.unwrap().sink;
    sink.deliver(&batch(None, 1, (None, 10))).await.unwrap();
    for wrong in [None, Some(cursor(9))] {
        let error = sink.deliver(&batch(Some(cursor(1)), 2, (wrong, 20))).await.unwrap_err();
        assert!(
            matches!(&error, LogError::Mismatch { key, .. } if key.to_string().ends_with("!new")),
            "{error}"
        );
        assert_eq!(error.remedy(), Remedy::Retry);
        assert_eq!(stored(&log).await, [Some(cursor(1)), Some(cursor(10))]);
    }
    let mut later = log.acquire(&key("relay.test")).await.unwrap().sink;
    let lost = sink.deliver(&batch(Some(cursor(1)), 2, (Some(cursor(10)), 20))).await;
    assert!(matches!(lost, Err(LogError::Fenced { .. })), "{lost:?}");
    assert_eq!(stored(&log).await, [Some(cursor(1)), Some(cursor(10))]);
    later.deliver(&batch(Some(cursor(1)), 2, (Some(cursor(10)), 20))).await.unwrap();
    assert_eq!(stored(&log).await, [Some(cursor(2)), Some(cursor(20))]);
}

#[tokio::test]
async fn i1_lines_store_a_cursor_beside_before_the_batchs_own() {
    let folder = Folder::new();
    let lines = Lines::open(folder.state(), tokio::io::sink()).await.unwrap();
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    sink.deliver(&batch(None, 1, (None, 10))).await.unwrap();
    assert_eq!(stored(&lines).await, [Some(cursor(1)), Some(cursor(10))]);
    let error = sink.deliver(&batch(Some(cursor(1)), 2, (Some(cursor(9)), 20))).await.unwrap_err();
    assert!(matches!(error, LinesError::Mismatch { .. }), "{error}");
    assert_eq!(stored(&lines).await, [Some(cursor(1)), Some(cursor(10))]);
    sink.deliver(&batch(Some(cursor(1)), 2, (Some(cursor(10)), 20))).await.unwrap();
    assert_eq!(stored(&lines).await, [Some(cursor(2)), Some(cursor(20))]);
}

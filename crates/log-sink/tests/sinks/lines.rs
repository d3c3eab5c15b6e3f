use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use standpipe_cursor::{CursorError, CursorStore};
use standpipe_log_sink::{FileCursors, Lines, LinesError};
use standpipe_pipeline::{Ack, Acquire, Remedy, Transient};
use tokio::io::{AsyncReadExt, AsyncWrite, duplex};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::support::{Folder, Notes, cursor, deliver, frame, key};

const LONG: Duration = Duration::from_mins(1);

/// A writer whose text a test can see, and which fails on demand.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    text: String,
    /// Bytes that are still taken before every write fails.
    room: Option<usize>,
    flush_fails: bool,
}

impl Paper {
    fn text(&self) -> String {
        self.0.lock().unwrap().text.clone()
    }

    fn set(&self, room: Option<usize>, flush_fails: bool) {
        let mut written = self.0.lock().unwrap();
        (written.room, written.flush_fails) = (room, flush_fails);
    }
}

impl AsyncWrite for Paper {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut written = self.0.lock().unwrap();
        let len = bytes.len().min(written.room.unwrap_or(usize::MAX));
        if len == 0 {
            return Poll::Ready(Err(io::ErrorKind::StorageFull.into()));
        }
        written.text.push_str(str::from_utf8(&bytes[..len]).unwrap());
        written.room = written.room.map(|room| room - len);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.lock().unwrap().flush_fails {
            return Poll::Ready(Err(io::Error::other("paper jam")));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn each_entry_is_a_line_and_the_cursor_is_a_file() {
    let (folder, paper) = (Folder::new(), Paper::default());
    let lines = Lines::open(folder.state(), paper.clone()).await.unwrap();
    let mut acquired = lines.acquire(&key("relay.test")).await.unwrap();
    assert_eq!(acquired.cursor, None);
    let frames = vec![frame(4, &[r#"{"a":1}"#, "{\"b\":\n2}"]), frame(5, &[])];
    assert_eq!(deliver(&mut acquired.sink, None, frames).await.unwrap(), Ack::applied(None));
    assert_eq!(paper.text(), "{\"a\":1}\n{\"b\": 2}\n");
    let path = folder.state().cursor_file(&key("relay.test"));
    assert_eq!(path, folder.state().path().join("cursors/firehose_live/relay.test"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "5\n");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    drop((lines, acquired));
    let lines = Lines::open(folder.state(), paper).await.unwrap();
    assert_eq!(lines.acquire(&key("relay.test")).await.unwrap().cursor, Some(cursor(5)));
}

#[tokio::test]
async fn i1_the_cursor_is_stored_after_the_lines_are_flushed() {
    let (folder, paper) = (Folder::new(), Paper::default());
    paper.set(None, true);
    let lines = Lines::open(folder.state(), paper.clone()).await.unwrap();
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    let error = deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap_err();
    assert!(matches!(error, LinesError::Write(_)), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    assert_eq!(lines.acquire(&key("relay.test")).await.unwrap().cursor, None);
}

#[tokio::test]
async fn a_line_that_a_failed_write_cut_off_is_ended_before_the_batch_comes_again() {
    let (folder, paper) = (Folder::new(), Paper::default());
    paper.set(Some(9), false);
    let lines = Lines::open(folder.state(), paper.clone()).await.unwrap();
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    let batch = || vec![frame(4, &["first", "second"])];
    deliver(&mut sink, None, batch()).await.unwrap_err();
    assert_eq!(paper.text(), "first\nsec");
    paper.set(None, false);
    let mut acquired = lines.acquire(&key("relay.test")).await.unwrap();
    assert_eq!(acquired.cursor, None);
    deliver(&mut acquired.sink, None, batch()).await.unwrap();
    assert_eq!(paper.text(), "first\nsec\nfirst\nsecond\n");
}

#[tokio::test]
async fn i2_a_batch_that_was_written_is_recognised_and_another_one_refused() {
    let (folder, paper) = (Folder::new(), Paper::default());
    let lines = Lines::open(folder.state(), paper.clone()).await.unwrap();
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    for already in [false, true] {
        let ack = deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
        assert_eq!(ack, Ack { backlog: None, already });
    }
    let error = deliver(&mut sink, Some(cursor(3)), vec![frame(5, &["b"])]).await.unwrap_err();
    assert!(matches!(&error, LinesError::Mismatch { stored: Some(stored), .. } if stored == "4"), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    let later = lines.acquire(&key("relay.test")).await.unwrap();
    let error = deliver(&mut sink, later.cursor, vec![frame(5, &["b"])]).await.unwrap_err();
    assert!(matches!(error, LinesError::Fenced { .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
    assert_eq!(paper.text(), "a\n");
}

#[tokio::test(start_paused = true)]
async fn i2_a_cancelled_delivery_is_completed_by_whoever_writes_next() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (near, mut far) = duplex(10);
    let lines = Lines::open(folder.state(), near).await.unwrap().observed_by(notes.observer());
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    let mut other = lines.acquire(&key("other.test")).await.unwrap().sink;
    let batch = vec![frame(4, &["first", "second", "third"])];
    assert!(timeout(Duration::from_secs(30), deliver(&mut sink, None, batch)).await.is_err());
    assert_eq!(notes.all(), ["flowing", "flowing", "full 3"]);
    let mut text = [0; 27];
    let (ack, read) = tokio::join!(
        deliver(&mut other, None, vec![frame(9, &["another"])]),
        timeout(LONG, far.read_exact(&mut text))
    );
    ack.unwrap();
    read.expect("all lines are written").unwrap();
    assert_eq!(str::from_utf8(&text).unwrap(), "first\nsecond\nthird\nanother\n");
    assert_eq!(lines.acquire(&key("relay.test")).await.unwrap().cursor, Some(cursor(4)));
}

#[tokio::test(start_paused = true)]
async fn i7_a_pipe_that_nobody_reads_delays_delivery() {
    let (folder, notes) = (Folder::new(), Notes::new());
    let (near, mut far) = duplex(10);
    let lines = Lines::open(folder.state(), near).await.unwrap().observed_by(notes.observer());
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    let mut delivery = pin!(deliver(&mut sink, None, vec![frame(4, &["first", "second"])]));
    assert!(timeout(Duration::from_hours(1), &mut delivery).await.is_err());
    assert_eq!(notes.all(), ["flowing", "full 2"]);
    let mut text = [0; 13];
    let (ack, read) = tokio::join!(delivery, timeout(LONG, far.read_exact(&mut text)));
    ack.unwrap();
    read.expect("all lines are written").unwrap();
    assert_eq!(str::from_utf8(&text).unwrap(), "first\nsecond\n");
    assert_eq!(notes.all(), ["flowing", "full 2", "flowing"]);
}

#[tokio::test]
async fn when_the_reader_of_a_pipe_is_gone_every_host_is_told_and_nothing_moves() {
    let folder = Folder::new();
    let (sender, receiver) = pipe::pipe().unwrap();
    let lines = Lines::open(folder.state(), sender).await.unwrap();
    let mut sink = lines.acquire(&key("relay.test")).await.unwrap().sink;
    let mut other = lines.acquire(&key("other.test")).await.unwrap().sink;
    deliver(&mut sink, None, vec![frame(4, &["a"])]).await.unwrap();
    assert!(timeout(Duration::ZERO, lines.reader_gone()).await.is_err());
    drop(receiver);
    let error = deliver(&mut sink, Some(cursor(4)), vec![frame(5, &["b"])]).await.unwrap_err();
    assert!(matches!(error, LinesError::ReaderGone), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
    let error = deliver(&mut other, None, vec![frame(5, &["c"])]).await.unwrap_err();
    assert!(matches!(error, LinesError::ReaderGone), "{error}");
    timeout(LONG, lines.reader_gone()).await.unwrap();
    assert_eq!(lines.acquire(&key("relay.test")).await.unwrap().cursor, Some(cursor(4)));
}

#[tokio::test]
async fn i11_an_unreadable_cursor_file_is_an_error_of_its_host_alone() {
    let folder = Folder::new();
    let path = folder.state().cursor_file(&key("relay.test"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines = Lines::open(folder.state(), Paper::default()).await.unwrap();
    let cursors = FileCursors::new(folder.state());
    for unreadable in [&b""[..], b"\n", b"\xff\xfe\n", "9".repeat(5000).as_bytes()] {
        std::fs::write(&path, unreadable).unwrap();
        assert!(matches!(cursors.load(&key("relay.test")).await, Err(CursorError::Unreadable { .. })));
        let Err(error) = lines.acquire(&key("relay.test")).await else { panic!("{unreadable:?} was read") };
        assert!(matches!(error, LinesError::Cursor { .. }), "{error}");
        assert_eq!(error.remedy(), Remedy::Fail);
        assert_eq!(lines.acquire(&key("other.test")).await.unwrap().cursor, None);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(cursors.load(&key("relay.test")).await, Err(CursorError::Refused(_))));
}

#[tokio::test]
async fn a_file_cursor_is_stored_and_read_back() {
    let folder = Folder::new();
    let cursors = FileCursors::new(folder.state());
    assert_eq!(cursors.load(&key("ws://127.0.0.1:7777")).await.unwrap(), None);
    for seq in [4, 3] {
        cursors.save(&key("ws://127.0.0.1:7777"), &cursor(seq)).await.unwrap();
        assert_eq!(cursors.load(&key("ws://127.0.0.1:7777")).await.unwrap(), Some(cursor(seq)));
    }
}

#[tokio::test]
async fn a_second_writer_of_lines_is_refused_with_the_path_of_the_lock() {
    let folder = Folder::new();
    let first = Lines::open(folder.state(), Paper::default()).await.unwrap();
    let Err(error) = Lines::open(folder.state(), Paper::default()).await else { panic!("two writers") };
    assert!(matches!(error, LinesError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("lines.lock"), "{error}");
    drop(first);
    Lines::open(folder.state(), Paper::default()).await.unwrap();
}

use standpipe_log_sink::{EmbeddedLog, Entry, LogReader, LogSettings, Read, ReadFrom, StateFolder};
use standpipe_pipeline::{Never, Source};

use crate::support::{Frame, STREAM, cursor, key};

pub(crate) const HOST: &str = "relay.test";

/// Frames from a seq on, whose entries follow from it: one to four, of very different lengths.
pub(crate) struct Numbered {
    next: u64,
    last: u64,
}

impl Numbered {
    /// The frames after this cursor, up to `last`.
    pub(crate) fn after(cursor: Option<u64>, last: u64) -> Self {
        Self { next: cursor.unwrap_or(0) + 1, last }
    }
}

impl Source for Numbered {
    type Item = Frame;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<Frame>, Never> {
        // Lets deliveries complete between frames, so that batches differ in size.
        tokio::task::yield_now().await;
        if self.next > self.last {
            return Ok(None);
        }
        let seq = self.next;
        self.next += 1;
        Ok(Some((seq, (0..entries_in(seq)).map(|n| entry(seq, n)).collect())))
    }
}

fn entries_in(seq: u64) -> u64 {
    1 + seq % 4
}

fn entry(seq: u64, n: u64) -> String {
    let len = (seq * 31 + n * 7) % 900;
    format!("{seq}.{n} {}", "x".repeat(usize::try_from(len).unwrap()))
}

/// Checks entries as they come: each is the one that must follow, none is missing, repeated or out of place.
pub(crate) struct Checker {
    index: u64,
    seq: u64,
    n: u64,
}

impl Checker {
    pub(crate) fn new() -> Self {
        Self { index: 1, seq: 1, n: 0 }
    }

    pub(crate) fn check(&mut self, found: &Entry) {
        let (index, seq, n) = (self.index, self.seq, self.n);
        assert_eq!(found.index, index, "where {seq}.{n} was to come");
        assert_eq!(str::from_utf8(&found.payload).unwrap(), entry(seq, n));
        self.index += 1;
        self.n += 1;
        if self.n == entries_in(seq) {
            (self.seq, self.n) = (seq + 1, 0);
        }
    }

    /// Whether the last entry was the last one of its frame.
    pub(crate) fn is_whole(&self) -> bool {
        self.n == 0
    }

    /// The seq of the last whole frame; 0 when there was none.
    pub(crate) fn through(&self) -> u64 {
        self.seq - 1
    }

    /// The index of the last entry.
    pub(crate) fn entries(&self) -> u64 {
        self.index - 1
    }

    pub(crate) fn read_from(&self) -> ReadFrom {
        ReadFrom::Index(self.index)
    }

    /// Checks all that is there from where the last check ended, and that it ends a frame.
    pub(crate) async fn check_rest(&mut self, folder: &StateFolder) {
        let mut reader = LogReader::open(folder.clone(), STREAM, self.read_from()).await.unwrap();
        while let Some(read) = reader.next().await.unwrap() {
            let Read::Entry(entry) = read else { panic!("{read:?}") };
            self.check(&entry);
        }
        assert!(self.is_whole(), "torn in frame {}", self.seq);
    }

    /// Checks the rest, and that the stored cursor is exactly that of the last entry. Nobody may write meanwhile.
    pub(crate) async fn check_rest_and_cursor(&mut self, folder: &StateFolder) {
        use standpipe_cursor::CursorStore;
        self.check_rest(folder).await;
        let log = EmbeddedLog::open(LogSettings::new(folder.clone())).await.unwrap();
        let stored = log.load(&key(HOST)).await.unwrap();
        assert_eq!(stored, (self.through() > 0).then(|| cursor(self.through())));
    }
}

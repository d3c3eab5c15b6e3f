use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use standpipe_cursor::{Cursor, CursorKey};
use standpipe_daemon::{Completed, Enumeration, HostLedger, Listed};
use standpipe_pipeline::Batch;
use tokio::task::spawn_blocking;

/// What the rounds under one key have listed: a small file in the state folder, written before each delivery with what
/// will hold after it. Whichever of the two cursors is stored says which count holds, so a kill costs no row of it.
///
/// Losing the file costs counts, and no more: what is done is a mark in the sink.
#[derive(Clone)]
pub(crate) struct Account {
    file: PathBuf,
    ledger: Arc<HostLedger>,
    kept: Arc<Mutex<Kept>>,
    estimate: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    round: String,
    began_at: Timestamp,
    exact: bool,
    now: Count,
    next: Option<Count>,
    /// The last whole enumeration.
    done: Option<Completed>,
}

/// A count, and the cursor that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    cursor: u64,
    #[serde(flatten)]
    listed: Listed,
}

impl Account {
    /// The account of this key, as an earlier process left it.
    pub(crate) async fn open(folder: &Path, key: &CursorKey, ledger: Arc<HostLedger>) -> Self {
        let name: String = key.host().chars().map(|char| if char == '/' { '_' } else { char }).collect();
        let file = folder.join("backfill").join(format!("{name}.json"));
        let path = file.clone();
        let read = spawn_blocking(move || fs::read(path)).await.map_err(io::Error::other).flatten();
        let kept = match read {
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, file = %file.display(), "what was listed so far cannot be read");
                }
                None
            }
        };
        let kept = kept.unwrap_or_else(|| Kept::new("", None));
        Self { file, ledger, kept: Arc::new(Mutex::new(kept)), estimate: None }
    }

    /// The same, of a host that may have so many repos.
    pub(crate) fn estimated(self, repos: Option<u64>) -> Self {
        Self { estimate: repos.filter(|repos| *repos > 0), ..self }
    }

    /// A round goes on behind what is stored, or begins.
    pub(crate) fn resumes(&self, round: &'static str, stored: Option<&Cursor>, is_begin: bool) {
        let cursor = mark(stored);
        self.change(|kept| {
            let known =
                [Some(kept.now), kept.next].into_iter().flatten().find(|count| count.cursor == cursor);
            let is_same = kept.round == round;
            match known {
                Some(count) if is_same && !is_begin => (kept.now, kept.next) = (count, None),
                _ => {
                    let listed = if is_same && !is_begin { kept.now.listed } else { Listed::default() };
                    *kept = Kept {
                        exact: is_begin,
                        now: Count { cursor, listed },
                        ..Kept::new(round, kept.done.take())
                    };
                }
            }
        });
        self.show(round);
    }

    /// An enumeration was done before this process began, or is done in another of its lives.
    pub(crate) async fn was_done(&self) {
        let is_news = self.change(Kept::ends);
        if is_news {
            self.write().await;
        }
        let is_shown = self.ledger.enumerates(|enumeration| enumeration.is_some());
        if is_news || !is_shown {
            self.show("first");
        }
    }

    fn show(&self, round: &'static str) {
        let mut shown = self.change(|kept| {
            let mut shown = Enumeration::new(round, kept.began_at, kept.now.listed, kept.exact);
            shown.done.clone_from(&kept.done);
            shown.estimate = self.estimate;
            shown
        });
        self.ledger.enumerates(|enumeration| {
            if let Some(before) = enumeration {
                shown.estimate = before.estimate.or(shown.estimate);
                shown.done = shown.done.take().or(before.done.take());
            }
            *enumeration = Some(shown);
        });
    }

    /// A batch is about to be delivered.
    pub(crate) async fn expects(&self, batch: &Batch) {
        let tally = batch.tally();
        let (entries, dropped) = (batch.len() as u64, tally.dropped.total());
        self.change(|kept| {
            let now = kept.now.listed;
            let listed = Listed {
                repos: now.repos + entries + dropped,
                entries: now.entries + entries,
                pages: now.pages + tally.frames,
                withheld: now.withheld + tally.noted.of("rows_withheld"),
            };
            kept.next = Some(Count { cursor: mark(Some(batch.through())), listed });
        });
        self.write().await;
    }

    /// It is durable.
    pub(crate) fn delivered(&self) {
        let listed = self.change(|kept| {
            kept.now = kept.next.take().unwrap_or(kept.now);
            kept.now.listed
        });
        self.ledger.enumerates(|enumeration| {
            if let Some(enumeration) = enumeration {
                enumeration.has(listed);
            }
        });
    }

    /// The whole enumeration is in the sink.
    pub(crate) async fn completes(&self, host: &str) {
        let completed = self.change(|kept| {
            let (began_at, listed, exact) = (kept.began_at, kept.now.listed, kept.exact);
            kept.done.insert(Completed { at: Timestamp::now(), began_at, listed, exact }).clone()
        });
        self.write().await;
        completed.tell(host);
        self.ledger.enumerates(|enumeration| {
            if let Some(enumeration) = enumeration {
                enumeration.done = Some(completed);
            }
        });
    }

    /// When the last whole enumeration ended, as far as it is known; otherwise that is now, and known from here on.
    pub(crate) async fn done_at(&self) -> Timestamp {
        let at = self.change(|kept| {
            let (at, listed) = (Timestamp::now(), kept.now.listed);
            kept.done.get_or_insert(Completed { at, began_at: at, listed, exact: false }).at
        });
        self.write().await;
        at
    }

    async fn write(&self) {
        let kept = self.change(|kept| kept.clone());
        let file = self.file.clone();
        let written = spawn_blocking(move || {
            let beside = file.with_extension("json~");
            let text = serde_json::to_vec(&kept)?;
            fs::write(&beside, &text).or_else(|error| match (error.kind(), file.parent()) {
                (io::ErrorKind::NotFound, Some(folder)) => {
                    fs::create_dir_all(folder).and_then(|()| fs::write(&beside, &text))
                }
                _ => Err(error),
            })?;
            fs::rename(beside, file)
        });
        if let Err(error) = written.await.map_err(io::Error::other).flatten() {
            tracing::debug!(%error, "what was listed so far cannot be written");
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    /// The sink says that the round is done: so is the count that belongs to that, though the process was killed before
    /// it could note it. Answers whether that is news.
    fn ends(&mut self) -> bool {
        let done = mark(Some(&crate::mark::done()));
        if let Some(last) = self.next.take_if(|next| next.cursor == done) {
            self.now = last;
        }
        let (began_at, listed, exact) = (self.began_at, self.now.listed, self.exact);
        let is_known = self.done.as_ref().is_some_and(|known| known.began_at == began_at);
        if is_known || self.now.cursor != done {
            return false;
        }
        self.done = Some(Completed { at: Timestamp::now(), began_at, listed, exact });
        true
    }

    fn new(round: &str, done: Option<Completed>) -> Self {
        let began_at = Timestamp::now();
        Self { round: round.to_owned(), began_at, exact: true, now: Count::default(), next: None, done }
    }
}

/// Stands for a cursor, which may be long: FNV-1a.
fn mark(cursor: Option<&Cursor>) -> u64 {
    let text = cursor.map(ToString::to_string).unwrap_or_default();
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i5_what_was_delivered_last_is_counted_as_done_though_nobody_lived_to_note_it() {
        let count = |cursor: &Cursor, repos| Count {
            cursor: mark(Some(cursor)),
            listed: Listed { repos, ..Listed::default() },
        };
        let (page, done) = (Cursor::parse("180").unwrap(), crate::mark::done());
        let mut kept = Kept::new("first", None);
        kept.now = count(&page, 180);
        // Nothing says how much it was in the end.
        assert!(!kept.clone().ends());
        kept.next = Some(count(&done, 400));
        assert!(kept.ends() && !kept.ends());
        assert_eq!(kept.done.as_ref().map(|done| (done.listed.repos, done.exact)), Some((400, true)));
        // The next enumeration ends likewise.
        let mut again = Kept::new("again", kept.done);
        again.now = count(&done, 401);
        assert!(again.ends());
        assert_eq!(again.done.unwrap().listed.repos, 401);
    }
}

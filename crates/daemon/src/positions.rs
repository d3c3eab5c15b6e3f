//! Where hosts were left, kept beside their cursors: a cursor is a number alone, and only together with a time does it
//! show that a host has lost events while nobody read it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::Metrics;
use crate::gaps::Position;

/// How often they are written. After a kill, what is written is that much older than the cursors.
const EVERY: Duration = Duration::from_mins(1);

/// The file of one daemon's positions: a JSON object with a `{"seq":…,"time":…}` for each host.
///
/// Losing it costs a sign of gaps at the next start, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    file: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    seq: u64,
    time: Timestamp,
}

type Hosts = BTreeMap<String, Kept>;

impl Positions {
    /// The positions that this daemon keeps in the folder.
    pub(crate) fn of(folder: &Path, daemon: &str) -> Self {
        Self { file: folder.join(format!("{daemon}.positions.json")) }
    }

    /// Tells the hosts' ledgers what an earlier process knew.
    pub(crate) async fn recall(&self, metrics: &Metrics) {
        let file = self.file.clone();
        let read = spawn_blocking(move || fs::read(file)).await;
        let hosts: Hosts = match read.map_err(io::Error::other).flatten() {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                tracing::debug!(%error, "where hosts were left cannot be read");
                return;
            }
        };
        for ledger in metrics.ledgers() {
            if let Some(&Kept { seq, time }) = hosts.get(&**ledger.host()) {
                ledger.was_left_at(Position { seq, time });
            }
        }
    }

    /// Writes them now and then, for ever. Cancel-safe: the file is replaced as a whole.
    pub(crate) async fn keep(&self, metrics: &Arc<Metrics>) -> std::convert::Infallible {
        loop {
            sleep(EVERY).await;
            self.write(metrics).await;
        }
    }

    /// Writes them.
    pub(crate) async fn write(&self, metrics: &Metrics) {
        let positions = metrics.ledgers().into_iter().filter_map(|ledger| {
            let Position { seq, time } = ledger.position()?;
            Some((ledger.host().to_string(), Kept { seq, time }))
        });
        let hosts: Hosts = positions.collect();
        if hosts.is_empty() {
            return;
        }
        let file = self.file.clone();
        let written = spawn_blocking(move || {
            let beside = file.with_extension("json~");
            fs::write(&beside, serde_json::to_vec(&hosts)?)?;
            fs::rename(beside, file)
        });
        if let Err(error) = written.await.map_err(io::Error::other).flatten() {
            tracing::debug!(%error, "where hosts were left cannot be written");
        }
    }
}

//! Where hosts were left, kept beside their cursors: a cursor is a number alone. Together with a time it shows that a host
//! has lost events while nobody read it, and together with a place that it has moved.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::select;
use tokio::time::sleep;

use crate::Metrics;
use crate::gaps::Position;
use crate::state_file::StateFile;

/// How often they are written. After a kill, what is written is that much older than the cursors.
const EVERY: Duration = Duration::from_mins(1);

/// How soon they are written when a host was found that was not there before, together with those that are found meanwhile.
/// A kill within this time has the same move told again.
const SOON: Duration = Duration::from_millis(200);

/// No larger file is read: enough for some hundred thousand hosts.
const MAX_BYTES: u64 = 64 << 20;

/// The file of one daemon's positions: a JSON object with a `{"seq":…,"time":…,"residence":…}` for each host. The first two
/// are there where the times of its events are known, the last where it has to be looked up.
///
/// Losing it costs a sign of gaps and of moves at the next start, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    file: StateFile,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    left: Option<Left>,
    #[serde(skip_serializing_if = "Option::is_none")]
    residence: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    seq: u64,
    time: Timestamp,
}

type Hosts = BTreeMap<String, Kept>;

impl Positions {
    /// The positions that this daemon keeps in the folder.
    pub(crate) fn of(folder: &Path, daemon: &str) -> Self {
        Self { file: StateFile::of(folder, daemon, "positions") }
    }

    /// Tells the hosts' ledgers what an earlier process knew.
    pub(crate) async fn recall(&self, metrics: &Metrics) {
        let Some(text) = self.file.read(MAX_BYTES).await else { return };
        let mut hosts: Hosts = serde_json::from_slice(&text).unwrap_or_default();
        for ledger in metrics.ledgers() {
            let Some(Kept { left, residence }) = hosts.remove(&**ledger.host()) else { continue };
            if let Some(Left { seq, time }) = left {
                ledger.was_left_at(Position { seq, time });
            }
            if let Some(url) = residence {
                ledger.resided_at(url);
            }
        }
    }

    /// Writes them now and then, and soon after a host was found elsewhere, for ever. Cancel-safe: the file is replaced as
    /// a whole.
    pub(crate) async fn keep(&self, metrics: &Metrics) -> std::convert::Infallible {
        loop {
            select! {
                () = sleep(EVERY) => {}
                () = metrics.relocated() => sleep(SOON).await,
            }
            self.write(metrics).await;
        }
    }

    /// Writes them.
    pub(crate) async fn write(&self, metrics: &Metrics) {
        let positions = metrics.ledgers().into_iter().filter_map(|ledger| {
            let left = ledger.position().map(|Position { seq, time }| Left { seq, time });
            let residence = ledger.residence();
            let is_known = left.is_some() || residence.is_some();
            is_known.then(|| (ledger.host().to_string(), Kept { left, residence }))
        });
        let hosts: Hosts = positions.collect();
        if hosts.is_empty() {
            return;
        }
        self.file.replace(move || Ok(serde_json::to_vec(&hosts)?)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use standpipe_cursor::Endpoint;
    use tempfile::TempDir;

    use super::*;
    use crate::Quarantine;
    use crate::ledger::HostLedger;
    use crate::settings::QuarantinePlan;

    const DID: &str = "did:plc:7rvn2fejhf474djdyuspmjnt";

    /// One process of a daemon, and its only host.
    fn process(folder: &TempDir) -> (Metrics, Arc<HostLedger>) {
        let kept = QuarantinePlan { frames: 10, bytes: 1 << 20 };
        let quarantine = Quarantine::new(folder.path().join("quarantine"), kept);
        let metrics = Metrics::new("labeler", "label_live", None, quarantine.intake()).unwrap();
        let ledger = metrics.open_ledger(DID);
        (metrics, ledger)
    }

    fn place(url: &str) -> Endpoint {
        url.parse().unwrap()
    }

    async fn recalled(written: &str) -> (Option<Position>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let (metrics, ledger) = process(&folder);
        fs::write(folder.path().join("labeler.positions.json"), written).unwrap();
        Positions::of(folder.path(), "labeler").recall(&metrics).await;
        (ledger.position(), ledger.residence())
    }

    #[tokio::test]
    async fn what_was_known_of_a_host_is_known_to_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let positions = Positions::of(folder.path(), "labeler");
        let (metrics, ledger) = process(&folder);
        ledger.resides_at(&place("https://one.example"));
        positions.write(&metrics).await;

        let (metrics, ledger) = process(&folder);
        positions.recall(&metrics).await;
        assert_eq!(ledger.residence().as_deref(), Some("https://one.example"));
        assert_eq!(ledger.condition().endpoint, None, "it was not found yet");
        // It has not been found again, and is remembered all the same.
        positions.write(&metrics).await;
        let (metrics, ledger) = process(&folder);
        ledger.resides_at(&place("https://two.example"));
        positions.recall(&metrics).await;
        assert_eq!(ledger.residence().as_deref(), Some("https://two.example"));
    }

    #[tokio::test]
    async fn a_place_that_a_name_tells_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (metrics, ledger) = process(&folder);
        ledger.is_at(&place("https://one.example"));
        Positions::of(folder.path(), "labeler").write(&metrics).await;
        assert!(!folder.path().join("labeler.positions.json").exists());
    }

    #[tokio::test]
    async fn a_file_that_says_less_or_nothing_costs_a_sign_and_no_start() {
        let time = "2026-11-26T00:00:00Z".parse().unwrap();
        let left = format!(r#"{{"{DID}":{{"seq":7,"time":"{time}"}}}}"#);
        assert_eq!(recalled(&left).await, (Some(Position { seq: 7, time }), None));
        let residence = format!(r#"{{"{DID}":{{"residence":"https://one.example"}}}}"#);
        assert_eq!(recalled(&residence).await, (None, Some("https://one.example".to_owned())));
        for unreadable in ["", "{", "[]", r#"{"did:plc:7rvn2fejhf474djdyuspmjnt":7}"#, "\u{0}"] {
            assert_eq!(recalled(unreadable).await, (None, None), "{unreadable:?}");
        }
    }
}

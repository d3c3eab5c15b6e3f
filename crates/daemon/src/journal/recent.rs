use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use standpipe_incidents::Kept;

/// How many records are kept to be shown.
const KEPT: usize = 500;

/// The last records, those of earlier runs among them. Clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Arc<Mutex<VecDeque<Value>>>);

impl Recent {
    /// Begins with the last that earlier runs left. A log that cannot be read is told where it is opened.
    pub(super) fn recalled(folder: &Path, daemon: &str) -> Self {
        let recent = Self::default();
        let records = Kept::read(folder, daemon).unwrap_or_default().records;
        for record in records.iter().skip(records.len().saturating_sub(KEPT)) {
            recent.take(&record.line);
        }
        recent
    }

    /// Takes a record's line, without what is too long to be shown.
    pub(super) fn take(&self, line: &str) {
        let Ok(mut record) = serde_json::from_str::<Value>(line) else { return };
        if let Some(fields) = record.as_object_mut() {
            fields.remove("backtrace");
        }
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.truncate(KEPT - 1);
        records.push_front(record);
    }

    pub(super) fn newest_first(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use standpipe_incidents::{IncidentLog, LogSettings, What};

    use super::*;

    #[test]
    fn what_earlier_runs_left_is_shown_too() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogSettings::new(folder.path(), "firehose");
        let (log, _) = IncidentLog::open(settings, "1.0.0", &[], |_| {});
        log.record(What::Released { host: "relay.example".to_owned() });
        assert!(log.flush(std::time::Duration::from_secs(10)));
        drop(log);
        let recent = Recent::recalled(folder.path(), "firehose");
        recent.take(r#"{"kind":"held"}"#);
        let shown = recent.newest_first();
        let kinds: Vec<_> = shown.iter().map(|record| record["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["held", "released", "run_started"]);
        assert!(Recent::recalled(&folder.path().join("nowhere"), "firehose").newest_first().is_empty());
    }

    #[test]
    fn i7_the_newest_are_shown_without_their_backtraces() {
        let recent = Recent::default();
        for number in 0..1_000 {
            recent.take(&format!(r#"{{"ordinal":{number},"backtrace":"long"}}"#));
        }
        let shown = recent.newest_first();
        assert_eq!((shown.len(), &shown[0]), (KEPT, &serde_json::json!({ "ordinal": 999 })));
    }
}

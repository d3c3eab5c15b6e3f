use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use standpipe_incidents::{
    Account, IncidentLog, Kept, LogSettings, RunStarted, Selection, Surroundings, What,
};
use standpipe_supervisor::{Ending, EventTime, ExitReport, State, Verdict};
use tempfile::TempDir;

pub(crate) const DAEMON: &str = "firehose";
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A machine with a log, a boot and a control group of its own.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        machine.boot("first");
        machine.write("proc/self/cgroup", "0::/own\n");
        machine.has_killed(0);
        machine.has_killed_anywhere(4);
        machine
    }

    pub(crate) fn boot(&self, id: &str) {
        self.write("proc/sys/kernel/random/boot_id", id);
    }

    pub(crate) fn has_killed(&self, times: u64) {
        self.write("cgroup/own/memory.events", &format!("max 9\noom_kill {times}\n"));
        self.write("cgroup/own/memory.current", "1048576\n");
        self.write("cgroup/own/memory.max", "2097152\n");
    }

    pub(crate) fn has_killed_anywhere(&self, times: u64) {
        self.write("proc/vmstat", &format!("nr_free_pages 1000\noom_kill {times}\n"));
    }

    /// As where a container is started again: a group of the same name that counts from nothing.
    pub(crate) fn renew_group(&self) {
        let group = |name| self.folder.path().join("cgroup").join(name);
        fs::rename(group("own"), group("gone")).unwrap();
        self.has_killed(0);
    }

    /// The last sign of life was given at another time.
    pub(crate) fn was_alive_at(&self, change: impl FnOnce(Timestamp) -> Timestamp) {
        let path = self.incidents().join(format!("{DAEMON}.alive"));
        let mut mark: serde_json::Value =
            serde_json::from_str(fs::read_to_string(&path).unwrap().trim()).unwrap();
        let at: Timestamp = mark["alive_at"].as_str().unwrap().parse().unwrap();
        mark["alive_at"] = change(at).to_string().into();
        fs::write(path, mark.to_string()).unwrap();
    }

    pub(crate) fn settings(&self) -> LogSettings {
        let path = |name| self.folder.path().join(name);
        LogSettings {
            surroundings: Surroundings::at(path("proc"), path("cgroup")),
            ..LogSettings::new(self.incidents(), DAEMON)
        }
    }

    pub(crate) fn incidents(&self) -> PathBuf {
        self.folder.path().join("incidents")
    }

    /// A run that has begun, its first record on the disk.
    pub(crate) fn run(&self) -> (IncidentLog, RunStarted) {
        let (log, started) =
            IncidentLog::open(self.settings(), "1.0.0", &["relay.example".to_owned()], |_| {});
        assert!(log.flush(PATIENCE));
        (log, started)
    }

    pub(crate) fn kept(&self) -> Kept {
        Kept::read(&self.incidents(), DAEMON).unwrap()
    }

    pub(crate) fn tell(&self, selection: Selection) -> Account {
        Account::read(&self.settings(), selection).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// An ending of a child as the supervisor reports it.
pub(crate) fn exit(child: &str, ordinal: u64, ending: Ending) -> What {
    let report = ExitReport {
        child: child.into(),
        host: Some(child.into()),
        incarnation: 1,
        ordinal,
        ran_for: Duration::from_millis(29_300),
        state: State::Streaming,
        ending,
        last_seq: Some(81_237),
        last_event_time: Some(EventTime::from_unix_micros(1_772_348_249_000_125)),
        events: 510,
        bytes: 2_000_000,
        verdict: Verdict::Restart { after: Duration::from_millis(700) },
    };
    What::from(&Arc::new(report))
}

pub(crate) fn lost(cause: &str) -> Ending {
    Ending::Lost { error: cause.into(), retry_after: None }
}

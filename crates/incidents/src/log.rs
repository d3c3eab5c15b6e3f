use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::files::Files;
use crate::incident::millis;
use crate::judgement::judge;
use crate::mark::{Mark, MarkFile, NoMark};
use crate::paths::Paths;
use crate::queue::Queue;
use crate::writer::{Facts, Writer};
use crate::{Farewell, Incident, Kept, LastRun, Record, RunEnded, RunEnding, RunStarted, Surroundings, What};

/// How much both files hold, unless another bound is set.
pub const DEFAULT_BYTES: u64 = 8 << 20;
/// How long there is no sign of life at most.
const BREATHE_EVERY: Duration = Duration::from_secs(10);

/// Where a log lies, and how large it may be.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The folder, which is made when it is missing. Several daemons can share it.
    pub folder: PathBuf,
    /// The program, after which the files are named.
    pub daemon: String,
    /// How much both files hold together.
    pub bytes: u64,
    /// What the machine says of this process.
    pub surroundings: Surroundings,
}

impl LogSettings {
    /// A log of the default size.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, daemon: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            daemon: daemon.into(),
            bytes: DEFAULT_BYTES,
            surroundings: Surroundings::default(),
        }
    }
}

/// The log of one run. Clones are the same log; it is closed with the last of them.
///
/// It is written by a thread of its own, so that no disk holds up whoever hands in a record. What it cannot keep is
/// counted, told in the log lines, and told in the log itself when it can be kept again.
#[derive(Debug, Clone)]
pub struct IncidentLog {
    shared: Arc<Shared>,
    /// Closes the queue with the last clone.
    _closing: Arc<Closing>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) written: AtomicU64,
    pub(crate) lost_to_queue: AtomicU64,
    pub(crate) lost_to_disk: AtomicU64,
    pub(crate) lost_to_another: AtomicU64,
    run: String,
    daemon: String,
    began: Instant,
}

#[derive(Debug)]
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

impl IncidentLog {
    /// Begins a run: finds out how the last one ended, writes the record of the beginning, and starts the thread.
    ///
    /// It never fails: a folder that cannot be had is told by a WARN line, and its records are counted as lost until it
    /// can be had. `copy` is handed each line that is written, or would have been, on that thread.
    #[must_use]
    pub fn open(
        settings: LogSettings,
        version: &str,
        hosts: &[String],
        copy: impl FnMut(&str) + Send + 'static,
    ) -> (Self, RunStarted) {
        let LogSettings { folder, daemon, bytes, surroundings } = settings;
        let paths = Paths::new(&folder, &daemon);
        let (at, pid) = (Timestamp::now(), std::process::id());
        let run = format!("{}-{pid}", at.strftime("%Y%m%dT%H%M%S.%6fZ"));
        let mark_file = std::fs::create_dir_all(&folder)
            .map_err(NoMark::Refused)
            .and_then(|()| MarkFile::open(&paths.alive));
        let kept = Kept::at(&paths).unwrap_or_else(|error| {
            tracing::warn!(%error, folder = %folder.display(), "the incidents of earlier runs cannot be read");
            Kept::default()
        });
        let last_run = match &mark_file {
            Err(NoMark::Taken) => LastRun { ending: RunEnding::StillRunning, ..LastRun::NONE },
            Ok(_) | Err(NoMark::Refused(_)) => {
                judge(&kept.records, Mark::read(&paths.alive).as_ref(), &surroundings)
            }
        };
        let memory = surroundings.memory();
        let boot_id = surroundings.boot_id();
        let (hosts, hosts_total) = RunStarted::name_hosts(hosts);
        let started = RunStarted {
            pid,
            version: version.to_owned(),
            hosts,
            hosts_total,
            boot_id: boot_id.clone(),
            oom_kills: memory.oom_kills,
            restarts_last_hour: restarts(&kept.records, &last_run, at, SignedDuration::from_hours(1)),
            restarts_last_day: restarts(&kept.records, &last_run, at, SignedDuration::from_hours(24)),
            last_run,
        };
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            written: AtomicU64::new(0),
            lost_to_queue: AtomicU64::new(0),
            lost_to_disk: AtomicU64::new(0),
            lost_to_another: AtomicU64::new(0),
            run: run.clone(),
            daemon,
            began: now(),
        });
        let mark = Mark {
            run,
            pid,
            started_at: at,
            alive_at: at,
            ran_for_ms: 0,
            boot_id,
            group: memory.group,
            group_id: memory.group_id,
            oom_kills: memory.oom_kills,
            machine_oom_kills: memory.machine_oom_kills,
            memory_used_bytes: memory.used_bytes,
            memory_limit_bytes: memory.limit_bytes,
            farewell: None,
        };
        let log = Self { _closing: Arc::new(Closing(Arc::clone(&shared))), shared: Arc::clone(&shared) };
        log.shared.queue.hand_in(log.incident(at, What::RunStarted(started.clone())));
        let facts = Facts { surroundings, mark, alive: paths.alive.clone() };
        let mut writer = Writer::new(Arc::clone(&shared), Files::new(paths, bytes), mark_file, facts, copy);
        let thread = thread::Builder::new().name("incidents".to_owned()).spawn(move || {
            loop {
                let taken = shared.queue.take(BREATHE_EVERY);
                let is_last = taken.is_last;
                writer.deal_with(taken, millis(shared.began.elapsed()));
                if is_last {
                    break;
                }
            }
            // Whoever waits for the end may want the lock.
            drop(writer);
            shared.queue.end();
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "incidents cannot be kept: there is no thread for them");
            log.shared.queue.close();
            log.shared.queue.end();
        }
        (log, started)
    }

    /// The name of this run, as its records have it.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.shared.run
    }

    /// Hands in a record of what happens at this moment. Never waits.
    pub fn record(&self, what: impl Into<What>) {
        let incident = self.incident(Timestamp::now(), what.into());
        if !self.shared.queue.hand_in(incident) {
            self.shared.lost_to_queue.fetch_add(1, Relaxed);
        }
    }

    /// Gives a sign of life, so that the next run knows for how long this one lived. The log gives one every ten
    /// seconds by itself. Never waits.
    pub fn breathe(&self) {
        self.shared.queue.ask_for_breath();
    }

    /// Says how this run ends. Only the first farewell counts. Never waits: [`flush`](Self::flush) does.
    pub fn say_farewell(&self, farewell: Farewell) {
        let ended = RunEnded { farewell, uptime_ms: millis(self.shared.began.elapsed()) };
        self.shared.queue.say_farewell(self.incident(Timestamp::now(), What::RunEnded(ended)));
    }

    /// Waits until everything that was handed in before is on the disk or counted as lost, but no longer than this;
    /// says whether it is. Blocks the thread.
    #[must_use]
    pub fn flush(&self, within: Duration) -> bool {
        self.shared.queue.flush(within)
    }

    /// Takes nothing more, and waits until what was handed in before is dealt with and the files are closed, but no
    /// longer than this; says whether they are. Blocks the thread.
    #[must_use]
    pub fn close(&self, within: Duration) -> bool {
        self.shared.queue.close();
        self.shared.queue.ended(within)
    }

    /// Records that are on the disk.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.shared.written.load(Relaxed)
    }

    /// Records that are not, by why: `queue` (they came faster than the disk took them), `disk` (it refused them),
    /// `taken` (another process writes this log).
    #[must_use]
    pub fn lost(&self) -> [(&'static str, u64); 3] {
        let Shared { lost_to_queue, lost_to_disk, lost_to_another, .. } = &*self.shared;
        [
            ("queue", lost_to_queue.load(Relaxed)),
            ("disk", lost_to_disk.load(Relaxed)),
            ("taken", lost_to_another.load(Relaxed)),
        ]
    }

    fn incident(&self, at: Timestamp, what: What) -> Incident {
        self.shared.incident(at, what)
    }
}

impl Shared {
    pub(crate) fn incident(&self, at: Timestamp, what: What) -> Incident {
        Incident { at, run: self.run.clone(), daemon: self.daemon.clone(), what }
    }
}

/// How often the process was started again within a span of time, this time included.
fn restarts(records: &[Record], last_run: &LastRun, now: Timestamp, span: SignedDuration) -> u64 {
    let was_restart = |ending: &RunEnding| *ending != RunEnding::FirstRun;
    let earlier = records.iter().filter(|record| {
        let What::RunStarted(started) = &record.incident.what else { return false };
        was_restart(&started.last_run.ending) && now.duration_since(record.incident.at) <= span
    });
    earlier.count() as u64 + u64::from(was_restart(&last_run.ending))
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own, which no test's paused time reaches")]
fn now() -> Instant {
    Instant::now()
}

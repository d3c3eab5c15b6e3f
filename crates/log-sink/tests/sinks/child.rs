use std::env;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, Seq};
use standpipe_log_sink::{EmbeddedLog, LogReader, LogSettings, Read, StateFolder};
use standpipe_pipeline::{Acquire, Backpressure, End, Limits, Observation, Observer, Pump};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::numbered::{Checker, HOST, Numbered};
use crate::support::{Notes, Plain, STREAM, cursor, deliver, frame, key};

const TASK: &str = "STANDPIPE_LOG_SINK_CHILD";
const MARK: &str = "child: ";
const PATIENCE: Duration = Duration::from_mins(1);

/// This test binary once more, in a process of its own with one of the tasks below.
pub(crate) struct Child {
    pub(crate) process: tokio::process::Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(crate) fn spawn(task: &str, folder: &StateFolder, last: u64) -> Self {
        Self::spawn_under(&[], task, folder, last)
    }

    /// Spawned by another program, which gets the test binary and its arguments as its last arguments.
    pub(crate) fn spawn_under(program: &[&str], task: &str, folder: &StateFolder, last: u64) -> Self {
        let own = env::current_exe().unwrap();
        let mut command = match program {
            [] => Command::new(own),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(own);
                command
            }
        };
        let mut process = command
            .args(["--exact", "child::entry_of_child_processes", "--nocapture"])
            .env(TASK, format!("{task} {last} {}", folder.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    /// The next that the child says; `None` when it has ended.
    pub(crate) async fn says(&mut self) -> Option<String> {
        loop {
            let line = timeout(PATIENCE, self.said.next_line()).await.expect("the child says something");
            if let Some((_, said)) = line.unwrap()?.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
    }

    /// Waits until the child says something that begins like this.
    pub(crate) async fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.says().await {
                Some(said) if said.starts_with(text) => return said,
                Some(_) => {}
                None => panic!("the child ended before it said {text:?}"),
            }
        }
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Waits until the child has ended well.
    pub(crate) async fn ended_well(mut self) {
        let status = timeout(PATIENCE, self.process.wait()).await.expect("the child ends").unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Not a test: what [`Child`] runs.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a child process is told its task by the environment")]
async fn entry_of_child_processes() {
    let Ok(task) = env::var(TASK) else { return };
    let [task, last, folder] = task.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let (folder, last) = (StateFolder::new(folder), last.parse().unwrap());
    match task {
        "write" => write(folder, last).await,
        "weigh" => weigh(folder, last).await,
        "write-beside-filler" => write_beside_filler(folder, last).await,
        "follow" => follow(folder).await,
        "hold" => hold(folder).await,
        other => panic!("unknown task {other}"),
    }
    println!("{MARK}done");
}

/// Says aloud what the sink's observer and the pump's observer are told.
struct Aloud;

impl Observer for Aloud {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Delivered { batch, .. } => println!("{MARK}delivered {}", batch.through()),
            Observation::Backpressure(Backpressure::Flowing) => println!("{MARK}flowing"),
            Observation::Backpressure(Backpressure::Full { backlog }) => println!("{MARK}full {backlog}"),
            Observation::Backpressure(Backpressure::Unavailable { cause }) => {
                println!("{MARK}unavailable {cause}");
            }
            _ => {}
        }
    }
}

/// Writes the numbered frames from the stored cursor up to the last one.
async fn write(folder: StateFolder, last: u64) {
    write_told(folder, last, Arc::new(Aloud)).await;
}

async fn write_told(folder: StateFolder, last: u64, observer: Arc<dyn Observer>) {
    let log = EmbeddedLog::open(LogSettings::new(folder)).await.unwrap().observed_by(observer);
    let acquired = log.acquire(&key(HOST)).await.unwrap();
    let from = acquired.cursor.as_ref().and_then(Cursor::seq).map(Seq::number);
    let limits = Limits { max_entries: 50, ..Limits::default() };
    let mut pump = Pump::new(Numbered::after(from, last), Plain, acquired.sink, limits, Arc::new(Aloud));
    let end = pump.run(acquired.cursor, std::future::pending()).await.unwrap();
    assert_eq!(end, End::Finished);
}

/// Writes large entries one by one, and says how much memory that took at most.
async fn weigh(folder: StateFolder, last: u64) {
    let log = EmbeddedLog::open(LogSettings::new(folder)).await.unwrap();
    let mut sink = log.acquire(&key(HOST)).await.unwrap().sink;
    let entry = "x".repeat(500_000);
    for seq in 1..=last {
        let from = (seq > 1).then(|| cursor(seq - 1));
        deliver(&mut sink, from, vec![frame(seq, &[&entry])]).await.unwrap();
    }
    println!("{MARK}peak {}", peak_kibibytes());
}

/// The largest resident size of this process so far.
fn peak_kibibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes onto a small disk of its own, and makes room there once it is full.
async fn write_beside_filler(folder: StateFolder, last: u64) {
    let filler = folder.path().join("filler");
    let notes = Notes::new();
    let make_room = async {
        notes.wait_for("unavailable").await;
        std::fs::remove_file(filler).unwrap();
    };
    tokio::join!(write_told(folder.clone(), last, notes.observer()), make_room);
    notes.all().iter().for_each(|note| println!("{MARK}{note}"));
    let mut checker = Checker::new();
    checker.check_rest_and_cursor(&folder).await;
    println!("{MARK}checked through {}", checker.through());
}

/// Follows the stream until standard input ends, then reads what is left, and says how far it came.
async fn follow(folder: StateFolder) {
    let mut checker = Checker::new();
    let reader = LogReader::open(folder, STREAM, checker.read_from()).await.unwrap();
    let mut reader = reader.poll_every(Duration::from_millis(10));
    let mut input = tokio::io::stdin();
    let mut byte = [0];
    let mut ended = std::pin::pin!(input.read(&mut byte));
    let mut is_last = false;
    loop {
        while let Some(read) = reader.next().await.unwrap() {
            let Read::Entry(entry) = read else { panic!("{read:?}") };
            checker.check(&entry);
        }
        assert!(checker.is_whole(), "torn after frame {}", checker.through());
        if is_last {
            break;
        }
        tokio::select! {
            read = reader.follow() => {
                let Read::Entry(entry) = read.unwrap() else { panic!("a gap") };
                checker.check(&entry);
            }
            _ = &mut ended => is_last = true,
        }
    }
    println!("{MARK}followed {}", checker.entries());
}

/// Opens the log and holds it until standard input ends.
async fn hold(folder: StateFolder) {
    let _log = EmbeddedLog::open(LogSettings::new(folder)).await.unwrap();
    println!("{MARK}holds");
    let _ = tokio::io::stdin().read(&mut [0]).await.unwrap();
}

//! A real kill for memory, in a control group of the test's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use standpipe_oracle::DaemonProcess;
use standpipe_simulator::{Pace, Relay};
use tokio::time::{Instant, sleep};

use crate::rig::{LOOK_EVERY, PATIENCE, account, firehose, program, relay};

/// What the daemon may take besides what it has when the limit comes.
const MORE: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_kill_for_memory_is_told_apart_from_another() {
    let group = match Group::make() {
        Ok(group) => group,
        Err(reason) => {
            println!("skipped: no control group with memory can be made here: {reason}");
            return;
        }
    };
    let relay = relay(Pace::per_second(5_000));
    // Its folder and port; it is started by hand, inside the group.
    let daemon = firehose(&relay);
    let mut first = group.start(&daemon, &relay);
    until("the daemon reads", || daemon.state_folder().join("log.redb").exists()).await;
    // The mark has to know the group before the limit comes; it is written with every heartbeat.
    until("a sign of life", || marked(&daemon).is_some_and(|mark| mark["ran_for_ms"].as_u64() > Some(1_000)))
        .await;
    group.limit();
    until("the kernel kills it", || first.try_wait().unwrap().is_some()).await;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&first.wait().unwrap()), Some(9));
    let kills = group.kills();
    assert!(kills > 0, "{kills}");

    group.lift();
    let mut second = group.start(&daemon, &relay);
    let told = || {
        let (account, _) = account(&daemon.state_folder(), &[]);
        let run = &account["runs"][0];
        (run["how"] == "still_running").then(|| run["started"]["last_run"].clone())
    };
    until("the next start", || told().is_some()).await;
    let told = told().expect("it was there a moment ago");
    second.kill().unwrap();
    second.wait().unwrap();
    println!("{told}");
    assert_eq!((&told["how"], &told["kills"]), (&"out_of_memory".into(), &kills.into()));
}

fn marked(daemon: &DaemonProcess) -> Option<serde_json::Value> {
    let mark = fs::read_to_string(daemon.state_folder().join("incidents/firehose.alive")).ok()?;
    serde_json::from_str(mark.trim_end()).ok()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} until {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// A control group below the test's own; removed with this.
struct Group {
    folder: PathBuf,
    /// The names of version 1 or 2.
    limit: &'static str,
    usage: &'static str,
    events: &'static str,
    unlimited: &'static str,
}

impl Group {
    fn make() -> io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let of = |prefix: &str| {
            own.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.strip_prefix(prefix).map(|path| path.trim_start_matches('/').to_owned())
            })
        };
        let name = format!("standpipe-check-{}", std::process::id());
        let group = if let Some(path) = of("memory:") {
            Self {
                folder: Path::new("/sys/fs/cgroup/memory").join(path).join(name),
                limit: "memory.limit_in_bytes",
                usage: "memory.usage_in_bytes",
                events: "memory.oom_control",
                unlimited: "-1",
            }
        } else {
            Self {
                folder: Path::new("/sys/fs/cgroup").join(of(":").unwrap_or_default()).join(name),
                limit: "memory.max",
                usage: "memory.current",
                events: "memory.events",
                unlimited: "max",
            }
        };
        fs::create_dir(&group.folder)?;
        // Dropping the group removes it, also where it has no memory to count.
        fs::metadata(group.folder.join(group.events))?;
        fs::OpenOptions::new().write(true).open(group.folder.join(group.limit))?;
        Ok(group)
    }

    /// Starts the daemon inside the group.
    fn start(&self, daemon: &DaemonProcess, relay: &Relay) -> Child {
        Command::new("/bin/sh")
            .args(["-c", "echo $$ > \"$0\" && exec \"$1\""])
            .arg(self.folder.join("cgroup.procs"))
            .arg(program().path())
            .env_clear()
            .env("STANDPIPE_STATE_DIR", daemon.state_folder())
            .env("STANDPIPE_ADMIN__LISTEN", daemon.admin_address().to_string())
            .env("INGESTER_RELAY_HOSTS", relay.url())
            .env("STANDPIPE_START", "oldest")
            .env("STANDPIPE_HEARTBEAT", "1s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Leaves the group little more than it has. The kernel may refuse a limit that it cannot keep at once.
    fn limit(&self) {
        let used: u64 = fs::read_to_string(self.folder.join(self.usage)).unwrap().trim().parse().unwrap();
        let mut limit = used / 2;
        while fs::write(self.folder.join(self.limit), limit.to_string()).is_err() {
            limit += MORE;
        }
        println!("used {used} bytes, limited to {limit}");
    }

    fn lift(&self) {
        fs::write(self.folder.join(self.limit), self.unlimited).unwrap();
    }

    fn kills(&self) -> u64 {
        let events = fs::read_to_string(self.folder.join(self.events)).unwrap();
        events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok()).unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One that is not empty stays; there is nobody left to tell.
        let _ = fs::remove_dir(&self.folder);
    }
}

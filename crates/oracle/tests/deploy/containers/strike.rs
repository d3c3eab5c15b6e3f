//! What is done to one container, and what has to be known of it afterwards.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::containers::DAEMONS;
use crate::containers::engine::{docker, process};
use crate::containers::load::{Load, Progress};
use crate::containers::tier::{NEXT, Tier};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL to its process, from the host.
    Killed,
    /// Stopped as compose does it, and started again.
    Stopped,
    /// Frozen, and thawed.
    Paused,
    /// Its network is gone without a word to either side, and comes back.
    CutOff,
    /// The kernel kills it for memory.
    OverMemory,
    /// Another image under another tag.
    Upgraded,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] =
        [Self::Killed, Self::Stopped, Self::Paused, Self::CutOff, Self::OverMemory, Self::Upgraded];

    /// How `incidents` tells of the run that it ended; `None` where the run goes on.
    fn ending(self) -> Option<&'static str> {
        match self {
            Self::Killed => Some("killed"),
            Self::Stopped | Self::Upgraded => Some("clean"),
            Self::OverMemory => Some("out_of_memory"),
            Self::Paused | Self::CutOff => None,
        }
    }
}

/// How many frames the others have to go on by while one is away.
const GO_ON_BY: u64 = 20;

/// Does it, waits until all is well again, and checks that nothing else was touched.
pub(crate) async fn strike(tier: &Tier, service: &str, fault: Fault) {
    let others: Vec<_> = tier.services().into_iter().filter(|other| other != service).collect();
    let standing = || others.iter().map(|other| tier.standing(other)).collect::<Vec<_>>();
    let (before, own) = (standing(), tier.standing(service));
    let runs = DAEMONS.map(|daemon| run(tier, daemon));

    happen(tier, service, fault).await;
    tier.until(&format!("{service} is healthy after {fault:?}"), || tier.is_healthy(service)).await;
    let there = Load::progress(tier).unwrap();
    tier.until(&format!("all go on after {fault:?} of {service}"), || {
        Load::progress(tier).is_some_and(|now| DAEMONS.iter().all(|daemon| gained(daemon, there, now) > 0))
    })
    .await;

    assert_eq!(standing(), before, "{fault:?} of {service} touched another container");
    let begun_anew = fault.ending().is_some();
    assert_eq!(tier.standing(service) != own, begun_anew, "{fault:?} of {service}");
    for (daemon, was) in DAEMONS.iter().zip(runs) {
        let is = run(tier, daemon);
        if *daemon == service && begun_anew {
            let last = &is["started"]["last_run"];
            assert_eq!(
                (&last["run"], last["how"].as_str()),
                (&was["run"], fault.ending()),
                "{service}: {is}"
            );
            println!("{service}, {fault:?}: {last}");
        } else {
            assert_eq!(is["run"], was["run"], "{fault:?} of {service} ended a run of {daemon}");
        }
    }
    if !begun_anew || service == "redis" {
        println!("{service}, {fault:?}: every run went on");
    }
}

/// The run that is on.
fn run(tier: &Tier, daemon: &str) -> Value {
    let account = tier.incidents(daemon).swap_remove(0);
    let runs = account["runs"].as_array().unwrap();
    runs.iter().find(|run| run["how"] == "still_running").unwrap_or_else(|| panic!("{account}")).clone()
}

fn gained(daemon: &str, then: Progress, now: Progress) -> u64 {
    match daemon {
        "firehose" => now.firehose - then.firehose,
        "backfill" => now.backfill - then.backfill,
        _ => now.labeler - then.labeler,
    }
}

async fn happen(tier: &Tier, service: &str, fault: Fault) {
    let container = tier.container(service);
    let program = if service == "redis" { "redis-server" } else { service };
    let began = tier.standing(service)["started_at"].clone();
    let begins_anew = || tier.standing(service)["started_at"] != began;
    match fault {
        Fault::Killed => {
            let pid = i32::try_from(process(&container, program)).unwrap();
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
            tier.until("it is started again", begins_anew).await;
        }
        Fault::Stopped => {
            tier.compose(&["stop", service]);
            is_missed(tier, service, false).await;
            tier.compose(&["start", service]);
        }
        Fault::Paused => {
            docker(&["pause", &container]);
            is_missed(tier, service, false).await;
            docker(&["unpause", &container]);
        }
        Fault::CutOff => {
            docker(&["network", "disconnect", &tier.network(), &container]);
            is_missed(tier, service, true).await;
            docker(&["network", "connect", "--alias", service, &tier.network(), &container]);
        }
        Fault::OverMemory => {
            let group = MemoryGroup::of(process(&container, program));
            group.tighten();
            tier.until("the kernel kills it, and it is started again", begins_anew).await;
        }
        Fault::Upgraded => {
            let image = docker(&["inspect", "--format", "{{.Config.Image}}", &container]);
            let (name, _) = image.split_once(':').unwrap();
            next_image(&image, &format!("{name}:{NEXT}"));
            let next = [("STANDPIPE_TAG", NEXT), ("REDIS_IMAGE", "redis:next")];
            tier.compose_with(&next, &["up", "--detach", "--no-deps", "--no-build", "--wait", service]);
        }
    }
}

/// The same with one more label: an image that is another one.
fn next_image(image: &str, next: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), format!("FROM {image}\nLABEL standpipe.check=next\n"))
        .unwrap();
    let mut build = Command::new("docker");
    build.env("DOCKER_BUILDKIT", "1").args(["build", "--quiet", "--tag", next]).arg(folder.path());
    let (succeeded, said) = crate::containers::engine::said(&mut build);
    assert!(succeeded, "{said}");
}

/// Waits until it has been away for long enough to matter: the others have gone on, or, where it is Redis, all of them
/// say that they cannot; and a daemon that can still speak says so of itself.
async fn is_missed(tier: &Tier, service: &str, it_speaks: bool) {
    if service == "redis" {
        tier.until("all daemons miss Redis", || DAEMONS.iter().all(|daemon| !tier.ready(daemon).0)).await;
        return;
    }
    let there = Load::progress(tier).unwrap();
    let others = DAEMONS.iter().filter(|daemon| **daemon != service);
    tier.until(&format!("the others go on without {service}"), || {
        let now = Load::progress(tier).unwrap();
        others.clone().all(|daemon| gained(daemon, there, now) >= GO_ON_BY)
    })
    .await;
    if it_speaks {
        tier.until(&format!("{service} says that it cannot go on"), || !tier.ready(service).0).await;
    }
}

/// The memory of a container, as the host has it.
struct MemoryGroup {
    limit: PathBuf,
    usage: PathBuf,
}

impl MemoryGroup {
    fn of(pid: u32) -> Self {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        let path = |of: &str| {
            let line = groups.lines().find_map(|line| line.split_once(':')?.1.strip_prefix(of));
            line.map(|path| path.trim_start_matches('/').to_owned())
        };
        let (folder, limit, usage) = if let Some(path) = path("memory:") {
            (
                PathBuf::from("/sys/fs/cgroup/memory").join(path),
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            )
        } else {
            (PathBuf::from("/sys/fs/cgroup").join(path(":").unwrap()), "memory.max", "memory.current")
        };
        Self { limit: folder.join(limit), usage: folder.join(usage) }
    }

    /// Leaves it hardly more than it has. The kernel may refuse a limit that it cannot keep at once, and may have killed
    /// already when it is asked again.
    fn tighten(&self) {
        let used: u64 = fs::read_to_string(&self.usage).unwrap().trim().parse().unwrap();
        let mut limit = used / 2;
        while self.limit.exists() && fs::write(&self.limit, limit.to_string()).is_err() {
            limit += 64 << 10;
        }
        println!("used {used} bytes, limited to {limit}");
    }
}

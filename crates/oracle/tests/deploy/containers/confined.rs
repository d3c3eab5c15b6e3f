//! How small an image is, and how little its container may do.

use std::fs;

use serde_json::{Value, json};

use crate::containers::DAEMONS;
use crate::containers::engine::{docker, images, inspected, is_there, own_process};
use crate::containers::tier::Tier;

/// What an image may be at most.
const MOST_BYTES: u64 = 30_000_000;

#[test]
fn every_image_is_small_labelled_and_of_nobody() {
    if !is_there() {
        return;
    }
    let tag = images();
    for daemon in DAEMONS {
        let name = format!("standpipe-{daemon}:{tag}");
        let image = inspected("image", &name);
        let size = image["Size"].as_u64().unwrap();
        println!("{name}: {size} bytes");
        assert!(size < MOST_BYTES, "{name}: {size} bytes");
        assert_eq!(image["Config"]["User"], "10001:10001", "{name}");
        assert_eq!(
            image["Config"]["Healthcheck"]["Test"],
            json!(["CMD", format!("/{daemon}"), "healthcheck"])
        );
        let labels = &image["Config"]["Labels"];
        assert_ne!(labels["org.opencontainers.image.version"], "0.0.0", "{name}");
        assert_ne!(labels["org.opencontainers.image.revision"], "unknown", "{name}");
        let said = docker(&["run", "--rm", &name, "--version"]);
        assert!(said.contains(daemon), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demonstration_is_healthy_confined_and_read() {
    if !is_there() {
        return;
    }
    let tier = Tier::demonstration(&images());
    // Returns when all are healthy, and fails when one is not.
    tier.compose(&["--profile", "demo", "up", "--detach", "--wait", "--no-build"]);
    for service in tier.services() {
        let container = inspected("container", &tier.container(&service));
        assert_eq!(container["State"]["Health"]["Status"], "healthy", "{service}");
        assert_eq!(container["RestartCount"], 0, "{service}");
        let set = &container["HostConfig"];
        assert_eq!((&set["ReadonlyRootfs"], &set["Privileged"]), (&json!(true), &json!(false)), "{service}");
        assert_eq!(set["CapDrop"], json!(["ALL"]), "{service}");
        assert!(set["Memory"].as_u64() > Some(0) && set["Memory"] == set["MemorySwap"], "{service}: {set}");
        confined_as_the_kernel_has_it(&service, own_process(&tier.container(&service)));
    }
    for stream in ["firehose_live", "repo_backfill", "label_live"] {
        tier.until(&format!("{stream} is read and acknowledged"), || is_read(&tier, stream)).await;
    }
}

/// A process cannot be more than the kernel says of it.
pub(crate) fn confined_as_the_kernel_has_it(service: &str, pid: u32) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(!of("Uid:").split(' ').any(|id| id == "0"), "{service} is root: {}", of("Uid:"));
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(of(set), "0000000000000000", "{service}: {set}");
    }
    assert_eq!(of("NoNewPrivs:"), "1", "{service}");
    let mounts = fs::read_to_string(format!("/proc/{pid}/mounts")).unwrap();
    let root = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/")).unwrap();
    assert!(root.split(' ').nth(3).unwrap().split(',').any(|option| option == "ro"), "{service}: {root}");
    println!("{service}: uid {}, no capability, read-only root", of("Uid:"));
}

fn is_read(tier: &Tier, stream: &str) -> bool {
    let groups = tier.redis_says(&["--json", "XINFO", "GROUPS", stream]);
    let groups: Value = serde_json::from_str(&groups).unwrap_or_default();
    groups[0]["entries-read"].as_u64() > Some(0) && groups[0]["consumers"].as_u64() > Some(0)
}

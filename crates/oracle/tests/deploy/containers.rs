//! The images themselves, where there is a container engine.

use std::process::Command;

use serde_json::Value;

use crate::files::root;

const DAEMONS: [&str; 3] = ["firehose", "backfill", "labeler"];
/// What an image may be at most.
const MOST_BYTES: u64 = 30_000_000;

/// The images are built from binaries that `cargo xtask images --prebuilt` has put where they belong; it is part of
/// the check.
#[test]
fn every_image_is_small_and_its_container_confined() {
    if !docker(&["info", "--format", "{{.ServerVersion}}"]).0 {
        println!("skipped: no container engine");
        return;
    }
    let built =
        Command::new(env!("CARGO")).args(["xtask", "images", "--prebuilt"]).current_dir(root()).status();
    assert!(built.unwrap().success(), "cargo xtask images --prebuilt");
    for daemon in DAEMONS {
        let image = format!("standpipe-{daemon}:latest");
        let (_, inspected) = docker(&["image", "inspect", &image]);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        let size = inspected[0]["Size"].as_u64().unwrap();
        println!("{image}: {size} bytes");
        assert!(size < MOST_BYTES, "{image}: {size} bytes");
        assert_eq!(inspected[0]["Config"]["User"], "10001:10001", "{image}");
        let labels = &inspected[0]["Config"]["Labels"];
        assert_ne!(labels["org.opencontainers.image.version"], "0.0.0", "{image}");
        assert_ne!(labels["org.opencontainers.image.revision"], "unknown", "{image}");
        let confined = ["run", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
        let arguments: Vec<_> = confined.iter().copied().chain([image.as_str(), "--version"]).collect();
        let (ran, said) = docker(&arguments);
        assert!(ran && said.contains(daemon), "{image}: {said}");
    }
}

/// Whether it succeeded, and what it said.
fn docker(arguments: &[&str]) -> (bool, String) {
    match Command::new("docker").args(arguments).output() {
        Ok(output) => (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => (false, String::new()),
    }
}

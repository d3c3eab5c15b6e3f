//! The container engine, as its command line has it.

use std::env;
use std::process::Command;
use std::sync::Once;

use serde_json::Value;

use crate::files::root;

/// Whether there is an engine; where there is none, says so.
pub(crate) fn is_there() -> bool {
    let answers = Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"]).output();
    let answers = answers.is_ok_and(|output| output.status.success());
    if !answers {
        println!("skipped: no container engine");
    }
    answers
}

/// Whether it succeeded, and all that it said.
pub(crate) fn tried(arguments: &[&str]) -> (bool, String) {
    said(Command::new("docker").args(arguments))
}

/// Whether an image is there, or can be had from where it comes from; where it cannot, says so.
pub(crate) fn or_pulled(image: &str) -> bool {
    let is_there = tried(&["image", "inspect", image]).0 || tried(&["pull", "--quiet", image]).0;
    if !is_there {
        println!("skipped: no image {image}");
    }
    is_there
}

/// What it said; it has to succeed.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let (succeeded, said) = tried(arguments);
    assert!(succeeded, "docker {}: {said}", arguments.join(" "));
    said.trim().to_owned()
}

pub(crate) fn inspected(kind: &str, name: &str) -> Value {
    let found: Value = serde_json::from_str(&docker(&[kind, "inspect", name])).unwrap();
    found[0].clone()
}

/// The process of this name in a container, by the number that the host has for it.
pub(crate) fn process(container: &str, name: &str) -> u32 {
    process_that(container, |comm| comm == name)
}

/// What runs in a container beside the init that the engine adds, whichever image it is of.
pub(crate) fn own_process(container: &str) -> u32 {
    process_that(container, |comm| !["docker-init", "tini"].contains(&comm))
}

fn process_that(container: &str, is_it: impl Fn(&str) -> bool) -> u32 {
    let listed = docker(&["top", container, "-eo", "pid,comm"]);
    let mut found = listed.lines().skip(1).filter_map(|line| line.trim().split_once(char::is_whitespace));
    let (pid, _) = found.find(|(_, comm)| is_it(comm.trim())).unwrap_or_else(|| panic!("{listed}"));
    pid.parse().unwrap()
}

/// The tag of the images: those that `STANDPIPE_IMAGE_TAG` names, else what `cargo xtask images --prebuilt` makes, which
/// is then part of the check.
#[expect(clippy::disallowed_methods, reason = "checks are told by the environment what is there already")]
pub(crate) fn images() -> String {
    static BUILT: Once = Once::new();
    if let Some(tag) = env::var("STANDPIPE_IMAGE_TAG").ok().filter(|tag| !tag.is_empty()) {
        return tag;
    }
    BUILT.call_once(|| {
        let (succeeded, said) =
            said(Command::new(env!("CARGO")).args(["xtask", "images", "--prebuilt"]).current_dir(root()));
        assert!(succeeded, "cargo xtask images --prebuilt: {said}");
    });
    "latest".to_owned()
}

pub(crate) fn said(command: &mut Command) -> (bool, String) {
    match command.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&said).into_owned())
        }
        Err(error) => (false, error.to_string()),
    }
}

//! The Dockerfile, without building it: every name in it exists, and no builder is left out.

use std::collections::BTreeSet;

use crate::files::{listed, root, text};

const DAEMONS: [&str; 3] = ["firehose", "backfill", "labeler"];

/// Instructions, each on one line, without comments.
fn instructions() -> Vec<String> {
    let lines = text("deploy/Dockerfile");
    let lines = lines.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    joined
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

/// The stages: name, what it is made from, and its instructions.
fn stages() -> Vec<(String, String, Vec<String>)> {
    let mut stages: Vec<(String, String, Vec<String>)> = Vec::new();
    for line in instructions() {
        if let Some(rest) = line.strip_prefix("FROM ") {
            let (from, name) = rest.split_once(" AS ").unwrap_or_else(|| panic!("{line}"));
            stages.push((name.to_owned(), from.to_owned(), Vec::new()));
        } else if let Some((_, _, lines)) = stages.last_mut() {
            lines.push(line);
        }
    }
    stages
}

/// All instructions of a stage, with those of the stages that it is made from.
fn inherited(name: &str) -> Vec<String> {
    let stages = stages();
    let Some((_, from, lines)) = stages.iter().find(|stage| stage.0 == name) else { return Vec::new() };
    inherited(from).into_iter().chain(lines.clone()).collect()
}

#[test]
fn every_builder_can_do_it() {
    let file = text("deploy/Dockerfile");
    assert!(!file.contains("# syntax="), "a frontend would be pulled");
    for line in instructions() {
        for beyond in ["<<", "--link", "@sha256", "ADD ", "SHELL "] {
            assert!(!line.contains(beyond), "{beyond} in {line}");
        }
    }
}

#[test]
fn every_stage_that_is_named_is_there_before() {
    let mut there: BTreeSet<String> = BTreeSet::new();
    for (name, from, lines) in stages() {
        let mut wanted: Vec<String> = vec![from.clone()];
        let copied = lines.iter().filter_map(|line| line.split_once("--from="));
        wanted.extend(copied.map(|(_, rest)| rest.split(' ').next().unwrap().to_owned()));
        for stage in wanted {
            let modes = ["source", "prebuilt"].map(|mode| stage.replace("${MODE}", mode));
            let is_image = stage == "scratch" || stage == "${RUST_IMAGE}";
            assert!(is_image || modes.iter().all(|stage| there.contains(stage)), "{name} wants {stage}");
        }
        there.insert(name);
    }
    for daemon in DAEMONS {
        assert!(there.contains(daemon), "no target {daemon}");
    }
}

#[test]
fn every_path_and_program_that_is_named_exists() {
    let ignored = text(".dockerignore");
    let mut programs: BTreeSet<String> =
        listed("bins", "").iter().map(|path| path.replace("bins/", "")).collect();
    for of_crate in listed("crates", "") {
        if root().join(&of_crate).join("src/bin").is_dir() {
            let folder = format!("{of_crate}/src/bin");
            programs.extend(listed(&folder, "").iter().map(|path| path.replace(&format!("{folder}/"), "")));
        }
    }
    let mut named = BTreeSet::new();
    for line in stages().iter().flat_map(|stage| &stage.2) {
        if let Some(paths) = line.strip_prefix("COPY ").filter(|paths| !paths.contains("--from")) {
            let mut paths: Vec<&str> = paths.split(' ').collect();
            paths.pop();
            for path in paths {
                let is_made = path.starts_with("target/images");
                assert!(is_made || root().join(path).exists(), "{path} is not there");
                let is_sent = ignored.lines().filter_map(|line| line.strip_prefix('!'));
                assert!(
                    is_sent.into_iter().any(|sent| path.starts_with(sent)),
                    "{path} is not sent to the builder"
                );
            }
        }
        let compiled = line.split_once("deploy/compile /kept /out/bin ").map(|(_, rest)| rest.split(' '));
        named.extend(compiled.into_iter().flatten().take_while(|word| *word != "&&").map(str::to_owned));
    }
    for program in &named {
        assert!(programs.contains(program), "there is no program {program}");
    }
    for program in DAEMONS.into_iter().chain(["simulator", "consumer"]) {
        assert!(named.contains(program), "{program} is not built");
        let copied = format!("/out/bin/{program} /{program}");
        assert!(instructions().iter().any(|line| line.ends_with(&copied)), "{program} is in no image");
    }
    assert!(text("Cargo.toml").contains("[profile.dist]"), "the profile");
}

#[test]
fn every_image_of_a_daemon_is_confined_says_what_it_is_and_looks_at_its_own_health() {
    for daemon in DAEMONS {
        let lines = inherited(daemon);
        let has =
            |wanted: &str| assert!(lines.iter().any(|line| line.contains(wanted)), "{daemon}: no {wanted}");
        has("USER 10001:10001");
        has("VOLUME /state");
        has("/etc/ssl/certs/ca-certificates.crt");
        has(&format!("CMD [\"/{daemon}\", \"healthcheck\"]"));
        has(&format!("ENTRYPOINT [\"/{daemon}\"]"));
        for label in ["title", "description", "version", "revision", "licenses"] {
            has(&format!("org.opencontainers.image.{label}="));
        }
        let description = text(&format!("bins/{daemon}/Cargo.toml"));
        let description =
            description.lines().find_map(|line| line.strip_prefix("description = ")).unwrap().to_owned();
        has(&format!("org.opencontainers.image.description={description}"));
        // The binaries are all that is in it, so nothing may be run while it is made.
        let own = stages().into_iter().find(|stage| stage.0 == daemon).unwrap().2;
        assert!(!own.iter().any(|line| line.starts_with("RUN")), "{daemon}");
    }
}

#[test]
fn the_compiler_is_the_oldest_that_the_workspace_takes_or_newer() {
    let manifest = text("Cargo.toml");
    let wanted = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    let file = text("deploy/Dockerfile");
    let image = file.lines().find_map(|line| line.strip_prefix("ARG RUST_IMAGE=rust:")).unwrap();
    let minor = |version: &str| version.split(['.', '-']).nth(1).unwrap().parse::<u32>().unwrap();
    assert!(minor(image) >= minor(&wanted), "{image} and {wanted}");
}

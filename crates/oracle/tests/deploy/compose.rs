//! The compose file: nothing depends on anything, everything is confined, and what it says is understood.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use standpipe_oracle::{Build, Program};

use crate::files::{items, root, text, yaml};

const DAEMONS: [&str; 3] = ["firehose", "backfill", "labeler"];

fn services() -> BTreeMap<String, Value> {
    let compose = yaml("deploy/compose.yaml");
    compose["services"].as_object().unwrap().clone().into_iter().collect()
}

/// `NAME=value` lines.
fn variables(path: &str) -> BTreeMap<String, String> {
    let text = text(path);
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Every `${NAME:-default}` of the compose file.
fn interpolated() -> BTreeMap<String, String> {
    let text = text("deploy/compose.yaml");
    let mut found = BTreeMap::new();
    for rest in text.split("${").skip(1) {
        let (name, default) = rest.split_once('}').unwrap().0.split_once(":-").unwrap();
        let before = found.insert(name.to_owned(), default.to_owned());
        assert!(before.is_none_or(|before| before == default), "{name} has two defaults");
    }
    found
}

/// A text of the compose file as it is with the defaults, or these variables in their place.
fn resolved(text: &str, set: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (inside, after) = part.split_once('}').unwrap();
        let (name, default) = inside.split_once(":-").unwrap();
        whole += set.get(name).map_or(default, String::as_str);
        whole += after;
    }
    whole
}

#[test]
fn what_is_done_to_one_container_touches_no_other() {
    for (name, service) in services() {
        for tie in
            ["depends_on", "links", "volumes_from", "network_mode", "pid", "ipc", "extends", "container_name"]
        {
            assert!(service[tie].is_null(), "{name}: {tie}");
        }
    }
}

#[test]
fn every_container_is_confined_bounded_and_comes_back() {
    for (name, service) in services() {
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        assert_eq!(service["init"], true, "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        let user = service["user"].as_str().unwrap_or_else(|| panic!("{name}: no user"));
        let (user, group) = user.split_once(':').unwrap();
        assert!(user.parse::<u32>().unwrap() > 0 && group.parse::<u32>().is_ok(), "{name}: {user}");
        let options = &service["logging"]["options"];
        assert!(options["max-size"].is_string() && options["max-file"].is_string(), "{name}: its log grows");
        assert!(service["mem_limit"].is_string(), "{name}: no limit");
        assert_eq!(service["mem_limit"], service["memswap_limit"], "{name}: it would swap");
        for port in items(&service["ports"]) {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name}: {port}");
        }
        // The images of the daemons have one of their own, and the collector's has no program that could look.
        let looks = !service["healthcheck"]["test"].is_null();
        assert!(looks || DAEMONS.contains(&name.as_str()) || name == "collector", "{name}: no health check");
        assert!(service["healthcheck"]["disable"].is_null(), "{name}: up --wait would fail");
    }
}

#[test]
fn every_daemon_keeps_its_state_has_time_to_stop_and_an_image_of_its_own() {
    let settings = text("docs/configuration.md");
    let grace = settings.lines().find(|line| line.starts_with("| `grace`")).unwrap();
    assert!(grace.contains("`10s`"), "{grace}");
    for daemon in DAEMONS {
        let service = &services()[daemon];
        assert!(service["profiles"].is_null(), "{daemon}");
        assert_eq!(service["stop_grace_period"], "20s", "{daemon}: above its own grace");
        assert_eq!(service["volumes"], serde_json::json!([format!("{daemon}-state:/state")]));
        assert_eq!(service["build"]["target"], daemon);
        assert_eq!(service["build"]["dockerfile"], "deploy/Dockerfile");
        assert!(service["image"].as_str().unwrap().starts_with(&format!("standpipe-{daemon}:")));
        for (name, _) in service["environment"].as_object().unwrap() {
            assert!(settings.contains(&format!("`{name}`")), "{daemon}: there is no setting {name}");
        }
    }
}

#[test]
fn redis_keeps_what_it_has_acknowledged_and_forgets_nothing() {
    let redis = &services()["redis"];
    let command: Vec<_> =
        items(&redis["command"]).iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let has = |name: &str, value: &str| {
        let at = command.iter().position(|word| word == name).unwrap_or_else(|| panic!("no {name}"));
        assert!(command[at + 1].starts_with(value), "{name} {}", command[at + 1]);
    };
    has("--appendonly", "yes");
    has("--appendfsync", "everysec");
    has("--maxmemory-policy", "noeviction");
    has("--maxmemory", "${REDIS_MAXMEMORY");
    has("--dir", "/data");
    assert_eq!(redis["volumes"], serde_json::json!(["redis-data:/data"]));
}

#[test]
fn the_example_has_every_variable_with_its_default_and_no_other() {
    assert_eq!(variables("deploy/.env.example"), interpolated());
    let known = interpolated();
    for (name, _) in variables("deploy/demo.env") {
        assert!(known.contains_key(&name) || name == "COMPOSE_PROJECT_NAME", "demo.env: {name}");
    }
}

#[test]
fn every_file_that_is_mounted_is_there_and_every_volume_has_a_name() {
    let volumes = yaml("deploy/compose.yaml")["volumes"].clone();
    for (name, service) in services() {
        for volume in items(&service["volumes"]) {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(path) => root().join("deploy").join(path).exists(),
                None => volumes.as_object().unwrap().contains_key(source),
            };
            assert!(is_there, "{name}: {source}");
        }
    }
}

#[test]
fn prometheus_scrapes_every_daemon_under_its_name() {
    let configured = yaml("deploy/prometheus/prometheus.yml");
    let jobs: Vec<_> = items(&configured["scrape_configs"])
        .iter()
        .map(|job| {
            (job["job_name"].as_str().unwrap().to_owned(), job["static_configs"][0]["targets"].clone())
        })
        .collect();
    assert_eq!(
        jobs,
        DAEMONS.map(|daemon| (daemon.to_owned(), serde_json::json!([format!("{daemon}:4100")])))
    );
    for file in items(&configured["rule_files"]) {
        assert!(root().join("deploy/prometheus").join(file.as_str().unwrap()).exists(), "{file}");
    }
}

#[test]
fn every_daemon_understands_what_compose_says_to_it() {
    for set in [BTreeMap::new(), variables("deploy/demo.env")] {
        for daemon in DAEMONS {
            let program = Program::find(daemon, Build::Checks).unwrap();
            let service = &services()[daemon];
            let environment = service["environment"].as_object().unwrap();
            let environment = environment
                .iter()
                .map(|(name, value)| (name, resolved(value.as_str().unwrap_or("false"), &set)));
            let image = [("STANDPIPE_STATE_DIR", "/state"), ("METRICS_PORT", "4100")];
            let mut check = Command::new(program.path());
            let output = check.arg("--check").env_clear().envs(image).envs(environment).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{daemon}:\n{said}");
            assert!(said.contains("0.0.0.0:4100"), "{daemon}:\n{said}");
        }
    }
}

#[test]
fn the_demonstration_understands_what_compose_says_to_it() {
    let program = Program::find("simulator", Build::Checks).unwrap();
    for (name, service) in services() {
        let words: Vec<_> = items(&service["command"]).iter().map(|word| word.as_str().unwrap()).collect();
        match service["entrypoint"][0].as_str() {
            Some("/simulator") => {
                let words = words.iter().map(|word| resolved(word, &BTreeMap::new()));
                // On a port of its own, and for a moment.
                let words = words.map(|word| word.replace("0.0.0.0:2470", "127.0.0.1:0"));
                let output =
                    Command::new(program.path()).args(words).args(["--for", "10ms"]).output().unwrap();
                assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            }
            Some("/consumer") => assert_eq!(words, ["read", "redis:6379"], "{name}"),
            Some(other) => panic!("{name}: {other}"),
            None => {}
        }
    }
}

#[test]
fn docker_compose_takes_it_with_every_profile() {
    let compose = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command.arg("compose").args(["--file", "deploy/compose.yaml"]).args(arguments).current_dir(root());
        command.output()
    };
    if !compose(&["version"]).is_ok_and(|output| output.status.success()) {
        println!("skipped: no docker compose");
        return;
    }
    for with in [&[][..], &["--profile", "observe"], &["--env-file", "deploy/demo.env", "--profile", "demo"]]
    {
        let arguments: Vec<_> = with.iter().copied().chain(["config", "--services"]).collect();
        let output = compose(&arguments).unwrap();
        assert!(output.status.success(), "{with:?}: {}", String::from_utf8_lossy(&output.stderr));
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let listed: BTreeSet<_> = listed.lines().map(str::to_owned).collect();
        let profile = with.last().copied().unwrap_or_default();
        let expected = services().into_iter().filter(|(_, service)| {
            let profiles = items(&service["profiles"]);
            profiles.is_empty() || profiles.iter().any(|own| own == profile)
        });
        assert_eq!(listed, expected.map(|(name, _)| name).collect(), "{with:?}");
    }
}

//! The containers of deploy/compose.yaml as a project of the test's own.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::containers::DAEMONS;
use crate::containers::engine::{docker, inspected, said, tried};
use crate::files::root;

/// The longest that a container may take to be as it should.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often a condition is looked at; each look is a process.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The tag of the images that a test upgrades to.
pub(crate) const NEXT: &str = "next";

/// A project of compose; taken down with its volumes when it is dropped.
pub(crate) struct Tier {
    project: String,
    /// Where what is laid over the compose file is.
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Tier {
    /// The demonstration as it is, but for its ports.
    pub(crate) fn demonstration(tag: &str) -> Self {
        Self::over(tag, &json!({}))
    }

    /// The demonstration with this laid over the compose file.
    pub(crate) fn over(tag: &str, services: &Value) -> Self {
        let project = format!("standpipe-check-{}-{:04x}", std::process::id(), fastrand::u16(..));
        let folder = tempfile::tempdir().unwrap();
        let ports = [
            "REDIS_PORT",
            "FIREHOSE_PORT",
            "BACKFILL_PORT",
            "LABELER_PORT",
            "PROMETHEUS_PORT",
            "GRAFANA_PORT",
        ];
        let mut variables: Vec<_> = ports.map(|port| (port.to_owned(), "0".to_owned())).into();
        variables.push(("COMPOSE_PROJECT_NAME".to_owned(), project.clone()));
        variables.push(("STANDPIPE_TAG".to_owned(), tag.to_owned()));
        let tier = Self { project, folder, variables };
        tier.lay_over(services);
        tier
    }

    /// Lays this over the compose file; what runs stays as it is until it is brought up again.
    pub(crate) fn lay_over(&self, services: &Value) {
        fs::write(self.folder.path().join("over.json"), json!({ "services": services }).to_string()).unwrap();
    }

    /// What compose said; it has to succeed.
    pub(crate) fn compose(&self, arguments: &[&str]) -> String {
        self.compose_with(&[], arguments)
    }

    /// With variables that hold for this once.
    pub(crate) fn compose_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let (succeeded, said) = self.try_compose(variables, arguments);
        assert!(succeeded, "docker compose {}: {said}", arguments.join(" "));
        said
    }

    fn try_compose(&self, variables: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new("docker");
        command.current_dir(root()).args(["compose", "--env-file", "deploy/demo.env"]);
        command.args(["--file", "deploy/compose.yaml", "--file"]).arg(self.folder.path().join("over.json"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        said(command.envs(variables.iter().copied()).args(arguments))
    }

    pub(crate) fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project)
    }

    pub(crate) fn network(&self) -> String {
        format!("{}_default", self.project)
    }

    /// The services that have a container.
    pub(crate) fn services(&self) -> Vec<String> {
        let filter = format!("label=com.docker.compose.project={}", self.project);
        let label = "{{.Label \"com.docker.compose.service\"}}";
        let mut services: Vec<_> = docker(&["ps", "--all", "--filter", &filter, "--format", label])
            .lines()
            .map(str::to_owned)
            .collect();
        services.sort();
        services
    }

    /// What a container says of itself that changes when anything is done to it.
    pub(crate) fn standing(&self, service: &str) -> Value {
        let container = inspected("container", &self.container(service));
        json!({
            "id": container["Id"],
            "image": container["Image"],
            "started_at": container["State"]["StartedAt"],
            "pid": container["State"]["Pid"],
            "restarts": container["RestartCount"],
        })
    }

    pub(crate) fn is_healthy(&self, service: &str) -> bool {
        let container = inspected("container", &self.container(service));
        container["State"]["Running"] == true && container["State"]["Health"]["Status"] == "healthy"
    }

    /// Whether a daemon says that it is ready, and what it says.
    pub(crate) fn ready(&self, daemon: &str) -> (bool, String) {
        tried(&["exec", &self.container(daemon), &format!("/{daemon}"), "healthcheck"])
    }

    /// What `incidents` tells: the account, and the records after it.
    pub(crate) fn incidents(&self, daemon: &str) -> Vec<Value> {
        let container = self.container(daemon);
        let told = docker(&["exec", &container, &format!("/{daemon}"), "incidents", "--json", "--runs", "2"]);
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Empty where Redis does not answer.
    pub(crate) fn redis_says(&self, words: &[&str]) -> String {
        let container = self.container("redis");
        let within = ["exec", &container, "timeout", "5", "redis-cli"];
        let (succeeded, said) = tried(&[&within, words].concat());
        if succeeded { said.trim().to_owned() } else { String::new() }
    }

    /// Where Redis is published.
    pub(crate) fn redis(&self) -> SocketAddr {
        self.published("redis", 6379)
    }

    /// Where a port is published. It is another one each time that the container starts.
    pub(crate) fn published(&self, service: &str, port: u16) -> SocketAddr {
        let published = docker(&["port", &self.container(service), &format!("{port}/tcp")]);
        published.lines().next().unwrap().parse().unwrap()
    }

    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            if Instant::now() >= deadline {
                let (_, logs) = self.try_compose(&[], &["logs", "--tail", "20"]);
                panic!("waited {PATIENCE:?} until {what}; logs:\n{logs}");
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Tier {
    fn drop(&mut self) {
        // What stays is seen by the next look at the engine; there is nobody left to tell.
        let _ = self.try_compose(
            &[],
            &["--profile", "demo", "--profile", "observe", "down", "--volumes", "--timeout", "1"],
        );
        let next = DAEMONS.map(|daemon| format!("standpipe-{daemon}:{NEXT}"));
        for image in next.into_iter().chain([format!("redis:{NEXT}")]) {
            let _ = tried(&["rmi", &image]);
        }
    }
}

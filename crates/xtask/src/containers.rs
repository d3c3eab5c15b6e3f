use std::process::Command;

use clap::Args;

use crate::checkout;
use crate::error::TaskError;
use crate::process::run;

/// Which containers of deploy/compose.yaml. A name stands for that container alone.
#[derive(Args)]
pub(crate) struct Containers {
    /// These alone, such as firehose; all when none is named
    names: Vec<String>,
    /// With Prometheus, Grafana and a collector
    #[arg(long)]
    observe: bool,
    /// The demonstration, which is a project of its own: a simulated network, and a consumer
    #[arg(long)]
    demo: bool,
}

/// Containers of which at least one has to be named.
#[derive(Args)]
pub(crate) struct Named {
    /// These alone, such as firehose
    #[arg(required = true)]
    names: Vec<String>,
    /// Of the demonstration
    #[arg(long)]
    demo: bool,
}

impl Containers {
    pub(crate) fn up(self) -> Result<(), TaskError> {
        // Nothing depends on anything, and what compose may come to think of is left alone.
        let only: &[&str] = if self.names.is_empty() { &[] } else { &["--no-deps"] };
        run(compose(self.demo, self.observe).args(["up", "--detach", "--wait"]).args(only).args(self.names))
    }

    /// Volumes stay.
    pub(crate) fn down(self) -> Result<(), TaskError> {
        let mut command = compose(self.demo, true);
        if self.names.is_empty() {
            run(command.arg("down"))
        } else {
            run(command.args(["rm", "--stop", "--force"]).args(self.names))
        }
    }

    pub(crate) fn logs(self) -> Result<(), TaskError> {
        run(compose(self.demo, true).args(["logs", "--follow", "--tail", "100"]).args(self.names))
    }
}

impl Named {
    pub(crate) fn restart(self) -> Result<(), TaskError> {
        run(compose(self.demo, true).args(["restart", "--no-deps"]).args(self.names))
    }
}

fn compose(demo: bool, observe: bool) -> Command {
    let mut command = Command::new("docker");
    command.current_dir(checkout::root()).arg("compose");
    if demo {
        command.args(["--env-file", "deploy/demo.env"]);
    }
    command.args(["--file", "deploy/compose.yaml"]);
    for (profile, is_wanted) in [("demo", demo), ("observe", observe)] {
        if is_wanted {
            command.args(["--profile", profile]);
        }
    }
    command
}

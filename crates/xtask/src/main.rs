//! The project's own commands: `cargo xtask` lists them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![expect(clippy::disallowed_methods, reason = "not a daemon: it reads the environment and starts processes")]

mod apt;
mod bench;
mod browser;
mod checkout;
mod collector;
mod containers;
mod demo;
mod dev;
mod error;
mod fuzz;
mod images;
mod lint;
mod part;
mod process;
mod prometheus;
#[cfg(test)]
mod readme;
mod redis;
mod screenshots;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::browser::Browser;
use crate::containers::{Containers, Named};
use crate::demo::Demo;
use crate::dev::Dev;
use crate::error::TaskError;
use crate::fuzz::Fuzz;
use crate::images::Images;
use crate::test::Test;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, test, lint, show and measure standpipe", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find redis-server, a telemetry collector, a browser and Prometheus, or install them
    Setup,
    /// Run all tests (installs redis-server where it is missing)
    Test(Test),
    /// Check formatting, clippy, docs, the layers and the licences
    Lint,
    /// Show the main job without a network: a simulated relay, firehose, and what arrives
    Demo(Demo),
    /// Run all three daemons on loopback, with Redis, a simulated network and a consumer
    Dev(Dev),
    /// Build an image of each daemon
    Images(Images),
    /// Start containers of deploy/compose.yaml, and wait until they are healthy
    Up(Containers),
    /// Stop containers and remove them; what they keep stays
    Down(Containers),
    /// Follow the logs of containers
    Logs(Containers),
    /// Restart one container, and no other
    Restart(Named),
    /// Run the benchmarks
    Bench,
    /// Picture the status page for docs/images/
    Screenshots,
    /// Fuzz the codec
    Fuzz(Fuzz),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup(),
        Task::Test(test) => test.run(),
        Task::Lint => lint::run(),
        Task::Demo(demo) => demo.run(),
        Task::Dev(dev) => dev.run(),
        Task::Images(images) => images.run(),
        Task::Up(containers) => containers.up(),
        Task::Down(containers) => containers.down(),
        Task::Logs(containers) => containers.logs(),
        Task::Restart(named) => named.restart(),
        Task::Bench => bench::run_all(),
        Task::Screenshots => screenshots::run_all(),
        Task::Fuzz(fuzz) => fuzz.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn setup() -> Result<(), TaskError> {
    println!("redis-server: {}", redis::find_or_install()?.display());
    if let Some(collector) = collector::find_or_fetch() {
        println!("collector: {}", collector.display());
    }
    if let Some(browser) = Browser::find_or_install() {
        println!("browser: {}", browser.name());
    }
    if let Some(prometheus) = prometheus::find_or_install() {
        println!("prometheus: {}", prometheus.display());
    }
    Ok(())
}

fn report(error: &TaskError) {
    eprintln!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}

//! The project's own commands: `cargo xtask` lists them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![expect(clippy::disallowed_methods, reason = "not a daemon: it reads the environment and starts processes")]

mod apt;
mod bench;
mod browser;
mod checkout;
mod collector;
mod demo;
mod error;
mod fuzz;
mod lint;
mod process;
#[cfg(test)]
mod readme;
mod redis;
mod screenshots;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::browser::Browser;
use crate::demo::Demo;
use crate::error::TaskError;
use crate::fuzz::Fuzz;
use crate::test::Test;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, test, lint, show and measure standpipe", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find redis-server, a telemetry collector and a browser, or install them
    Setup,
    /// Run all tests (installs redis-server where it is missing)
    Test(Test),
    /// Check formatting, clippy, docs, the layers and the licences
    Lint,
    /// Show the main job without a network: a simulated relay, firehose, and what arrives
    Demo(Demo),
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

use clap::Args;

use crate::browser::Browser;
use crate::checkout;
use crate::collector;
use crate::error::TaskError;
use crate::process::{cargo, on_path, run};
use crate::prometheus;
use crate::redis;

/// With a daemon that goes wrong as asked, which is not shipped.
pub(crate) const FEATURES: [&str; 2] = ["--features", "firehose/faults"];

/// Everything that is tested, with the daemons built before, since some tests run them as processes.
#[derive(Args)]
pub(crate) struct Test {
    /// Passed on to the test runner, behind --
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Test {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let server = redis::find_or_install()?;
        println!("tests use {}", server.display());
        let collector = collector::find_or_fetch();
        match &collector {
            Some(collector) => println!("tests send telemetry to {}", collector.display()),
            None => println!("no collector here: the tests that send to a real one are skipped"),
        }
        let browser = Browser::find_or_install();
        if let Some(browser) = &browser {
            println!("tests look at the status page in {}", browser.name());
        }
        let prometheus = prometheus::find_or_install();
        if let Some(prometheus) = &prometheus {
            println!("tests raise alerts in {}", prometheus.display());
        }
        run(&mut cargo(["build", "--locked", "--profile", "ci", "--bins", FEATURES[0], FEATURES[1]]))?;
        let runner: &[&str] =
            if on_path("cargo-nextest").is_some() { &["nextest", "run", "--cargo-quiet"] } else { &["test"] };
        // Not the benchmarks: what they print is for people, not for a runner that asks them for their tests.
        let targets = ["--locked", "--workspace", "--lib", "--bins", "--tests", "--examples"];
        let mut tests = cargo(runner.iter().chain(&targets).chain(&FEATURES));
        tests.env("STANDPIPE_REDIS_SERVER", &server).env("STANDPIPE_BIN_DIR", checkout::target().join("ci"));
        if let Some(collector) = collector {
            tests.env(collector::VARIABLE, collector);
        }
        if let Some(prometheus) = prometheus {
            tests.env(prometheus::VARIABLE, prometheus);
        }
        if let Some(browser) = browser {
            browser.told_to(&mut tests);
        }
        run(tests.args(self.arguments))?;
        run(cargo(["test", "--locked", "--workspace", "--doc", "--quiet"])
            .env("STANDPIPE_REDIS_SERVER", &server))
    }
}

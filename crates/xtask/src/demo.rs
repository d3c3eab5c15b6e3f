mod part;
mod sample;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, interval};

use self::part::{Listening, Part};
use self::sample::Sample;
use crate::checkout;
use crate::error::TaskError;
use crate::process::{cargo, run};
use crate::redis;

/// A simulated relay, firehose, and a live line of what arrives, until Ctrl-C.
#[derive(Args)]
pub(crate) struct Demo {
    /// Events a second that the simulated relay sends
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// Into a Redis server that is started for the demo, instead of the embedded log
    #[arg(long)]
    redis: bool,
    /// Stop after this many seconds, instead of at Ctrl-C
    #[arg(long)]
    seconds: Option<u64>,
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let server = if self.redis { Some(redis::find_or_install()?) } else { None };
        run(&mut cargo(["build", "--locked", "--release", "--bin", "firehose", "--bin", "simulator"]))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let start = |source| TaskError::Start { command: "the demo".to_owned(), source };
        runtime.map_err(start)?.block_on(self.show(server.as_deref()))
    }

    async fn show(&self, redis_server: Option<&Path>) -> Result<(), TaskError> {
        let dir = checkout::target().join("demo");
        let afresh = |source| TaskError::File { path: dir.clone(), source };
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(afresh)?;
        }
        fs::create_dir_all(&dir).map_err(afresh)?;

        let relay = simulator(&dir, self.rate)?;
        let admin = free_address()?;
        let mut firehose = Command::new(binary("firehose"));
        // The daemon refuses settings that it does not know, such as those that name a server for the tests.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STANDPIPE_"))
        {
            firehose.env_remove(name);
        }
        firehose
            .env("INGESTER_RELAY_HOSTS", &relay.address)
            .env("STANDPIPE_START", "oldest")
            .env("STANDPIPE_ADMIN__LISTEN", &admin)
            .env("STANDPIPE_STATE_DIR", dir.join("state"));
        let redis = redis_server.map(|server| redis_part(&dir, server)).transpose()?;
        if let Some(redis) = &redis {
            firehose.env("REDIS_URL", format!("redis://{}", redis.address));
        }
        let mut firehose = Part::start("firehose", &dir, &mut firehose, Stdio::null())?;
        let (sink, relay) = match &redis {
            Some(redis) => (format!("Redis at {}, stream firehose_live", redis.address), relay),
            None => (format!("the embedded log in {}", dir.join("state").display()), relay),
        };
        println!("\n{} events a second from a simulated relay at {}", self.rate, relay.address);
        println!("firehose writes them into {sink}");
        println!("its admin address is http://{admin} (try /readyz and /metrics); Ctrl-C ends the demo\n");

        let mut parts: Vec<&mut Part> = vec![&mut firehose];
        let (mut relay, mut redis) = (relay.part, redis.map(|redis| redis.part));
        parts.push(&mut relay);
        parts.extend(redis.as_mut());
        self.follow(&admin, &mut parts).await?;
        for part in parts {
            part.stop()?;
        }
        println!("\nstopped");
        Ok(())
    }

    /// Shows a line a second, until Ctrl-C, the time is over, or a part ends.
    async fn follow(&self, admin: &str, parts: &mut [&mut Part]) -> Result<(), TaskError> {
        let end = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut ticks = interval(Duration::from_secs(1));
        let mut before: Option<Sample> = None;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = ticks.tick() => {}
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
            for part in parts.iter_mut() {
                part.must_run()?;
            }
            let Some(sample) = Sample::take(admin) else { continue };
            if let Some(before) = before {
                sample.show_since(&before);
            }
            before = Some(sample);
        }
    }
}

fn simulator(dir: &Path, rate: u32) -> Result<Listening, TaskError> {
    let mut command = Command::new(binary("simulator"));
    command.args(["--listen", "127.0.0.1:0", "--endless", "--rate", &rate.to_string()]);
    let mut part = Part::start("simulator", dir, &mut command, Stdio::piped())?;
    let mut line = String::new();
    let read = part.child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    match (read, line.trim()) {
        (Some(Ok(_)), address) if address.starts_with("ws://") => {
            Ok(Listening { address: address.to_owned(), part })
        }
        _ => Err(TaskError::NoAddress { log: part.log.clone() }),
    }
}

fn redis_part(dir: &Path, server: &Path) -> Result<Listening, TaskError> {
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default();
    let mut command = Command::new(server);
    command.current_dir(dir).args(["--bind", "127.0.0.1", "--port", port, "--appendonly", "yes"]);
    Ok(Listening { part: Part::start("redis", dir, &mut command, Stdio::null())?, address })
}

/// An address that was free a moment ago.
fn free_address() -> Result<String, TaskError> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.to_string())
        .map_err(|source| TaskError::Start { command: "a listener".to_owned(), source })
}

fn binary(name: &str) -> PathBuf {
    checkout::target().join("release").join(name)
}

mod sample;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, interval};

use self::sample::Sample;
use crate::error::TaskError;
use crate::part::{self, Output, Part};
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
        let dir = part::folder_afresh("demo")?;
        let relay = part::simulator("simulator", &dir, self.rate, &[])?;
        let admin = part::free_address()?;
        let mut firehose = part::daemon("firehose");
        firehose
            .env("INGESTER_RELAY_HOSTS", &relay.address)
            .env("STANDPIPE_START", "oldest")
            .env("STANDPIPE_ADMIN__LISTEN", &admin)
            .env("STANDPIPE_STATE_DIR", dir.join("state"));
        let redis = redis_server.map(|server| part::redis(&dir, server)).transpose()?;
        if let Some(redis) = &redis {
            firehose.env("REDIS_URL", format!("redis://{}", redis.address));
        }
        let mut firehose = Part::start("firehose", &dir, &mut firehose, Output::Log)?;
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

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tokio::time::interval;

use crate::error::TaskError;
use crate::part::{self, EndRequests, Output, Part};
use crate::process::{cargo, run};
use crate::redis;

/// The DID of the simulated labeler.
const LABELER: &str = "did:web:labels.test";

/// Everything on loopback without containers: Redis, a simulated relay and labeler, all three daemons with their pages,
/// and a consumer, until Ctrl-C. What was there before is cleared.
#[derive(Args)]
pub(crate) struct Dev {
    /// Events a second that the simulated relay sends
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Leave the streams unread, to see what a full one looks like
    #[arg(long)]
    no_consumer: bool,
    /// Stop after this many seconds, instead of at Ctrl-C
    #[arg(long)]
    seconds: Option<u64>,
}

impl Dev {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let server = redis::find_or_install()?;
        let programs = ["firehose", "backfill", "labeler", "simulator", "consumer"];
        let named = programs.iter().flat_map(|program| ["--bin", program]);
        run(&mut cargo(["build", "--locked", "--release"].into_iter().chain(named)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let start = |source| TaskError::Start { command: "the daemons".to_owned(), source };
        runtime.map_err(start)?.block_on(self.show(&server))
    }

    async fn show(&self, server: &Path) -> Result<(), TaskError> {
        // Before anything is started that would be left behind.
        let asked_to_end = EndRequests::listen()?;
        let dir = part::folder_afresh("dev")?;
        let redis = part::redis(&dir, server)?;
        let relay = part::simulator("relay", &dir, self.rate, &["--listing", "--accounts", "20000"])?;
        let labels = part::simulator("labels", &dir, 20, &["--labeler", LABELER])?;
        let lists = relay.address.replace("ws://", "http://");

        let mut parts = Vec::new();
        println!();
        for (name, variable, hosts) in [
            ("firehose", "STANDPIPE_RELAY_HOSTS", &relay.address),
            ("backfill", "STANDPIPE_RELAY_HOSTS", &lists),
            ("labeler", "STANDPIPE_LABELER_HOSTS", &labels.address),
        ] {
            let admin = part::free_address()?;
            let mut daemon = part::daemon(name);
            daemon
                .env(variable, hosts)
                .env("REDIS_URL", format!("redis://{}", redis.address))
                .env("STANDPIPE_START", "oldest")
                // The simulated labeler has no document that a directory of the network could have.
                .env("STANDPIPE_LABELER__VERIFY", "off")
                .env("STANDPIPE_ADMIN__LISTEN", &admin)
                .env("STANDPIPE_STATE_DIR", dir.join(name));
            parts.push(Part::start(name, &dir, &mut daemon, Output::Log)?);
            println!("{name:<9} http://{admin}/");
        }
        if !self.no_consumer {
            let mut consumer = part::daemon("consumer");
            consumer.args(["read", &redis.address]);
            parts.push(Part::start("consumer", &dir, &mut consumer, Output::Log)?);
        }
        println!("redis     {}\nlogs      {}\nCtrl-C ends all\n", redis.address, dir.display());
        parts.extend([relay.part, labels.part, redis.part]);
        self.watch(&mut parts, asked_to_end).await?;
        parts.iter_mut().try_for_each(Part::stop)?;
        println!("\nstopped");
        Ok(())
    }

    /// Waits for Ctrl-C, or until the time is over or a part ends.
    async fn watch(&self, parts: &mut [Part], mut asked_to_end: EndRequests) -> Result<(), TaskError> {
        let over = async {
            match self.seconds {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = asked_to_end.next() => return Ok(()),
                () = &mut over => return Ok(()),
                _ = ticks.tick() => {}
            }
            parts.iter_mut().try_for_each(Part::must_run)?;
        }
    }
}

mod audience;
mod sample;
mod teller;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, interval};

use self::audience::{Audience, Form};
use self::sample::Sample;
use self::teller::{Parts, Teller};
use crate::error::TaskError;
use crate::part::{self, EndRequests, Output, Part};
use crate::process::{cargo, run, run_beside};
use crate::redis;

/// A simulated relay, firehose, and a live line of what arrives, until Ctrl-C; then a summary. JSON lines where standard
/// output is no terminal.
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
    /// Text for people [default on a terminal]
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// One JSON object a line [default elsewhere]
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let asked = [(self.text, Form::Text), (self.json, Form::Json)];
        let audience = Audience::find(asked.into_iter().find_map(|(asked, form)| asked.then_some(form)));
        let server = if self.redis { Some(redis::find_or_install()?) } else { None };
        let build = &mut cargo(["build", "--locked", "--release", "--bin", "firehose", "--bin", "simulator"]);
        match audience.form {
            Form::Text => run(build)?,
            Form::Json => run_beside(build)?,
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let start = |source| TaskError::Start { command: "the demo".to_owned(), source };
        runtime.map_err(start)?.block_on(self.show(audience, server.as_deref()))
    }

    async fn show(&self, audience: Audience, redis_server: Option<&Path>) -> Result<(), TaskError> {
        // Before anything is started that would be left behind.
        let asked_to_end = EndRequests::listen()?;
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
        let sink = match &redis {
            Some(redis) => format!("Redis at {}", redis.address),
            None => format!("the embedded log in {}", dir.join("state").display()),
        };
        let said = Parts { rate: self.rate, relay: &relay.address, admin: &admin, sink: &sink };
        let mut teller = Teller::new(audience, io::stdout());
        let mut parts: Vec<&mut Part> = vec![&mut firehose];
        let (mut relay_part, mut redis) = (relay.part, redis.map(|redis| redis.part));
        parts.push(&mut relay_part);
        parts.extend(redis.as_mut());
        let shown = self.follow(&mut teller, &said, &mut parts, asked_to_end).await;
        for part in parts {
            part.stop()?;
        }
        match shown {
            Err(TaskError::Say { source }) if source.kind() == ErrorKind::BrokenPipe => Ok(()),
            shown => shown,
        }
    }

    /// Tells every second what there is, until it is asked to end, the time is over, or a part ends; then the whole.
    async fn follow(
        &self,
        teller: &mut Teller<io::Stdout>,
        said: &Parts<'_>,
        parts: &mut [&mut Part],
        mut asked_to_end: EndRequests,
    ) -> Result<(), TaskError> {
        let say = |source| TaskError::Say { source };
        let began = Instant::now();
        teller.begin(said).map_err(say)?;
        let end = self.seconds.map(|seconds| began + Duration::from_secs(seconds));
        let mut ticks = interval(Duration::from_secs(1));
        let nothing = Sample::nothing(began);
        let mut last = nothing.clone();
        let must_run = loop {
            let is_asked = tokio::select! {
                () = asked_to_end.next() => true,
                _ = ticks.tick() => end.is_some_and(|end| Instant::now() >= end),
            };
            let must_run = parts.iter_mut().try_for_each(|part| part.must_run());
            if let Some(sample) = Sample::take(said.admin) {
                let left = end.map(|end| end.saturating_duration_since(sample.at));
                let (rates, after) = (sample.rates_since(&last), sample.at.duration_since(began));
                // What came since the last line is in the whole.
                if !is_asked {
                    teller.progress(&sample, rates, after, left).map_err(say)?;
                }
                last = sample;
            }
            if is_asked || must_run.is_err() {
                break must_run;
            }
        };
        let took = last.at.duration_since(began);
        teller.sum_up(&last, last.rates_since(&nothing), took, said.sink).map_err(say)?;
        must_run
    }
}

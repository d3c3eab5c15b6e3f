//! A small consumer of all three streams, for demonstrations: it reads as a consumer group, acknowledges, and deletes.
//!
//! ```sh
//! consumer read redis:6379       # reads until SIGTERM or SIGINT, and says how many once in ten seconds
//! consumer reads redis:6379      # health check: 0 if a reader of this kind asked within 30 seconds
//! consumer reaches relay:2470    # health check: 0 if something listens there
//! ```

mod group;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use standpipe_oracle::RespClient;
use tokio::net::{TcpStream, lookup_host};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use crate::group::{Group, Taken};

/// How long to wait before Redis is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often it is said how many entries came.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// The longest that a connection may take.
const REACH_WITHIN: Duration = Duration::from_secs(3);
/// The longest that a reader may have been silent, if it is one.
const READS_WITHIN: Duration = Duration::from_secs(30);

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["read", redis] => read(redis).await,
        ["reads", redis] => is_read(redis).await,
        ["reaches", address] => reach(address).await,
        _ => Err("understand this; say `read REDIS`, `reads REDIS` or `reaches ADDRESS`".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads, nothing can be said.
            let _ = writeln!(io::stderr(), "consumer: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads until it is asked to stop; an error of Redis's only makes it begin anew.
async fn read(redis: &str) -> Outcome {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut told = Told::new();
    let reading = async {
        loop {
            if let Err(error) = follow(redis, &mut told).await {
                say(&format!("failed to {error}; again in {TRY_AGAIN_AFTER:?}"));
            }
            sleep(TRY_AGAIN_AFTER).await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = reading => {}
    }
    told.say();
    Ok(())
}

async fn follow(redis: &str, told: &mut Told) -> Outcome {
    let mut group = Group::join(connect(redis).await?).await?;
    loop {
        told.add(&group.take().await?);
    }
}

async fn is_read(redis: &str) -> Outcome {
    match Group::silence(connect(redis).await?).await? {
        Some(silence) if silence < READS_WITHIN => Ok(()),
        Some(silence) => Err(format!("see a reader: the last one asked {silence:?} ago").into()),
        None => Err("see a reader: there was none".into()),
    }
}

async fn reach(address: &str) -> Outcome {
    timeout(REACH_WITHIN, TcpStream::connect(address)).await??;
    Ok(())
}

async fn connect(redis: &str) -> Result<RespClient, Box<dyn Error>> {
    let mut error: Box<dyn Error> = format!("find {redis}").into();
    for address in timeout(REACH_WITHIN, lookup_host(redis)).await?? {
        match RespClient::connect(address).await {
            Ok(client) => return Ok(client),
            Err(refused) => error = refused.into(),
        }
    }
    Err(error)
}

/// How many entries came, over all and since it was last said.
struct Told {
    all: Taken,
    said: Taken,
    at: Instant,
}

impl Told {
    fn new() -> Self {
        Self { all: Taken::default(), said: Taken::default(), at: Instant::now() }
    }

    fn add(&mut self, taken: &Taken) {
        self.all.add(taken);
        if self.at.elapsed() >= SAY_EVERY {
            self.say();
        }
    }

    fn say(&mut self) {
        say(&self.all.since(&self.said, self.at.elapsed()));
        (self.said, self.at) = (self.all.clone(), Instant::now());
    }
}

fn say(line: &str) {
    // Where nobody reads, nothing can be said.
    let _ = writeln!(io::stdout(), "{line}");
}

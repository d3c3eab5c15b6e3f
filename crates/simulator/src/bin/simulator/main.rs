//! A simulated relay as a process: for demonstrations, benchmarks and tests of whole daemons.

mod options;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use standpipe_simulator::Relay;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::options::Options;

/// One thread: what it does for one client is little, and a benchmark's daemon wants the other core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("simulator: failed to {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                text = format!("{text}: {source}");
                cause = source.source();
            }
            // Where nobody reads, nothing can be said.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let relay = Relay::start(options.feed()?, options.settings()?)?;
    for rule in &options.faults {
        relay.faults().add(rule.clone());
    }
    writeln!(io::stdout(), "{}", relay.url())?;
    io::stdout().flush()?;
    let over = async {
        match options.run_for {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = over => {}
    }
    // Whoever started it may have stopped reading; then nobody misses the summary.
    let _ = writeln!(io::stdout(), "{}", summary(&relay, options.seed));
    relay.stop().await;
    Ok(())
}

fn summary(relay: &Relay, seed: u64) -> serde_json::Value {
    let connections: Vec<serde_json::Value> = relay
        .connections()
        .iter()
        .map(|connection| {
            serde_json::json!({
                "cursor": connection.cursor,
                "userAgent": connection.user_agent,
                "frames": connection.frames,
                "bytes": connection.bytes,
                "lastSeq": connection.last_seq,
                "pings": connection.pings,
                "pongs": connection.pongs,
                "close": connection.close,
                "ended": connection.ended.map(|ended| format!("{ended:?}")),
            })
        })
        .collect();
    serde_json::json!({
        "seed": seed,
        "frames": relay.frames(),
        "newestSeq": relay.newest_seq(),
        "faults": relay.faults().counts(),
        "connections": connections,
    })
}

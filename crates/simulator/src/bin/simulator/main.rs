//! A simulated relay as a process: for demonstrations, benchmarks and tests of whole daemons.

mod options;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use standpipe_simulator::{
    Directory, Documents, Feed, Labeler, ListedHost, Relay, RelaySettings, SimulatorError,
};
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
    let mut settings = options.settings()?;
    let mut pds = Vec::new();
    for settings in options.pds_settings(settings.tls.as_ref()) {
        pds.push(Relay::start(Feed::canned(Vec::new()), settings)?);
    }
    if let Some(listing) = &mut settings.listing {
        listing.hosts = pds.iter().map(listed).collect();
    }
    let main = Main::start(&options, settings)?;
    let (relay, directory) = (main.relay(), main.directory());
    let documents = directory.map(Directory::documents);
    let plans = pds.iter().chain([relay]).map(Relay::faults).chain(documents.map(Documents::faults));
    for plan in plans {
        for rule in &options.faults {
            plan.add(rule.clone());
        }
    }
    writeln!(io::stdout(), "{}", relay.url())?;
    for url in pds.iter().map(Relay::http_url).chain(directory.map(Directory::url)) {
        writeln!(io::stdout(), "{url}")?;
    }
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
    let mut summary = summary(relay, options.seed);
    if let Some(documents) = documents {
        summary["lookups"] =
            serde_json::json!({ "counts": documents.counts(), "faults": documents.faults().counts() });
    }
    if !pds.is_empty() {
        summary["pds"] = pds.iter().map(pages).collect();
    }
    let _ = writeln!(io::stdout(), "{summary}");
    for host in pds {
        host.stop().await;
    }
    Ok(())
}

/// The host that the first line names.
enum Main {
    Relay(Relay),
    Labeler(Box<Labeler>, Directory),
}

impl Main {
    fn start(options: &Options, settings: RelaySettings) -> Result<Self, SimulatorError> {
        match options.feed()? {
            Feed::Labels(world) if options.directory => {
                let directory = Directory::start(Documents::new(), options.directory_address())?;
                let labeler = Labeler::start(world, settings, directory.documents())?;
                Ok(Self::Labeler(Box::new(labeler), directory))
            }
            feed @ (Feed::World(_) | Feed::Labels(_) | Feed::Ring(_) | Feed::Canned(_)) => {
                Ok(Self::Relay(Relay::start(feed, settings)?))
            }
        }
    }

    fn relay(&self) -> &Relay {
        match self {
            Self::Relay(relay) => relay,
            Self::Labeler(labeler, _) => labeler.host(),
        }
    }

    fn directory(&self) -> Option<&Directory> {
        match self {
            Self::Relay(_) => None,
            Self::Labeler(_, directory) => Some(directory),
        }
    }
}

/// A host as `listHosts` names it. Loopback addresses are no names that a client would take from a stranger.
fn listed(host: &Relay) -> ListedHost {
    let account_count = Some(host.accounts());
    ListedHost {
        hostname: host.addr().to_string(),
        seq: None,
        account_count,
        status: Some("active".to_owned()),
    }
}

/// What became of a host's pages.
fn pages(host: &Relay) -> serde_json::Value {
    let requests = host.page_requests();
    serde_json::json!({
        "url": host.http_url(),
        "accounts": host.accounts(),
        "requests": requests.len(),
        "answered": requests.iter().filter(|request| request.answered).count(),
        "rows": requests.iter().filter(|request| request.answered).map(|request| request.rows).sum::<u64>(),
        "faults": host.faults().counts(),
    })
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
        "pages": pages(relay),
    })
}

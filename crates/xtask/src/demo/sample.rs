use std::io::{self, IsTerminal, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tokio::time::Instant;

/// What the daemon's metrics say at one moment.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    at: Instant,
    entries: f64,
    lag_seconds: f64,
    backlog: f64,
}

impl Sample {
    pub(super) fn take(admin: &str) -> Option<Self> {
        let text = get(admin, "/metrics").ok()?;
        let sum = |name: &str| text.lines().filter_map(|line| value_of(line, name)).sum();
        Some(Self {
            at: Instant::now(),
            entries: sum("standpipe_entries_total"),
            lag_seconds: sum("standpipe_lag_seconds"),
            backlog: sum("standpipe_stream_entries"),
        })
    }

    /// Shows what happened between the two.
    pub(super) fn show_since(&self, before: &Self) {
        let rate = (self.entries - before.entries) / self.at.duration_since(before.at).as_secs_f64();
        let line = format!(
            "{rate:>8.0} entries/s   lag {:>6.2} s   stream length {:>10.0}   written {:>10.0}",
            self.lag_seconds, self.backlog, self.entries
        );
        if io::stdout().is_terminal() {
            print!("\r{line}");
            // A line that is not shown now is shown with the next one.
            let _ = io::stdout().flush();
        } else {
            println!("{line}");
        }
    }
}

/// The value of a line of Prometheus text, if it is of that metric.
fn value_of(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    if !rest.starts_with(['{', ' ']) {
        return None;
    }
    rest.rsplit(' ').next()?.parse().ok()
}

fn get(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

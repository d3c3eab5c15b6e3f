use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tokio::time::Instant;

/// What the daemon's metrics say at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// What the relay sent, as far as it is in the sink.
    pub(super) events: f64,
    /// What was made of it.
    pub(super) entries: f64,
    pub(super) lag_seconds: f64,
    /// How many entries each stream holds.
    pub(super) streams: BTreeMap<String, f64>,
}

/// Events and entries a second.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) events: f64,
    pub(super) entries: f64,
}

impl Sample {
    pub(super) fn take(admin: &str) -> Option<Self> {
        Some(Self::of(&get(admin, "/metrics").ok()?, Instant::now()))
    }

    fn of(text: &str, at: Instant) -> Self {
        let sum = |name| text.lines().filter_map(|line| value_of(line, name)).map(|(_, value)| value).sum();
        let streams = text.lines().filter_map(|line| value_of(line, "standpipe_stream_entries"));
        Self {
            at,
            events: sum("standpipe_frames_total"),
            entries: sum("standpipe_entries_total"),
            lag_seconds: sum("standpipe_lag_seconds"),
            streams: streams.filter_map(|(labels, held)| Some((stream_of(labels)?, held))).collect(),
        }
    }

    /// Nothing, before the daemon began.
    pub(super) fn nothing(at: Instant) -> Self {
        Self { at, events: 0.0, entries: 0.0, lag_seconds: 0.0, streams: BTreeMap::new() }
    }

    pub(super) fn rates_since(&self, before: &Self) -> Rates {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        let rate = |now: f64, before: f64| if seconds > 0.0 { (now - before) / seconds } else { 0.0 };
        Rates { events: rate(self.events, before.events), entries: rate(self.entries, before.entries) }
    }
}

/// The labels and the value of a line of Prometheus text, if it is of that metric.
fn value_of<'a>(line: &'a str, name: &str) -> Option<(&'a str, f64)> {
    let rest = line.strip_prefix(name)?;
    if !rest.starts_with(['{', ' ']) {
        return None;
    }
    let (labels, value) = rest.rsplit_once(' ')?;
    Some((labels, value.parse().ok()?))
}

fn stream_of(labels: &str) -> Option<String> {
    let (_, rest) = labels.split_once("stream=\"")?;
    rest.split('"').next().map(str::to_owned)
}

fn get(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_sum_over_hosts_and_kinds_and_each_stream_by_itself() {
        let text = "# HELP standpipe_entries_total Entries.\n\
            standpipe_frames_total{host=\"a\"} 10\n\
            standpipe_entries_total{host=\"a\",kind=\"create\"} 7\n\
            standpipe_entries_total{host=\"a\",kind=\"delete\"} 2\n\
            standpipe_entries_total_other 5\n\
            standpipe_lag_seconds{host=\"a\"} 0.25\n\
            standpipe_stream_entries{stream=\"firehose_live\"} 9\n";
        let began = Instant::now();
        let sample = Sample::of(text, began + Duration::from_secs(2));
        assert_eq!(sample.streams, [("firehose_live".to_owned(), 9.0)].into());
        let rates = sample.rates_since(&Sample::nothing(began));
        let found = [sample.events, sample.entries, sample.lag_seconds, rates.events, rates.entries];
        assert_eq!(found.map(|number| format!("{number:.2}")), ["10.00", "9.00", "0.25", "5.00", "4.50"]);
    }
}

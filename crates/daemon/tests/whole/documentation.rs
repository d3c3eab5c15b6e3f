//! The documents say what the code does, in both directions.

use std::fs;
use std::path::Path;

use standpipe_daemon::metrics::{INSTRUMENTS, Instrument, Kind, ORIGIN};
use standpipe_daemon::settings::{KEYS, Key, Preset};

pub(crate) fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the tables whose first cell is in code style.
pub(crate) fn rows(document: &str) -> Vec<&str> {
    document.lines().filter(|line| line.starts_with("| `")).collect()
}

fn row(key: &Key) -> String {
    let variables = match key.origin {
        Some(origin) => format!("`{}`, `{origin}`", key.variable()),
        None => format!("`{}`", key.variable()),
    };
    let default = match key.default {
        Preset::Is(text) => format!("`{text}`"),
        Preset::Follows(text) => text.to_owned(),
        Preset::Absent => "none".to_owned(),
    };
    let (path, flag, meaning) = (key.path, key.flag(), key.meaning);
    format!("| `{path}` | {variables} | `--{flag}` | {default} | {meaning} |")
}

#[test]
fn every_setting_is_documented_as_it_is_and_no_other() {
    let document = document("configuration.md");
    let expected: Vec<_> = KEYS.iter().map(|key| row(key)).collect();
    assert_eq!(rows(&document), expected, "docs/configuration.md should have:\n{}", expected.join("\n"));
}

fn metric_row(instrument: &Instrument) -> String {
    let kind = match instrument.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<_> = instrument.labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
    format!("| `{}` | {kind} | {labels} | {} |", instrument.exposed_name(), instrument.meaning)
}

#[test]
fn every_metric_is_documented_as_it_is_and_no_other() {
    let document = document("metrics.md");
    let ours = INSTRUMENTS.iter().map(metric_row);
    let origin = ORIGIN.iter().map(|origin| format!("| `{}` | {} |", origin.name, origin.shows));
    let expected: Vec<_> = ours.chain(origin).collect();
    assert_eq!(rows(&document), expected, "docs/metrics.md should have:\n{}", expected.join("\n"));
}

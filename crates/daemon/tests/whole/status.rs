//! The page `/status` has the fields that its document has, and no other.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use standpipe_daemon::settings::{CommandLine, Config, OnFutureCursor, Plan, Upstream};
use standpipe_daemon::{About, Completed, Enumeration, Listed, NamedHosts};
use standpipe_pipeline::Remedy;

use crate::documentation::{document, rows};
use crate::operated::Told;
use crate::pages::{get, with_pages_about};
use crate::scripted::{Act, Readiness, Stage};

/// The page of a daemon to which everything happened that can.
async fn page() -> Value {
    let arguments = ["firehose", "--relay-hosts", "relay.example", "--redis-url", "redis://u:hunter2@h"];
    let command_line = CommandLine::parse("firehose", "reads relays", arguments.map(Into::into)).unwrap();
    let config = Config::gather(&command_line, &[], Path::new("."));
    let (_, effective) = Plan::read(config, Upstream::Relays).unwrap();
    let nobody = Some("ws://127.0.0.1:1");
    let stage = Stage::begin_looking(Readiness::Flowing, None, OnFutureCursor::Hold, nobody);
    stage.metrics.chronicled_by(Arc::new(Told::default()));
    stage.acts([Act::Accept, Act::Frame(11), Act::Unusable(12), Act::Break(Remedy::Retry)]);
    stage.until("backing_off").await;
    stage.acts([Act::Accept, Act::Halting(Remedy::Hold(Duration::from_mins(5)))]);
    stage.until("held").await;
    stage.ledger.enumerates(|enumeration| *enumeration = Some(listed()));
    stage.ledger.names(NamedHosts::default());
    let _found = stage.metrics.open_ledger_of_found("found.example");
    let about = About::new("redis", Some(90), effective).run("20260704T143808.999Z-7");
    let (head, body) = with_pages_about(&stage, about, async |address| get(address, "/status").await).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    serde_json::from_str(&body).unwrap()
}

/// A list of which all is known.
pub(crate) fn listed() -> Enumeration {
    let (at, listed) = ("2026-07-04T14:38:08Z".parse().unwrap(), Listed::default());
    let done = Some(Completed { at, began_at: at, listed, exact: true });
    let mut enumeration = Enumeration::new("again", at, listed, true);
    (enumeration.estimate, enumeration.done) = (Some(1), done);
    enumeration
}

/// Every field below this one, by its path.
fn paths(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(_) if above == "found_hosts.states" => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
                found.insert(path.clone());
                paths(value, &path, found);
            }
        }
        // What a record holds, the incident log's own document says.
        Value::Array(_) if above == "recent_incidents" => {}
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{above}[]"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn every_field_of_the_page_is_documented_and_no_other() {
    let page = page().await;
    let mut shown = BTreeSet::new();
    paths(&page, "", &mut shown);
    let document = document("status.md");
    let known: BTreeSet<_> = rows(&document)
        .into_iter()
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(shown, known);
}

#[tokio::test(start_paused = true)]
async fn i12_the_page_says_how_a_daemon_is_and_shows_no_password() {
    let page = page().await;
    assert!(!page.to_string().contains("hunter2"));
    assert_eq!((&page["daemon"], &page["run"]), (&"firehose".into(), &"20260704T143808.999Z-7".into()));
    let host = &page["hosts"][0];
    for (field, expected) in [
        ("state", "held".into()),
        ("ready", true.into()),
        ("cursor", "12".into()),
        ("last_seq", 12.into()),
        ("event_time", "2026-07-04T14:38:08.999Z".into()),
        ("restarts", 1.into()),
        ("restarts_last_hour", 2.into()),
        ("standing", "sound".into()),
        ("connected_since", Value::Null),
    ] {
        assert_eq!(host[field], expected, "{field} in {host}");
    }
    let exit = &host["last_exit"];
    assert_eq!(
        (&exit["ordinal"], &exit["ending"], &exit["last_seq"]),
        (&2.into(), &"lost".into(), &12.into())
    );
    assert_eq!(exit["cause"], "scripted Hold(300s)");
    assert!(exit["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{exit}");
    assert_eq!(host["gaps"][0]["from"], 1);
    assert_eq!(page["sink"]["last_delivery"]["host"], "relay.example");
    assert_eq!((&page["sink"]["kind"], &page["sink"]["low_water"]), (&"redis".into(), &90.into()));
}

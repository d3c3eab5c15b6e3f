use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::StreamWatch;
use standpipe_simulator::{CursorRules, Feed, Pace, Relay, RelaySettings, read_frames};
use tokio::time::{Instant, sleep};

use crate::rig::{FIELD, LOOK_EVERY, PATIENCE, STREAM, server};
use crate::signed::{daemon, directory};

/// Longer than what was found of an identity holds.
const PAST_REFRESH: Duration = Duration::from_millis(1_100);

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    let file = std::fs::File::open(fixture(path)).unwrap();
    String::from_utf8(zstd::decode_all(file).unwrap()).unwrap()
}

/// What the reference says of each label, by its signature and what it says.
fn wanted(name: &str, said: &str) -> &'static str {
    match (name, said) {
        ("ver-missing", _) | (_, "unsigned") => "unverified",
        (_, "valid" | "valid-without-neg-false") => "verified",
        _ => "failed",
    }
}

/// A label's own fields, by which one is known again.
fn key(label: &Value) -> String {
    let fields = ["src", "uri", "val", "cts", "sig"].map(|field| label.get(field).unwrap_or(&Value::Null));
    format!("{fields:?} {}", label.get("neg").unwrap_or(&Value::Null))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_golden_labels_of_the_reference_have_its_verdicts_in_the_stream() {
    let (server, directory) = (server().await, directory());
    let identities: Value =
        serde_json::from_str(&text("identity/tests/fixtures/identities.json.zst")).unwrap();
    for entry in identities["identities"].as_array().unwrap() {
        if entry["status"] == 200 {
            directory.documents().put_json(entry["did"].as_str().unwrap(), entry["document"].clone());
        }
    }
    let folder = "eventstream/tests/fixtures/labels";
    let frames = read_frames(&fixture(&format!("{folder}/labels.bin.zst"))).unwrap();
    let expected: Vec<Value> = text(&format!("{folder}/labels.expected.jsonl.zst"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(frames.len(), expected.len());
    // Those that end a stream are another check's matter. The last one is signed with the labeler's second key.
    let (frames, expected): (Vec<_>, Vec<_>) =
        frames.into_iter().zip(expected).filter(|(_, expected)| expected["expect"] != "stream-end").unzip();
    let before = frames.len() as u64 - 1;
    let settings = RelaySettings {
        backlog: before,
        total: None,
        pace: Pace::STILL,
        cursors: CursorRules::PDS,
        ..RelaySettings::default()
    };
    let host = Relay::start(Feed::canned(frames), settings).unwrap();
    let mut watch = StreamWatch::new(server.address(), STREAM, &host.addr().to_string());
    let mut daemon = daemon([host.url()], server.address(), &directory.url());
    daemon.start().unwrap();
    let mut until = async |seq: u64| {
        let deadline = Instant::now() + PATIENCE;
        while watch.sample().await.unwrap().cursor.unwrap_or_default() < seq {
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {seq}");
            sleep(LOOK_EVERY).await;
        }
    };
    until(1049).await;
    let rotated = &identities["labeler_after_rotation"];
    directory.documents().put_json(rotated["id"].as_str().unwrap(), rotated.clone());
    sleep(PAST_REFRESH).await;
    host.grow(1);
    until(1050).await;

    let mut verdicts = BTreeMap::new();
    let each = |entry: &[u8]| {
        let entry: Value = serde_json::from_slice(entry).unwrap();
        for label in entry["labels"].as_array().unwrap() {
            let place = (entry["seq"].as_u64().unwrap(), key(label));
            assert!(verdicts.insert(place, label["verdict"].as_str().unwrap().to_owned()).is_none());
        }
    };
    watch.read_all(FIELD, each).await.unwrap();
    let (mut compared, mut words) = (0, BTreeMap::<&str, u64>::new());
    for frame in &expected {
        let name = frame["name"].as_str().unwrap();
        for label in frame["labels"].as_array().into_iter().flatten() {
            let Some(seq) = frame["body"]["seq"].as_u64() else { continue };
            let Some(found) = verdicts.get(&(seq, key(&label["label"]))) else { continue };
            let wanted = wanted(name, label["sig"].as_str().unwrap());
            assert_eq!(found, wanted, "{name}");
            *words.entry(wanted).or_default() += 1;
            compared += 1;
        }
    }
    assert_eq!(compared, verdicts.len(), "every label of the stream is one of the reference's");
    println!("{words:?}");
    assert!(words.len() == 3 && compared >= 45, "{words:?}");
}

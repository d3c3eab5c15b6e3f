//! Daemons in the states that the page has to show.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer};
use standpipe_simulator::{CursorRules, Feed, Pace, Relay, RelaySettings, World, WorldSettings};
use tokio::time::{Instant, sleep};

use crate::view::{Eyes, View};

pub(crate) const STREAM: &str = "firehose_live";
/// The longest that a daemon may take to come into a state.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A firehose daemon between simulated relays and a Redis server.
pub(crate) struct Rig {
    pub(crate) server: RedisServer,
    pub(crate) relays: Vec<Relay>,
    pub(crate) daemon: DaemonProcess,
}

impl Rig {
    /// With so many relays that have this many frames and send no more; the daemon is not started.
    pub(crate) async fn new(relays: u64, frames: u64) -> Self {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let relays: Vec<_> = (0..relays).map(|number| relay(1 + number * 1_000_000, frames)).collect();
        let urls: Vec<_> = relays.iter().map(Relay::url).collect();
        let daemon = DaemonProcess::new(Program::find("firehose", Build::Checks).unwrap())
            .unwrap()
            .with("INGESTER_RELAY_HOSTS", urls.join(","))
            .with("STANDPIPE_START", "oldest")
            .with("REDIS_URL", format!("redis://{}", server.address()));
        Self { server, relays, daemon }
    }

    pub(crate) fn name(&self, relay: usize) -> String {
        self.relays[relay].addr().to_string()
    }

    /// Says that a relay was read up to here.
    pub(crate) async fn was_read(&self, relay: usize, seq: u64) {
        let key = format!("{STREAM}:cursor:{}", self.name(relay));
        self.server.command(["SET", &key, &seq.to_string()]).await.unwrap();
    }

    /// Puts so many entries into the stream.
    pub(crate) async fn fill(&self, entries: u64) {
        let fill = "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', '{}') end";
        self.server.command(["EVAL", fill, "1", STREAM, &entries.to_string()]).await.unwrap();
    }

    /// Waits until the host at this place is in this state, as `/status` says it.
    pub(crate) async fn is(&mut self, relay: usize, state: &str) {
        let name = self.name(relay);
        until_host(&self.daemon, &name, state, |host| host["state"] == state).await;
    }

    pub(crate) async fn view(&self) -> Option<View> {
        View::open(self.daemon.admin_address()).await
    }
}

/// Waits until `/status` says this of a host.
pub(crate) async fn until_host(
    daemon: &DaemonProcess,
    name: &str,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page =
            daemon.get("/status").await.map(|answer| serde_json::from_str::<Value>(&answer.body).unwrap());
        let host = page.as_ref().ok().and_then(|page| {
            page["hosts"].as_array().unwrap().iter().find(|host| host["host"] == name).cloned()
        });
        if host.as_ref().is_some_and(&wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}: {host:#?}");
        sleep(LOOK_EVERY).await;
    }
}

/// A relay with this many frames from this seq on.
fn relay(first_seq: u64, frames: u64) -> Relay {
    let world = World::new(WorldSettings { first_seq, ..WorldSettings::default() });
    let settings = RelaySettings {
        backlog: frames,
        pace: Pace::STILL,
        cursors: CursorRules::SPECIFIED,
        ..RelaySettings::default()
    };
    Relay::start(Feed::World(world), settings).unwrap()
}

/// Where pictures go, if they are wanted: the folder that `STANDPIPE_SCREENSHOTS` names.
#[expect(clippy::disallowed_methods, reason = "checks are told by the environment whether to write pictures")]
pub(crate) fn gallery() -> Option<PathBuf> {
    std::env::var_os("STANDPIPE_SCREENSHOTS").filter(|named| !named.is_empty()).map(PathBuf::from)
}

/// Pictures the page, where that is wanted.
pub(crate) async fn picture(view: &View, name: &str, eyes: Eyes) {
    let Some(folder) = gallery() else { return };
    // Those that the documents show.
    let height = match (name, eyes.width, eyes.dark) {
        ("mixed", 1280, _) | ("mixed", 390, false) => 1000,
        ("crowd", 1280, false) => 760,
        ("full", 1280, false) => 520,
        ("unavailable", 1280, true) => 560,
        _ => return,
    };
    view.run("scrollTo(0, 0); document.activeElement?.blur()").await;
    let page = view.run("return document.documentElement.scrollHeight").await.as_u64().unwrap();
    let height = height.min(u32::try_from(page).unwrap());
    let picture = view.browser.picture(eyes.width, height).await.unwrap();
    let width = if eyes.width < 600 { "-narrow" } else { "" };
    let scheme = if eyes.dark { "-dark" } else { "" };
    let path = folder.join(format!("page-{name}{width}{scheme}.png"));
    std::fs::write(&path, decoded(&picture)).unwrap();
    println!("wrote {}", path.display());
}

/// RFC 4648 section 4.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<_> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let three = |four: &[u8]| {
        let bits =
            four.iter().chain(&[0; 3]).take(4).fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(three).collect()
}

//! Simulated labelers that sign, and the directory that has their documents.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use standpipe_oracle::{DaemonProcess, Expectation, ExpectedFrame, RedisServer, StreamWatch};
use standpipe_simulator::{
    CursorRules, Directory, Documents, LabelWorld, Labeler, Leaving, Pace, RelaySettings, SentLabel,
    SignatureSettings, Standing, WorldSettings, plc_did,
};
use tokio::time::{Instant, sleep};

use crate::rig::{FIELD, LOOK_EVERY, PATIENCE, STREAM, SUBJECTS, daemon_reading, nth_of, range_of};
use crate::simulated::label;

/// How long what was found of an identity holds in these checks.
pub(crate) const REFRESH: &str = "1s";

/// One labeler that is named by its DID, with how far it has been read.
pub(crate) struct Signed {
    pub(crate) labeler: Labeler,
    pub(crate) watch: StreamWatch,
}

pub(crate) fn directory() -> Directory {
    Directory::start(Documents::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

/// What the nth labeler says, and how it signs.
pub(crate) fn world(
    nth: u64,
    seed: u64,
    did: impl Into<String>,
    signatures: SignatureSettings,
) -> LabelWorld {
    let settings = WorldSettings {
        seed: seed ^ nth,
        first_seq: range_of(nth),
        seq_stride: 3.try_into().unwrap(),
        accounts: SUBJECTS,
        ..WorldSettings::default()
    };
    LabelWorld::new(settings, did).signed(signatures)
}

pub(crate) fn host(backlog: u64) -> RelaySettings {
    RelaySettings { backlog, pace: Pace::STILL, cursors: CursorRules::PDS, ..RelaySettings::default() }
}

impl Signed {
    /// The nth of some: so many frames are there from the beginning.
    pub(crate) fn new(
        nth: u64,
        seed: u64,
        server: &RedisServer,
        directory: &Directory,
        backlog: u64,
        signatures: SignatureSettings,
    ) -> Self {
        let did = plc_did(seed, &format!("labeler {nth}"));
        let labeler =
            Labeler::start(world(nth, seed, did, signatures), host(backlog), directory.documents()).unwrap();
        Self::of(labeler, server)
    }

    /// A labeler, by its DID.
    pub(crate) fn of(labeler: Labeler, server: &RedisServer) -> Self {
        let watch = StreamWatch::new(server.address(), STREAM, labeler.world().labeler());
        Self { labeler, watch }
    }

    /// A labeler, by where it is.
    pub(crate) fn at_its_place(labeler: Labeler, server: &RedisServer) -> Self {
        let watch = StreamWatch::new(server.address(), STREAM, &labeler.host().addr().to_string());
        Self { labeler, watch }
    }

    pub(crate) fn did(&self) -> &str {
        self.labeler.world().labeler()
    }

    /// Lets so many more frames come to be.
    pub(crate) fn grow(&self, frames: u64) {
        self.labeler.host().grow(frames);
    }

    pub(crate) async fn move_away(&mut self, leaving: Leaving) {
        self.labeler.move_away(leaving).await.unwrap();
    }

    /// Waits until all frames that there are have been read.
    pub(crate) async fn is_read(&mut self) {
        let last = self.labeler.world().seq_at(self.labeler.host().frames() - 1);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cursor = self.watch.sample().await.unwrap().cursor;
            if cursor.unwrap_or_default() >= last {
                return;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {last}, found {cursor:?}");
            sleep(LOOK_EVERY).await;
        }
    }
}

/// A daemon that reads these hosts into the Redis at this address, and looks identities up in this directory.
pub(crate) fn daemon(
    hosts: impl IntoIterator<Item = String>,
    redis: impl std::fmt::Display,
    directory: &str,
) -> DaemonProcess {
    daemon_reading(hosts, redis)
        .with("STANDPIPE_LABELER__VERIFY", "mark")
        .with("STANDPIPE_IDENTITY__DIRECTORY", directory)
        .with("STANDPIPE_IDENTITY__REFRESH", REFRESH)
        .with("STANDPIPE_IDENTITY__PRIVATE_NETWORK", "true")
}

/// The word for a label of this standing.
pub(crate) fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified => "verified",
        Standing::Unsigned | Standing::NoVersion => "unverified",
        Standing::NoIssuer | Standing::KeyBefore | Standing::KeyAfter | Standing::Failed => "failed",
    }
}

/// A label as an entry has it, with what was found of its signature.
pub(crate) fn judged(sent: &SentLabel, verdict: &str) -> Value {
    let mut label = label(sent);
    label["verdict"] = json!(verdict);
    label
}

/// Expects what the first frames must become, where `verdict_of` says what must be found of each label; none for those
/// that are dropped.
pub(crate) fn expectation(
    world: &LabelWorld,
    frames: u64,
    mut verdict_of: impl FnMut(u64, &SentLabel) -> Option<&'static str>,
) -> Expectation {
    Expectation::of((0..frames).map(|index| {
        let labels = world.expected_at(index);
        let labels = labels.iter().filter_map(|sent| Some(judged(sent, verdict_of(index, sent)?)));
        let (seq, labels) = (world.seq_at(index), labels.collect::<Vec<_>>());
        let entry = (!labels.is_empty()).then(|| json!({ "seq": seq, "labels": labels }));
        ExpectedFrame { seq, did: String::new(), entries: entry.into_iter().collect() }
    }))
}

/// The stream has what is expected of each, once and in order.
pub(crate) async fn are_there_once(all: &mut [Signed], expectations: &[Expectation]) {
    let mut counts: Vec<_> = expectations.iter().map(Expectation::count).collect();
    all[0].watch.read_all(FIELD, |entry| counts[nth_of(entry)].see(entry)).await.unwrap();
    for (nth, count) in counts.iter().enumerate() {
        let verdict = count.verdict();
        assert!(verdict.is_clean(), "labeler {nth}: {verdict}");
    }
}

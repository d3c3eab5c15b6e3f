//! What the simulated hosts serve in containers, and what must become of it.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};
use standpipe_oracle::StreamWatch;
use standpipe_simulator::{LabelWorld, ListingSettings, World, WorldSettings};

use crate::containers::tier::Tier;
use crate::{of_firehose, of_labeler};

/// When the first frame is of, in milliseconds since 1970.
const EPOCH: u64 = 1_790_000_000_000;
/// Frames a second of the relay and the labeler.
const RATES: [u32; 2] = [300, 50];
/// Accounts of the relay. Its list is read at a page of a thousand a second, so that it lasts as long as the faults do.
const ACCOUNTS: u32 = 900_000;
const SUBJECTS: u32 = 30;
const LABELER: &str = "did:web:labels.test";

pub(crate) const RELAY: &str = "relay:2470";
pub(crate) const LABELS: &str = "labels:2470";
const DONE: &str = "!ingester-done";

pub(crate) struct Load {
    seed: u64,
}

/// How far each daemon has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) firehose: u64,
    pub(crate) backfill: u64,
    pub(crate) labeler: u64,
}

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Hosts without an end, and daemons that notice a dead connection soon.
    pub(crate) fn endless(&self) -> Value {
        let page = ["--rate-limit", "1", "--rate-window", "1s"];
        self.services(&["--endless"], &["--endless"], &page)
    }

    /// The same hosts with no more than this, all of it there at once.
    pub(crate) fn ending_at(&self, at: Progress) -> Value {
        let [relay, labels] = [at.firehose, at.labeler].map(|frames| frames.to_string());
        let all = |frames| ["--frames", frames, "--backlog", frames];
        self.services(&all(relay.as_str()), &all(labels.as_str()), &[])
    }

    fn services(&self, relay: &[&str], labels: &[&str], list: &[&str]) -> Value {
        let command = |own: &[&str], more: &[&str]| -> Vec<String> {
            let seed = self.seed.to_string();
            let epoch = EPOCH.to_string();
            let common = ["--listen", "0.0.0.0:2470", "--seed", &seed, "--epoch", &epoch];
            [&common, own, more].concat().into_iter().map(str::to_owned).collect()
        };
        let [relay_rate, labels_rate] = RATES.map(|rate| rate.to_string());
        let (accounts, subjects) = (ACCOUNTS.to_string(), SUBJECTS.to_string());
        let own = ["--rate", &relay_rate, "--listing", "--accounts", &accounts];
        let of_labels = ["--rate", &labels_rate, "--labeler", LABELER, "--accounts", &subjects];
        let settings = json!({
            "STANDPIPE_RELAY_HOSTS": format!("ws://{RELAY}"),
            "STANDPIPE_REDIS__HIGH_WATER": "1000000000",
            "STANDPIPE_TIMEOUTS__IDLE": "10s",
            "STANDPIPE_TIMEOUTS__PING_EVERY": "5s",
            "STANDPIPE_TIMEOUTS__PONG": "5s",
        });
        let with = |name: &str, value: &str| {
            let mut settings = settings.clone();
            settings[name] = value.into();
            json!({ "environment": settings })
        };
        json!({
            "relay": { "command": command(&own, &[list, relay].concat()) },
            "labels": { "command": command(&of_labels, &[&["--cursor-behaviour", "pds"], labels].concat()) },
            "firehose": { "environment": settings },
            "backfill": with("STANDPIPE_RELAY_HOSTS", &format!("http://{RELAY}")),
            "labeler": with("STANDPIPE_LABELER__VERIFY", "off"),
        })
    }

    /// The cursors; `None` while Redis does not answer.
    pub(crate) fn progress(tier: &Tier) -> Option<Progress> {
        let keys = [
            format!("firehose_live:cursor:{RELAY}"),
            format!("repo_backfill:cursor:{RELAY}"),
            format!("label_live:cursor:{LABELS}"),
        ];
        let words: Vec<&str> =
            ["--json", "MGET"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        let cursors: Vec<Option<String>> = serde_json::from_str(&tier.redis_says(&words)).ok()?;
        let number = |at: usize| match cursors[at].as_deref() {
            Some(DONE) => u64::from(ACCOUNTS),
            Some(text) => text.parse().unwrap(),
            None => 0,
        };
        Some(Progress { firehose: number(0), backfill: number(1), labeler: number(2) })
    }

    fn settings(&self, accounts: u32, rate: u32) -> WorldSettings {
        WorldSettings {
            seed: self.seed,
            accounts: NonZeroU32::new(accounts).unwrap(),
            epoch_millis: EPOCH,
            spacing: Duration::from_secs(1) / rate,
            ..WorldSettings::default()
        }
    }

    /// Whether the list has been read to its end.
    pub(crate) fn is_over(at: Progress) -> bool {
        at.backfill == u64::from(ACCOUNTS)
    }

    /// Counts all three streams. Each has to have what the hosts had, once, in order, and nothing else.
    pub(crate) async fn count(&self, tier: &Tier, at: Progress) {
        let world = World::new(self.settings(ACCOUNTS, RATES[0]));
        let expectation = of_firehose::expectation(&world, at.firehose, of_firehose::Wanted::Compatible);
        self.count_frames(tier, "firehose_live", "event", &expectation).await;
        let labels = LabelWorld::new(self.settings(SUBJECTS, RATES[1]), LABELER);
        let expectation = of_labeler::expectation(&labels, at.labeler);
        self.count_frames(tier, "label_live", "labels", &expectation).await;
        self.count_repos(tier, world).await;
    }

    async fn count_frames(
        &self,
        tier: &Tier,
        stream: &str,
        field: &str,
        expectation: &standpipe_oracle::Expectation,
    ) {
        let mut count = expectation.count();
        let mut watch = StreamWatch::new(tier.redis(), stream, "");
        watch.read_all(field, |entry| count.see(entry)).await.unwrap();
        let verdict = count.verdict();
        println!("{stream}: {verdict}");
        assert!(verdict.is_clean(), "{stream}: {verdict}");
    }

    async fn count_repos(&self, tier: &Tier, world: World) {
        let listing = ListingSettings::relay(world);
        let accounts = (0..).map_while(|place| listing.account_at(place));
        let mut expected = accounts.filter(|account| listing.lists(account));
        let mut count = 0_u64;
        let mut watch = StreamWatch::new(tier.redis(), "repo_backfill", "");
        let each = |entry: &[u8]| {
            let wanted = expected.next().unwrap_or_else(|| panic!("repo {count} is one too many"));
            let found: Value = serde_json::from_slice(entry).unwrap();
            assert_eq!(
                (&found["did"], &found["rev"]),
                (&wanted.did.into(), &wanted.rev.into()),
                "repo {count}"
            );
            count += 1;
        };
        watch.read_all("repo", each).await.unwrap();
        assert_eq!(expected.count(), 0, "repos are missing after {count}");
        println!("repo_backfill: {count} repos, each once, as the host lists them");
    }
}

//! What hosts have to say, item by item, and how one tells what an entry is about: in the words of both ingesters.

use serde_json::Value;
use standpipe_simulator::{Event, LabelWorld, ListedAccount, SentLabel, World};

/// The standings of accounts that everybody knows.
pub(crate) const STATUSES: [&str; 6] =
    ["deactivated", "suspended", "takendown", "deleted", "throttled", "desynchronized"];

/// What an entry is about, whoever wrote it.
pub(crate) type Essence = String;

/// What one host gives, in order. A cursor stands for a number of items.
pub(crate) enum History {
    Frames(World),
    Labels(LabelWorld),
    Repos(Vec<ListedAccount>),
}

/// One item.
pub(crate) enum Item {
    Events(Vec<Event>),
    Labels { seq: u64, labels: Vec<SentLabel> },
    Repo(ListedAccount),
}

impl History {
    pub(crate) fn item(&self, index: u64) -> Item {
        match self {
            Self::Frames(world) => Item::Events(world.expected_at(index)),
            Self::Labels(world) => {
                Item::Labels { seq: world.seq_at(index), labels: world.expected_at(index) }
            }
            Self::Repos(accounts) => Item::Repo(accounts[usize::try_from(index).unwrap()].clone()),
        }
    }

    /// The cursor behind so many items.
    pub(crate) fn cursor(&self, items: u64) -> String {
        match self {
            Self::Frames(world) => world.seq_at(items - 1).to_string(),
            Self::Labels(world) => world.seq_at(items - 1).to_string(),
            // The host's rows count from 1, and the world's accounts from 0.
            Self::Repos(accounts) => (accounts[usize::try_from(items - 1).unwrap()].account + 1).to_string(),
        }
    }

    /// How many items a cursor has behind it.
    pub(crate) fn behind(&self, cursor: &str) -> u64 {
        match self {
            Self::Frames(world) => world.index_after(cursor.parse().unwrap()),
            Self::Labels(world) => world.index_after(cursor.parse().unwrap()),
            Self::Repos(accounts) if cursor == "!ingester-done" => accounts.len() as u64,
            Self::Repos(accounts) => {
                let last: u64 = cursor.parse().unwrap();
                accounts.partition_point(|account| account.account < last) as u64
            }
        }
    }
}

impl Item {
    /// What entries of it are about, of those that standpipe writes.
    pub(crate) fn essences(&self) -> Vec<Essence> {
        match self {
            Self::Events(events) => events.iter().filter(|event| is_wanted(event)).map(of_event).collect(),
            Self::Labels { labels, .. } if labels.is_empty() => vec![],
            Self::Labels { seq, labels } => {
                let labels =
                    labels.iter().map(|label| format!("{} {} {:?}", label.uri, label.val, label.neg));
                vec![format!("{seq} {}", labels.collect::<Vec<_>>().join(", "))]
            }
            Self::Repo(account) => vec![format!("{} {} {}", account.did, account.rev, account.active)],
        }
    }
}

/// What an entry is about that a consumer has read. It takes nothing but what every consumer needs, and ignores the rest.
pub(crate) fn essence(entry: &Value) -> Essence {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(labels) = entry["labels"].as_array() {
        let label = |label: &Value| {
            format!("{} {} {:?}", text(&label["uri"]), text(&label["val"]), label["neg"].as_bool())
        };
        return format!("{} {}", entry["seq"], labels.iter().map(label).collect::<Vec<_>>().join(", "));
    }
    if entry["seq"].is_null() {
        return format!("{} {} {}", text(&entry["did"]), text(&entry["rev"]), entry["active"]);
    }
    let place = [&entry["collection"], &entry["rkey"], &entry["cid"]].map(text).join("/");
    format!("{} {} {} {place}", entry["seq"], text(&entry["type"]), text(&entry["did"]))
}

/// Whether standpipe writes it by default.
pub(crate) fn is_wanted(event: &Event) -> bool {
    let is_ours = |nsid: &str| nsid.starts_with("app.bsky.") || nsid.starts_with("chat.bsky.");
    event.change.name() != "sync" && event.change.place().is_none_or(|place| is_ours(&place.collection))
}

fn of_event(event: &Event) -> Essence {
    use standpipe_simulator::Change;
    let place = match &event.change {
        Change::Create { place, cid, .. } | Change::Update { place, cid, .. } => {
            [&place.collection, &place.rkey, cid].map(String::as_str).join("/")
        }
        Change::Delete { place } => format!("{}/{}/", place.collection, place.rkey),
        Change::Identity { .. } | Change::Account { .. } | Change::Sync { .. } => "//".to_owned(),
    };
    format!("{} {} {} {place}", event.seq, event.change.name(), event.did)
}

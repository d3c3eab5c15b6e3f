//! The origin ingester, as far as others see it: what it leaves in Redis.

use serde_json::{Value, json};
use standpipe_oracle::RespClient;
use standpipe_simulator::{Change, Event, ListedAccount, SentLabel};

use crate::history::{Essence, History, Item, STATUSES, is_wanted};

/// When it wrote everything: it takes its own clock, to the nanosecond.
const NOW: &str = "2025-11-26T22:39:57.123456789+00:00";

/// The origin ingester of one host.
pub(crate) struct Origin<'h> {
    pub(crate) history: &'h History,
    pub(crate) stream: &'static str,
    pub(crate) field: &'static str,
    /// The host as the operator wrote it, which is how its cursor is called.
    pub(crate) written: String,
}

impl Origin<'_> {
    pub(crate) fn key(&self) -> String {
        format!("{}:cursor:{}", self.stream, self.written)
    }

    /// Goes on from its cursor up to so many items; returns what it wrote. Each batch is one transaction.
    pub(crate) async fn run(&self, client: &mut RespClient, until: u64) -> Vec<Essence> {
        let stored = client.command(["GET", &self.key()]).await.unwrap();
        let mut items = stored.text().map_or(0, |cursor| self.history.behind(cursor));
        let mut wrote = Vec::new();
        while items < until {
            let end = until.min(items + 50);
            let entries: Vec<_> = (items..end).flat_map(|index| entries(&self.history.item(index))).collect();
            client.command(["MULTI"]).await.unwrap();
            for (essence, entry) in entries {
                client.command(["XADD", self.stream, "*", self.field, &entry.to_string()]).await.unwrap();
                wrote.push(essence);
            }
            client.command(["SET", &self.key(), &self.history.cursor(end)]).await.unwrap();
            assert!(!client.command(["EXEC"]).await.unwrap().is_error());
            items = end;
        }
        wrote
    }
}

fn entries(item: &Item) -> Vec<(Essence, Value)> {
    let entries: Vec<Value> = match item {
        Item::Events(events) => events.iter().filter(|event| is_written(event)).map(event).collect(),
        Item::Labels { labels, .. } if labels.is_empty() => vec![],
        Item::Labels { seq, labels } => {
            vec![json!({ "seq": seq, "labels": labels.iter().map(label).collect::<Vec<_>>() })]
        }
        Item::Repo(account) => vec![repo(account)],
    };
    entries.into_iter().map(|entry| (crate::history::essence(&entry), entry)).collect()
}

/// It leaves out what has no handle, and accounts of a status that it does not know.
fn is_written(event: &Event) -> bool {
    let is_known = |status: &str| STATUSES.contains(&status);
    is_wanted(event)
        && match &event.change {
            Change::Identity { handle } => handle.is_some(),
            Change::Account { status, .. } => status.as_deref().is_none_or(is_known),
            Change::Create { .. } | Change::Update { .. } | Change::Delete { .. } | Change::Sync { .. } => {
                true
            }
        }
}

fn event(event: &Event) -> Value {
    let mut entry = json!({ "type": event.change.name(), "seq": event.seq, "time": NOW, "did": event.did });
    let fields = entry.as_object_mut().unwrap();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    if let Some(place) = event.change.place() {
        put("commit", json!(place.commit));
        put("rev", json!(place.rev));
        put("collection", json!(place.collection));
        put("rkey", json!(place.rkey));
    }
    match &event.change {
        Change::Create { cid, record, .. } | Change::Update { cid, record, .. } => {
            put("cid", json!(cid));
            put("record", record.clone());
        }
        Change::Identity { handle } => {
            put("handle", json!(handle));
        }
        Change::Account { active, status } => {
            put("active", json!(active));
            put("status", json!(status.as_deref().map(capitalised)));
        }
        Change::Delete { .. } | Change::Sync { .. } => {}
    }
    entry
}

/// The name of a variant of the origin's code, which is what it wrote of a status.
fn capitalised(status: &str) -> String {
    let (first, rest) = status.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// A label without what the origin does not carry, and with its own way to write times.
fn label(label: &SentLabel) -> Value {
    let cts = label.cts.replace('T', " ").replace('Z', " UTC");
    json!({ "src": label.src, "uri": label.uri, "cid": label.cid, "val": label.val, "neg": label.neg, "cts": cts })
}

fn repo(account: &ListedAccount) -> Value {
    json!({
        "did": account.did,
        "host": "https://relay.example",
        "rev": account.rev,
        "status": account.status,
        "active": account.active,
    })
}

//! A consumer as the indexer and the backfiller are: it reads in a group what is pending and then what is new,
//! acknowledges, deletes, and trims up to what was delivered last.

use serde_json::Value;
use standpipe_oracle::{Reply, RespClient};

use crate::history::{Essence, STATUSES, essence};

const NAME: &str = "indexer-1";

pub(crate) struct Consumer {
    client: RespClient,
    stream: &'static str,
    field: &'static str,
    group: &'static str,
    /// What it has taken in, in order.
    pub(crate) took: Vec<Essence>,
}

impl Consumer {
    pub(crate) async fn new(
        mut client: RespClient,
        stream: &'static str,
        field: &'static str,
        group: &'static str,
    ) -> Self {
        // It says BUSYGROUP where the group is there already.
        client.command(["XGROUP", "CREATE", stream, group, "0", "MKSTREAM"]).await.unwrap();
        Self { client, stream, field, group, took: Vec::new() }
    }

    /// Is handed this many new entries and dies before it acknowledges any: they stay pending.
    pub(crate) async fn dies_with(&mut self, count: usize) {
        assert_eq!(self.read(">", count).await.len(), count);
    }

    /// Begins: takes what is pending, then what is new, until there is nothing.
    pub(crate) async fn catches_up(&mut self) {
        while self.takes("0", 500).await > 0 {}
        while self.takes(">", 500).await > 0 {}
    }

    async fn takes(&mut self, from: &str, count: usize) -> usize {
        let entries = self.read(from, count).await;
        let ids: Vec<&str> = entries.iter().map(|(id, _)| id.as_str()).collect();
        if !ids.is_empty() {
            self.command(&[&["XACK", self.stream, self.group], &ids[..]].concat()).await;
            self.command(&[&["XDEL", self.stream], &ids[..]].concat()).await;
        }
        self.took.extend(entries.iter().map(|(_, entry)| essence(entry)));
        let groups = self.command(&["XINFO", "GROUPS", self.stream]).await;
        let group = groups.items()[0].items();
        let at = group.iter().position(|item| item.text() == Some("last-delivered-id")).unwrap();
        let last = group[at + 1].text().unwrap().to_owned();
        self.command(&["XTRIM", self.stream, "MINID", &last]).await;
        entries.len()
    }

    async fn read(&mut self, from: &str, count: usize) -> Vec<(String, Value)> {
        let count = count.to_string();
        let words = ["XREADGROUP", "GROUP", self.group, NAME, "COUNT", &count, "STREAMS", self.stream, from];
        let reply = self.command(&words).await;
        let Some(stream) = reply.items().first() else { return vec![] };
        let entry = |entry: &Reply| {
            let [id, fields] = entry.items() else { panic!("{entry:?}") };
            let [name, value] = fields.items() else { panic!("{fields:?}") };
            assert_eq!(name.text(), Some(self.field));
            let entry: Value = serde_json::from_str(value.text().unwrap()).unwrap();
            check(&entry);
            (id.text().unwrap().to_owned(), entry)
        };
        stream.items()[1].items().iter().map(entry).collect()
    }

    async fn command(&mut self, words: &[&str]) -> Reply {
        let reply = self.client.command(words).await.unwrap();
        assert!(!reply.is_error(), "{words:?}: {reply:?}");
        reply
    }
}

/// What the indexer refuses: types that it does not know, and inactive accounts of a status that it does not know.
fn check(entry: &Value) {
    const TYPES: [&str; 6] = ["create", "update", "delete", "repo", "account", "identity"];
    let Some(kind) = entry.get("type") else { return };
    assert!(TYPES.contains(&kind.as_str().unwrap()), "{entry}");
    if kind == "account" && entry["active"] == false {
        let status = entry["status"].as_str().map(str::to_ascii_lowercase);
        assert!(status.is_none_or(|status| STATUSES.contains(&status.as_str())), "{entry}");
    }
}

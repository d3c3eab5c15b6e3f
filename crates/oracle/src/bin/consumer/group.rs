//! One reader of a consumer group over all streams.

use std::time::Duration;

use standpipe_oracle::{Reply, RespClient, RigError};

/// The streams, as docs/events.md has them.
const STREAMS: [&str; 3] = ["firehose_live", "repo_backfill", "label_live"];
const GROUP: &str = "demo";
const READER: &str = "demo-1";
/// Entries of each stream that are taken at a time.
const COUNT: &str = "500";
/// How long an answer is waited for, in milliseconds; below the client's own deadline.
const BLOCK: &str = "1000";

/// How many entries came of each stream, in the order of the streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken([u64; STREAMS.len()]);

impl Taken {
    pub(crate) fn add(&mut self, more: &Self) {
        for (sum, count) in self.0.iter_mut().zip(more.0) {
            *sum += count;
        }
    }

    /// A line that says how many came since, and over all.
    pub(crate) fn since(&self, before: &Self, elapsed: Duration) -> String {
        let parts = STREAMS.iter().zip(self.0).zip(before.0).map(|((stream, all), before)| {
            format!("{stream}: {} in the last {} s, {all} in all", all - before, elapsed.as_secs())
        });
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// A reader that has joined.
pub(crate) struct Group {
    client: RespClient,
    /// What was taken before and not acknowledged comes first.
    is_caught_up: bool,
}

impl Group {
    pub(crate) async fn join(mut client: RespClient) -> Result<Self, RigError> {
        for stream in STREAMS {
            let reply = client.command(["XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM"]).await?;
            // BUSYGROUP: the group is there already.
            if reply.is_error() && !reply.text().is_some_and(|text| text.starts_with("BUSYGROUP")) {
                return Err(RigError::Protocol { found: format!("{reply:?}") });
            }
        }
        Ok(Self { client, is_caught_up: false })
    }

    /// Takes what there is, and gives it up: each entry is acknowledged and deleted, since the stream's length is what
    /// the daemons take for the backlog.
    pub(crate) async fn take(&mut self) -> Result<Taken, RigError> {
        let from = if self.is_caught_up { ">" } else { "0" };
        let words = ["XREADGROUP", "GROUP", GROUP, READER, "COUNT", COUNT, "BLOCK", BLOCK, "STREAMS"];
        let words = words.into_iter().chain(STREAMS).chain([from; STREAMS.len()]);
        let reply = self.client.command(words).await?;
        if reply.is_error() {
            return Err(RigError::Protocol { found: format!("{reply:?}") });
        }
        let mut taken = Taken::default();
        for of_stream in reply.items() {
            let [name, entries] = of_stream.items() else { continue };
            let Some(index) = STREAMS.iter().position(|stream| name.text() == Some(stream)) else { continue };
            let ids: Vec<&str> =
                entries.items().iter().filter_map(|entry| entry.items().first()?.text()).collect();
            if !ids.is_empty() {
                self.give_up(STREAMS[index], &ids).await?;
            }
            taken.0[index] += ids.len() as u64;
        }
        self.is_caught_up = self.is_caught_up || taken == Taken::default();
        Ok(taken)
    }

    async fn give_up(&mut self, stream: &str, ids: &[&str]) -> Result<(), RigError> {
        self.client.command(["XACK", stream, GROUP].iter().chain(ids)).await?;
        self.client.command(["XDEL", stream].iter().chain(ids)).await?;
        Ok(())
    }

    /// How long ago a reader of the group last asked; `None` if there never was one.
    pub(crate) async fn silence(mut client: RespClient) -> Result<Option<Duration>, RigError> {
        let mut least = None;
        for stream in STREAMS {
            let reply = client.command(["XINFO", "CONSUMERS", stream, GROUP]).await?;
            let silences = reply.items().iter().filter_map(idle);
            least = silences.chain(least).min();
        }
        Ok(least)
    }
}

/// The field `idle` of a consumer, in milliseconds there.
fn idle(consumer: &Reply) -> Option<Duration> {
    let at = consumer.items().iter().position(|field| field.text() == Some("idle"))?;
    let millis = consumer.items().get(at + 1)?.integer()?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use standpipe_oracle::{RedisOptions, RedisServer};

    use super::*;

    #[tokio::test]
    async fn what_it_takes_is_gone_and_nothing_is_pending() {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        for value in ["1", "2"] {
            server.command(["XADD", "firehose_live", "*", "event", value]).await.unwrap();
        }
        server.command(["XADD", "label_live", "*", "labels", "3"]).await.unwrap();
        assert_eq!(Group::silence(server.client().await.unwrap()).await.unwrap(), None);

        // One that took entries and died: its successor gets them first.
        let mut dead = Group::join(server.client().await.unwrap()).await.unwrap();
        dead.is_caught_up = true;
        let words = ["XREADGROUP", "GROUP", GROUP, READER, "COUNT", "1", "STREAMS", "firehose_live", ">"];
        assert_eq!(dead.client.command(words).await.unwrap().items().len(), 1);

        let mut group = Group::join(server.client().await.unwrap()).await.unwrap();
        let mut all = Taken::default();
        while all != Taken([2, 0, 1]) {
            all.add(&group.take().await.unwrap());
        }
        for stream in STREAMS {
            assert_eq!(server.command(["XLEN", stream]).await.unwrap().integer(), Some(0));
            let pending = server.command(["XPENDING", stream, GROUP]).await.unwrap();
            assert_eq!(pending.items()[0].integer(), Some(0));
        }
        let silence = Group::silence(server.client().await.unwrap()).await.unwrap().unwrap();
        assert!(silence < Duration::from_secs(30), "{silence:?}");
    }

    #[test]
    fn it_says_how_many_came_since_and_in_all() {
        let line = Taken([7, 1, 0]).since(&Taken([5, 1, 0]), Duration::from_secs(10));
        assert!(line.starts_with("firehose_live: 2 in the last 10 s, 7 in all; "), "{line}");
    }
}

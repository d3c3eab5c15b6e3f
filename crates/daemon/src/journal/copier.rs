use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use standpipe_redis_sink::{CappedStream, RedisError, RedisSettings};
use standpipe_supervisor::chain;
use tokio::sync::mpsc::{Receiver, Sender, channel as bounded};
use tokio::time::{sleep, timeout};

use crate::settings::RedisPlan;

/// The stream that all daemons of one Redis share, and its field.
const STREAM: &str = "standpipe:incidents";
const FIELD: &str = "incident";
/// About how many records it keeps.
const KEPT: u64 = 10_000;
/// How many records wait for Redis.
const ROOM: usize = 256;
/// How long to wait before a server that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the last records may take at the end.
const LAST: Duration = Duration::from_secs(1);

/// Where copies are handed in. Never waits. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    sender: Option<Sender<String>>,
    dropped: Arc<AtomicU64>,
}

/// Copies records to Redis, where that is the sink: best effort, since the local log has them. One that was sent when
/// its reply was lost may be there twice.
#[derive(Debug)]
pub(crate) struct Copier {
    redis: Option<(CappedStream, Receiver<String>)>,
    dropped: Arc<AtomicU64>,
    /// What is being sent.
    open: Option<String>,
    is_away: bool,
}

pub(super) fn channel(redis: Option<&RedisPlan>) -> (Intake, Copier) {
    let dropped = Arc::new(AtomicU64::new(0));
    let (sender, redis) = redis
        .map(|RedisPlan { address, deadlines, .. }| {
            let settings = RedisSettings::new(address.clone(), STREAM, FIELD);
            let stream = CappedStream::new(RedisSettings { deadlines: *deadlines, ..settings }, KEPT);
            let (sender, receiver) = bounded(ROOM);
            (sender, (stream, receiver))
        })
        .unzip();
    let copier = Copier { redis, dropped: Arc::clone(&dropped), open: None, is_away: false };
    (Intake { sender, dropped }, copier)
}

impl Intake {
    pub(super) fn offer(&self, line: &str) {
        let Some(sender) = &self.sender else { return };
        if sender.try_send(line.to_owned()).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Records that were not copied.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl Copier {
    /// Copies what is handed in, for ever. Cancel-safe: what is being sent is sent again.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            if !self.fetch().await {
                return std::future::pending().await;
            }
            if !self.send().await {
                sleep(PAUSE).await;
            }
        }
    }

    /// Copies what was handed in before, as far as that can be done within a second.
    pub(crate) async fn finish(mut self) {
        let rest = async {
            loop {
                let waits =
                    self.open.is_some() || self.redis.as_ref().is_some_and(|(_, lines)| !lines.is_empty());
                if !waits || !self.fetch().await || !self.send().await {
                    return;
                }
            }
        };
        let _ = timeout(LAST, rest).await;
    }

    /// Waits for the next record, unless one is being sent. Says whether there is one.
    async fn fetch(&mut self) -> bool {
        if self.open.is_none()
            && let Some((_, lines)) = &mut self.redis
        {
            self.open = lines.recv().await;
        }
        self.open.is_some()
    }

    /// Says whether the record is dealt with: a server that does not answer is asked again.
    async fn send(&mut self) -> bool {
        let (Some(line), Some((stream, _))) = (&self.open, &mut self.redis) else { return true };
        let sent = stream.append(line).await;
        let was_away = self.is_away;
        self.is_away = sent.is_err();
        match sent {
            Ok(()) => {
                if was_away {
                    tracing::info!(stream = STREAM, "incidents are copied to redis again");
                }
            }
            Err(error) => {
                if !was_away {
                    tracing::warn!(
                        cause = chain(&error),
                        stream = STREAM,
                        "incidents are not copied to redis"
                    );
                }
                if matches!(error, RedisError::Unreachable(_)) {
                    return false;
                }
                self.dropped.fetch_add(1, Relaxed);
            }
        }
        self.open = None;
        true
    }
}

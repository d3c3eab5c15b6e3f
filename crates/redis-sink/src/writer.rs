use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use standpipe_cursor::{Cursor, CursorKey};
use standpipe_pipeline::{Ack, Batch, Observer, Sink};
use tokio::time::sleep;

use crate::RedisError;
use crate::check::name_the_wrong_type;
use crate::holder::introduce;
use crate::link::{Link, Reply};
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};
use crate::pressure::{Backoff, Pressure, until_next_look};
use crate::script::{self, Appended, Claim, Held};
use crate::sinks::Shared;

/// The one writer of a host: appends batches and moves the host's cursor, both in one script call.
///
/// It has a connection of its own. Whenever that breaks, it builds another and makes sure that it still holds the
/// host before it sends the batch again.
pub struct RedisWriter {
    shared: Arc<Shared>,
    host: String,
    names: Names,
    field: Bytes,
    /// This writer's name in the fence.
    id: String,
    claim: Claim,
    /// A cursor is known to have been stored.
    has_cursor: bool,
    /// Empty until the host is held.
    fence: Bytes,
    link: Option<Link>,
    /// Whether the fence was confirmed on this link.
    confirmed: bool,
    pressure: Pressure,
}

/// How far a delivery has come.
enum Step {
    Stored(Ack),
    Full {
        backlog: u64,
    },
    /// The backlog is at the low-water mark.
    Drained,
    /// The host has to be confirmed first.
    Again,
}

impl RedisWriter {
    pub(crate) fn new(shared: Arc<Shared>, key: &CursorKey, observer: Arc<dyn Observer>) -> Self {
        let names = Names::new(&shared.settings.stream, key);
        let known = shared.memory.recall(&names.cursor);
        Self {
            host: key.host().to_owned(),
            field: Bytes::copy_from_slice(shared.settings.field.as_bytes()),
            id: shared.next_writer(),
            claim: if known.fenced { Claim::Keep } else { Claim::Take },
            has_cursor: known.cursor,
            fence: Bytes::new(),
            link: None,
            confirmed: false,
            pressure: Pressure::new(observer, key.host()),
            names,
            shared,
        }
    }

    /// Takes the host over and says what is stored, as soon as the server lets it.
    pub(crate) async fn take_over(&mut self) -> Result<Option<Cursor>, RedisError> {
        let mut backoff = Backoff::default();
        loop {
            match self.confirm().await {
                Ok(held) => {
                    self.pressure.flowing();
                    self.tell(&held);
                    return Ok(held.cursor);
                }
                Err(setback) => self.wait_out(setback, &mut backoff).await?,
            }
        }
    }

    /// Says what is stored: the first time in a process to everybody.
    fn tell(&self, held: &Held) {
        let (key, host) = (shown(&self.names.cursor), &self.host);
        let mut was_told = false;
        self.shared.memory.note(&self.names.cursor, |known| {
            was_told = std::mem::replace(&mut known.told, true);
        });
        match (&held.cursor, was_told) {
            (Some(cursor), false) => tracing::info!(host, key, %cursor, "acquired the host's cursor"),
            (Some(cursor), true) => tracing::debug!(host, key, %cursor, "acquired the host's cursor again"),
            (None, false) => {
                tracing::info!(host, key, backlog = held.backlog, "no cursor is stored for the host");
            }
            (None, true) => tracing::debug!(host, key, "still no cursor is stored for the host"),
        }
    }

    /// Acquires the host on the link, which is opened first where there is none.
    async fn confirm(&mut self) -> Result<Held, Setback> {
        let link = if let Some(link) = self.link.take().filter(|link| !link.is_dead()) {
            link
        } else {
            let mut link = Link::open(&self.shared.settings, self.shared.tls.as_ref()).await?;
            introduce(&mut link, &self.id).await?;
            link
        };
        self.confirmed = false;
        let link = self.link.insert(link);
        let ours = if self.fence.is_empty() { &self.shared.process } else { &self.id };
        let acquired = script::acquire(link, &self.names, &self.id, ours, self.claim, !self.has_cursor).await;
        if let Err(Setback::Final(RedisError::Fenced { .. })) = &acquired {
            self.shared.memory.note(&self.names.cursor, |known| known.fenced = true);
        }
        let held = acquired?;
        if held.cursor.is_none() && self.has_cursor {
            return Err(RedisError::CursorVanished { key: shown(&self.names.cursor) }.into());
        }
        if let (true, Some(origin)) = (held.adopted, &self.names.origin) {
            let (key, origin) = (shown(&self.names.cursor), shown(origin));
            tracing::info!(
                host = self.host,
                key,
                origin,
                "adopted the cursor from the name that the origin ingester gave it"
            );
        }
        self.shared.memory.note(&self.names.cursor, |known| {
            known.fenced = false;
            known.cursor |= held.cursor.is_some();
        });
        self.has_cursor |= held.cursor.is_some();
        self.claim = Claim::Keep;
        self.fence = held.fence.clone();
        self.confirmed = true;
        Ok(held)
    }

    async fn step(&mut self, batch: &Batch, full: bool) -> Result<Step, Setback> {
        if !self.confirmed || self.link.as_ref().is_none_or(Link::is_dead) {
            let held = self.confirm().await?;
            if held.cursor.as_ref() == Some(batch.through()) {
                return Ok(Step::Stored(Ack::already(Some(held.backlog))));
            }
            self.expect(batch, held.cursor)?;
        }
        let Some(link) = &mut self.link else { return Err(Outage::Odd { command: "EVAL" }.into()) };
        if full {
            let backlog = backlog(link, &self.names.stream).await?;
            let drained = backlog <= self.shared.settings.marks.low();
            return Ok(if drained { Step::Drained } else { Step::Full { backlog } });
        }
        let marks = self.shared.settings.marks;
        match script::append(link, &self.names, &self.fence, marks, &self.field, batch).await? {
            Appended::Applied { backlog } => Ok(Step::Stored(Ack::applied(Some(backlog)))),
            Appended::Already { backlog } => Ok(Step::Stored(Ack::already(Some(backlog)))),
            Appended::Full { backlog } => Ok(Step::Full { backlog }),
            Appended::Fenced { holder } => {
                tracing::debug!(holder = %shown(&holder), "the fence is not as it was acquired");
                // Gone, or a late copy of this writer's own acquisition; or somebody else's, which confirming says.
                self.confirmed = false;
                Ok(Step::Again)
            }
            Appended::ElsewhereBeside { key } => Err(RedisError::BesideMoved { key: shown(&key) }.into()),
            Appended::Elsewhere { cursor } => {
                let reply = if cursor.is_empty() { Reply::Nil } else { Reply::Bytes(cursor) };
                self.expect(batch, script::stored(&reply, &self.names)?)?;
                // It says that the cursor differs, and shows one that does not.
                Err(Outage::Odd { command: "EVALSHA" }.into())
            }
        }
    }

    /// Makes sure that the batch follows what is stored.
    fn expect(&self, batch: &Batch, found: Option<Cursor>) -> Result<(), Setback> {
        if found.as_ref() == batch.from() {
            return Ok(());
        }
        let key = shown(&self.names.cursor);
        let expected = batch.from().map_or_else(|| "nothing".to_owned(), Cursor::to_string);
        Err(match found {
            Some(found) => RedisError::CursorMoved { key, expected, found },
            None => RedisError::CursorVanished { key },
        }
        .into())
    }

    /// Waits before the next try, or returns the error that waiting does not cure.
    async fn wait_out(&mut self, setback: Setback, backoff: &mut Backoff) -> Result<(), RedisError> {
        match setback {
            Setback::Outage(outage) => {
                if outage.breaks_the_link() {
                    self.link = None;
                }
                self.pressure.unavailable(&outage);
                sleep(backoff.next()).await;
                Ok(())
            }
            Setback::WrongType { reply } => match &mut self.link {
                Some(link) => Err(name_the_wrong_type(link, &self.names, reply).await),
                None => Err(RedisError::Refused { reply }),
            },
            setback @ (Setback::Final(_) | Setback::UnknownScript) => Err(setback.into_error()),
        }
    }
}

impl Sink for RedisWriter {
    type Error = RedisError;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, RedisError> {
        let mut backoff = Backoff::default();
        let mut full = false;
        loop {
            match self.step(batch, full).await {
                Ok(Step::Stored(ack)) => {
                    self.pressure.flowing();
                    if !self.has_cursor {
                        self.has_cursor = true;
                        self.shared.memory.note(&self.names.cursor, |known| known.cursor = true);
                    }
                    return Ok(ack);
                }
                Ok(Step::Full { backlog }) => {
                    full = true;
                    backoff = Backoff::default();
                    self.pressure.full(backlog);
                    sleep(until_next_look()).await;
                }
                Ok(Step::Drained) => {
                    full = false;
                    self.pressure.flowing();
                }
                Ok(Step::Again) => {}
                Err(setback) => self.wait_out(setback, &mut backoff).await?,
            }
        }
    }
}

impl fmt::Debug for RedisWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisWriter").field("host", &self.host).field("id", &self.id).finish_non_exhaustive()
    }
}

/// The stream's length.
pub(crate) async fn backlog(link: &mut Link, stream: &Bytes) -> Result<u64, Setback> {
    let reply = link.command("XLEN", vec![stream.clone()]).await?;
    reply.count().ok_or_else(|| Outage::Odd { command: "XLEN" }.into())
}

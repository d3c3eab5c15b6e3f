use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use rustls::ClientConfig;
use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_pipeline::{Acquire, Acquired, Observer, Silent};
use tokio::time::timeout;

use crate::check;
use crate::holder::{self, Holder};
use crate::link::Link;
use crate::memory::Memory;
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};
use crate::script::stored;
use crate::tls::platform_roots;
use crate::{Findings, Probe, RedisError, RedisSettings, RedisWriter};

/// Where the writers of one server and stream come from, one a host.
///
/// It remembers, for as long as the process runs, which hosts had a cursor and which were taken over by another
/// process; clones share that memory. Each writer has a connection of its own, so that one host's trouble is its own.
#[derive(Clone)]
pub struct RedisSinks {
    shared: Arc<Shared>,
    observer: Arc<dyn Observer>,
}

/// What all writers of one process share.
pub(crate) struct Shared {
    pub(crate) settings: RedisSettings,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) memory: Memory,
    /// What the names of all writers of this process begin with.
    pub(crate) process: String,
    writers: AtomicU32,
}

impl Shared {
    /// A name that no other writer has. All are of one length, so that none begins with another.
    pub(crate) fn next_writer(&self) -> String {
        format!("{}{:08x}", self.process, self.writers.fetch_add(1, Ordering::Relaxed))
    }
}

impl RedisSinks {
    /// Sinks with these settings. Nothing is connected yet.
    #[must_use]
    pub fn new(settings: RedisSettings) -> Self {
        let tls = settings.address.is_tls().then(|| settings.tls.clone().unwrap_or_else(platform_roots));
        let shared = Shared {
            settings,
            tls,
            memory: Memory::default(),
            process: format!("{:032x}/", fastrand::u128(..)),
            writers: AtomicU32::new(0),
        };
        Self { shared: Arc::new(shared), observer: Silent::shared() }
    }

    /// The same sinks, whose writers tell this observer of their readiness. An observer belongs to one host.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { shared: Arc::clone(&self.shared), observer }
    }

    /// A connection for looking at the stream's length.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe::new(Arc::clone(&self.shared))
    }

    /// Who may append for this host, and whether that writer is connected at the moment; `None` where nobody ever was.
    ///
    /// Cancel-safe: it only reads. It is bounded by the connect and command deadlines.
    ///
    /// # Errors
    ///
    /// As of a [`check`](Self::check).
    pub async fn holder(&self, key: &CursorKey) -> Result<Option<Holder>, RedisError> {
        let names = Names::new(&self.shared.settings.stream, key);
        self.briefly(async |link| holder::find(link, &names).await).await
    }

    /// Looks whether the server can serve these hosts, before their writers begin.
    ///
    /// Cancel-safe: it only reads. It is bounded by the connect and command deadlines.
    ///
    /// # Errors
    ///
    /// What keeps writers from working and waiting does not cure: a key of the wrong type, refused credentials, a
    /// permission that the user lacks, cluster mode. [`RedisError::Unreachable`] where the server does not answer, or
    /// cannot answer yet.
    pub async fn check(&self, keys: &[CursorKey]) -> Result<Findings, RedisError> {
        let names: Vec<Names> =
            keys.iter().map(|key| Names::new(&self.shared.settings.stream, key)).collect();
        self.briefly(async |link| check::check(link, self.shared.settings.marks, &names).await).await
    }

    /// Does something on a connection of its own.
    async fn briefly<T>(
        &self,
        work: impl AsyncFnOnce(&mut Link) -> Result<T, Setback>,
    ) -> Result<T, RedisError> {
        let deadline = self.shared.settings.deadlines.command;
        let done = timeout(deadline, async {
            let mut link = Link::open(&self.shared.settings, self.shared.tls.as_ref()).await?;
            work(&mut link).await
        });
        let silent = |_| Outage::Silent { command: "a check", after: deadline }.into();
        done.await.map_err(silent).flatten().map_err(Setback::into_error)
    }
}

impl fmt::Debug for RedisSinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSinks").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Acquire for RedisSinks {
    type Sink = RedisWriter;
    type Error = RedisError;

    async fn acquire(&self, key: &CursorKey) -> Result<Acquired<RedisWriter>, RedisError> {
        let mut sink = RedisWriter::new(Arc::clone(&self.shared), key, Arc::clone(&self.observer));
        let cursor = sink.take_over().await?;
        Ok(Acquired { sink, cursor })
    }
}

impl CursorStore for RedisSinks {
    /// Looks at the canonical name first, then at the origin's: what a writer would begin with.
    async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        let names = Names::new(&self.shared.settings.stream, key);
        let found = self.briefly(async |link| {
            for name in std::iter::once(&names.cursor).chain(&names.origin) {
                let reply =
                    link.command("GET", vec![name.clone()]).await.map_err(|setback| named(setback, name))?;
                if let Some(cursor) = stored(&reply, &names)? {
                    return Ok(Some(cursor));
                }
            }
            Ok(None)
        });
        Ok(found.await?)
    }

    /// Stores it under the canonical name. A writer at work finds another cursor than it expects, and begins again
    /// from this one.
    async fn save(&self, key: &CursorKey, cursor: &Cursor) -> Result<(), CursorError> {
        let names = Names::new(&self.shared.settings.stream, key);
        let words = vec![names.cursor.clone(), cursor.to_string().into()];
        self.briefly(async |link| link.command("SET", words).await).await?;
        Ok(())
    }

    /// Removes it under both names, since what stands under the origin's would be adopted. A writer at work takes that
    /// for a loss, and does not go on before its process begins anew.
    async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        let names = Names::new(&self.shared.settings.stream, key);
        let words: Vec<_> = std::iter::once(names.cursor).chain(names.origin).collect();
        self.briefly(async |link| link.command("DEL", words).await).await?;
        Ok(())
    }
}

fn named(setback: Setback, key: &Bytes) -> Setback {
    match setback {
        Setback::WrongType { .. } => {
            RedisError::WrongType { key: shown(key), wanted: "string", found: "other type".to_owned() }.into()
        }
        other @ (Setback::Outage(_) | Setback::Final(_) | Setback::UnknownScript) => other,
    }
}

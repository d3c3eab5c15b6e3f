use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::RedisError;
use crate::link::Link;
use crate::outage::Setback;
use crate::sinks::Shared;
use crate::writer::backlog;

/// Looks at the stream's length, for metrics and readiness, over a connection of its own.
pub struct Probe {
    shared: Arc<Shared>,
    stream: Bytes,
    link: Option<Link>,
}

impl Probe {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let stream = Bytes::copy_from_slice(shared.settings.stream.as_bytes());
        Self { shared, stream, link: None }
    }

    /// Entries in the stream. It connects first where it has to, and is bounded by the connect and command deadlines.
    ///
    /// Cancel-safe: a cancelled call costs the connection.
    ///
    /// # Errors
    ///
    /// [`RedisError::Unreachable`] while the server does not answer; others as of a writer.
    pub async fn backlog(&mut self) -> Result<u64, RedisError> {
        let mut link = if let Some(link) = self.link.take().filter(|link| !link.is_dead()) {
            link
        } else {
            let opened = Link::open(&self.shared.settings, self.shared.tls.as_ref()).await;
            opened.map_err(Setback::into_error)?
        };
        let length = backlog(&mut link, &self.stream).await.map_err(Setback::into_error)?;
        self.link = Some(link);
        Ok(length)
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("stream", &self.stream).finish_non_exhaustive()
    }
}

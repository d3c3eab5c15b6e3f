use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use rustls::ClientConfig;

use crate::link::Link;
use crate::outage::Setback;
use crate::tls::platform_roots;
use crate::{RedisError, RedisSettings};

/// A stream that keeps about its newest entries only, for what is told besides the events.
///
/// It has a connection of its own, which is made when it is needed, and no cursor: what is appended after a lost
/// reply may be there twice. Marks do not count.
pub struct CappedStream {
    settings: RedisSettings,
    tls: Option<Arc<ClientConfig>>,
    entries: u64,
    link: Option<Link>,
}

impl CappedStream {
    /// The stream and field of the settings, kept at about so many entries or a little more. Nothing is connected yet.
    #[must_use]
    pub fn new(settings: RedisSettings, entries: u64) -> Self {
        let tls = settings.address.is_tls().then(|| settings.tls.clone().unwrap_or_else(platform_roots));
        Self { settings, tls, entries, link: None }
    }

    /// Appends one entry. It connects first where it has to, and is bounded by the connect and command deadlines.
    ///
    /// Cancel-safe: a cancelled call costs the connection, and may have appended the entry.
    ///
    /// # Errors
    ///
    /// [`RedisError::Unreachable`] while the server does not answer or cannot write: the entry may be tried again.
    /// Others as of a writer.
    pub async fn append(&mut self, text: &str) -> Result<(), RedisError> {
        let mut link = if let Some(link) = self.link.take().filter(|link| !link.is_dead()) {
            link
        } else {
            Link::open(&self.settings, self.tls.as_ref()).await.map_err(Setback::into_error)?
        };
        let words = [
            &self.settings.stream,
            "MAXLEN",
            "~",
            &self.entries.to_string(),
            "*",
            &self.settings.field,
            text,
        ];
        let words = words.into_iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        link.command("XADD", words).await.map_err(Setback::into_error)?;
        self.link = Some(link);
        Ok(())
    }
}

impl fmt::Debug for CappedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CappedStream")
            .field("stream", &self.settings.stream)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

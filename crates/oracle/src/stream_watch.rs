use std::net::SocketAddr;

use crate::{Reply, RespClient, RigError};

/// Entries that are read at once.
const PAGE: &str = "1000";

/// One instant's view: the cursor, the stream's length, and its last entry.
const SAMPLE: &str = "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return {redis.call('GET', KEYS[2]), redis.call('XLEN', KEYS[1]), last[1] and last[1][2][2] or false}";

/// Takes the oldest entries away, as a consumer does that deletes what it has read.
const CONSUME: &str = "local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1]) or {}
local values = {}
for i = 1, #entries do
  values[i] = entries[i][2][2]
  redis.call('XDEL', KEYS[1], entries[i][1])
end
return values";

/// Looks at one stream of a Redis server, and at the cursor of the one host that writes it.
///
/// It goes on after the server was restarted.
#[derive(Debug)]
pub struct StreamWatch {
    server: SocketAddr,
    stream: String,
    cursor: String,
    client: Option<RespClient>,
}

/// What is there at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The stored cursor.
    pub cursor: Option<u64>,
    /// The stream's length.
    pub length: u64,
    /// The value of its last entry.
    pub last: Option<Vec<u8>>,
}

impl StreamWatch {
    /// Watches this stream and the cursor `{stream}:cursor:{host}`.
    #[must_use]
    pub fn new(server: SocketAddr, stream: &str, host: &str) -> Self {
        Self { server, stream: stream.to_owned(), cursor: format!("{stream}:cursor:{host}"), client: None }
    }

    /// The cursor and the stream as they are at one instant.
    ///
    /// Cancel-safe. It has deadlines of ten seconds.
    ///
    /// # Errors
    ///
    /// As [`RespClient::command`]; [`RigError::Protocol`] when the server refuses.
    pub async fn sample(&mut self) -> Result<Sample, RigError> {
        let (stream, cursor) = (self.stream.clone(), self.cursor.clone());
        let reply = self.look(["EVAL", SAMPLE, "2", &stream, &cursor]).await?;
        let [cursor, length, last] = reply.items() else { return Err(odd(&reply)) };
        let cursor = match bytes(cursor) {
            None => None,
            Some(_) => Some(cursor.text().and_then(|text| text.parse().ok()).ok_or_else(|| odd(&reply))?),
        };
        let length =
            length.integer().and_then(|length| u64::try_from(length).ok()).ok_or_else(|| odd(&reply))?;
        Ok(Sample { cursor, length, last: bytes(last).map(<[u8]>::to_vec) })
    }

    /// Takes away up to this many of the oldest entries, and returns their values in order.
    ///
    /// Not cancel-safe: what a cancelled call took is lost. It has a deadline of ten seconds.
    pub async fn consume(&mut self, count: u64) -> Result<Vec<Vec<u8>>, RigError> {
        let (stream, count) = (self.stream.clone(), count.to_string());
        let reply = self.command(["EVAL", CONSUME, "1", &stream, &count]).await?;
        if reply.is_error() {
            return Err(odd(&reply));
        }
        reply.items().iter().map(|value| bytes(value).map(<[u8]>::to_vec).ok_or_else(|| odd(value))).collect()
    }

    /// Reads the whole stream in pages, oldest entry first.
    ///
    /// Cancel-safe. It has a deadline of ten seconds a page.
    ///
    /// # Errors
    ///
    /// [`RigError::Protocol`] also for an entry with another field or more than one.
    pub async fn read_all(&mut self, field: &str, mut each: impl FnMut(&[u8])) -> Result<(), RigError> {
        let stream = self.stream.clone();
        let mut from = "-".to_owned();
        loop {
            let page = self.look(["XRANGE", &stream, &from, "+", "COUNT", PAGE]).await?;
            if page.is_error() {
                return Err(odd(&page));
            }
            for entry in page.items() {
                let [id, fields] = entry.items() else { return Err(odd(entry)) };
                let [name, value] = fields.items() else { return Err(odd(entry)) };
                let (Some(id), Some(value)) = (id.text(), bytes(value)) else { return Err(odd(entry)) };
                if name.text() != Some(field) {
                    return Err(odd(entry));
                }
                each(value);
                from = format!("({id}");
            }
            if page.items().is_empty() {
                return Ok(());
            }
        }
    }

    /// A command that changes nothing, and may be sent again where the connection is of a server that has gone.
    async fn look<const N: usize>(&mut self, words: [&str; N]) -> Result<Reply, RigError> {
        let is_known = self.client.is_some();
        match self.command(words).await {
            Err(_) if is_known => self.command(words).await,
            answer => answer,
        }
    }

    async fn command<const N: usize>(&mut self, words: [&str; N]) -> Result<Reply, RigError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => RespClient::connect(self.server).await?,
        };
        let reply = client.command(words).await?;
        self.client = Some(client);
        Ok(reply)
    }
}

fn bytes(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes),
        Reply::Status(_) | Reply::Error(_) | Reply::Integer(_) | Reply::Array(_) | Reply::Nil => None,
    }
}

fn odd(reply: &Reply) -> RigError {
    RigError::Protocol { found: format!("{reply:?}").chars().take(200).collect() }
}

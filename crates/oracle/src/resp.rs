use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::RigError;

/// The longest that one command may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A status such as `OK`.
    Status(String),
    /// An error, with its prefix: `WRONGTYPE Operation against …`.
    Error(String),
    /// A number.
    Integer(i64),
    /// A string of bytes.
    Bulk(Vec<u8>),
    /// Several replies.
    Array(Vec<Reply>),
    /// Nothing is there.
    Nil,
}

impl Reply {
    /// The number, if it is one.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Status(_) | Self::Error(_) | Self::Bulk(_) | Self::Array(_) | Self::Nil => None,
        }
    }

    /// The text of a status, an error or a string in UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Status(text) | Self::Error(text) => Some(text),
            Self::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Integer(_) | Self::Array(_) | Self::Nil => None,
        }
    }

    /// The replies of an array; empty for anything else.
    #[must_use]
    pub fn items(&self) -> &[Reply] {
        match self {
            Self::Array(items) => items,
            Self::Status(_) | Self::Error(_) | Self::Integer(_) | Self::Bulk(_) | Self::Nil => &[],
        }
    }

    /// Whether the server refused the command.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

/// A connection for raw commands in RESP2, one at a time.
#[derive(Debug)]
pub struct RespClient {
    stream: BufReader<TcpStream>,
}

impl RespClient {
    /// Connects to a server.
    ///
    /// Cancel-safe. It has a deadline of ten seconds.
    pub async fn connect(address: SocketAddr) -> Result<Self, RigError> {
        let connected = within("the server to accept a connection", TcpStream::connect(address)).await?;
        let stream = connected.map_err(RigError::io("connect to the server"))?;
        stream.set_nodelay(true).map_err(RigError::io("connect to the server"))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one command and reads its reply; an error reply is a [`Reply::Error`].
    ///
    /// Not cancel-safe: after a cancelled call the connection may owe a reply. It has a deadline of ten seconds.
    pub async fn command<I>(&mut self, words: I) -> Result<Reply, RigError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let request = encode(words);
        within("a reply", async {
            self.stream.write_all(&request).await.map_err(RigError::io("send a command"))?;
            self.reply().await
        })
        .await?
    }

    async fn reply(&mut self) -> Result<Reply, RigError> {
        let line = self.line().await?;
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err(RigError::Protocol { found: line });
        };
        let number = || rest.parse::<i64>().map_err(|_| RigError::Protocol { found: line.clone() });
        match kind {
            "+" => Ok(Reply::Status(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => Ok(Reply::Integer(number()?)),
            "$" => match usize::try_from(number()?) {
                Ok(length) => self.bulk(length).await,
                Err(_) => Ok(Reply::Nil),
            },
            "*" => {
                let Ok(count) = usize::try_from(number()?) else { return Ok(Reply::Nil) };
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(Box::pin(self.reply()).await?);
                }
                Ok(Reply::Array(items))
            }
            _ => Err(RigError::Protocol { found: line }),
        }
    }

    async fn bulk(&mut self, length: usize) -> Result<Reply, RigError> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await.map_err(RigError::io("read a reply"))?;
        bytes.truncate(length);
        Ok(Reply::Bulk(bytes))
    }

    async fn line(&mut self) -> Result<String, RigError> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.map_err(RigError::io("read a reply"))?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(RigError::Protocol { found: line }),
        }
    }
}

fn encode<I>(words: I) -> Vec<u8>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut body = Vec::new();
    let mut count = 0;
    for word in words {
        let word = word.as_ref();
        body.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        body.extend_from_slice(word);
        body.extend_from_slice(b"\r\n");
        count += 1;
    }
    let mut request = format!("*{count}\r\n").into_bytes();
    request.append(&mut body);
    request
}

async fn within<T>(what: &'static str, work: impl Future<Output = T>) -> Result<T, RigError> {
    timeout(DEADLINE, work).await.map_err(|_| RigError::Deadline { what, after: DEADLINE })
}

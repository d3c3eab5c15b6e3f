//! Listening sockets, and accepted ones with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use crate::SimulatorError;
use crate::net::Authority;

/// How long a client may take to end its side after ours has ended.
const LINGER: Duration = Duration::from_secs(5);

/// Listens on an address; accepted sockets inherit the size of the send buffer.
pub(crate) fn listen(addr: SocketAddr, send_buffer: Option<u32>) -> Result<TcpListener, SimulatorError> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        if let Some(len_bytes) = send_buffer {
            socket.set_send_buffer_size(len_bytes)?;
        }
        socket.bind(addr)?;
        socket.listen(1024)
    };
    listen().map_err(|source| SimulatorError::Listen { addr, source })
}

/// Serves each connection in a task of its own, all of which end with the one that is returned.
pub(crate) fn accept_each<S>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> S + Send + 'static,
) -> JoinHandle<()>
where
    S: Future<Output = ()> + Send + 'static,
{
    let accept = async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((tcp, _)) => _ = connections.spawn(serve(tcp)),
                    // Out of file descriptors, or gone again: neither is the listener's end.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a development tool, not supervised")]
    tokio::spawn(accept)
}

/// An accepted connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Shakes hands where there is an authority to do so for.
    pub(crate) async fn accept(tcp: TcpStream, authority: Option<&Authority>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        match authority {
            None => Ok(Self::Plain(tcp)),
            Some(authority) => Ok(Self::Tls(Box::new(authority.acceptor().accept(tcp).await?))),
        }
    }

    /// Ends our side, and reads on until the client ends its own: a socket closed with something unread would
    /// be reset, and what was sent last could be lost.
    pub(crate) async fn hang_up(&mut self) {
        let drain = async {
            self.shutdown().await?;
            let mut sink = [0; 4096];
            while self.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        };
        // Whether it ends well or not, this was the last of it.
        let _ = timeout(LINGER, drain).await;
    }

    /// Says nothing for a time, or until the client is gone.
    pub(crate) async fn stall(&mut self, time: Option<Duration>) -> io::Result<()> {
        let mut sink = [0; 1024];
        let gone = async {
            while self.read(&mut sink).await? > 0 {}
            Err(io::ErrorKind::UnexpectedEof.into())
        };
        match time {
            None => gone.await,
            Some(time) => timeout(time, gone).await.unwrap_or(Ok(())),
        }
    }

    /// Makes the drop of the connection a reset instead of an orderly end.
    pub(crate) fn reset_on_drop(&self) {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        };
        // A socket that is gone already needs no reset.
        let _ = tcp.set_zero_linger();
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }
}

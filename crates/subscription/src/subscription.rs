use std::fmt;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use standpipe_cursor::{Endpoint, Resume};
use standpipe_pipeline::{Observation, Observer, RawMessage, Source};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use crate::dial::{ANY, ConnectDeadline, Permits, dial};
use crate::error::Phase;
use crate::session::{Inbound, Session, Step};
use crate::upgrade::Request;
use crate::wire::Wire;
use crate::{MAX_MESSAGE_BYTES, Quoted, Settings, SubscriptionError, Transport};

/// What one read takes at most. The client clears that much before each read. Over TLS all sizes from 4 to 256 KB are
/// alike; without, 64 KB is 1.4 times as fast as 32 KB, and more gains nothing (`benches/read.rs -- buffers`).
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// We write pings, pongs and one goodbye. A host that does not take even those does not make us collect them.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// More pings and pongs than a host sends while nobody reads for an hour.
const CONTROLS_IN_A_ROW: u32 = 1_000;

/// One subscription of one host: its messages as they are, binary or text, in the host's order.
///
/// Every ending is an error: a subscription has no last message. It reads nothing ahead but what one read of the
/// transport brings, so a reader that pauses slows the host.
pub struct Subscription<T = Transport> {
    socket: WebSocketStream<Wire<T>>,
    session: Session,
    park_within: Duration,
    observer: Arc<dyn Observer>,
    messages: u64,
    controls_in_a_row: u32,
    flushing: bool,
    alarm: Pin<Box<Sleep>>,
}

impl Subscription<Transport> {
    /// Connects to the host and asks it to go on from `resume`. `nsid` is the method, such as
    /// `com.atproto.sync.subscribeRepos`.
    ///
    /// Bounded by [`Deadlines::connect`](crate::Deadlines::connect). Cancel-safe: what was opened is closed. The
    /// observer goes on to hear when a quiet host answers a ping.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`]; its [`remedy`](standpipe_pipeline::Transient::remedy) says when to try again.
    pub async fn connect(
        settings: &Settings,
        endpoint: &Endpoint,
        nsid: &str,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, SubscriptionError> {
        Self::connect_where(settings, endpoint, ANY, nsid, resume, observer).await
    }

    /// As [`connect`](Subscription::connect), at addresses that are permitted only: for hosts that strangers named. What
    /// is judged is what is dialled.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`], also where no address is permitted.
    pub async fn connect_where(
        settings: &Settings,
        endpoint: &Endpoint,
        permits: Permits,
        nsid: &str,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, SubscriptionError> {
        let request = Request::new(&settings.user_agent, endpoint, nsid, resume)?;
        observer.observe(Observation::Connecting);
        let deadline = ConnectDeadline::begin(settings);
        let transport = dial(&settings.tls, endpoint, permits, deadline).await?;
        let subscription = Self::upgrade(transport, settings, request, deadline, observer).await?;
        observer.observe(Observation::Connected { resume });
        tracing::info!(host = %endpoint, nsid, resume = resume.parameter(), "subscribed");
        Ok(subscription)
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Subscription<T> {
    /// As [`connect`](Subscription::connect), over a connection that exists already: a tunnel, a local socket.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError`].
    pub async fn over(
        transport: T,
        settings: &Settings,
        endpoint: &Endpoint,
        nsid: &str,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, SubscriptionError> {
        let request = Request::new(&settings.user_agent, endpoint, nsid, resume)?;
        observer.observe(Observation::Connecting);
        let deadline = ConnectDeadline::begin(settings);
        let subscription = Self::upgrade(transport, settings, request, deadline, observer).await?;
        observer.observe(Observation::Connected { resume });
        Ok(subscription)
    }

    async fn upgrade(
        mut transport: T,
        settings: &Settings,
        request: Request,
        deadline: ConnectDeadline,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, SubscriptionError> {
        let first_frames = deadline.hold(Phase::Upgrade, request.send(&mut transport)).await?;
        let wire = Wire::new(transport, &first_frames);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let socket =
            WebSocketStream::from_partially_read(wire, first_frames, Role::Client, Some(config)).await;
        let now = Instant::now();
        Ok(Self {
            socket,
            session: Session::new(settings.deadlines, now),
            park_within: settings.deadlines.park,
            observer: Arc::clone(observer),
            messages: 0,
            controls_in_a_row: 0,
            flushing: false,
            alarm: Box::pin(sleep_until(now)),
        })
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<RawMessage, SubscriptionError>> {
        loop {
            let error = match self.socket.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(Message::Binary(bytes)))) => {
                    return Poll::Ready(Ok(self.counted(RawMessage::Binary(bytes))));
                }
                Poll::Ready(Some(Ok(Message::Text(text)))) => {
                    return Poll::Ready(Ok(self.counted(RawMessage::Text(text.into()))));
                }
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {
                    self.controls_in_a_row += 1;
                    if self.controls_in_a_row <= CONTROLS_IN_A_ROW {
                        // The next poll also writes and flushes the pong.
                        continue;
                    }
                    SubscriptionError::ControlFlood { count: CONTROLS_IN_A_ROW }
                }
                Poll::Ready(Some(Ok(Message::Close(goodbye)))) => {
                    // Answers the goodbye as far as the transport takes it at once.
                    _ = self.socket.poll_flush_unpin(cx);
                    closed(goodbye.as_ref())
                }
                Poll::Ready(Some(Err(error))) => self.ended(error),
                Poll::Ready(None) => self.ended(WebSocketError::ConnectionClosed),
                Poll::Pending => match self.poll_quiet(cx) {
                    Poll::Ready(error) => error,
                    Poll::Pending => return Poll::Pending,
                },
            };
            return Poll::Ready(Err(error));
        }
    }

    fn counted(&mut self, message: RawMessage) -> RawMessage {
        self.messages += 1;
        self.controls_in_a_row = 0;
        message
    }

    /// Nothing is there to read: the only place where the time is asked and the alarm is set.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<SubscriptionError> {
        self.controls_in_a_row = 0;
        if mem::take(&mut self.flushing) {
            self.flush(cx);
        }
        let frames = self.socket.get_ref().frames();
        let inbound =
            Inbound { bytes: frames.bytes(), messages: self.messages, under_way: frames.under_way() };
        loop {
            let now = Instant::now();
            let step = self.session.quiet(now, inbound);
            if self.session.was_answered() {
                self.observer.observe(Observation::Alive);
            }
            match step {
                Err(error) => return Poll::Ready(error),
                Ok(Step::Ping) => self.ping(cx),
                Ok(Step::WaitUntil(instant)) => {
                    // An alarm that is early costs one look at the clock; moving it with every message costs more.
                    let alarm = self.alarm.deadline();
                    if alarm <= now || alarm > instant {
                        self.alarm.as_mut().reset(instant);
                    }
                    if self.alarm.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// A ping that cannot be written is as good as one that is not answered, so failures are left to the session
    /// and to the next read.
    fn ping(&mut self, cx: &mut Context<'_>) {
        _ = self.socket.start_send_unpin(Message::Ping(Bytes::new()));
        self.flush(cx);
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        self.flushing = self.socket.poll_flush_unpin(cx).is_pending();
    }

    fn ended(&self, error: WebSocketError) -> SubscriptionError {
        let in_message = self.socket.get_ref().frames().under_way().is_some();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a foreign enum; nothing else comes from reading bytes well"
        )]
        match error {
            WebSocketError::Io(source) if source.kind() == ErrorKind::UnexpectedEof => {
                SubscriptionError::Ended { in_message }
            }
            WebSocketError::Io(source) => SubscriptionError::Broken { in_message, source },
            WebSocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | WebSocketError::ConnectionClosed
            | WebSocketError::AlreadyClosed => SubscriptionError::Ended { in_message },
            WebSocketError::Capacity(CapacityError::MessageTooLong { size, .. }) => {
                SubscriptionError::TooLarge { len_bytes: size }
            }
            other => SubscriptionError::Violation { source: Box::new(other) },
        }
    }

    /// The close handshake: our goodbye, the host's, and the end of the connection.
    async fn take_leave(&mut self) -> Result<(), WebSocketError> {
        self.socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await?;
        while let Some(message) = self.socket.next().await {
            if message?.is_close() {
                break;
            }
        }
        self.socket.get_mut().shutdown().await?;
        Ok(())
    }
}

impl<T: fmt::Debug> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket, session, messages, .. } = self;
        f.debug_struct("Subscription")
            .field("socket", socket)
            .field("session", session)
            .field("messages", messages)
            .finish_non_exhaustive()
    }
}

fn closed(goodbye: Option<&CloseFrame>) -> SubscriptionError {
    let code = goodbye.map_or(1005, |goodbye| goodbye.code.into());
    let reason = Quoted::new(goodbye.map_or(&[], |goodbye| goodbye.reason.as_bytes()));
    SubscriptionError::Closed { code, reason }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Source for Subscription<T> {
    type Item = RawMessage;
    type Error = SubscriptionError;

    async fn next(&mut self) -> Result<Option<RawMessage>, SubscriptionError> {
        poll_fn(|cx| self.poll_message(cx)).await.map(Some)
    }

    async fn park(&mut self) {
        match timeout(self.park_within, self.take_leave()).await {
            Ok(Ok(())) => tracing::debug!("took leave of the host"),
            Ok(Err(error)) => tracing::debug!(%error, "the host left before the leave was taken"),
            Err(_) => tracing::debug!("the host did not answer the goodbye"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_can_move_between_threads() {
        fn is_send<S: Send>() {}
        is_send::<Subscription>();
    }
}

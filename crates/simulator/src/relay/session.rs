//! The speaking side of one connection: frames as they come to be, faults as they are due.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use tokio::io::WriteHalf;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::encode::frame;
use crate::net::listener::Stream;
use crate::net::websocket::{self, Opcode};
use crate::relay::client::{Ears, Said};
use crate::relay::cursor::Begin;
use crate::relay::fault::{Message, Silence, StreamFault};
use crate::relay::growth::Growth;
use crate::relay::ledger::Ended;
use crate::relay::output::{ENOUGH, Output};
use crate::relay::plan::{Armed, FaultId};
use crate::relay::{AtEnd, Shared};

/// How to part from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It has gone.
    Nothing,
    /// A close frame was sent: wait for the client's.
    AwaitClose,
    /// End the TCP connection in order.
    HangUp,
    /// Reset it.
    Reset,
}

type End = (Farewell, Ended);

pub(super) struct Session<'c> {
    shared: &'c Shared,
    ears: &'c Ears,
    ordinal: u64,
    growth: watch::Receiver<Growth>,
    plan: watch::Receiver<u64>,
    armed: Vec<Armed>,
    /// Faults that this connection has had and will not have again.
    had: BTreeSet<FaultId>,
    /// The number of the next frame.
    next: u64,
    /// How many frames have been sent.
    sent: u64,
    /// How many of these are in the ledger.
    noted: u64,
    answers_pings: bool,
}

impl<'c> Session<'c> {
    pub(super) fn new(shared: &'c Shared, ears: &'c Ears, ordinal: u64) -> Self {
        Self {
            shared,
            ears,
            ordinal,
            growth: shared.growth.subscribe(),
            plan: shared.faults.subscribe(),
            armed: Vec::new(),
            had: BTreeSet::new(),
            next: 0,
            sent: 0,
            noted: 0,
            answers_pings: true,
        }
    }

    /// Sends what there is to send until something ends it.
    pub(super) async fn speak(
        mut self,
        write: &mut WriteHalf<Stream>,
        cursor: Option<u64>,
    ) -> io::Result<End> {
        let mut out = Output::new(write, &self.shared.ledger, self.ordinal, self.shared.settings.too_slow);
        let ended = match self.begin(&mut out, cursor) {
            Some(end) => self.flush(&mut out).await.map(|()| end),
            None => self.stream(&mut out).await,
        };
        match ended {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok((Farewell::Reset, Ended::TooSlow)),
            ended => ended,
        }
    }

    fn begin(&mut self, out: &mut Output<'_>, cursor: Option<u64>) -> Option<End> {
        let (oldest, frames) = {
            let growth = self.growth.borrow();
            (growth.oldest(), growth.frames())
        };
        let begin = self.shared.settings.cursors.begin(&self.shared.feed, cursor, oldest, frames);
        match begin {
            Begin::At(index) => self.next = index,
            Begin::Outdated(index) => {
                self.next = index;
                let info = frame::info("OutdatedCursor", Some("requested cursor exceeded limit"));
                websocket::append(&mut out.buffer, Opcode::Binary, &info);
            }
            Begin::Refuse => {
                append_error(out, "FutureCursor", Some("cursor in the future"));
                return Some((Farewell::AwaitClose, Ended::FutureCursor));
            }
        }
        self.arm();
        None
    }

    async fn stream(&mut self, out: &mut Output<'_>) -> io::Result<End> {
        loop {
            if let Some(end) = self.answer(out).await? {
                return Ok(end);
            }
            if self.plan.has_changed().unwrap_or(false) {
                self.arm();
            }
            let frames = self.growth.borrow().frames();
            if let Some(fault) = self.due(frames) {
                self.flush(out).await?;
                if let Some(end) = self.suffer(fault, out).await? {
                    return Ok(end);
                }
                continue;
            }
            let room = self.armed.iter().map(|armed| armed.room(self.next, self.sent)).min();
            let end = frames.min(self.next.saturating_add(room.unwrap_or(u64::MAX)));
            self.append_until(end, out);
            if !out.buffer.is_empty() {
                self.flush(out).await?;
                if out.is_too_slow {
                    append_error(out, "ConsumerTooSlow", Some("stream consumer too slow"));
                    self.flush(out).await?;
                    return Ok((Farewell::AwaitClose, Ended::TooSlow));
                }
                // Frames may be made faster than a socket takes them, and then nothing else would yield.
                tokio::task::consume_budget().await;
                continue;
            }
            if let Some(end) = self.at_end(out).await? {
                return Ok(end);
            }
            self.wait(out).await;
        }
    }

    fn append_until(&mut self, end: u64, out: &mut Output<'_>) {
        while self.next < end && out.buffer.len() < ENOUGH {
            self.shared.feed.append(self.next, &mut out.buffer);
            self.next += 1;
            self.sent += 1;
        }
    }

    /// Answers what the client has said.
    async fn answer(&mut self, out: &mut Output<'_>) -> io::Result<Option<End>> {
        while let Some(said) = self.ears.take() {
            match said {
                Said::Ping(payload) if self.answers_pings => {
                    websocket::append(&mut out.buffer, Opcode::Pong, &payload);
                }
                Said::Ping(_) => {}
                Said::Close(payload) => {
                    websocket::append(&mut out.buffer, Opcode::Close, &payload);
                    self.flush(out).await?;
                    return Ok(Some((Farewell::HangUp, Ended::ByClient)));
                }
            }
        }
        Ok(None)
    }

    async fn at_end(&mut self, out: &mut Output<'_>) -> io::Result<Option<End>> {
        let is_over = self.growth.borrow().is_past_the_end(self.next);
        let AtEnd::Close { code, reason } = &self.shared.settings.at_end else { return Ok(None) };
        if !is_over {
            return Ok(None);
        }
        websocket::append_close(&mut out.buffer, *code, reason);
        self.flush(out).await?;
        Ok(Some((Farewell::AwaitClose, Ended::AtEnd)))
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self, out: &mut Output<'_>) {
        let due = self.growth.borrow_and_update().due(self.next);
        let ping_at = self.shared.settings.ping_after.map(|after| Instant::now() + after);
        tokio::select! {
            () = self.ears.news() => {}
            _ = self.growth.changed() => {}
            _ = self.plan.changed() => self.arm(),
            () = maybe(due) => {}
            () = maybe(ping_at) => websocket::append(&mut out.buffer, Opcode::Ping, b""),
        }
    }

    fn arm(&mut self) {
        self.plan.mark_unchanged();
        let repeating = std::mem::take(&mut self.armed);
        self.armed = self.shared.faults.armed(self.ordinal, self.sent, &self.had, &self.shared.feed);
        // One that comes again has its next moment from its last.
        for armed in &mut self.armed {
            if let Some(before) = repeating.iter().find(|before| before.id == armed.id) {
                *armed = *before;
            }
        }
    }

    /// The next fault that is due, if any.
    fn due(&mut self, frames: u64) -> Option<StreamFault> {
        let more = self.next < frames;
        loop {
            let place = self.armed.iter().position(|armed| armed.is_due(self.next, self.sent, more))?;
            let armed = self.armed.remove(place);
            match armed.again(self.sent) {
                Some(again) => self.armed.insert(place, again),
                None => _ = self.had.insert(armed.id),
            }
            match self.shared.faults.take(armed.id) {
                Some(fault) => return Some(fault),
                None => self.armed.retain(|other| other.id != armed.id),
            }
        }
    }

    async fn suffer(&mut self, fault: StreamFault, out: &mut Output<'_>) -> io::Result<Option<End>> {
        let end = match fault {
            StreamFault::Send(message) => {
                append_message(out, &message);
                None
            }
            StreamFault::Replace(bytes) => {
                websocket::append(&mut out.buffer, Opcode::Binary, &bytes);
                self.next += 1;
                None
            }
            StreamFault::Error { name, message } => {
                append_error(out, &name, message.as_deref());
                Some((Farewell::AwaitClose, Ended::ByFault))
            }
            StreamFault::Close { code, reason } => {
                websocket::append_close(&mut out.buffer, code, &reason);
                Some((Farewell::AwaitClose, Ended::ByFault))
            }
            StreamFault::HangUp => Some((Farewell::HangUp, Ended::ByFault)),
            StreamFault::Reset => Some((Farewell::Reset, Ended::ByFault)),
            StreamFault::CutMidMessage => {
                self.shared.feed.append(self.next, &mut out.buffer);
                out.buffer.truncate(out.buffer.len() / 2);
                Some((Farewell::HangUp, Ended::ByFault))
            }
            StreamFault::Silence(silence, time) => return self.keep_silent(silence, time, out).await,
            StreamFault::Trickle { bytes_per_second } => {
                out.trickle(bytes_per_second);
                None
            }
            StreamFault::Fragment { fragments } => {
                let mut message = Vec::new();
                self.shared.feed.append(self.next, &mut message);
                let payload = websocket::payload(&message);
                let fragments = usize::try_from(fragments).unwrap_or(usize::MAX);
                websocket::append_fragmented(&mut out.buffer, Opcode::Binary, payload, fragments);
                self.next += 1;
                self.sent += 1;
                None
            }
            StreamFault::Repeat { times } => {
                for _ in 0..times {
                    self.shared.feed.append(self.next, &mut out.buffer);
                }
                None
            }
            StreamFault::JumpBack { frames } => {
                self.next = self.next.saturating_sub(frames);
                None
            }
            StreamFault::Skip { frames } => {
                self.next = self.next.saturating_add(frames);
                None
            }
        };
        self.flush(out).await?;
        Ok(end)
    }

    async fn keep_silent(
        &mut self,
        silence: Silence,
        time: Option<Duration>,
        out: &mut Output<'_>,
    ) -> io::Result<Option<End>> {
        let until = time.map(|time| Instant::now() + time);
        match silence {
            Silence::HalfOpen => {
                self.ears.deafen();
                maybe(until).await;
                return Ok(Some((Farewell::Reset, Ended::ByFault)));
            }
            Silence::AnswersPings => {}
            Silence::IgnoresPings => self.answers_pings = false,
        }
        loop {
            if let Some(end) = self.answer(out).await? {
                return Ok(Some(end));
            }
            self.flush(out).await?;
            tokio::select! {
                () = self.ears.news() => {}
                () = maybe(until) => break,
            }
        }
        self.answers_pings = true;
        Ok(None)
    }

    async fn flush(&mut self, out: &mut Output<'_>) -> io::Result<()> {
        if out.buffer.is_empty() {
            return Ok(());
        }
        let written = out.flush().await?;
        let newly_sent = self.sent - self.noted;
        self.noted = self.sent;
        let last_seq = self.next.checked_sub(1).and_then(|last| self.shared.feed.seq_at(last));
        self.shared.ledger.note(self.ordinal, |connection| {
            connection.frames += newly_sent;
            connection.bytes += written as u64;
            if newly_sent > 0 {
                connection.last_seq = last_seq;
            }
        });
        Ok(())
    }
}

fn append_message(out: &mut Output<'_>, message: &Message) {
    match message {
        Message::Binary(bytes) => websocket::append(&mut out.buffer, Opcode::Binary, bytes),
        Message::Text(text) => websocket::append(&mut out.buffer, Opcode::Text, text.as_bytes()),
        Message::Zeros { len } => {
            websocket::append_head(&mut out.buffer, Opcode::Binary, *len, true);
            out.buffer.resize(out.buffer.len() + len, 0);
        }
        Message::Ping(bytes) => websocket::append(&mut out.buffer, Opcode::Ping, bytes),
        Message::Pong(bytes) => websocket::append(&mut out.buffer, Opcode::Pong, bytes),
    }
}

fn append_error(out: &mut Output<'_>, name: &str, message: Option<&str>) {
    websocket::append(&mut out.buffer, Opcode::Binary, &frame::error(name, message));
    websocket::append_close(&mut out.buffer, 1008, name);
}

/// Waits until then, or for ever.
async fn maybe(then: Option<Instant>) {
    match then {
        Some(then) => sleep_until(then).await,
        None => std::future::pending().await,
    }
}

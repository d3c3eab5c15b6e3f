//! The client's side of a connection, as the relay hears it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, ReadHalf};
use tokio::sync::Notify;

use crate::net::listener::Stream;
use crate::net::websocket::{ClientFrame, ClientFrames, Opcode};
use crate::relay::ledger::{Connection, Ended, Ledger};

/// What the client said that has to be answered, and that nobody is to listen any more.
#[derive(Debug, Default)]
pub(super) struct Ears {
    said: Mutex<VecDeque<Said>>,
    news: Notify,
    deaf: Notify,
}

/// What a client said.
#[derive(Debug)]
pub(super) enum Said {
    Ping(Vec<u8>),
    Close(Vec<u8>),
}

impl Ears {
    pub(super) fn take(&self) -> Option<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Waits until something was said. Cancel-safe.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Waits until the client has sent a close frame. Cancel-safe.
    pub(super) async fn close(&self) {
        loop {
            while let Some(said) = self.take() {
                if let Said::Close(_) = said {
                    return;
                }
            }
            self.news().await;
        }
    }

    /// From now on, nothing more is read.
    pub(super) fn deafen(&self) {
        self.deaf.notify_one();
    }

    fn hear(&self, said: Said) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push_back(said);
        self.news.notify_one();
    }
}

/// Reads what the client sends until it is gone, and enters it in the ledger.
pub(super) async fn listen(
    read: &mut ReadHalf<Stream>,
    already_read: &[u8],
    ears: &Ears,
    ledger: &Ledger<Connection>,
    ordinal: u64,
) -> Ended {
    let mut frames = ClientFrames::default();
    frames.push(already_read);
    let mut closed = false;
    let mut buffer = [0; 4096];
    loop {
        while let Some(ClientFrame { opcode, payload }) = frames.next() {
            if opcode == Opcode::Close as u8 {
                closed = true;
                let close = close_of(&payload);
                ledger.note(ordinal, |connection| connection.close = Some(close));
                ears.hear(Said::Close(payload));
            } else if opcode == Opcode::Ping as u8 {
                ledger.note(ordinal, |connection| connection.pings += 1);
                ears.hear(Said::Ping(payload));
            } else if opcode == Opcode::Pong as u8 {
                ledger.note(ordinal, |connection| connection.pongs += 1);
            } else {
                ledger.note(ordinal, |connection| connection.messages += 1);
            }
        }
        let heard = tokio::select! {
            biased;
            // Half-open: the socket stays as it is until the speaking side ends the connection.
            () = ears.deaf.notified() => std::future::pending().await,
            heard = read.read(&mut buffer) => heard,
        };
        match heard {
            Ok(0) | Err(_) if closed => return Ended::ByClient,
            Ok(0) | Err(_) => return Ended::ClientGone,
            Ok(len) => frames.push(&buffer[..len]),
        }
    }
}

/// The code, 1005 where there is none, and the reason.
fn close_of(payload: &[u8]) -> (u16, String) {
    match payload.split_first_chunk() {
        Some((code, reason)) => (u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()),
        None => (1005, String::new()),
    }
}

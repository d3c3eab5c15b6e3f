//! The two ceilings: reading from the relay alone, and appending to Redis alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;

use crate::relay::BenchRelay;

/// What the redis sink appends with.
const APPEND: &str = include_str!("../../../redis-sink/src/append.lua");
const BATCH: u64 = 500;
const PAYLOAD_BYTES: usize = 592;
/// Batches that are under way at a time: with two, Redis never waits for the network.
const IN_FLIGHT: usize = 2;
const WARM_UP: Duration = Duration::from_millis(500);

/// Frames a second of a bare tokio-tungstenite reader over TLS that only counts bytes, on one thread.
pub(crate) fn read_alone(relay: &BenchRelay, span: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(relay.address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(relay.client()));
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (mut socket, _) =
            client_async("ws://localhost/xrpc/com.atproto.sync.subscribeRepos?cursor=0", stream)
                .await
                .unwrap();
        let (mut bytes, mut frames, mut measured_from) = (0, 0_u32, None);
        let began = Instant::now();
        loop {
            bytes += socket.next().await.unwrap().unwrap().len();
            frames += 1;
            if frames % 256 != 0 {
                continue;
            }
            match measured_from {
                None if began.elapsed() > WARM_UP => measured_from = Some((frames, Instant::now())),
                Some((from, since)) if since.elapsed() > span => {
                    assert!(bytes > 0);
                    return f64::from(frames - from) / since.elapsed().as_secs_f64();
                }
                None | Some(_) => {}
            }
        }
    })
}

/// Entries a second of the append script, fed with batches that are made already.
pub(crate) fn append_alone(server: SocketAddr, span: Duration) -> f64 {
    let mut feeder = Feeder::connect(server);
    feeder.command(&["SET", "bench:fence", "1:bench"]);
    let sha = feeder.command(&["SCRIPT", "LOAD", APPEND]);
    let payloads = {
        let payload = format!("${PAYLOAD_BYTES}\r\n{}\r\n", "x".repeat(PAYLOAD_BYTES));
        payload.repeat(usize::try_from(BATCH).unwrap())
    };
    let (mut sent, mut done, mut measured_from) = (0_u64, 0_u64, None);
    let began = Instant::now();
    loop {
        while sent - done < IN_FLIGHT as u64 {
            let from = if sent == 0 { String::new() } else { sent.to_string() };
            let to = (sent + 1).to_string();
            let head = [
                "EVALSHA",
                &sha,
                "3",
                "bench",
                "bench:cursor",
                "bench:fence",
                "1:bench",
                &from,
                &to,
                "1000000000",
                "event",
            ];
            let mut command = format!("*{}\r\n", head.len() as u64 + BATCH).into_bytes();
            for word in &head {
                append_word(&mut command, word);
            }
            command.extend_from_slice(payloads.as_bytes());
            feeder.stream.get_mut().write_all(&command).unwrap();
            sent += 1;
        }
        let code = feeder.reply();
        assert_eq!(code, "1", "the script refuses");
        done += 1;
        match measured_from {
            None if began.elapsed() > WARM_UP => measured_from = Some((done, Instant::now())),
            Some((from, since)) if since.elapsed() > span => {
                #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
                return ((done - from) * BATCH) as f64 / since.elapsed().as_secs_f64();
            }
            None | Some(_) => {}
        }
    }
}

struct Feeder {
    stream: BufReader<TcpStream>,
}

impl Feeder {
    fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn command(&mut self, words: &[&str]) -> String {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            append_word(&mut command, word);
        }
        self.stream.get_mut().write_all(&command).unwrap();
        self.reply()
    }

    /// The reply, or the first of an array.
    fn reply(&mut self) -> String {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        match kind {
            "+" | ":" => rest.to_owned(),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut text).unwrap();
                String::from_utf8(text).unwrap().trim_end().to_owned()
            }
            "*" => {
                let replies: Vec<String> =
                    (0..rest.parse::<usize>().unwrap()).map(|_| self.reply()).collect();
                replies.into_iter().next().unwrap_or_default()
            }
            _ => panic!("Redis answers {line}"),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

fn append_word(command: &mut Vec<u8>, word: &str) {
    command.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
}

//! One connection from its acceptance to its end: TLS, request, upgrade, and what comes of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::directory;
use crate::listing;
use crate::net::http::{self, Request};
use crate::net::listener::Stream;
use crate::relay::Shared;
use crate::relay::client::{self, Ears};
use crate::relay::fault::UpgradeFault;
use crate::relay::ledger::{Connection, Ended};
use crate::relay::session::{Farewell, Session};

/// How long a client may take for TLS and its request.
const GREETING: Duration = Duration::from_secs(30);
/// How long a client may take to answer a close frame.
const LINGER: Duration = Duration::from_secs(5);

/// Serves one client until it is gone or has been dealt with.
pub(super) async fn serve(tcp: TcpStream, shared: Arc<Shared>) {
    let ordinal = shared.ledger.open(|ordinal| Connection { ordinal, ..Connection::default() });
    let ended = match talk(tcp, &shared, ordinal).await {
        Ok(ended) => ended,
        Err(_) => Ended::ClientGone,
    };
    shared.ledger.note(ordinal, |connection| connection.ended = Some(ended));
}

async fn talk(tcp: TcpStream, shared: &Shared, ordinal: u64) -> io::Result<Ended> {
    let on_accept =
        |fault: &UpgradeFault| matches!(fault, UpgradeFault::Reset | UpgradeFault::StallAccept { .. });
    match shared.faults.upgrade(ordinal, on_accept) {
        Some(UpgradeFault::Reset) => {
            Stream::Plain(tcp).reset_on_drop();
            return Ok(Ended::ByFault);
        }
        Some(UpgradeFault::StallAccept { time }) => stall_unread(&tcp, time).await?,
        Some(UpgradeFault::Refuse { .. } | UpgradeFault::StallUpgrade { .. }) | None => {}
    }
    let greet = async {
        let mut stream = Stream::accept(tcp, shared.settings.tls.as_ref()).await?;
        let (request, rest) = http::read_request(&mut stream).await?;
        io::Result::Ok((stream, request, rest))
    };
    let (mut stream, request, already_read) = timeout(GREETING, greet).await??;
    let cursor = request.parameter("cursor").map(str::parse::<u64>);
    shared.ledger.note(ordinal, |connection| {
        connection.query.clone_from(&request.query);
        connection.user_agent = request.header("user-agent").map(str::to_owned);
        connection.cursor = cursor.as_ref().and_then(|cursor| cursor.as_ref().ok().copied());
    });
    if let Some(documents) = shared.settings.documents.as_ref().filter(|_| directory::is_well_known(&request))
    {
        return directory::serve(stream, request, documents, ordinal).await;
    }
    let on_upgrade = |fault: &UpgradeFault| {
        matches!(fault, UpgradeFault::Refuse { .. } | UpgradeFault::StallUpgrade { .. })
    };
    match shared.faults.upgrade(ordinal, on_upgrade) {
        Some(UpgradeFault::Refuse { status, headers, body }) => {
            return refuse(stream, &http::response(status, &headers, &body)).await;
        }
        Some(UpgradeFault::StallUpgrade { time }) => stream.stall(time).await?,
        Some(UpgradeFault::Reset | UpgradeFault::StallAccept { .. }) | None => {}
    }
    if let Some(listing) = shared.listing.as_ref().filter(|_| listing::is_list(&request.path)) {
        return listing::serve(stream, request, listing, &shared.faults, ordinal).await;
    }
    let is_ours = shared.feed.is_at(&request.path);
    let Some(accept_key) = accept_key(&request).filter(|_| is_ours) else {
        return refuse(stream, &refusal(&request, is_ours)).await;
    };
    let Ok(cursor) = cursor.transpose() else {
        let response = http::error_response(400, "BadRequest", "cursor is not a non-negative integer");
        return refuse(stream, &response).await;
    };
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept_key}\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await?;
    stream.flush().await?;
    shared.ledger.note(ordinal, |connection| connection.upgraded = true);
    converse(stream, &already_read, shared, ordinal, cursor).await
}

/// Speaks and listens until either side has had enough, and ends the connection accordingly.
async fn converse(
    stream: Stream,
    already_read: &[u8],
    shared: &Shared,
    ordinal: u64,
    cursor: Option<u64>,
) -> io::Result<Ended> {
    let (mut read, mut write) = tokio::io::split(stream);
    let ears = Ears::default();
    let session = Session::new(shared, &ears, ordinal);
    let (farewell, ended) = {
        let mut listening =
            std::pin::pin!(client::listen(&mut read, already_read, &ears, &shared.ledger, ordinal));
        tokio::select! {
            ended = &mut listening => (Farewell::Nothing, ended),
            spoken = session.speak(&mut write, cursor) => match spoken {
                Ok((Farewell::AwaitClose, ended)) => {
                    let answered = async {
                        tokio::select! {
                            _ = &mut listening => {}
                            () = ears.close() => {}
                        }
                    };
                    // Answered or not, this was the last of it.
                    let _ = timeout(LINGER, answered).await;
                    (Farewell::HangUp, ended)
                }
                Ok(end) => end,
                Err(_) => (Farewell::Nothing, Ended::ClientGone),
            },
        }
    };
    shared.ledger.note(ordinal, |connection| connection.ended = Some(ended));
    let mut stream = read.unsplit(write);
    match farewell {
        Farewell::Nothing | Farewell::AwaitClose => {}
        Farewell::Reset => stream.reset_on_drop(),
        Farewell::HangUp => stream.hang_up().await,
    }
    Ok(ended)
}

/// Why there is no websocket for this request, when nobody planned that.
fn refusal(request: &Request, is_ours: bool) -> Vec<u8> {
    if !is_ours {
        return http::error_response(501, "MethodNotImplemented", "this host has no such method");
    }
    if request.method != "GET" {
        return http::error_response(405, "InvalidRequest", "not a GET");
    }
    http::error_response(426, "InvalidRequest", "not a websocket upgrade")
}

/// The answer to the key of a request that asks for a websocket.
fn accept_key(request: &Request) -> Option<String> {
    let is_upgrade = request.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let key = request.header("sec-websocket-key").filter(|_| request.method == "GET" && is_upgrade)?;
    Some(derive_accept_key(key.as_bytes()))
}

async fn refuse(mut stream: Stream, response: &[u8]) -> io::Result<Ended> {
    stream.write_all(response).await?;
    stream.hang_up().await;
    Ok(Ended::Refused)
}

/// Says nothing for a time, or until the client is gone, and leaves unread what it says.
async fn stall_unread(tcp: &TcpStream, time: Option<Duration>) -> io::Result<()> {
    let gone = async {
        let mut seen = [0; 1];
        // What a client says first stays in the buffer; only its end is looked for.
        while tcp.peek(&mut seen).await? > 0 {
            sleep(Duration::from_millis(20)).await;
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    };
    match time {
        None => gone.await,
        Some(time) => timeout(time, gone).await.unwrap_or(Ok(())),
    }
}

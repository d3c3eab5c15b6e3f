use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the daemon may take to answer.
const WITHIN: Duration = Duration::from_secs(5);
/// How much of its answer is read, in bytes.
const ANSWER_BYTES: u64 = 4 << 20;

/// Asks the daemon that listens on this admin address whether it is ready: `Ok` says so in a line, `Err` why not.
///
/// An address that stands for all interfaces is asked over loopback. Bounded by 5 s. Cancel-safe.
///
/// # Errors
///
/// A line that says who is not ready, or that nobody answers.
pub async fn ask(admin: SocketAddr) -> Result<String, String> {
    let address = reachable(admin);
    let answer = match timeout(WITHIN, fetch(address, "/readyz")).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(format!("no answer from {address}: {error}")),
        Err(_) => return Err(format!("no answer from {address} within {WITHIN:?}")),
    };
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(format!("an answer from {address} that is not HTTP"));
    };
    let status = head.split(' ').nth(1).unwrap_or_default();
    let health: Value = serde_json::from_str(body).unwrap_or_default();
    match status {
        "200" => Ok("ready".to_owned()),
        "503" => Err(format!("not ready: {}", reasons(&health))),
        _ => Err(format!("an answer from {address} with status {status:?}")),
    }
}

/// Whether a daemon of this name answers there and reads the host.
///
/// Bounded by 5 s. Cancel-safe.
pub(crate) async fn reads(admin: SocketAddr, daemon: &str, host: &str) -> bool {
    let Ok(Ok(answer)) = timeout(WITHIN, fetch(reachable(admin), "/status")).await else { return false };
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let status: Value = serde_json::from_str(body).unwrap_or_default();
    let mut hosts = status["hosts"].as_array().into_iter().flatten();
    status["daemon"] == daemon && hosts.any(|known| known["host"] == host)
}

async fn fetch(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer).await?;
    Ok(answer)
}

fn reachable(admin: SocketAddr) -> SocketAddr {
    let ip = match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, admin.port())
}

fn reasons(health: &Value) -> String {
    let own = health["reason"].as_str().map(str::to_owned);
    let unready = health["hosts"].as_array().into_iter().flatten().filter(|host| host["ready"] == false);
    let hosts = unready.map(|host| {
        let word = |name: &str| host[name].as_str().unwrap_or_default().to_owned();
        format!("{} is {} ({})", word("host"), word("state"), word("reason"))
    });
    own.into_iter().chain(hosts).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_all_interfaces_is_asked_over_loopback() {
        for (admin, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.7:4100", "10.0.0.7:4100"),
        ] {
            assert_eq!(reachable(admin.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn one_line_says_who_is_not_ready_and_why() {
        let health = serde_json::json!({"ready": false, "hosts": [
            {"host": "a.example", "ready": true, "state": "streaming"},
            {"host": "b.example", "ready": false, "state": "connecting", "reason": "not connected"},
        ]});
        assert_eq!(reasons(&health), "b.example is connecting (not connected)");
    }
}

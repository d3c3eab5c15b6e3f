use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::RigError;

/// The longest that one request may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LIMIT_BYTES: u64 = 64 << 20;

/// What an HTTP server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body as it came.
    pub body: String,
}

impl Answer {
    /// The sum of a Prometheus metric over those of its series whose labels contain all of these texts; `None` when
    /// there is no such series.
    ///
    /// A label is written as the page writes it: `host="127.0.0.1:7777"`.
    #[must_use]
    pub fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let series = self.body.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (found, value) = rest.rsplit_once(' ')?;
            let is_this = found.is_empty() || found.starts_with('{');
            let has_labels = labels.iter().all(|label| found.contains(label));
            value.parse::<f64>().ok().filter(|_| is_this && has_labels)
        });
        series.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

/// Asks for one page over a connection of its own.
///
/// Cancel-safe. It has a deadline of five seconds.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<Answer, RigError> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    exchange(address, &request, DEADLINE).await
}

/// Sends JSON over a connection of its own.
///
/// Cancel-safe.
pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    body: &str,
    within: Duration,
) -> Result<Answer, RigError> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    exchange(address, &request, within).await
}

async fn exchange(address: SocketAddr, request: &str, within: Duration) -> Result<Answer, RigError> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut rest = stream.take(LIMIT_BYTES);
        // Some servers promise to close the connection, and keep it open.
        while rest.read_buf(&mut answer).await? > 0 && !is_whole(&answer) {}
        Ok(answer)
    };
    let answer = timeout(within, exchange)
        .await
        .map_err(|_| RigError::Deadline { what: "a page", after: within })?
        .map_err(RigError::io("ask for a page"))?;
    parse(&String::from_utf8_lossy(&answer))
}

/// Whether the answer is as long as its head says, where it does.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn parse(answer: &str) -> Result<Answer, RigError> {
    let odd = || RigError::Protocol { found: answer.chars().take(80).collect() };
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(odd)?;
    let chunked = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
    let body = if chunked { dechunked(body).ok_or_else(odd)? } else { body.to_owned() };
    Ok(Answer { status, body })
}

/// RFC 9112 section 7.1, without extensions and trailers.
fn dechunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n")?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..length)?);
        body = rest.get(length..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let plain = parse("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
        assert_eq!((plain.status, plain.body.as_str()), (503, "no\n"));
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, "abc0123456789");
        assert!(parse("SSH-2.0-OpenSSH").is_err());
    }

    #[test]
    fn an_answer_ends_where_its_head_says() {
        for (answer, whole) in [
            ("HTTP/1.1 200 OK\r\nContent-Length:3\r\n\r\nab", false),
            ("HTTP/1.1 200 OK\r\nContent-Length:3\r\n\r\nabc", true),
            ("HTTP/1.1 200 OK\r\nContent-Length:3\r\n", false),
            ("HTTP/1.1 200 OK\r\n\r\nabc", false),
        ] {
            assert_eq!(is_whole(answer.as_bytes()), whole, "{answer}");
        }
    }

    #[test]
    fn a_metric_is_summed_over_the_series_that_match() {
        let body = "# TYPE a counter\na{host=\"x\",kind=\"1\"} 2\na{host=\"x\",kind=\"2\"} 3\na{host=\"y\"} 7\nab 9\nb 1\n";
        let page = Answer { status: 200, body: body.to_owned() };
        assert_eq!(page.metric("a", &["host=\"x\""]), Some(5.0));
        assert_eq!(page.metric("a", &[]), Some(12.0));
        assert_eq!(page.metric("ab", &[]), Some(9.0));
        assert_eq!(page.metric("a", &["host=\"z\""]), None);
    }
}

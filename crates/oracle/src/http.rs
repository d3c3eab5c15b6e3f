use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::RigError;

/// The longest that one request may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LIMIT_BYTES: u64 = 16 << 20;

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
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LIMIT_BYTES).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    let answer = timeout(DEADLINE, exchange)
        .await
        .map_err(|_| RigError::Deadline { what: "a page", after: DEADLINE })?
        .map_err(RigError::io("ask for a page"))?;
    parse(&String::from_utf8_lossy(&answer))
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
    fn a_metric_is_summed_over_the_series_that_match() {
        let body = "# TYPE a counter\na{host=\"x\",kind=\"1\"} 2\na{host=\"x\",kind=\"2\"} 3\na{host=\"y\"} 7\nab 9\nb 1\n";
        let page = Answer { status: 200, body: body.to_owned() };
        assert_eq!(page.metric("a", &["host=\"x\""]), Some(5.0));
        assert_eq!(page.metric("a", &[]), Some(12.0));
        assert_eq!(page.metric("ab", &[]), Some(9.0));
        assert_eq!(page.metric("a", &["host=\"z\""]), None);
    }
}

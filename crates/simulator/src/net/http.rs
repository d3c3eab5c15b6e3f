//! Heads of HTTP/1.1 requests and whole responses.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The head of a request; bodies are not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What stands after the question mark, as it was sent.
    pub(crate) query: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

/// Heads longer than this are refused.
const LONGEST_HEAD: usize = 16 * 1024;

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, unescaped as forms are: `+` is a space.
    pub(crate) fn unescaped(&self, name: &str) -> Option<String> {
        unescape(&self.parameter(name)?.replace('+', " "))
    }

    /// A parameter of the query, as it was sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        })
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { method, path: path.to_owned(), query: query.to_owned(), headers })
    }
}

/// The text that stands behind the escapes of a URL; `None` where they are none, or not UTF-8.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                u8::try_from(value).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Reads a request's head, and gives what arrived after it too.
///
/// Not cancel-safe: what was read is lost.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Request, Vec<u8>)> {
    let mut buffer = Vec::with_capacity(1024);
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            let head = String::from_utf8_lossy(&buffer[..end]);
            let request = Request::parse(&head).ok_or(io::ErrorKind::InvalidData)?;
            return Ok((request, rest));
        }
        if buffer.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A whole response; the connection closes after it.
pub(crate) fn response(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let close = ("Connection".to_owned(), "close".to_owned());
    lasting_response(status, headers.iter().chain([&close]), body)
}

/// A whole response; the connection stays open, unless a header says otherwise.
pub(crate) fn lasting_response<'h>(
    status: u16,
    headers: impl IntoIterator<Item = &'h (String, String)>,
    body: &[u8],
) -> Vec<u8> {
    let (reason, len) = (reason(status), body.len());
    let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: {len}\r\n");
    let mut response = head.into_bytes();
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            response.extend_from_slice(part.as_bytes());
        }
    }
    response.extend_from_slice(b"\r\n");
    response.extend_from_slice(body);
    response
}

/// A response with an XRPC error for its body.
pub(crate) fn error_response(status: u16, error: &str, message: &str) -> Vec<u8> {
    let body = serde_json::json!({ "error": error, "message": message }).to_string();
    response(status, &[("Content-Type".to_owned(), "application/json".to_owned())], body.as_bytes())
}

fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Whatever",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_is_read_and_the_rest_is_kept() {
        let mut bytes =
            &b"GET /xrpc/x.y.z?cursor=7&flag HTTP/1.1\r\nHost: a\r\nUser-AGENT:  me/1 \r\n\r\nrest"[..];
        let (request, rest) = read_request(&mut bytes).await.unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/xrpc/x.y.z"));
        assert_eq!(request.header("user-agent"), Some("me/1"));
        assert_eq!(request.parameter("cursor"), Some("7"));
        assert_eq!(request.parameter("flag"), Some(""));
        assert_eq!(request.parameter("limit"), None);
        assert_eq!(rest, b"rest");
    }

    #[test]
    fn a_parameter_is_unescaped_as_forms_are() {
        let request =
            Request { query: "a=p%2B1%2f0%3d%3D&b=p+1&c=%2&d=%ff".to_owned(), ..Request::default() };
        assert_eq!(request.unescaped("a").as_deref(), Some("p+1/0=="));
        assert_eq!(request.unescaped("b").as_deref(), Some("p 1"));
        assert_eq!((request.unescaped("c"), request.unescaped("d")), (None, None));
    }

    #[tokio::test]
    async fn a_head_that_breaks_off_or_never_ends_is_an_error() {
        assert!(read_request(&mut &b"GET / HTTP/1.1\r\nHost: a\r\n"[..]).await.is_err());
        assert!(read_request(&mut vec![b'a'; 40_000].as_slice()).await.is_err());
    }
}

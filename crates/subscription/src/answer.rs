use std::time::SystemTime;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::AnswerFault;
use crate::{Quoted, Refusal, SubscriptionError};

/// The largest head of an answer, in bytes.
const HEAD_LIMIT_BYTES: usize = 16 * 1024;
/// More headers than any proxy adds.
const MAX_HEADERS: usize = 100;

/// The head of the answer to an upgrade, as far as it matters. Pure: it is made from bytes and judged without I/O.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    /// How long the head is: what follows is the body, or the first frames.
    pub(crate) head_len_bytes: usize,
    /// How long the body is, where that was said.
    pub(crate) body_len_bytes: Option<usize>,
    upgrades: bool,
    accept: Option<String>,
    subprotocol: Option<String>,
    extension: bool,
    retry_after: Option<String>,
}

impl Answer {
    /// The answer that the bytes begin with, or `None` when its head is not whole yet. Interim answers (1xx other
    /// than 101) are skipped.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, AnswerFault> {
        let mut skipped = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            match response.parse(&bytes[skipped..]) {
                Ok(httparse::Status::Complete(len)) => {
                    skipped += len;
                    let status = response.code.unwrap_or_default();
                    if !(100..200).contains(&status) || status == 101 {
                        return Ok(Some(Self::of(status, response.headers, skipped)));
                    }
                }
                Ok(httparse::Status::Partial) if bytes.len() < HEAD_LIMIT_BYTES => return Ok(None),
                Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                    return Err(AnswerFault::HeadTooLarge);
                }
                Err(_) => return Err(AnswerFault::NotHttp),
            }
        }
    }

    fn of(status: u16, headers: &[httparse::Header<'_>], head_len_bytes: usize) -> Self {
        let all = |name: &'static str| {
            headers
                .iter()
                .filter(move |header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value)
        };
        let text = |name| all(name).next().map(|value| String::from_utf8_lossy(value).trim().to_owned());
        let has_token = |name, token: &str| {
            all(name)
                .flat_map(|value| value.split(|&byte| byte == b','))
                .any(|word| word.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
        };
        Self {
            status,
            head_len_bytes,
            body_len_bytes: text("Content-Length").and_then(|length| length.parse().ok()),
            upgrades: has_token("Upgrade", "websocket") && has_token("Connection", "upgrade"),
            accept: text("Sec-WebSocket-Accept"),
            subprotocol: text("Sec-WebSocket-Protocol"),
            extension: all("Sec-WebSocket-Extensions").any(|value| !value.trim_ascii().is_empty()),
            retry_after: text("Retry-After"),
        }
    }

    /// Whether it is an answer with a body rather than an upgrade.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status != 101
    }

    /// Whether the connection is a websocket from here on. `key` is the `Sec-WebSocket-Key` that was sent, `now` the
    /// wall clock that a date in `Retry-After` is compared with, `body` what has been read of a refusal's body.
    ///
    /// Source: RFC 6455 section 4.1, and <https://atproto.com/specs/event-stream>.
    pub(crate) fn judge(&self, key: &str, now: SystemTime, body: &[u8]) -> Result<(), SubscriptionError> {
        if self.is_refusal() {
            let refusal = Refusal::of(self.status, self.retry_after.as_deref(), now);
            return Err(SubscriptionError::Refused { status: self.status, refusal, body: Quoted::new(body) });
        }
        let fault = |fault| Err(SubscriptionError::BadAnswer { fault });
        if !self.upgrades {
            return fault(AnswerFault::NoUpgrade);
        }
        if self.accept.as_deref() != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return fault(AnswerFault::WrongKey);
        }
        if self.extension {
            return fault(AnswerFault::Extension);
        }
        match self.subprotocol.as_deref() {
            None | Some("" | "xrpc.v0.cbor") => Ok(()),
            Some(other) => Err(SubscriptionError::Subprotocol { subprotocol: Quoted::new(other.as_bytes()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and accept of RFC 6455 section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const SWITCHES: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    fn judged(head: &str, body: &str) -> Result<(), SubscriptionError> {
        let answer = Answer::parse(format!("{head}\r\n{body}").as_bytes()).unwrap().expect("a whole head");
        assert_eq!(answer.head_len_bytes, head.len() + 2);
        answer.judge(KEY, SystemTime::UNIX_EPOCH, body.as_bytes())
    }

    fn fault(head: &str) -> AnswerFault {
        match judged(head, "") {
            Err(SubscriptionError::BadAnswer { fault }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_upgrade_is_an_upgrade_in_any_case_and_with_interim_answers_before_it() {
        judged(SWITCHES, "frames").unwrap();
        judged(&format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{SWITCHES}"), "").unwrap();
        judged(
            &SWITCHES
                .to_ascii_lowercase()
                .replacen("http", "HTTP", 1)
                .replace("s3pplmbitxaq9kygzzhzrbk+xoo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "",
        )
        .unwrap();
    }

    #[test]
    fn an_upgrade_to_something_else_is_none() {
        assert_eq!(fault(&SWITCHES.replace("WebSocket", "h2c")), AnswerFault::NoUpgrade);
        assert_eq!(fault(&SWITCHES.replace(", Upgrade", "")), AnswerFault::NoUpgrade);
        assert_eq!(fault(&SWITCHES.replace("s3pP", "s3pQ")), AnswerFault::WrongKey);
        assert_eq!(
            fault(&format!("{SWITCHES}Sec-WebSocket-Extensions: permessage-deflate\r\n")),
            AnswerFault::Extension
        );
    }

    #[test]
    fn a_subprotocol_other_than_ours_is_refused_loudly() {
        judged(&format!("{SWITCHES}Sec-WebSocket-Protocol: xrpc.v0.cbor\r\n"), "").unwrap();
        let error = judged(&format!("{SWITCHES}Sec-WebSocket-Protocol: xrpc.v1.json\r\n"), "").unwrap_err();
        assert_eq!(error.label(), "subprotocol");
        assert!(error.is_configuration());
        assert!(error.to_string().contains("xrpc.v1.json"), "{error}");
    }

    #[test]
    fn a_refusal_quotes_its_body_and_cannot_forge_a_line() {
        let error = judged("HTTP/1.1 403 Forbidden\r\n", "<html>\r\nERROR all is lost\u{1b}[0m").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"upgrade to a websocket: the host answered 403 "<html>\r\nERROR all is lost\u{1b}[0m""#
        );
        assert!(error.is_configuration());
    }

    #[test]
    fn a_head_that_is_not_whole_is_waited_for() {
        let whole = format!("{SWITCHES}\r\n");
        for len in 0..whole.len() {
            assert_eq!(Answer::parse(&whole.as_bytes()[..len]), Ok(None), "{len}");
        }
    }

    #[test]
    fn i6_what_is_not_http_or_has_no_end_is_a_fault() {
        assert_eq!(Answer::parse(b"SSH-2.0-OpenSSH_9.6\r\n"), Err(AnswerFault::NotHttp));
        assert_eq!(Answer::parse(&[0x15, 3, 1, 0, 2, 2, 70]), Err(AnswerFault::NotHttp));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(HEAD_LIMIT_BYTES));
        assert_eq!(Answer::parse(endless.as_bytes()), Err(AnswerFault::HeadTooLarge));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(Answer::parse(many.as_bytes()), Err(AnswerFault::HeadTooLarge));
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
        assert_eq!(Answer::parse(interim.as_bytes()), Err(AnswerFault::HeadTooLarge));
    }
}

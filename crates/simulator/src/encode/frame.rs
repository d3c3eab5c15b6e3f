//! Event-stream frames: a header and a body, back to back.
//!
//! Source: <https://atproto.com/specs/event-stream>.

use crate::encode::Value;

/// Encodes a message frame: header `{"op": 1, "t": t}`, then `body`.
#[must_use]
pub fn message(t: &str, body: &Value) -> Vec<u8> {
    let header = Value::map([("op", Value::Int(1)), ("t", t.into())]);
    let mut frame = Vec::with_capacity(1024);
    header.encode(&mut frame);
    body.encode(&mut frame);
    frame
}

/// Encodes an error frame: header `{"op": -1}`, body `{"error": name}`, and `message` where there is one.
#[must_use]
pub fn error(name: &str, message: Option<&str>) -> Vec<u8> {
    let mut body = vec![("error", name.into())];
    body.extend(message.map(|message| ("message", message.into())));
    let mut frame = Value::map([("op", Value::Int(-1))]).to_block();
    Value::map(body).encode(&mut frame);
    frame
}

/// Encodes an `#info` frame: a message without a seq.
#[must_use]
pub fn info(name: &str, message: Option<&str>) -> Vec<u8> {
    let mut body = vec![("name", name.into())];
    body.extend(message.map(|message| ("message", message.into())));
    self::message("#info", &Value::map(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_are_those_seen_on_the_wire() {
        assert_eq!(error("FutureCursor", None), b"\xa1\x62op\x20\xa1\x65error\x6cFutureCursor");
        assert_eq!(
            error("ConsumerTooSlow", Some("")),
            b"\xa1\x62op\x20\xa2\x65error\x6fConsumerTooSlow\x67message\x60"
        );
        assert_eq!(
            info("OutdatedCursor", None),
            b"\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x6eOutdatedCursor"
        );
    }
}

//! The server's side of websocket framing (RFC 6455, section 5), by hand.
//!
//! Messages are built into one buffer, many to a write, and prepared ones are copied with their heads: a
//! server's frames are not masked. It also takes writing by hand to send what a library would not:
//! half a message, a hundred fragments, one byte a second.

/// What a websocket frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Appends a whole message in one frame.
pub(crate) fn append(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    append_head(out, opcode, payload.len(), true);
    out.extend_from_slice(payload);
}

/// Makes a whole message in one frame.
pub(crate) fn message(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    append(&mut out, opcode, payload);
    out
}

/// Appends the head of a frame; the caller appends `len` bytes of payload.
pub(crate) fn append_head(out: &mut Vec<u8>, opcode: Opcode, len: usize, last: bool) {
    out.push(opcode as u8 | if last { FINAL } else { 0 });
    if let Some(short) = u8::try_from(len).ok().filter(|len| *len < 126) {
        out.push(short);
    } else if let Ok(two) = u16::try_from(len) {
        out.push(126);
        out.extend_from_slice(&two.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

/// Appends a message in `count` frames of about equal length, empty ones where the payload does not suffice.
pub(crate) fn append_fragmented(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], count: usize) {
    let count = count.max(1);
    for ordinal in 0..count {
        let part = payload.len() * ordinal / count..payload.len() * (ordinal + 1) / count;
        let opcode = if ordinal == 0 { opcode } else { Opcode::Continuation };
        append_head(out, opcode, part.len(), ordinal + 1 == count);
        out.extend_from_slice(&payload[part]);
    }
}

/// The payload of the only frame of a message that [`append`] made.
pub(crate) fn payload(message: &[u8]) -> &[u8] {
    let head = match message.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        Some(_) | None => 2,
    };
    message.get(head..).unwrap_or_default()
}

/// Appends a close frame. The reason is cut to the 123 bytes that fit.
pub(crate) fn append_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.bytes().take(123));
    append(out, Opcode::Close, &payload);
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFrame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

/// Takes a client's frames out of the bytes that arrive.
#[derive(Debug, Default)]
pub(crate) struct ClientFrames {
    buffer: Vec<u8>,
}

impl ClientFrames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, unmasked.
    pub(crate) fn next(&mut self) -> Option<ClientFrame> {
        let [first, second, rest @ ..] = self.buffer.as_slice() else { return None };
        let (len, head) = match second & !MASKED {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        let masked = second & MASKED != 0;
        let start: usize = if masked { head + 4 } else { head };
        let end = start.checked_add(len)?;
        let mut payload = self.buffer.get(start..end)?.to_vec();
        if masked {
            let mask = &self.buffer[head..start];
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        let opcode = first & 0x0f;
        self.buffer.drain(..end);
        Some(ClientFrame { opcode, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_grow_with_the_payload() {
        for (len, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let message = message(Opcode::Binary, &vec![1; len]);
            assert_eq!(message.len(), head + len);
            assert_eq!(payload(&message).len(), len);
        }
    }

    /// The masked "Hello" is the example of RFC 6455, section 5.7.
    #[test]
    fn client_frames_are_unmasked_however_they_arrive() {
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let mut frames = ClientFrames::default();
        for byte in hello.iter().chain(&hello[..10]) {
            assert!(frames.buffer.len() < 11 || frames.next().is_some());
            frames.push(&[*byte]);
        }
        assert_eq!(frames.next(), None);
        frames.push(&hello[10..]);
        assert_eq!(frames.next(), Some(ClientFrame { opcode: 1, payload: b"Hello".to_vec() }));
    }

    #[test]
    fn fragments_add_up() {
        let mut out = Vec::new();
        append_fragmented(&mut out, Opcode::Binary, b"abcde", 3);
        assert_eq!(out, b"\x02\x01a\x00\x02bc\x80\x02de");
    }
}

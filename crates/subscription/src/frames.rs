/// Follows websocket frames through the bytes of a server as they pass, so that it is known at any time whether a
/// message is under way. It judges nothing: that is the websocket client's work.
///
/// Shape and source: RFC 6455 section 5.2.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: u64,
    completed: u64,
    header: Header,
    payload_left: u64,
    ends_message: bool,
    is_control: bool,
    message_open: bool,
}

impl Frames {
    /// All bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Which message or control frame is under way: how many were complete before it. `None` between two.
    ///
    /// A control frame inside a fragmented message is part of that message.
    pub(crate) fn under_way(&self) -> Option<u64> {
        let mid_frame = self.payload_left > 0 || self.header.len > 0;
        (mid_frame || self.message_open).then_some(self.completed)
    }

    /// Takes note of the next bytes.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let skipped = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[skipped..];
                self.payload_left -= skipped as u64;
            } else {
                bytes = self.header.take(bytes);
                let Some(begun) = self.header.complete() else { continue };
                self.header.len = 0;
                self.begin(&begun);
            }
            if self.payload_left == 0 {
                self.end();
            }
        }
    }

    fn begin(&mut self, frame: &Begun) {
        self.payload_left = frame.payload_len;
        self.is_control = frame.is_control;
        self.ends_message = frame.ends_message;
        self.message_open |= !frame.is_control;
    }

    fn end(&mut self) {
        if self.is_control {
            self.completed += u64::from(!self.message_open);
        } else if self.ends_message {
            self.message_open = false;
            self.completed += 1;
        }
    }
}

struct Begun {
    is_control: bool,
    ends_message: bool,
    payload_len: u64,
}

/// A frame's header as far as it has arrived: 2 bytes, then 0, 2 or 8 of length, then 4 of mask where there is one.
#[derive(Debug, Default)]
struct Header {
    taken: [u8; 14],
    len: usize,
}

impl Header {
    /// Takes what belongs to the header and returns the rest.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while self.len < self.wanted() && !rest.is_empty() {
            let (taken, after) = rest.split_at(rest.len().min(self.wanted() - self.len));
            self.taken[self.len..self.len + taken.len()].copy_from_slice(taken);
            self.len += taken.len();
            rest = after;
        }
        rest
    }

    fn wanted(&self) -> usize {
        if self.len < 2 {
            return 2;
        }
        let of_mask = if self.taken[1] & 0x80 == 0 { 0 } else { 4 };
        2 + self.len_bytes() + of_mask
    }

    fn len_bytes(&self) -> usize {
        match self.taken[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn complete(&self) -> Option<Begun> {
        if self.len < self.wanted() {
            return None;
        }
        let extended = self.taken[2..2 + self.len_bytes()].iter();
        let payload_len = match self.len_bytes() {
            0 => u64::from(self.taken[1] & 0x7f),
            _ => extended.fold(0, |number, &byte| number << 8 | u64::from(byte)),
        };
        Some(Begun {
            is_control: self.taken[0] & 0x08 != 0,
            ends_message: self.taken[0] & 0x80 != 0,
            payload_len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINAL: u8 = 0x80;
    const CONTINUED: u8 = 0x00;
    const BINARY: u8 = 0x02;
    const PING: u8 = 0x89;

    fn frame(first: u8, payload_len: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload_len {
            0..126 => bytes.push(u8::try_from(payload_len).unwrap()),
            126..65_536 => {
                bytes.push(126);
                bytes.extend(u16::try_from(payload_len).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((payload_len as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + payload_len, 0xff);
        bytes
    }

    /// Feeds the stream in pieces of every size and asks after each byte count in `under_way` what is under way.
    fn check(stream: &[u8], under_way: impl Fn(usize) -> Option<u64>) {
        for piece_len in [1, 2, 3, 7, 125, 4096, stream.len()] {
            let mut frames = Frames::default();
            let mut fed = 0;
            for piece in stream.chunks(piece_len) {
                frames.follow(piece);
                fed += piece.len();
                assert_eq!(frames.under_way(), under_way(fed), "after {fed} bytes in pieces of {piece_len}");
            }
            assert_eq!(frames.bytes(), stream.len() as u64);
        }
    }

    #[test]
    fn a_message_is_under_way_from_its_first_byte_to_its_last() {
        for payload_len in [0, 1, 125, 126, 5_400, 65_535, 65_536, 70_000] {
            let one = frame(FINAL | BINARY, payload_len);
            let both = [one.clone(), one.clone()].concat();
            check(&both, |fed| match fed {
                _ if fed == one.len() || fed == both.len() => None,
                _ if fed < one.len() => Some(0),
                _ => Some(1),
            });
        }
    }

    #[test]
    fn a_fragmented_message_is_under_way_until_its_last_fragment_and_pings_between_do_not_end_it() {
        let parts =
            [frame(BINARY, 3), frame(PING, 4), frame(CONTINUED, 0), frame(CONTINUED, 200), frame(FINAL, 0)];
        let stream = parts.concat();
        check(&stream, |fed| (fed < stream.len()).then_some(0));
    }

    #[test]
    fn a_ping_on_its_own_is_under_way_by_itself() {
        let ping = frame(PING, 5);
        let stream = [ping.clone(), frame(FINAL | BINARY, 1)].concat();
        check(&stream, |fed| match fed {
            _ if fed == ping.len() || fed == stream.len() => None,
            _ if fed < ping.len() => Some(0),
            _ => Some(1),
        });
    }

    #[test]
    fn i6_a_declared_length_of_two_to_the_64_and_a_mask_are_followed_calmly() {
        let mut frames = Frames::default();
        frames.follow(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3]);
        assert_eq!(frames.under_way(), Some(0));
        let mut frames = Frames::default();
        frames.follow(&[0x82, 0x81, 9, 9, 9, 9]);
        assert_eq!(frames.under_way(), Some(0));
        frames.follow(&[7]);
        assert_eq!(frames.under_way(), None);
    }
}

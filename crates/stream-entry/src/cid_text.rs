use std::fmt;

/// Length of a binary CID of the protocol: version, codec, hash function, hash length, 32 bytes of SHA-256.
const BINARY_LEN: usize = 36;

/// Length of its text: the multibase prefix and 58 digits.
const TEXT_LEN: usize = 59;

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A CID as an entry shows it: `b` and 58 digits of lower-case base32 without padding, on the stack.
///
/// Made once for each CID and written as often as needed; several operations of one commit share the commit's.
/// Whatever the 36 bytes are, the text needs no escaping; what they mean is for the decoder to have checked.
///
/// Source: [CID](https://github.com/multiformats/cid), [multibase](https://github.com/multiformats/multibase),
/// [RFC 4648 section 6](https://www.rfc-editor.org/rfc/rfc4648#section-6) in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CidText([u8; TEXT_LEN]);

impl CidText {
    /// Encodes a binary CID, the 36 bytes that begin with `01 71 12 20` or `01 55 12 20`.
    #[must_use]
    pub fn encode(binary: &[u8; BINARY_LEN]) -> Self {
        let mut text = [b'b'; TEXT_LEN];
        let (groups, rest) = binary.as_chunks::<5>();
        let (places, last) = text[1..].as_chunks_mut::<8>();
        for (group, place) in groups.iter().zip(places) {
            let bits = group.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
            for (digit, shift) in place.iter_mut().zip([35, 30, 25, 20, 15, 10, 5, 0]) {
                *digit = DIGITS[(bits >> shift & 31) as usize];
            }
        }
        // 36 bytes are seven groups of five and one byte, whose eight bits take two digits.
        let byte = rest[0];
        last[0] = DIGITS[usize::from(byte >> 3)];
        last[1] = DIGITS[usize::from(byte << 2 & 31)];
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for CidText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for CidText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CidText({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected texts come from Python's `base64.b32encode`.
    fn check(binary: [u8; BINARY_LEN], expected: &str) {
        assert_eq!(CidText::encode(&binary).to_string(), expected);
    }

    #[test]
    fn a_cid_is_written_as_lower_case_base32() {
        check([0; 36], "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        check([255; 36], "b7777777777777777777777777777777777777777777777777777777774");
        let mut binary: [u8; 36] = std::array::from_fn(|index| u8::try_from(index * 7 % 256).unwrap());
        binary[..4].copy_from_slice(&[1, 0x71, 0x12, 0x20]);
        check(binary, "bafyreia4emvdcob7izgviw3cnfyho7ufrsjzviniv63l3rgl2lm6bz7o6u");
    }
}

//! Text forms of bytes: base32 of CIDs and DIDs, base58 of keys, base64 of `$bytes`, and the sortable base32 of TIDs.

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE32_SORTABLE: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lower-case base32 of RFC 4648 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    by_groups(bytes, 5, BASE32)
}

/// Base64 of RFC 4648, standard alphabet, without padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    by_groups(bytes, 6, BASE64)
}

/// Base58 of Bitcoin's alphabet, as keys have it. The work grows with the square of the length.
pub(crate) fn base58(bytes: &[u8]) -> String {
    // Little-endian while it grows.
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 3 / 2);
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = u8::try_from(carry % 58).unwrap_or(0);
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).unwrap_or(0));
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    digits.extend(std::iter::repeat_n(0, zeros));
    digits.iter().rev().map(|digit| char::from(BASE58[usize::from(*digit)])).collect()
}

/// The thirteen characters of a TID: `micros` since 1970 (53 bits) and a clock id (10 bits).
pub(crate) fn tid(micros: u64, clock: u16) -> String {
    let bits = ((micros & ((1 << 53) - 1)) << 10) | u64::from(clock & 0x3ff);
    (0..13).rev().map(|place| symbol(BASE32_SORTABLE, bits >> (place * 5), 5)).collect()
}

fn by_groups(bytes: &[u8], width: u32, alphabet: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / width as usize + 1);
    let mut held = 0_u64;
    let mut held_bits = 0;
    for byte in bytes {
        held = (held << 8) | u64::from(*byte);
        held_bits += 8;
        while held_bits >= width {
            held_bits -= width;
            text.push(symbol(alphabet, held >> held_bits, width));
        }
    }
    if held_bits > 0 {
        text.push(symbol(alphabet, held << (width - held_bits), width));
    }
    text
}

fn symbol(alphabet: &[u8], bits: u64, width: u32) -> char {
    let index = usize::try_from(bits & ((1 << width) - 1)).unwrap_or(0);
    char::from(alphabet[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors_without_padding() {
        for (plain, in_base32, in_base64) in [
            ("", "", ""),
            ("f", "my", "Zg"),
            ("fo", "mzxq", "Zm8"),
            ("foo", "mzxw6", "Zm9v"),
            ("foob", "mzxw6yq", "Zm9vYg"),
            ("fooba", "mzxw6ytb", "Zm9vYmE"),
            ("foobar", "mzxw6ytboi", "Zm9vYmFy"),
        ] {
            assert_eq!(base32(plain.as_bytes()), in_base32);
            assert_eq!(base64(plain.as_bytes()), in_base64);
        }
    }

    /// The first three are the test vectors of draft-msporny-base58.
    #[test]
    fn base58_has_the_texts_of_its_draft() {
        for (plain, in_base58) in [
            (&b"Hello World!"[..], "2NEpo7TZRRrLZSi2U"),
            (
                b"The quick brown fox jumps over the lazy dog.",
                "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
            ),
            (&[0, 0, 0x28, 0x7f, 0xb4, 0xcd], "11233QC4"),
            (b"", ""),
        ] {
            assert_eq!(base58(plain), in_base58);
        }
    }

    #[test]
    fn tids_sort_as_their_times_do() {
        assert_eq!(tid(0, 0), "2222222222222");
        let micros = 1_767_225_600_000_000;
        assert!(tid(micros, 0) < tid(micros, 1));
        assert!(tid(micros, 1023) < tid(micros + 1, 0));
        assert!(tid(micros, 0).starts_with("3m"));
    }
}

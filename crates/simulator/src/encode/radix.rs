//! Text forms of bytes: base32 of CIDs and DIDs, base64 of `$bytes`, and the sortable base32 of TIDs.

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE32_SORTABLE: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lower-case base32 of RFC 4648 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    by_groups(bytes, 5, BASE32)
}

/// Base64 of RFC 4648, standard alphabet, without padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    by_groups(bytes, 6, BASE64)
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

    #[test]
    fn tids_sort_as_their_times_do() {
        assert_eq!(tid(0, 0), "2222222222222");
        let micros = 1_767_225_600_000_000;
        assert!(tid(micros, 0) < tid(micros, 1));
        assert!(tid(micros, 1023) < tid(micros + 1, 0));
        assert!(tid(micros, 0).starts_with("3m"));
    }
}

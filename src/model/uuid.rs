//! UUIDs: of a text, which gives the same UUID here and in every other process, and of random bits.

use sha2::{Digest as _, Sha256};

/// The UUID of a text: version 8 (RFC 9562, section 5.8), of the text's SHA-256.
#[must_use]
pub fn of(text: &str) -> String {
    let hash = Sha256::digest(text);
    written(std::array::from_fn(|at| hash[at]), 8)
}

/// The UUID of 128 random bits: version 4 (RFC 9562, section 5.4).
#[must_use]
pub fn of_random(bytes: [u8; 16]) -> String {
    written(bytes, 4)
}

fn written(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Returns whether a text has the form of a UUID of any version, in digits and lower-case letters.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { is_digit(b) })
}

#[cfg(test)]
mod tests {
    use super::{is_one, of};

    #[test]
    fn a_uuid_is_of_version_8_and_depends_on_its_text_alone() {
        let id = of("network:acme");
        assert!(is_one(&id), "{id}");
        assert_eq!(&id[14..15], "8");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_eq!(id, of("network:acme"));
        assert_ne!(id, of("network:b"));
        for text in ["", &id[1..], &id.to_uppercase(), &id.replace('-', "0"), &format!("{id}0")] {
            assert!(!is_one(text), "{text}");
        }
    }
}

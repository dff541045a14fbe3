//! The character set of IIM text: what dataset 1:90 says, and what it means for the bytes of a text.
//!
//! Source: IPTC-NAA Information Interchange Model 4.2, dataset 1:90 and appendix C; ISO/IEC 2022 (ECMA-35) for the
//! escape sequences; the ISO International Register of Coded Character Sets for their final bytes. Multi-byte sets
//! (Chinese, Japanese, Korean) and shifts inside a text are not decoded: such a text is read as if nothing were said.

use crate::metadata::text;

use super::iso_8859::{self, Part};

/// The character set of the texts of one IIM block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Charset {
    /// Nothing that this module knows is said.
    #[default]
    Unsaid,
    /// UTF-8.
    Utf8,
    /// ISO/IEC 8859-1. Read as Windows-1252, which has characters where ISO/IEC 8859-1 has control characters that no
    /// text contains: programs that say the former write the latter.
    Latin1,
    /// Another part of ISO/IEC 8859.
    Part(&'static Part),
}

impl Charset {
    /// The character set that the value of dataset 1:90 says: the last one that is designated.
    #[must_use]
    pub fn of(escapes: &[u8]) -> Self {
        let mut charset = Self::Unsaid;
        for sequence in escapes.split(|&byte| byte == 0x1b).skip(1) {
            charset = match sequence {
                // ISO-IR 196, 190 to 192: UTF-8, with a way back and without one.
                [b'%', b'G', ..] | [b'%', b'/', b'G'..=b'I', ..] => Self::Utf8,
                // Back to ISO/IEC 2022.
                [b'%', b'@', ..] => Self::Unsaid,
                // While UTF-8 is in use, designations have no effect.
                _ if charset == Self::Utf8 => Self::Utf8,
                // A set of 96 characters, designated as G1, G2 or G3; some programs write `,` for G0.
                [b',' | b'-' | b'.' | b'/', last, ..] => Self::registered(*last).unwrap_or(charset),
                _ => charset,
            };
        }
        charset
    }

    /// The set of 96 characters with this final byte in the register.
    fn registered(last: u8) -> Option<Self> {
        Some(Self::Part(match last {
            b'A' => return Some(Self::Latin1),
            b'B' => &iso_8859::PART_2,
            b'C' => &iso_8859::PART_3,
            b'D' => &iso_8859::PART_4,
            b'F' => &iso_8859::PART_7,
            b'G' => &iso_8859::PART_6,
            b'H' => &iso_8859::PART_8,
            b'L' => &iso_8859::PART_5,
            b'M' => &iso_8859::PART_9,
            b'T' => &iso_8859::PART_11,
            b'V' => &iso_8859::PART_10,
            b'Y' => &iso_8859::PART_13,
            b'_' => &iso_8859::PART_14,
            b'b' => &iso_8859::PART_15,
            b'f' => &iso_8859::PART_16,
            _ => return None,
        }))
    }

    /// Bytes of this character set as clean text. Bytes that are not UTF-8 although that is said are read as if nothing
    /// were said: programs that change one text often leave the others, and 1:90, as they are.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Part(part) if !bytes.is_ascii() => text::clean(&decode_part(part, bytes)),
            Self::Latin1 if !bytes.is_ascii() => text::clean(&text::windows_1252(bytes)),
            _ => text::guessed(bytes),
        }
    }
}

fn decode_part(part: &Part, bytes: &[u8]) -> String {
    let one = |&byte: &u8| {
        let high = byte.checked_sub(0xa0).and_then(|index| part.get(usize::from(index)));
        high.map_or(char::from(byte), |&code| char::from_u32(u32::from(code)).unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    bytes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Charset, iso_8859};

    #[test]
    fn escape_sequences_say_the_character_set() {
        let cases: [(&[u8], Charset); 16] = [
            (b"", Charset::Unsaid),
            (b"UTF8", Charset::Unsaid),
            (b"\x1b%G", Charset::Utf8),
            (b"\x1b%G\0", Charset::Utf8),
            (b"\x1b%/I", Charset::Utf8),
            (b"\x1b%@", Charset::Unsaid),
            (b"\x1b%G\x1b%@", Charset::Unsaid),
            (b"\x1b.A", Charset::Latin1),
            (b"\x1b-A", Charset::Latin1),
            (b"\x1b(B\x1b-L", Charset::Part(&iso_8859::PART_5)),
            (b"\x1b-F\x1b(B", Charset::Part(&iso_8859::PART_7)),
            (b"\x1b.A\x1b%G", Charset::Utf8),
            (b"\x1b%G\x1b.A", Charset::Utf8),
            (b"\x1b$B", Charset::Unsaid),
            (b"\x1b", Charset::Unsaid),
            (b"\x1b-\x1b%", Charset::Unsaid),
        ];
        for (escapes, expect) in cases {
            assert_eq!(Charset::of(escapes), expect, "{escapes:?}");
        }
    }

    #[test]
    fn texts_are_decoded() {
        let cases: [(&[u8], &[u8], &str); 10] = [
            (b"\x1b%G", b"caf\xc3\xa9", "caf\u{e9}"),
            (b"\x1b%G", b"caf\xe9", "caf\u{e9}"),
            (b"\x1b.A", b"caf\xc3\xa9", "caf\u{c3}\u{a9}"),
            (b"\x1b.A", b"caf\xe9 \x80\0", "caf\u{e9} \u{20ac}"),
            (b"", b"caf\xc3\xa9", "caf\u{e9}"),
            (b"", b" caf\xe9 \x80 ", "caf\u{e9} \u{20ac}"),
            (b"\x1b-B", b"\xb3\xf3d\xbc", "\u{142}\u{f3}d\u{17a}"),
            (b"\x1b-L", b"\xbc\xde\xe1\xda\xd2\xd0", "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}"),
            (b"\x1b-F", b"\xe1\xff", "\u{3b1}\u{fffd}"),
            (b"\x1b-b", b"plain \xa4", "plain \u{20ac}"),
        ];
        for (escapes, bytes, expect) in cases {
            assert_eq!(Charset::of(escapes).decode(bytes), expect, "{escapes:?} {bytes:?}");
        }
    }
}

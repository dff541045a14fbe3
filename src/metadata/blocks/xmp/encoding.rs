//! The characters of an XMP packet: UTF-8, UTF-16, or UTF-32 in either byte order (ISO 16684-1, part 1, "Packet
//! wrapper"). Knows no XML. The encoding that an XML declaration names is not looked at: XMP writers follow the bytes.

use std::borrow::Cow;

/// How characters are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// Bytes of one unit (2 or 4), and whether the highest byte comes first.
    Units {
        bytes: usize,
        is_big: bool,
    },
}

/// The text of a packet without a byte order mark. What is not valid becomes a question mark, as in ExifTool.
#[must_use]
pub fn text_of(packet: &[u8]) -> Cow<'_, str> {
    let (encoding, bytes) = encoding_of(packet);
    match encoding {
        Encoding::Utf8 => utf_8(bytes),
        Encoding::Units { bytes: 2, is_big } => {
            let unit = |pair: &[u8]| u16::from_be_bytes(number(pair, is_big));
            let units = bytes.chunks_exact(2).map(unit);
            Cow::Owned(char::decode_utf16(units).map(|one| one.unwrap_or('?')).collect())
        }
        Encoding::Units { is_big, .. } => {
            let unit = |four: &[u8]| char::from_u32(u32::from_be_bytes(number(four, is_big))).unwrap_or('?');
            Cow::Owned(bytes.chunks_exact(4).map(unit).collect())
        }
    }
}

/// The encoding by the byte order mark, or by the zeros around the first `<` or white space; and the bytes behind the
/// mark.
fn encoding_of(packet: &[u8]) -> (Encoding, &[u8]) {
    let units = |bytes, is_big| Encoding::Units { bytes, is_big };
    match packet {
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::Utf8, rest),
        [0, 0, 0xfe, 0xff, rest @ ..] => (units(4, true), rest),
        [0xff, 0xfe, 0, 0, rest @ ..] => (units(4, false), rest),
        [0xfe, 0xff, rest @ ..] => (units(2, true), rest),
        [0xff, 0xfe, rest @ ..] => (units(2, false), rest),
        [0, 0, 0, 1..=255, ..] => (units(4, true), packet),
        [1..=255, 0, 0, 0, ..] => (units(4, false), packet),
        [0, 1..=255, 0, 1..=255, ..] => (units(2, true), packet),
        [1..=255, 0, 1..=255, 0, ..] => (units(2, false), packet),
        _ => (Encoding::Utf8, packet),
    }
}

/// The bytes of one unit, highest first.
fn number<const BYTES: usize>(unit: &[u8], is_big: bool) -> [u8; BYTES] {
    let mut out: [u8; BYTES] = unit.try_into().unwrap_or([0; BYTES]);
    if !is_big {
        out.reverse();
    }
    out
}

fn utf_8(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::text_of;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "<a>\u{e9}\u{1f600}</a>";
        let units: Vec<u16> = text.encode_utf16().collect();
        let wide: Vec<u32> = text.chars().map(u32::from).collect();
        let forms: [Vec<u8>; 5] = [
            text.into(),
            units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            wide.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        ];
        let marks: [&[u8]; 5] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe", b"\0\0\xfe\xff", b"\xff\xfe\0\0"];
        for (form, mark) in forms.iter().zip(marks) {
            assert_eq!(text_of(form), text, "by zeros");
            assert_eq!(text_of(&[mark, form].concat()), text, "by the mark");
        }
    }

    #[test]
    fn what_is_not_valid_is_a_question_mark() {
        assert_eq!(text_of(b"caf\xe9 x\xc3"), "caf? x?");
        assert_eq!(text_of(b"\xfe\xff\xd8\x00\x00a"), "?a");
        assert_eq!(text_of(b"\0\0\xfe\xff\0\x11\0\0"), "?");
        assert_eq!(text_of(b""), "");
    }
}

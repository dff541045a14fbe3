//! Bytes as text, in the ways that EXIF has.
//!
//! Sources: EXIF 3.0, sections 4.6.4 (`Copyright`), 4.6.6 (`UserComment` and its character codes) and 4.6.2 (ASCII).

use crate::metadata::text;

use super::raw::Order;

/// Bytes that a NUL ends.
fn until_nul(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|&byte| byte == 0) {
        Some(end) => bytes.get(..end).unwrap_or_default(),
        None => bytes,
    }
}

/// Text that a NUL ends.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    text::guessed(until_nul(bytes))
}

/// Undefined bytes, if they can be text: printable, or a few bytes of a version.
#[must_use]
pub fn undefined(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_printable = !text.contains(|char: char| char.is_control() && !matches!(char, '\0' | '\t' | '\n' | '\r'));
    (is_printable || bytes.len() <= 8).then(|| text::clean(text))
}

/// A date as ISO 8601; as the file has it if it is not a date.
#[must_use]
pub fn date(bytes: &[u8]) -> String {
    let text = text(bytes);
    text::iso_date(&text).unwrap_or(text)
}

/// UTF-16 text that a NUL ends.
#[must_use]
pub fn utf16(bytes: &[u8], order: Order) -> String {
    let units = bytes.chunks_exact(2).filter_map(|unit| order.u16(unit, 0)).take_while(|&unit| unit != 0);
    let chars = char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER));
    text::clean(&chars.collect::<String>())
}

/// Text behind eight bytes that name its character set.
///
/// Cameras fill the name with spaces as well as NULs, and leave it out. JIS text stays as it is.
#[must_use]
pub fn prefixed(bytes: &[u8], order: Order) -> String {
    let Some((name, rest)) = bytes.split_at_checked(8) else {
        return text(bytes);
    };
    let is_blank = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, 0 | b' '));
    match name {
        [b'A', b'S', b'C', b'I', b'I', fill @ ..] if fill.starts_with(b"\0") || is_blank(fill) => text(rest),
        [b'U', b'N', b'I', b'C', b'O', b'D', b'E', 0 | b' '] => guessed_utf16(rest, order),
        [b'J', b'I', b'S', fill @ ..] if is_blank(fill) => text(rest),
        [0, ..] => text(rest),
        fill if is_blank(fill) => text(rest),
        _ => text::guessed(bytes),
    }
}

/// UTF-16 in the order that its mark says; without one, in the block's order, unless the other order makes more of it
/// Latin: Windows writes its own order into any block.
fn guessed_utf16(bytes: &[u8], order: Order) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, Order::Little),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, Order::Big),
        _ => {}
    }
    let latin = |order: Order| {
        let units = bytes.chunks_exact(2).filter_map(|unit| order.u16(unit, 0)).take_while(|&unit| unit != 0);
        units.filter(|&unit| unit < 0x100).count()
    };
    let other = order.other();
    utf16(bytes, if latin(other) > latin(order) { other } else { order })
}

/// The photographer's copyright, and behind a line break the editor's.
#[must_use]
pub fn copyright(bytes: &[u8]) -> String {
    let photographer = until_nul(bytes);
    let rest = bytes.get(photographer.len().saturating_add(1)..).unwrap_or_default();
    let editor = text(rest);
    let mut out = text(photographer);
    if !editor.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&editor);
    }
    out
}

/// The text behind the label that Photoshop writes before it.
#[must_use]
pub fn without_label(text: String) -> String {
    match text.rsplit_once(": ") {
        Some((_, value)) => value.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, copyright, date, prefixed, undefined, utf16, without_label};

    #[test]
    fn a_prefix_names_the_character_set() {
        let cases: &[(&[u8], &str)] = &[
            (b"ASCII\0\0\0hello\0garbage", "hello"),
            (b"ASCII   caf\xe9  ", "caf\u{e9}"),
            (b"\0\0\0\0\0\0\0\0caf\xc3\xa9", "caf\u{e9}"),
            (b"        blank", "blank"),
            (b"UNICODE\0\0h\0i", "hi"),
            (b"UNICODE\0h\0i\0", "hi"),
            (b"UNICODE\0\xff\xfeh\0i\0\0\0x\0", "hi"),
            (b"UNICODE\0\x65\x70", "\u{6570}"),
            (b"JIS\0\0\0\0\0abc", "abc"),
            (b"no prefix here", "no prefix here"),
            (b"short", "short"),
            (b"ASCII\0\0\0", ""),
        ];
        for (bytes, expect) in cases {
            assert_eq!(prefixed(bytes, Order::Big), *expect, "{bytes:?}");
        }
    }

    #[test]
    fn copyrights_are_lines() {
        let cases: &[(&[u8], &str)] = &[
            (b"photographer \0editor\0", "photographer\neditor"),
            (b"photographer\0", "photographer"),
            (b" \0editor\0more", "editor"),
            (b"\0\0", ""),
            (b"", ""),
        ];
        for (bytes, expect) in cases {
            assert_eq!(copyright(bytes), *expect, "{bytes:?}");
        }
    }

    #[test]
    fn other_text_has_a_form_too() {
        assert_eq!(utf16(b"h\0\xe9\0\0\0x\0y", Order::Little), "h\u{e9}");
        assert_eq!(undefined(b"\x08\t\n\x0b").as_deref(), Some("\u{8}\t\n\u{b}".trim()));
        assert_eq!(undefined(b"\x01binary, and long"), None);
        assert_eq!(date(b"2026:05:01 12:34:56\0"), "2026-05-01T12:34:56");
        assert_eq!(date(b"yesterday\0"), "yesterday");
        assert_eq!(without_label("White Balance: as shot".to_owned()), "as shot");
    }
}

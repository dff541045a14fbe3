//! Unicode normalisation form C of texts and of names. It decides what compares equal, and nothing else: what is stored
//! and reported keeps its bytes.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc, is_nfc_quick};

/// Normalisation form C (Unicode Standard Annex 15), which every metadata key and value has.
#[must_use]
pub fn nfc(text: &str) -> String {
    if text.is_ascii() || is_below_combining(text) || is_normal(text) { text.to_owned() } else { text.nfc().collect() }
}

/// Returns whether all characters are below U+0300, the first that combines. Such a text is in this form.
fn is_below_combining(text: &str) -> bool {
    // U+0300 is CC 80 in UTF-8. The bytes behind the first of a character are below C0.
    text.bytes().all(|byte| byte < 0xcc)
}

fn is_normal(text: &str) -> bool {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => is_nfc(text),
    }
}

/// The bytes of a name, or of a path with slashes, in normalisation form C. A Mac writes `é` as two code points, most
/// other systems as one; both are one name to the person who writes a rule. A name that is not UTF-8 keeps its bytes. A
/// text that is in this form already, as every ASCII text is, costs one pass over its bytes and no memory.
#[must_use]
#[inline]
pub fn nfc_names(path: &[u8]) -> Cow<'_, [u8]> {
    if path.is_ascii() { Cow::Borrowed(path) } else { nfc_of_names(path) }
}

#[cold]
fn nfc_of_names(path: &[u8]) -> Cow<'_, [u8]> {
    if let Ok(text) = std::str::from_utf8(path) {
        return if is_normal(text) { Cow::Borrowed(path) } else { Cow::Owned(text.nfc().collect::<String>().into()) };
    }
    let one = |name| std::str::from_utf8(name).map_or(Cow::Borrowed(name), |text| Cow::Owned(nfc(text).into()));
    let names: Vec<Cow<'_, [u8]>> = path.split(|&b| b == b'/').map(one).collect();
    Cow::Owned(names.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use unicode_normalization::UnicodeNormalization as _;

    use super::{nfc, nfc_names};

    #[test]
    fn a_text_that_is_copied_as_it_is_was_in_form_c() {
        for text in [
            "",
            "abc",
            "\u{e9}\u{2ff}",
            "e\u{301}",
            "a\u{300}\u{323}",
            "\u{212b}",
            "\u{65e5}\u{672c}",
            "\u{1100}\u{1161}",
        ] {
            assert_eq!(nfc(text), text.nfc().collect::<String>(), "{text}");
        }
        for one in ('\0'..='\u{2fff}').map(String::from) {
            assert_eq!(nfc(&one), one.nfc().collect::<String>(), "{}", one.escape_unicode());
        }
    }

    #[test]
    fn names_compose_and_what_is_not_utf_8_keeps_its_bytes() {
        for (path, expect) in [
            (&b"/acme/a.mov"[..], &b"/acme/a.mov"[..]),
            (b"/e\xcc\x81/x", b"/\xc3\xa9/x"),
            (b"/\xc3\xa9/x", b"/\xc3\xa9/x"),
            (b"/\xff/e\xcc\x81", b"/\xff/\xc3\xa9"),
            (b"/e\xcc\x81\xff/a", b"/e\xcc\x81\xff/a"),
            (b"/e\xcc\x81/\xff", b"/\xc3\xa9/\xff"),
            // A combining mark never joins a slash.
            (b"/a/\xcc\x81b", b"/a/\xcc\x81b"),
        ] {
            assert_eq!(&*nfc_names(path), expect, "{}", path.escape_ascii());
        }
        assert!(matches!(nfc_names("/\u{e9}\u{e8}".as_bytes()), Cow::Borrowed(_)), "nothing is copied");
    }
}

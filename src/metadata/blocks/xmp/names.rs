//! The names that ExifTool gives to properties that no table has, and the form in which it writes languages.

use std::borrow::Cow;

use super::properties::{Kind, Property};
use crate::metadata::tag::Text;

/// ExifTool's name of a property of a resource, and what its value is.
#[must_use]
pub fn tag(id: &str, known: Option<&'static Property>) -> (Text, Kind) {
    match known {
        Some((id, "", kind)) => (Cow::Borrowed(id), *kind),
        Some((_, name, kind)) => (Cow::Borrowed(name), *kind),
        None => (Cow::Owned(plain_tag(id)), Kind::Text),
    }
}

/// ExifTool's name of a field of a structure: the field's own, with a capital, and in a namespace that is not known
/// without capitals only.
#[must_use]
pub fn field(id: &str, is_known: bool) -> Text {
    let has_small = || id.bytes().any(|byte| byte.is_ascii_lowercase());
    Cow::Owned(if is_known || has_small() { capital(id) } else { capital(&id.to_ascii_lowercase()) })
}

/// The language of a value other than the default one, with a country in capitals as ExifTool writes it: `de`,
/// `fr-FR`, `sr-latn`. `None` for `x-default`.
#[must_use]
pub fn language(code: &str) -> Option<String> {
    let mut code = code.trim().to_ascii_lowercase();
    if code.is_empty() || code == "x-default" {
        return None;
    }
    if let Some((language, country)) = code.split_once('-')
        && (2..=3).contains(&language.len())
        && country.len() == 2
    {
        let upper = country.to_ascii_uppercase();
        code = format!("{language}-{upper}");
    }
    Some(code)
}

/// The name of a tag without a table: ASCII letters, digits, `-` and `_` with a capital first; no capitals only; `Tag`
/// before what is short or begins otherwise.
fn plain_tag(id: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let mut name = if id.bytes().all(is_kept) {
        capital(id)
    } else {
        let kept: String = id.chars().filter(|&one| u8::try_from(one).is_ok_and(is_kept)).collect();
        capital(&kept)
    };
    if !id.bytes().any(|byte| byte.is_ascii_lowercase()) {
        name.make_ascii_lowercase();
        name = capital(&name);
    }
    if name.len() < 2 || !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.insert_str(0, "Tag");
    }
    name
}

/// A name with a capital.
fn capital(id: &str) -> String {
    let mut name = id.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{field, language, plain_tag};

    #[test]
    fn names_are_capital_and_plain() {
        for (id, expect) in [
            ("title", "Title"),
            ("Custom\u{2182}0020Property", "Custom0020Property"),
            ("camelCase-x.y_z", "CamelCase-xy_z"),
            ("AUTHOR", "Author"),
            ("r", "TagR"),
            ("9z", "Tag9z"),
            ("_x", "Tag_x"),
            ("\u{fc}n", "TagN"),
            ("\u{fc}", "Tag"),
        ] {
            assert_eq!(plain_tag(id), expect, "{id}");
        }
        assert_eq!(field("h", true), "H");
        assert_eq!((field("URL", true), field("URL", false)), ("URL".into(), "Url".into()));
        assert_eq!(field("\u{fc}n", true), "\u{fc}n");
    }

    #[test]
    fn languages_have_one_form() {
        for (code, expect) in [
            ("x-default", None),
            ("X-Default", None),
            ("", None),
            ("de", Some("de")),
            ("FR-fr", Some("fr-FR")),
            ("zh-Hans-CN", Some("zh-hans-cn")),
            ("sr-Latn", Some("sr-latn")),
            ("x-repair", Some("x-repair")),
        ] {
            assert_eq!(language(code).as_deref(), expect, "{code}");
        }
    }
}

//! Hides what may be a secret in a line that is about to be shown. It guesses by the words before a value, so it also
//! hides some things that are none; it never changes the length of a line in bytes.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// A name that suggests a secret, `:` or `=`, and everything up to the quote that ends the string.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?im)((?:authorization|cookie|token|secret|passw|api[-_]?key|access[-_]?key|credential)[a-z0-9_-]*\s*["']?\s*[:=]\s*["']?)(.+?)(["']\s*(?:[,\]}#]|$)|$)"#,
    )
    .expect("the pattern is a constant, and a test runs it")
});

/// The user information of a URL, up to the last `@`: a password may hold what would end a proper one.
static USER_INFO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)()https?:[/\\]*([^\s"']+)(@)"#).expect("the pattern is a constant, and a test runs it")
});

/// The text with each byte of a probable secret replaced by `*`.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let spans: Vec<_> = [&*NAMED, &*USER_INFO]
        .iter()
        .flat_map(|pattern| {
            pattern.captures_iter(text).filter(|c| !is_reference(&c[1], &c[2])).filter_map(|c| c.get(2))
        })
        .collect();
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = text.as_bytes().to_vec();
    for span in spans {
        out[span.range()].fill(b'*');
    }
    // Matches end at character boundaries, so what is left is UTF-8 still.
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// The text of a line whose beginning is not known, with each byte of a probable secret replaced by `*`: the secret may
/// be named before the text, so all up to the end of the first string is hidden, too.
#[must_use]
pub fn mask_tail(text: &str) -> String {
    const NAME: &str = "token: ";
    mask(&format!("{NAME}{text}"))[NAME.len()..].to_owned()
}

/// Whether a name suggests a secret.
#[must_use]
pub fn suggests_secret(name: &str) -> bool {
    matches!(mask(&format!("{name}: x")), Cow::Owned(_))
}

/// Whether what stands under the key `secret` only says where the secret is.
fn is_reference(name: &str, value: &str) -> bool {
    let says_where = value.starts_with("file:") || value.starts_with("env:");
    name.starts_with("secret")
        && says_where
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','))
}

#[cfg(test)]
mod tests {
    use super::{mask, mask_tail};

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        for (line, shown) in [
            (
                r#"header = ["Authorization: Bearer a\"b", "X-A: 1"]"#,
                r#"header = ["Authorization: ***********", "X-A: 1"]"#,
            ),
            (r#"header = ["X-A: 1", "x-api-key: geheim"]"#, r#"header = ["X-A: 1", "x-api-key: ******"]"#),
            (r#"queryParam = ["access_token=abc"]"#, r#"queryParam = ["access_token=***"]"#),
            ("secret = 'wh\u{e9}'", "secret = '****'"),
            (r#"secret = "file:/run/secrets/sfo""#, r#"secret = "file:/run/secrets/sfo""#),
            (r#"secret = "file:/a, token = "geheim""#, r#"secret = "************************""#),
            (r#"header = ["Authorization: env:geheim"]"#, r#"header = ["Authorization: **********"]"#),
            (r#"callback = "http://ana:pw@host/x""#, r#"callback = "http://******@host/x""#),
            (r#"callback = "http:ana:p/w@host""#, r#"callback = "http:*******@host""#),
            (r#""Authorization: unclosed"#, r#""Authorization: ********"#),
            (r#"watchPath = ["* /a"]"#, r#"watchPath = ["* /a"]"#),
        ] {
            assert_eq!(mask(line), shown);
        }
    }

    #[test]
    fn a_line_without_its_beginning_begins_inside_of_a_secret() {
        for (tail, shown) in [
            ("geheim", "******"),
            ("geheim', 'X-A: 1']", "******', 'X-A: 1']"),
            ("geheim\", \"token: b\"]", "******\", \"token: *\"]"),
            ("", ""),
        ] {
            assert_eq!(mask_tail(tail), shown);
        }
    }
}

//! Bytes to texts of watchPath and watchMetadata clauses. Alphabets are small and share beginnings and ends, so that
//! what one rule asks lies close to what another asks and to what a change has.

use crate::bytes::Bytes;

/// Names of directories and files, each close to another.
const NAMES: [&str; 10] = ["a", "b", "ab", "abc", "a.b", "f.mov", "f.jpg", ".mov", "\u{e9}", "e\u{301}"];
/// Components that make a glob.
const GLOBS: [&str; 25] = [
    "*",
    "**",
    "?",
    "a*",
    "*b",
    "*.mov",
    "f.*",
    "[ab]",
    "[!a]*",
    "[a-c]b",
    "{a,ab}",
    "{,a}",
    "{a,b}.mov",
    "*.{mov,jpg}",
    "a**",
    "??",
    "\\*",
    "[]]",
    "[!]]",
    "{a/b,b}",
    "{*,b}c",
    "\\[a\\]",
    "e\u{301}*",
    "*\u{e9}",
    "\\e\\\u{301}?",
];
/// What a name is made of, character by character.
const LETTERS: [&str; 16] = ["a", "b", ".", "f", "m", "*", "?", "[", "]", "{", "}", ",", "\\", "!", "\u{e9}", "-"];
const KEYS: [&str; 8] = ["K", "L", "Kk", "KL", "kK", "k", "\u{e9}", "K k"];
const KEY_PATTERNS: [&str; 10] = ["*", "K*", "*k", "*K*", "K*k", "L*", "\\*", "\"K\"", "\"*\"", "k*K"];
/// What values are made of.
const PIECES: [&str; 18] =
    ["x", "y", "xy", "abc", "ab", "bc", "X", "\u{e9}", "e\u{301}", "0", "1", "2", ".", "-", " ", "=", "\"", "\\"];
const REGEXES: [&str; 24] = [
    "x",
    "xy",
    "abc",
    "ab",
    ".",
    ".*",
    "x+",
    "y?",
    "^",
    "$",
    "|",
    "[xy]",
    "(abc)",
    "(abc)?",
    "(abc)+",
    "(x|y)",
    "\\d",
    "\u{e9}",
    "(?i)",
    "(?:ab){2}",
    "\\b",
    "(?m)^",
    "a{0}bc",
    "(?x) ",
];
const DATES: [&str; 8] = [
    "2026-01",
    "2026-01-01",
    "2026-01-02",
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00+01:00",
    "2025-12-31T23:59:60",
    "2026-02-29",
    "2026-01-01T00:00:00.5",
];
/// `watchMetadata`'s operators.
const OPERATORS: [&str; 9] = ["==", "=", "!=", ">", ">=", "<", "<=", "=~", "!~"];
/// Ends of texts are filed by so many bytes at most, and longer ones by those.
const LONG: usize = 63;

/// A watchPath clause.
pub fn path_clause(bytes: &mut Bytes<'_>) -> String {
    let mode = bytes.one(&["", "* ", "+ ", "- ", "~ ", "*", "\u{2013} "]);
    if bytes.once_in(3) { format!("{mode}{}", glob(bytes)) } else { format!("{mode}{}", path(bytes)) }
}

/// A path, most often without anything special; with a slash at its end or doubled slashes now and then.
pub fn path(bytes: &mut Bytes<'_>) -> String {
    let mut out = String::new();
    for _ in 0..bytes.below(5) {
        out.push_str(bytes.one(&["/", "/", "/", "/", "//"]));
        out.push_str(bytes.one(&NAMES));
    }
    if out.is_empty() || bytes.once_in(5) {
        out.push('/');
    }
    out
}

/// A glob over paths.
pub fn glob(bytes: &mut Bytes<'_>) -> String {
    let mut out = String::new();
    for _ in 0..=bytes.below(4) {
        out.push_str(bytes.one(&["/", "/", "/", "/", "/", "/", "//", "///"]));
        match bytes.below(4) {
            0 => out.push_str(bytes.one(&NAMES)),
            1 => out.push_str(&bytes.joined(&LETTERS, 6)),
            _ => out.push_str(bytes.one(&GLOBS)),
        }
    }
    out
}

/// A watchMetadata clause.
pub fn metadata_clause(bytes: &mut Bytes<'_>) -> String {
    let key = if bytes.once_in(4) { bytes.one(&KEY_PATTERNS) } else { bytes.one(&KEYS) };
    let operator = bytes.one(&OPERATORS);
    let space = bytes.one(&["", "", "", " "]);
    let value = match operator {
        "=~" | "!~" => regex(bytes),
        "==" | "=" | "!=" => pattern(bytes),
        _ => bound(bytes),
    };
    format!("{key}{space}{operator}{space}{value}")
}

/// A key.
pub fn key(bytes: &mut Bytes<'_>) -> &'static str {
    bytes.one(&KEYS)
}

/// A key as `when` has it: one word, or in quotes.
pub fn word_key(bytes: &mut Bytes<'_>) -> String {
    if bytes.once_in(5) {
        return bytes.one(&KEY_PATTERNS[..9]).to_owned();
    }
    let key = key(bytes);
    if key.contains(' ') { format!("\"{key}\"") } else { key.to_owned() }
}

/// A value as an asset has it.
pub fn value(bytes: &mut Bytes<'_>) -> String {
    let value = match bytes.below(8) {
        0 | 1 => number(bytes),
        2 => bytes.one(&DATES).to_owned(),
        3 => long(bytes),
        _ => bytes.joined(&PIECES, 4),
    };
    // Often one that was met before, at times with something before or behind it.
    let value = match (bytes.below(6), bytes.remembered()) {
        (0 | 1, Some(met)) => met,
        (2, Some(met)) => met + bytes.one(&PIECES),
        (3, Some(met)) => bytes.one(&PIECES).to_owned() + &met,
        _ => value,
    };
    bytes.remember(&value);
    value
}

/// A value of a rule: at times with stars, or in quotes.
pub fn pattern(bytes: &mut Bytes<'_>) -> String {
    match bytes.below(8) {
        0 => "*".to_owned(),
        1 => value(bytes) + "*",
        2 => format!("*{}", value(bytes)),
        3 => format!("{}*{}", value(bytes), value(bytes)),
        4 => format!("*{}*", value(bytes)),
        5 => quoted(&value(bytes)),
        6 => bytes.joined(&["*", "x", "y", "abc", "\\*", "\\\\", "\\", "\u{e9}"], 6),
        _ => value(bytes),
    }
}

/// In double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A regular expression.
pub fn regex(bytes: &mut Bytes<'_>) -> String {
    bytes.joined(&REGEXES, 4)
}

/// The right side of a comparison.
pub fn bound(bytes: &mut Bytes<'_>) -> String {
    let bound = if bytes.once_in(3) { bytes.one(&DATES).to_owned() } else { number(bytes) };
    bytes.remember(&bound);
    bound
}

fn number(bytes: &mut Bytes<'_>) -> String {
    let sign = bytes.one(&["", "", "-", "+"]);
    let whole = bytes.one(&["0", "1", "2", "10", "007", "9", "12345678901234567890"]);
    let fraction = bytes.one(&["", "", "", ".0", ".5", ".50", ".000000000000000000001"]);
    format!("{sign}{whole}{fraction}")
}

/// Longer than what ends of texts are filed by, or nearly so.
fn long(bytes: &mut Bytes<'_>) -> String {
    let (first, last) = (bytes.one(&["x", "y"]), bytes.one(&["x", "y", "\u{e9}"]));
    format!("{first}{}{last}", "x".repeat(LONG - 3 + bytes.below(6)))
}

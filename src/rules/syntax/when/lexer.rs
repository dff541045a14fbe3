//! `when` expressions as tokens: words, texts in double quotes, operators, parentheses and commas.
//!
//! Nothing here knows keywords, facts or keys: all of them are words. What is no token is reported here and kept as
//! [`Kind::Bad`], so that whoever reads the tokens goes on after it without a second fault for the same place.

use std::ops::Range;

use crate::diagnostic::{Code, TextFault};
use crate::rules::condition::Relation;
use crate::rules::syntax::watch_metadata::quoted;

/// One token and its place.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word; its text is that of its place.
    Word,
    /// A text in double quotes, without them and without escapes.
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
    /// No token; the fault has been reported.
    Bad,
}

/// An operator that is no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `==` and `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<` `<=` `>` `>=`
    Order(Relation),
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

/// What operators are made of, and what other languages make them of.
const OPERATOR_CHARS: &[char] = &['=', '!', '<', '>', '~', '&', '|'];

/// Reads all tokens.
pub(super) fn tokens(text: &str, faults: &mut Vec<TextFault>) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, end) = match first {
            '(' => (Kind::Open, at + 1),
            ')' => (Kind::Close, at + 1),
            ',' => (Kind::Comma, at + 1),
            '"' => match quoted(text, at) {
                Ok((quoted, end)) => (Kind::Quoted(quoted), end),
                Err(_) => {
                    let help = "add the closing quote; in TOML it is simplest to put the whole `when` in single quotes: \
                                'City == \"San Francisco\"'";
                    let fault =
                        TextFault::error(Code::BadWhen, at..text.len(), "a quote is not closed", "opened here", help);
                    faults.push(fault);
                    (Kind::Bad, text.len())
                }
            },
            _ if OPERATOR_CHARS.contains(&first) => {
                let end = run(text, at, |c| OPERATOR_CHARS.contains(&c));
                (operator(&text[at..end], at..end, faults), end)
            }
            _ => word(text, at, faults),
        };
        out.push(Token { kind, range: at..end });
        at = end;
    }
    out
}

/// Where a run of such characters ends.
fn run(text: &str, from: usize, like: impl Fn(char) -> bool) -> usize {
    text[from..].find(|c| !like(c)).map_or(text.len(), |length| from + length)
}

fn operator(text: &str, range: Range<usize>, faults: &mut Vec<TextFault>) -> Kind {
    let known = match text {
        "==" | "=" => Some(Operator::Equal),
        "!=" => Some(Operator::Unequal),
        "=~" => Some(Operator::Matches),
        "!~" => Some(Operator::MatchesNot),
        ">=" => Some(Operator::Order(Relation::AtLeast)),
        "<=" => Some(Operator::Order(Relation::AtMost)),
        ">" => Some(Operator::Order(Relation::More)),
        "<" => Some(Operator::Order(Relation::Less)),
        _ => None,
    };
    if let Some(known) = known {
        return Kind::Operator(known);
    }
    let meant = match text {
        "&&" | "&" => Some("and"),
        "||" | "|" => Some("or"),
        "!" => Some("not"),
        "=>" => Some(">="),
        "=<" => Some("<="),
        "<>" => Some("!="),
        "===" => Some("=="),
        "~" | "~=" | "==~" => Some("=~"),
        _ => None,
    };
    let rest = "operators are == = != > >= < <= =~ !~ in like; a value with such characters goes in double quotes";
    let help = meant.map_or_else(|| rest.to_owned(), |meant| format!("write `{meant}`; {rest}"));
    faults.push(TextFault::error(Code::BadWhen, range, "this is no operator", "this", help));
    Kind::Bad
}

/// A word, and where it ends. What has a character that words do not have is one bad token to its end.
fn word(text: &str, from: usize, faults: &mut Vec<TextFault>) -> (Kind, usize) {
    let first = text[from..].chars().next().unwrap_or_default();
    let (odd, end) = match closing_quote(text, from, first) {
        // A text in another kind of quotes is shown whole. The word's end is not looked for: from each of many short
        // texts without a space between them it would be looked for to the end of them all.
        Some(end) => (first, end),
        None => {
            let is_end =
                |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"') || OPERATOR_CHARS.contains(&c);
            let end = run(text, from, |c| !is_end(c));
            match odd_character(&text[from..end]) {
                Some(odd) => (odd, end),
                None => return (Kind::Word, end),
            }
        }
    };
    let (message, help) = match odd {
        '\'' => (
            "texts stand in double quotes".to_owned(),
            "write \"…\" instead, and put the whole `when` in single quotes: 'City == \"San Francisco\"'".to_owned(),
        ),
        _ if TYPOGRAPHIC.contains(&odd) => (
            "these are typographic quotes, not double quotes".to_owned(),
            "write \"…\" with straight quotes".to_owned(),
        ),
        '\\' => (
            "outside of double quotes a backslash is written `\\\\`, and a literal star `\\*`".to_owned(),
            "put the whole word in double quotes; a backslash in them is one".to_owned(),
        ),
        '#' => (
            "there are no comments in an expression".to_owned(),
            "end the text first, and write # behind it".to_owned(),
        ),
        _ => (
            format!("`{}` cannot stand outside of double quotes", odd.escape_debug()),
            format!("put the whole key or value in double quotes; bare words have letters, digits and {PUNCTUATION}"),
        ),
    };
    faults.push(TextFault::error(Code::BadWhen, from..end, message, "this", help));
    (Kind::Bad, end)
}

/// Where a text ends that begins with another kind of quotes and has such at its end.
fn closing_quote(text: &str, from: usize, first: char) -> Option<usize> {
    let closing: &[char] = match first {
        '\'' => &['\''],
        _ if TYPOGRAPHIC.contains(&first) => &TYPOGRAPHIC,
        _ => return None,
    };
    let inside = from + first.len_utf8();
    let at = inside + text[inside..].find(closing)?;
    Some(at + text[at..].chars().next().map_or(0, char::len_utf8))
}

/// The first character that bare words do not have.
fn odd_character(word: &str) -> Option<char> {
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && matches!(chars.peek(), Some('*' | '\\')) {
            chars.next();
        } else if !is_word(c) {
            return Some(c);
        }
    }
    None
}

/// What bare words have beside letters and digits. `+` is there for the zones of dates.
const PUNCTUATION: &str = "_ - . : / * [ ] +";

/// What text processors make of double quotes.
const TYPOGRAPHIC: [char; 4] = ['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-' | '.' | ':' | '/' | '*' | '[' | ']' | '+')
        || (!c.is_ascii() && !TYPOGRAPHIC.contains(&c))
}

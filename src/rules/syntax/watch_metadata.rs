//! `watchMetadata` clauses: `Key OPERATOR value`.
//!
//! The operator is the leftmost of `!= == =~ !~ >= <= > < =` after the key, the longest where two begin together.
//! Spaces around it are trimmed, further ones belong to the value. `*` in a key or a value stands for any run of
//! characters and `\*` for a star; nothing else is special in a key, so `Title[de]` is one. In double quotes a key or
//! a value is taken as it is, stars included; `\"` and `\\` stand for `"` and `\`.

use std::ops::Range;

use crate::diagnostic::{Code, TextFault};
use crate::model::metadata::nfc;
use crate::rules::condition::{Keys, MetadataClause, Test};
use crate::rules::pattern::TextPattern;

/// Every operator, longer ones before those that they begin with.
const OPERATORS: [&str; 9] = ["!=", "==", "=~", "!~", ">=", "<=", ">", "<", "="];

const FORMS: &str = "write Key==value, Key!=value, Key==* (was given a value), Key!=* (was removed) or *==* (any key)";

/// Reads one clause. Faults and warnings are added to `faults`; there is a clause when none of them blocks.
pub fn parse(text: &str, faults: &mut Vec<TextFault>) -> Option<MetadataClause> {
    match clause(text, faults) {
        Ok(clause) => Some(clause),
        Err(fault) => {
            faults.push(*fault);
            None
        }
    }
}

fn clause(text: &str, faults: &mut Vec<TextFault>) -> Result<MetadataClause, Box<TextFault>> {
    let start = text.len() - text.trim_start().len();
    let (key, after_key) = if text[start..].starts_with('"') {
        let (key, end) = quoted(text, start)?;
        (TextPattern::Exact(nfc(&key)), Some(end))
    } else {
        (TextPattern::Any, None)
    };
    let (at, operator) = operator(text, after_key.unwrap_or(start)).ok_or_else(|| {
        bad(start..text.len(), "the clause has no operator", "expected Key==value".to_owned(), FORMS.to_owned())
    })?;
    let key = match after_key {
        Some(end) if !text[end..at].trim().is_empty() => {
            let message = "there is text between the quoted key and the operator";
            return Err(bad(end..at, message, "expected an operator".into(), "quote the whole key".into()));
        }
        Some(_) => key,
        None => unquoted(text[start..at].trim_end()),
    };
    if key == TextPattern::Exact(String::new()) {
        let help = format!("{FORMS}; `*` stands for any key");
        return Err(bad(at..at + operator.len(), "the clause has no key", "expected a key before this".into(), help));
    }
    let rest = &text[at + operator.len()..];
    let value_at = text.len() - rest.trim_start().len();
    let value = if text[value_at..].starts_with('"') {
        let (value, end) = quoted(text, value_at)?;
        if !text[end..].trim().is_empty() {
            let message = "there is text after the quoted value";
            let help = "quote the whole value and write \\\" for a quote in it".to_owned();
            return Err(bad(end..text.len(), message, "expected nothing more".into(), help));
        }
        TextPattern::Exact(nfc(&value))
    } else {
        odd_value(text, value_at, faults);
        unquoted(&text[value_at..])
    };
    let test = match operator {
        "==" | "=" if key == TextPattern::Any && value == TextPattern::Any => Test::AnyTouched,
        "==" | "=" => Test::Given(value),
        "!=" if value == TextPattern::Any => Test::Removed,
        "!=" => Test::Without(value),
        _ => return Err(unavailable(operator, at, text)),
    };
    let keys = match key {
        TextPattern::Exact(key) => Keys::One(key),
        pattern => Keys::Like(pattern),
    };
    Ok(MetadataClause { keys, test })
}

/// The leftmost operator from `from` on.
fn operator(text: &str, from: usize) -> Option<(usize, &'static str)> {
    text[from..].char_indices().find_map(|(at, _)| {
        let operator = OPERATORS.into_iter().find(|operator| text[from + at..].starts_with(operator))?;
        Some((from + at, operator))
    })
}

/// A text in double quotes that begins at `from`; and where it ends.
fn quoted(text: &str, from: usize) -> Result<(String, usize), Box<TextFault>> {
    let mut out = String::new();
    let mut chars = text[from + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (c, chars.peek()) {
            ('"', _) => return Ok((out, from + 1 + at + 1)),
            ('\\', Some((_, escaped @ ('"' | '\\')))) => {
                out.push(*escaped);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    let help = "add the closing quote; in TOML it is simplest to put the clause in single quotes: 'Title==\"a * b\"'";
    Err(bad(from..text.len(), "a quote is not closed", "opened here".into(), help.into()))
}

/// A text outside of quotes: pieces between stars.
fn unquoted(text: &str) -> TextPattern {
    let mut pieces = vec![String::new()];
    let text = nfc(text);
    let mut rest = text.as_str();
    while let Some(at) = rest.find('*') {
        let piece = pieces.last_mut().expect("it begins with one and only grows");
        match rest[..at].strip_suffix('\\') {
            Some(before) => {
                piece.push_str(before);
                piece.push('*');
            }
            None => {
                piece.push_str(&rest[..at]);
                pieces.push(String::new());
            }
        }
        rest = &rest[at + 1..];
    }
    pieces.last_mut().expect("it begins with one and only grows").push_str(rest);
    TextPattern::from_pieces(pieces)
}

/// Points out values that are probably not what was meant.
fn odd_value(text: &str, from: usize, faults: &mut Vec<TextFault>) {
    let value = &text[from..];
    if value.starts_with(['=', '<', '>', '~']) {
        let message = format!("the value begins with `{}`, which looks like a part of the operator", &value[..1]);
        let help = "put the value in double quotes if it is meant; operators are ==, = and !=";
        let fault = TextFault::error(Code::OperatorInValue, from..from + 1, message, "a part of the value", help);
        faults.push(fault.as_warning());
    }
    let trimmed = value.trim_end().len();
    if trimmed > 0 && trimmed < value.len() {
        let message = "the value ends with a space, so it is like no value without one";
        let help = "remove the space, or put the value in double quotes if it is meant";
        let fault = TextFault::error(Code::StraySpace, from + trimmed..text.len(), message, "this space", help);
        faults.push(fault.as_warning());
    }
}

fn unavailable(operator: &str, at: usize, text: &str) -> Box<TextFault> {
    let help = if text[at + operator.len()..].contains("==") || text[at + operator.len()..].contains("!=") {
        format!("if `{operator}` belongs to the key, put the key in double quotes")
    } else if operator.contains('~') {
        "this version has ==, = and !=; `*` in a value stands for any run of characters, as in City==S*".to_owned()
    } else {
        "this version has ==, = and !=; write one clause for each value, as in Rating==4 and Rating==5".to_owned()
    };
    let message = format!("the operator `{operator}` is not available in this version");
    Box::new(TextFault::error(Code::OperatorUnavailable, at..at + operator.len(), message, "this operator", help))
}

fn bad(range: Range<usize>, message: &str, label: String, help: String) -> Box<TextFault> {
    Box::new(TextFault::error(Code::BadClause, range, message, label, help))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::diagnostic::Code;
    use crate::rules::condition::{Keys, MetadataClause, Test};
    use crate::rules::pattern::TextPattern;

    fn exact(text: &str) -> TextPattern {
        TextPattern::Exact(text.into())
    }

    fn pieces(pieces: &[&str]) -> TextPattern {
        TextPattern::from_pieces(pieces.iter().map(|piece| (*piece).to_owned()).collect())
    }

    #[test]
    fn clauses_read_as_the_leftmost_longest_operator_says() {
        let one = |key: &str| Keys::One(key.into());
        for (text, keys, test) in [
            ("City==SFO", one("City"), Test::Given(exact("SFO"))),
            ("City=SFO", one("City"), Test::Given(exact("SFO"))),
            (" City  ==  San Francisco", one("City"), Test::Given(exact("San Francisco"))),
            ("City==a=b", one("City"), Test::Given(exact("a=b"))),
            ("City=a==b", one("City"), Test::Given(exact("a==b"))),
            ("City!=a==b", one("City"), Test::Without(exact("a==b"))),
            ("City!=", one("City"), Test::Without(exact(""))),
            ("City==", one("City"), Test::Given(exact(""))),
            ("City==*", one("City"), Test::Given(TextPattern::Any)),
            ("City!=*", one("City"), Test::Removed),
            ("*==*", Keys::Like(TextPattern::Any), Test::AnyTouched),
            ("* = *", Keys::Like(TextPattern::Any), Test::AnyTouched),
            ("*!=*", Keys::Like(TextPattern::Any), Test::Removed),
            ("*==SFO", Keys::Like(TextPattern::Any), Test::Given(exact("SFO"))),
            ("IPTC_*==*", Keys::Like(pieces(&["IPTC_", ""])), Test::Given(TextPattern::Any)),
            (r"a\*b==c\*d", one("a*b"), Test::Given(exact("c*d"))),
            (r"a==\\*", one("a"), Test::Given(exact(r"\*"))),
            ("a==S*F*", one("a"), Test::Given(pieces(&["S", "F", ""]))),
            ("Title[de]==x", one("Title[de]"), Test::Given(exact("x"))),
            (r#""a=b" == "c * \"d\" \\ \n""#, one("a=b"), Test::Given(exact("c * \"d\" \\ \\n"))),
            (r#""*"=="*""#, one("*"), Test::Given(exact("*"))),
            (r#""*"!="*""#, one("*"), Test::Without(exact("*"))),
            (r#"a=="" "#, one("a"), Test::Given(exact(""))),
            ("a==5\"", one("a"), Test::Given(exact("5\""))),
            ("Cafe\u{301}==e\u{301}", one("Caf\u{e9}"), Test::Given(exact("\u{e9}"))),
            ("a! =b", one("a!"), Test::Given(exact("b"))),
        ] {
            let mut faults = Vec::new();
            assert_eq!(parse(text, &mut faults), Some(MetadataClause { keys, test }), "{text}");
            assert_eq!(faults, [], "{text}");
        }
    }

    #[test]
    fn what_is_no_clause_is_refused_at_its_place() {
        for (text, code, range) in [
            ("", Code::BadClause, 0..0),
            ("City", Code::BadClause, 0..4),
            ("City: SFO", Code::BadClause, 0..9),
            ("==SFO", Code::BadClause, 0..2),
            (" = x", Code::BadClause, 1..2),
            (r#"""==x"#, Code::BadClause, 2..4),
            (r#""City==x"#, Code::BadClause, 0..8),
            (r#"City=="x"#, Code::BadClause, 6..8),
            (r#""City" x==x"#, Code::BadClause, 6..8),
            (r#"City=="x" y"#, Code::BadClause, 9..11),
            ("Rating>=4", Code::OperatorUnavailable, 6..8),
            ("Rating>4", Code::OperatorUnavailable, 6..7),
            ("Rating<=4", Code::OperatorUnavailable, 6..8),
            ("Rating < 4", Code::OperatorUnavailable, 7..8),
            ("City=~^S", Code::OperatorUnavailable, 4..6),
            ("City!~^S", Code::OperatorUnavailable, 4..6),
            ("a<b==c", Code::OperatorUnavailable, 1..2),
            ("City===SFO", Code::OperatorInValue, 6..7),
            ("Rating=>4", Code::OperatorInValue, 7..8),
            ("City==SFO ", Code::StraySpace, 9..10),
        ] {
            let mut faults = Vec::new();
            let clause = parse(text, &mut faults);
            let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.range.clone())).collect();
            assert_eq!(found, [(code, range)], "{text:?}");
            assert_eq!(clause.is_some(), code as u16 >= 100, "{text:?}");
        }
    }
}

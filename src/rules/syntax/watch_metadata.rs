//! `watchMetadata` clauses: `Key OPERATOR value`.
//!
//! The operator is the leftmost of `!= == =~ !~ >= <= > < =` after the key, the longest where two begin together.
//! Spaces around it are trimmed, further ones belong to the value. `*` in a key or a value stands for any run of
//! characters, `\*` for a star and `\\` for a backslash; nothing else is special in a key, so `Title[de]` is one. In
//! double quotes a key or a value is taken as it is, stars included; `\"` and `\\` stand for `"` and `\`.

use std::ops::Range;

use crate::diagnostic::{Code, TextFault, meant};
use crate::model::duration::parse_duration_ms;
use crate::model::metadata::nfc;
use crate::rules::condition::{Comparison, MetadataClause, Relation, Test, ValueTest};
use crate::rules::pattern::{TextPattern, TextRegex};
use crate::rules::syntax::hints::{FORMS, better_bound, forms};
use crate::rules::syntax::literal;
use crate::rules::syntax::when::size;
use crate::rules::value::{LENGTH_MAX, Scale, scale_of};

/// Every operator, longer ones before those that they begin with.
const OPERATORS: [&str; 9] = ["!=", "==", "=~", "!~", ">=", "<=", ">", "<", "="];

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
        (TextPattern::Exact(nfc(&key).into()), Some(end))
    } else {
        (TextPattern::Any, None)
    };
    let (at, operator) = operator(text, after_key.unwrap_or(start)).ok_or_else(|| {
        bad(start..text.len(), "the clause has no operator", "expected Key==value".to_owned(), forms(text.trim()))
    })?;
    let key = match after_key {
        Some(end) if !text[end..at].trim().is_empty() => {
            let message = "there is text between the quoted key and the operator";
            return Err(bad(end..at, message, "expected an operator".into(), "quote the whole key".into()));
        }
        Some(_) => key,
        None => {
            let key = text[start..at].trim_end();
            literal::negated_key(text, start..start + key.len(), operator, faults);
            literal::operator_in_key(key, start..start + key.len(), faults);
            literal::key_like_fact(key, start..start + key.len(), faults);
            unquoted(key)
        }
    };
    if key == TextPattern::Exact(Box::default()) {
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
        Value::Quoted(nfc(&value))
    } else {
        Value::Plain(&text[value_at..])
    };
    let place = value_at..text.len();
    let test = match operator {
        "==" | "=" | "!=" => {
            if let Value::Plain(_) = value {
                odd_value(text, value_at, operator, faults);
                literal::in_value(text, value_at, text[start..at].trim_end(), operator, faults);
                literal::second_clause(text, value_at, faults);
            }
            let value = match value {
                Value::Quoted(value) => TextPattern::Exact(value.into()),
                Value::Plain(value) => unquoted(value),
            };
            match (operator, value) {
                ("!=", TextPattern::Any) => Test::Removed,
                ("!=", value) => Test::Without(ValueTest::Like(value)),
                (_, TextPattern::Any) if key == TextPattern::Any => Test::AnyTouched,
                (_, value) => Test::Given(ValueTest::Like(value)),
            }
        }
        "=~" => {
            literal::between_slashes(&value.text(), place.clone(), faults);
            Test::Given(ValueTest::Matches(expression(&value.text(), place)?.into()))
        }
        "!~" => Test::Without(ValueTest::Matches(expression(&value.text(), place)?.into())),
        _ => {
            let relation = match operator {
                ">=" => Relation::AtLeast,
                "<=" => Relation::AtMost,
                ">" => Relation::More,
                _ => Relation::Less,
            };
            let value = value.text();
            let comparison = comparison(relation, value.trim_end(), place).map_err(|mut fault| {
                fault.help = better_bound(text, start..at, operator, &value).or(fault.help);
                fault
            })?;
            Test::Given(ValueTest::Compare(comparison))
        }
    };
    Ok(MetadataClause { keys: key.into(), test, text: text.trim().into() })
}

/// What stands behind the operator.
enum Value<'t> {
    Quoted(String),
    Plain(&'t str),
}

impl Value<'_> {
    /// Where stars are nothing special.
    fn text(&self) -> String {
        match self {
            Self::Quoted(value) => value.clone(),
            Self::Plain(value) => nfc(value),
        }
    }
}

/// Reads a regular expression.
///
/// # Errors
/// What is wrong with it.
pub fn expression(text: &str, place: Range<usize>) -> Result<TextRegex, Box<TextFault>> {
    TextRegex::new(text).map_err(|why| {
        let message = format!("this is no regular expression: {why}");
        let help = if text.starts_with('*') {
            "a regular expression is no glob: write .* for any characters, or compare by `==` with a star"
        } else {
            "the syntax is https://docs.rs/regex/#syntax, without look-around and back references; in TOML put the \
             text in single quotes, so that backslashes stay"
        };
        Box::new(TextFault::error(Code::BadRegex, place, message, "this expression", help))
    })
}

/// Reads the bound of a comparison: a date where it looks like one, else a number.
///
/// # Errors
/// It is neither.
pub fn comparison(relation: Relation, text: &str, place: Range<usize>) -> Result<Comparison, Box<TextFault>> {
    let scale = scale_of(text);
    match scale.read(text) {
        Some(bound) => Ok(Comparison { relation, scale, bound }),
        None => {
            if text.len() > LENGTH_MAX {
                let what =
                    format!("a number or a date has at most {LENGTH_MAX} characters: no value compares with more");
                let help = "write a shorter bound, or compare the whole text by `==`";
                return Err(Box::new(TextFault::error(Code::NotComparable, place, what, "too long", help)));
            }
            let guess = meant::number_or_date(text).filter(|guess| scale_of(guess).read(guess).is_some());
            let (what, help) = match scale {
                _ if guess.is_some() => ("a comparison takes a number or a date in another form", ""),
                Scale::Number if size::parse(text).is_ok() => (
                    "a comparison takes a number or a date, without a unit",
                    "write the plain number that the key's values are; the size of the file is asked for by when = 'size > 5GB'",
                ),
                Scale::Number if parse_duration_ms(text.trim_end_matches("ago").trim()).is_ok() => (
                    "a comparison takes a number or a date, without a unit",
                    "write the plain number that the key's values are; the age of the file is asked for by when = 'mtime < 7d ago'",
                ),
                Scale::Number => (
                    "a comparison takes a number or a date",
                    "write a plain decimal, such as 4 or -12.5, or an ISO 8601 date, such as 2026-11-22 or 2026-11-22T10:00:00Z",
                ),
                Scale::Date => (
                    "this looks like a date, but there is no such date",
                    "write an ISO 8601 date, such as 2026-11, 2026-11-22 or 2026-11-22T10:00:00+01:00",
                ),
            };
            let help = guess.map_or_else(|| help.to_owned(), |guess| format!("write {guess}"));
            Err(Box::new(TextFault::error(Code::NotComparable, place, what, "not comparable", help)))
        }
    }
}

/// The leftmost operator from `from` on.
fn operator(text: &str, from: usize) -> Option<(usize, &'static str)> {
    text[from..].char_indices().find_map(|(at, _)| {
        let operator = OPERATORS.into_iter().find(|operator| text[from + at..].starts_with(operator))?;
        Some((from + at, operator))
    })
}

/// A text in double quotes that begins at `from`; and where it ends.
pub(super) fn quoted(text: &str, from: usize) -> Result<(String, usize), Box<TextFault>> {
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

/// A text outside of quotes: pieces between stars. `\*` is a star and `\\` a backslash; before any other character a
/// backslash is itself. [`TextPattern::written`] is the way back.
pub(super) fn unquoted(text: &str) -> TextPattern {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let text = nfc(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(escaped @ ('*' | '\\'))) => {
                piece.push(*escaped);
                chars.next();
            }
            ('*', _) => pieces.push(std::mem::take(&mut piece)),
            _ => piece.push(c),
        }
    }
    pieces.push(piece);
    TextPattern::from_pieces(pieces)
}

/// Points out values that are probably not what was meant.
fn odd_value(text: &str, from: usize, operator: &str, faults: &mut Vec<TextFault>) {
    let value = &text[from..];
    if let Some(first) = value.chars().next().filter(|first| ['=', '<', '>', '~', '!'].contains(first)) {
        let message = format!("the value begins with `{first}`, which looks like a part of the operator");
        let meant = match (operator, first) {
            ("=", '>') => ">=",
            ("=", '<') => "<=",
            ("=" | "!=", '!' | '=') => "!=",
            ("==", '=') => "==",
            ("==", '~') => "=~",
            _ => "one of == = != > >= < <= =~ !~",
        };
        let help = format!("write {meant} for the operator, or put the value in double quotes if it is meant");
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

fn bad(range: Range<usize>, message: &str, label: String, help: String) -> Box<TextFault> {
    Box::new(TextFault::error(Code::BadClause, range, message, label, help))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, unquoted};
    use crate::diagnostic::Code;
    use crate::rules::condition::{Keys, Relation, Test, ValueTest};
    use crate::rules::pattern::TextPattern;
    use crate::rules::value::LENGTH_MAX;

    fn exact(text: &str) -> ValueTest {
        ValueTest::Like(TextPattern::Exact(text.into()))
    }

    fn keys_like(pieces: &[&str]) -> Keys {
        TextPattern::from_pieces(pieces.iter().map(|piece| (*piece).to_owned()).collect()).into()
    }

    fn pieces(pieces: &[&str]) -> ValueTest {
        ValueTest::Like(TextPattern::from_pieces(pieces.iter().map(|piece| (*piece).to_owned()).collect()))
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
            ("City!=\"\"", one("City"), Test::Without(exact(""))),
            ("City==\"\"", one("City"), Test::Given(exact(""))),
            ("City==*", one("City"), Test::Given(ValueTest::Like(TextPattern::Any))),
            ("City!=*", one("City"), Test::Removed),
            ("*==*", TextPattern::Any.into(), Test::AnyTouched),
            ("* = *", TextPattern::Any.into(), Test::AnyTouched),
            ("*!=*", TextPattern::Any.into(), Test::Removed),
            ("*==SFO", TextPattern::Any.into(), Test::Given(exact("SFO"))),
            ("IPTC_*==*", keys_like(&["IPTC_", ""]), Test::Given(ValueTest::Like(TextPattern::Any))),
            (r"a\*b==c\*d", one("a*b"), Test::Given(exact("c*d"))),
            (r"a==\\*", one("a"), Test::Given(pieces(&[r"\", ""]))),
            (r"a==\\\*", one("a"), Test::Given(exact(r"\*"))),
            (r"a==C:\\media\\*", one("a"), Test::Given(pieces(&[r"C:\media\", ""]))),
            (r"a==C:\media\", one("a"), Test::Given(exact(r"C:\media\"))),
            (r"a\\b==c", one(r"a\b"), Test::Given(exact("c"))),
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
            let clause = parse(text, &mut faults).expect(text);
            assert_eq!((clause.keys, clause.test, &*clause.text), (keys, test, text.trim()), "{text}");
            assert_eq!(faults, [], "{text}");
        }
    }

    proptest! {
        /// What a pattern is shown as is read as that pattern.
        #[test]
        fn patterns_read_as_they_are_written(text in r"[a\\*\u{e9} ]{0,12}") {
            let pattern = unquoted(&text);
            let written = pattern.written();
            prop_assert_eq!(unquoted(&written), pattern, "{} is written {}", text, written);
        }
    }

    #[test]
    fn comparisons_and_expressions_read() {
        for (text, relation, passes, fails) in [
            ("Rating>=4", Relation::AtLeast, "4.0", "3.99"),
            ("Rating > 4", Relation::More, "4.01", "4"),
            ("Rating<=-1.5", Relation::AtMost, "-1.50", "-1.4"),
            ("Rating<\"4\"", Relation::Less, "3", "four"),
            ("Date>=2026-11", Relation::AtLeast, "2026-11-01", "2026-10-31T23:59:59"),
            ("Date<2026-11-22T10:00+01:00", Relation::Less, "2026-11-22T08:59", "2026-11-22T09:00"),
        ] {
            let clause = parse(text, &mut Vec::new()).expect(text);
            let Test::Given(test) = clause.test else { panic!("{text}") };
            let ValueTest::Compare(comparison) = &test else { panic!("{text}") };
            assert_eq!(comparison.relation, relation, "{text}");
            assert!(test.passes(passes) && !test.passes(fails), "{text}");
        }
        for (text, matches, not) in [
            ("City=~^S.*o$", "San Francisco", "Oslo"),
            ("City=~ (?i)sfo", "xSFOx", "LAX"),
            ("Title=~\" a\"", "b a", "a"),
            ("City=~=~", "=~", "="),
        ] {
            let clause = parse(text, &mut Vec::new()).expect(text);
            let Test::Given(test) = clause.test else { panic!("{text}") };
            assert!(test.passes(matches) && !test.passes(not), "{text}");
        }
        assert!(matches!(
            parse("City!~^S", &mut Vec::new()).expect("a clause").test,
            Test::Without(ValueTest::Matches(_))
        ));
    }

    #[test]
    fn a_bound_of_more_digits_than_are_compared_is_refused() {
        let clause = |digits: usize, faults: &mut Vec<_>| parse(&format!("Duration>={}", "9".repeat(digits)), faults);
        let mut faults = Vec::new();
        let longest = clause(LENGTH_MAX, &mut faults).expect("a clause");
        assert_eq!(faults, []);
        let Test::Given(test) = longest.test else { panic!("a comparison") };
        assert!(test.passes(&"9".repeat(LENGTH_MAX)) && !test.passes(&"9".repeat(LENGTH_MAX - 1)));
        assert!(!test.passes(&"9".repeat(LENGTH_MAX + 1)), "a longer value is no number");
        assert_eq!(clause(LENGTH_MAX + 1, &mut faults), None);
        assert_eq!((faults[0].code, faults[0].range.clone()), (Code::NotComparable, 10..10 + LENGTH_MAX + 1));
        assert!(faults[0].message.contains("at most 256 characters"), "{}", faults[0].message);
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
            ("Rating>=four", Code::NotComparable, 8..12),
            ("Rating>", Code::NotComparable, 7..7),
            ("Rating<=1e3", Code::NotComparable, 8..11),
            ("Date < 2026-02-30", Code::NotComparable, 7..17),
            ("City=~(S", Code::BadRegex, 6..8),
            ("City!~(?=S)", Code::BadRegex, 6..11),
            (r"City=~(\w{500}){500}", Code::BadRegex, 6..20),
            ("a<b==c", Code::NotComparable, 2..6),
            ("City===SFO", Code::OperatorInValue, 6..7),
            ("Rating=>4", Code::OperatorInValue, 7..8),
            ("City==SFO ", Code::StraySpace, 9..10),
            ("City==", Code::TakenLiterally, 4..6),
            ("City=='SFO'", Code::TakenLiterally, 6..11),
            ("City!=null", Code::TakenLiterally, 6..10),
            ("City==(SFO|LAX)", Code::TakenLiterally, 6..15),
            ("City=~/sfo/i", Code::TakenLiterally, 6..12),
            ("City==SFO and Rating>=4", Code::OperatorInValue, 9..23),
            ("not City==SFO", Code::OperatorInValue, 0..8),
            ("City~=S", Code::OperatorInValue, 4..5),
            ("City=!SFO", Code::OperatorInValue, 5..6),
            ("ext==mov", Code::KeyLikeFact, 0..3),
            ("metadata.City==SFO", Code::KeyLikeFact, 0..13),
        ] {
            let mut faults = Vec::new();
            let clause = parse(text, &mut faults);
            let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.range.clone())).collect();
            assert_eq!(found, [(code, range)], "{text:?}");
            assert_eq!(clause.is_some(), code as u16 >= 100, "{text:?}");
        }
    }
}

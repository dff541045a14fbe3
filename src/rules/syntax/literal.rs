//! What is taken as it stands and was probably meant to be something special: quotes of another kind, a second clause
//! in the text of one, stars in double quotes. All of it may be meant, so all of it is a warning, and double quotes
//! silence it.

use std::ops::Range;

use crate::diagnostic::{Code, TextFault};

/// Words by which other languages say that there is no value.
pub(super) const NULLS: [&str; 4] = ["null", "NULL", "nil", "undefined"];

/// Points out what is odd in an unquoted value that is compared by `==` or `!=`: what stands in `text` from `from` on.
pub(super) fn in_value(text: &str, from: usize, key: &str, operator: &str, faults: &mut Vec<TextFault>) {
    let value = text[from..].trim_end();
    let place = from..from + value.len();
    let mut warn = |place: Range<usize>, message: String, label: &str, help: String| {
        faults.push(TextFault::error(Code::TakenLiterally, place, message, label, help).as_warning());
    };
    if let Some(inner) = in_other_quotes(value) {
        let message = "these quotes are a part of the value: only double quotes are taken off".to_owned();
        warn(place, message, "taken as they stand", format!("write {key}{operator}{inner}"));
    } else if value.is_empty() {
        let message = "there is no value behind the operator: this asks for the empty text".to_owned();
        let help = format!(
            "write {key}==* (was given a value) or {key}!=* (was removed), or {key}{operator}\"\" if the empty text is meant"
        );
        warn(from.saturating_sub(operator.len())..from, message, "nothing behind this", help);
    } else if NULLS.contains(&value) {
        let message = format!("`{value}` is a text like any other");
        let help = format!(
            "write {key}!=* (was removed) or {key}==* (was given a value), or put the word in double quotes if it is meant"
        );
        warn(place, message, "this word", help);
    } else if let Some(words) = choices(value) {
        let message = "brackets and `|` are a part of the value: it is like no other text".to_owned();
        let regex = if operator == "!=" { "!~" } else { "=~" };
        let help = format!("write {key}{regex}^({words})$, or put the value in double quotes if it is meant");
        warn(place, message, "taken as it stands", help);
    }
}

/// Facts of `when` that are hardly ever keys.
const FACTS: [&str; 6] = ["action", "path", "ext", "dir", "mtime", "mount"];

/// Points out a key that is a fact in `when`, or is written as in a template.
pub(super) fn key_like_fact(key: &str, range: Range<usize>, faults: &mut Vec<TextFault>) {
    faults.extend(of_template(key, range.clone()));
    if FACTS.contains(&key) {
        let message = format!("`{key}` is read as a metadata key here; as a fact it is for `when` alone");
        let help = format!("ask for it by when = '...', or put the key in double quotes if it is meant: \"{key}\"");
        faults.push(TextFault::error(Code::KeyLikeFact, range, message, "a key", help).as_warning());
    }
}

/// The warning of a key that is written as templates write it.
pub(super) fn of_template(key: &str, range: Range<usize>) -> Option<TextFault> {
    let bare = key.strip_prefix("metadata.").or_else(|| key.strip_prefix("asset."))?;
    let message = format!("`{key}` is read as a metadata key of just this name");
    let help = format!("write {bare}, or put the key in double quotes if it is meant: \"{key}\"");
    Some(TextFault::error(Code::KeyLikeFact, range, message, "a key", help).as_warning())
}

/// Whether a text can stand outside of double quotes in `when`.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'))
}

/// What stands in quotes that are not double quotes.
fn in_other_quotes(value: &str) -> Option<&str> {
    const PAIRS: [(char, &[char]); 6] = [
        ('\'', &['\'']),
        ('`', &['`', '\'']),
        ('\u{201c}', &['\u{201d}', '\u{201c}']),
        ('\u{201e}', &['\u{201c}', '\u{201d}']),
        ('\u{2018}', &['\u{2019}']),
        ('\u{201d}', &['\u{201d}']),
    ];
    let (open, closing) = PAIRS.into_iter().find(|(open, _)| value.starts_with(*open))?;
    value[open.len_utf8()..].strip_suffix(closing)
}

/// The words of `(a|b)` and `{a,b}`, joined by `|`.
fn choices(value: &str) -> Option<String> {
    let of = |open, close, mark| {
        let inner = value.strip_prefix(open)?.strip_suffix(close)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-') || c == mark;
        (inner.contains(mark) && inner.chars().all(plain)).then(|| inner.replace(mark, "|"))
    };
    of('(', ')', '|').or_else(|| of('{', '}', ','))
}

/// Points out a further clause in a clause's text: what joins it to the value before it is a part of the value.
pub(super) fn second_clause(text: &str, from: usize, faults: &mut Vec<TextFault>) {
    if let Some((at, joint, second)) = joined(text, from) {
        let message = format!("a clause is one comparison: `{}` is a part of the value", text[at..].trim());
        let help = format!("write two clauses, \"{}\" and \"{second}\"{joint}", text[..at].trim());
        let range = at..text.trim_end().len();
        faults.push(TextFault::error(Code::OperatorInValue, range, message, "a part of the value", help).as_warning());
    }
}

/// Where a joint and another comparison stand behind `from`, how such clauses are joined, and that comparison.
pub(super) fn joined(text: &str, from: usize) -> Option<(usize, &'static str, &str)> {
    const JOINTS: [(&str, &str); 6] = [
        (" and ", ", and logicalOperand = \"AND\""),
        (" && ", ", and logicalOperand = \"AND\""),
        (" or ", ""),
        (" || ", ""),
        (", ", ""),
        ("; ", ""),
    ];
    let lower = text.to_ascii_lowercase();
    let find = |(joint, how): (&str, &'static str)| Some((from + lower[from..].find(joint)?, joint.len(), how));
    let (at, length, how) = JOINTS.into_iter().filter_map(find).min_by_key(|(at, ..)| *at)?;
    let second = text[at + length..].trim();
    let key = second.find(['=', '!', '<', '>'])?;
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '*');
    let is_comparison = !second[..key].trim().is_empty()
        && second[..key].trim().chars().all(is_key)
        && ["==", "!=", "=~", "!~", ">", "<", "="].iter().any(|operator| second[key..].starts_with(operator));
    is_comparison.then_some((at, how, second))
}

/// Points out the beginning of another language's operator, which is a part of the key: `City~=S`, `City:=SFO`.
pub(super) fn operator_in_key(key: &str, range: Range<usize>, faults: &mut Vec<TextFault>) {
    let Some(mark) = key.chars().last().filter(|last| matches!(last, '~' | ':')) else { return };
    let message = format!("the key ends with `{mark}`, which looks like a part of the operator");
    let operator = if mark == '~' { "=~" } else { "==" };
    let help = format!("write {operator} for the operator, or put the key in double quotes if it is meant");
    let fault = TextFault::error(Code::OperatorInValue, range.end - 1..range.end, message, "a part of the key", help);
    faults.push(fault.as_warning());
}

/// Points out a negation before a key, which is a part of it.
pub(super) fn negated_key(text: &str, key: Range<usize>, operator: &str, faults: &mut Vec<TextFault>) {
    let written = &text[key.clone()];
    let bare = ["not ", "NOT ", "!"].iter().find_map(|not| written.strip_prefix(not)).map(str::trim);
    let Some(bare) = bare.filter(|bare| !bare.is_empty()) else { return };
    let message = format!("the key is `{written}`: there is no negation before it");
    let opposite = match operator {
        "==" | "=" => "!=",
        "!=" => "==",
        "=~" => "!~",
        "!~" => "=~",
        ">" => "<=",
        ">=" => "<",
        "<" => ">=",
        _ => ">",
    };
    let value = text[key.end..].trim_start().strip_prefix(operator).unwrap_or_default().trim();
    let help = format!("write {bare}{opposite}{value}, or put the key in double quotes if it is meant");
    faults.push(TextFault::error(Code::OperatorInValue, key, message, "a part of the key", help).as_warning());
}

/// Points out an expression between slashes, as other languages write it.
pub(super) fn between_slashes(text: &str, place: Range<usize>, faults: &mut Vec<TextFault>) {
    let Some((inner, flags)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else { return };
    if inner.is_empty() || inner.contains('/') || !flags.chars().all(|c| matches!(c, 'g' | 'i' | 'm' | 's' | 'u' | 'x'))
    {
        return;
    }
    let flags: String = flags.chars().filter(|c| *c != 'g').collect();
    let inner = if flags.is_empty() { inner.to_owned() } else { format!("(?{flags}){inner}") };
    let message = "the slashes are a part of the expression";
    let help = format!("write {inner}");
    let label = "taken as they stand";
    faults.push(TextFault::error(Code::TakenLiterally, place, message, label, help).as_warning());
}

/// Points out what no eye sees.
pub(crate) fn unseen(text: &str, faults: &mut Vec<TextFault>) {
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')) {
        let message = format!("there is a character that nobody sees (U+{:04X})", u32::from(c));
        let help = "remove it: it most likely came with copying from a web page";
        let range = at..at + c.len_utf8();
        faults.push(TextFault::error(Code::StraySpace, range, message, "here", help).as_warning());
    }
}

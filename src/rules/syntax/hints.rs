//! What a `watchMetadata` clause that cannot be read was most likely meant to be.

use std::ops::Range;

use crate::rules::syntax::literal;
use crate::rules::value::number;

/// The forms that clauses have.
pub(super) const FORMS: &str = "write Key==value, Key!=value, Key>=4, Key=~regex, Key==* (was given a value), Key!=* (was removed) or *==* \
                     (any key)";

/// What is most likely meant by a clause without an operator, before the forms that there are.
pub(super) fn forms(clause: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let key = clause.split(|c| !word(c)).next().unwrap_or_default();
    let rest = clause[key.len()..].trim();
    let value = |marks: &[&str]| marks.iter().find_map(|mark| rest.strip_prefix(mark)).map(str::trim);
    let meant = if key == "touched" && rest.starts_with('(') {
        Some("`touched` is for `when` alone; write Key==* or Key!=*".to_owned())
    } else if let Some(list) = rest.strip_prefix("in").and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'))
    {
        let words: Vec<&str> = list.split(',').map(|word| word.trim().trim_matches(['"', '\''])).collect();
        Some(format!("write {key}=~^({})$", words.join("|")))
    } else if let Some(regex) = value(&["~"]) {
        Some(format!("write {key}=~{regex}"))
    } else {
        value(&[":", "is ", "equals "]).filter(|value| !value.is_empty()).map(|value| format!("write {key}=={value}"))
    };
    meant
        .filter(|_| !key.is_empty())
        .map_or_else(|| FORMS.to_owned(), |meant| format!("{meant}; operators are == = != > >= < <= =~ !~"))
}

/// What is most likely meant by a bound that is no number and no date, where it can be told. `key` is the key's place.
pub(super) fn better_bound(text: &str, key: Range<usize>, operator: &str, value: &str) -> Option<String> {
    let written = text[key.clone()].trim();
    if let Some((at, joint, second)) = literal::joined(text, key.end) {
        return Some(format!("write two clauses, \"{}\" and \"{second}\"{joint}", text[..at].trim()));
    }
    match (operator, value.strip_prefix(['=', '>'])) {
        ("<", Some(rest)) if value.starts_with('>') => Some(format!("write {written}!={}", rest.trim())),
        (_, Some(rest)) if value.starts_with('=') => Some(format!("write {written}{operator}{}", rest.trim())),
        _ if value.contains('=') => Some(format!("if `{operator}` belongs to the key, put the key in double quotes")),
        _ => turned(written, operator, value).map(|turned| format!("the key stands on the left: write {turned}")),
    }
}

/// `4 <= Rating` as `Rating>=4`.
pub(super) fn turned(left: &str, operator: &str, right: &str) -> Option<String> {
    let is_key = right.starts_with(char::is_alphabetic) && right.chars().all(|c| c.is_alphanumeric() || c == '_');
    let operator = match operator {
        ">=" => "<=",
        "<=" => ">=",
        ">" => "<",
        "<" => ">",
        _ => return None,
    };
    (is_key && number(left).is_some()).then(|| format!("{right} {operator} {left}"))
}

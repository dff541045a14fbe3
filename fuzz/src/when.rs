//! Bytes to texts of `when` expressions.

use crate::bytes::Bytes;
use crate::clauses::{bound, glob, path, quoted, regex, value, word_key};

/// Nested no deeper: deep nesting is a matter of plain texts.
const DEPTH_MAX: usize = 4;

/// An expression.
pub fn expression(bytes: &mut Bytes<'_>) -> String {
    nested(bytes, 0)
}

fn nested(bytes: &mut Bytes<'_>, depth: usize) -> String {
    let kind = if depth < DEPTH_MAX { bytes.below(8) } else { 0 };
    let joined = |bytes: &mut Bytes<'_>, by: &str| {
        let parts: Vec<_> = (0..bytes.below(3) + 2).map(|_| nested(bytes, depth + 1)).collect();
        format!("({})", parts.join(by))
    };
    match kind {
        0..=2 => comparison(bytes),
        3 | 4 => joined(bytes, " and "),
        5 | 6 => joined(bytes, " or "),
        _ => format!("not {}", nested(bytes, depth + 1)),
    }
}

fn comparison(bytes: &mut Bytes<'_>) -> String {
    match bytes.below(14) {
        0 => format!("touched({})", word_key(bytes)),
        1 => action(bytes),
        2 | 3 => on_path(bytes),
        4 => format!("{} {}", bytes.one(&["name", "ext", "owner", "tenant"]), text(bytes)),
        5 => format!("size {} {}", bytes.one(&["==", "!=", "<", ">="]), bytes.one(&["0", "1", "1KB", "1 KiB", "2GB"])),
        6 => format!(
            "mtime {} {}",
            bytes.one(&["<", "<=", ">", ">="]),
            bytes.one(&["7d ago", "0s ago", "2026-01-01", "1970"])
        ),
        7 => format!("{} {}", word_key(bytes), bytes.one(&["== *", "!= *"])),
        8 => format!("{} {} {}", word_key(bytes), bytes.one(&["<", "<=", ">", ">="]), quoted(&bound(bytes))),
        _ => format!("{} {}", word_key(bytes), text(bytes)),
    }
}

/// What is asked of a text: a key's value, or a name.
fn text(bytes: &mut Bytes<'_>) -> String {
    match bytes.below(8) {
        0 | 1 => format!("== {}", quoted(&value(bytes))),
        2 => format!("!= {}", quoted(&value(bytes))),
        3 => format!("== {}", bytes.joined(&["x", "*", "y", "abc", "1", "f.", "mov"], 4)),
        4 => format!("{} {}", bytes.one(&["=~", "!~"]), quoted(&regex(bytes))),
        5 => format!("{} {}", bytes.one(&["like", "not like"]), quoted(&glob_over_text(bytes))),
        _ => {
            let values: Vec<_> = (0..=bytes.below(3)).map(|_| quoted(&value(bytes))).collect();
            format!("{} ({})", bytes.one(&["in", "in", "not in"]), values.join(", "))
        }
    }
}

/// `like` on a text that need not be a path.
fn glob_over_text(bytes: &mut Bytes<'_>) -> String {
    let (before, behind) = (bytes.one(&["", "x", "f", "/a", "abc"]), bytes.one(&["", "y", ".mov", "b", "c"]));
    format!("{before}{}{behind}", bytes.one(&["", "*", "?", "[xy]", "{x,y}", "**", "{,x}"]))
}

fn on_path(bytes: &mut Bytes<'_>) -> String {
    let fact = bytes.one(&["path", "path", "dir", "mount"]);
    match bytes.below(4) {
        0 => format!("{fact} == {}", quoted(&path(bytes))),
        1 => format!("{fact} in ({}, {})", quoted(&path(bytes)), quoted(&path(bytes))),
        _ => format!("{fact} {} {}", bytes.one(&["like", "not like"]), quoted(&glob(bytes))),
    }
}

fn action(bytes: &mut Bytes<'_>) -> String {
    let words = ["added", "modified", "deleted", "none"];
    match bytes.below(3) {
        0 => format!("action == {}", bytes.one(&words)),
        1 => format!("action != {}", bytes.one(&words)),
        _ => format!("action {} ({}, {})", bytes.one(&["in", "not in"]), bytes.one(&words), bytes.one(&words)),
    }
}

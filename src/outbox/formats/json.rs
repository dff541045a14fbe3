//! JSON by hand: the few kinds of values that payloads have.

use std::io::Write as _;

/// An integer.
pub(super) fn number(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("writing to memory does not fail");
}

/// A string, escaped.
pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a string is JSON, and writing to memory does not fail");
}

/// A list of strings.
pub(super) fn texts(out: &mut Vec<u8>, values: &[String]) {
    serde_json::to_writer(out, values).expect("strings are JSON, and writing to memory does not fail");
}

/// Each item, written by `write`, separated by commas.
pub(super) fn separated<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

//! How globs are written, in `watchPath` clauses as behind `like`: what in them is literal, and what is probably not
//! meant.

use std::ops::Range;

use crate::diagnostic::{Code, TextFault};
use crate::model::normal::{nfc, nfc_names};
use crate::rules::pattern::PathGlob;

/// A glob or a path, looked at character by character.
pub(super) struct Scanned {
    /// Without backslashes; each special character stands for itself.
    pub unescaped: Vec<u8>,
    /// For a glob: what stands before its first special character.
    pub glob_prefix: Option<Vec<u8>>,
}

impl Scanned {
    /// Looks at it.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn new(text: &str) -> Result<Self, String> {
        let (mut unescaped, mut glob_prefix): (Vec<u8>, Option<Vec<u8>>) = (Vec::new(), None);
        let mut in_class = false;
        let mut buffer = [0; 4];
        let mut chars = text.chars();
        while let Some(mut c) = chars.next() {
            match c {
                '\\' => c = chars.next().ok_or("a backslash at its end has nothing to make literal")?,
                '*' | '?' | '{' | '[' => {
                    glob_prefix.get_or_insert_with(|| unescaped.clone());
                    in_class |= c == '[';
                }
                ']' => in_class = false,
                _ => {}
            }
            if in_class && !c.is_ascii() {
                return Err("`[...]` takes ASCII characters only; write {\u{e9},\u{e8}} for others".into());
            }
            unescaped.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        Ok(Self { unescaped, glob_prefix })
    }

    /// The literal text that everything it covers begins with: all of it when nothing in it is special.
    pub fn prefix(self) -> Vec<u8> {
        self.glob_prefix.unwrap_or(self.unescaped)
    }
}

/// Compiles a glob over logical paths and points out what is odd in it. `whole` is the place of the glob, `double_star`
/// the place of the two stars that begin at a byte of it.
pub(super) fn over_paths(
    text: &str,
    prefix: Vec<u8>,
    whole: Range<usize>,
    double_star: impl Fn(usize) -> Range<usize>,
    faults: &mut Vec<TextFault>,
) -> Option<PathGlob> {
    if text.ends_with('/') {
        let help = format!("write `{text}**` for everything under the directories, or leave the last slash out");
        let message = "a glob that ends with a slash covers nothing: no asset's path ends so";
        faults.push(TextFault::error(Code::NeverTrue, whole.clone(), message, "never covers", help).as_warning());
    }
    if let Some(at) = partial_double_star(text) {
        let message = "this `**` stops at `/` like `*`, because it is not a whole component of the path";
        let help = "write `/**/` to cover any depth, such as /acme/**/*.mov";
        faults.push(TextFault::error(Code::PartialDoubleStar, double_star(at), message, "", help).as_warning());
    }
    // Repeated slashes are one, as in paths.
    let mut prefix = nfc_names(&prefix).into_owned();
    prefix.dedup_by(|a, b| *a == b'/' && *b == b'/');
    match PathGlob::new(&normal(&with_single_slashes(text)), prefix) {
        Ok(glob) => Some(glob),
        Err(why) => {
            faults.push(bad_glob(&why, whole));
            None
        }
    }
}

/// The fault of a glob that cannot be read.
pub(super) fn bad_glob(why: &str, range: Range<usize>) -> TextFault {
    // What globset says in brackets is not how ringback's globs are escaped.
    let why = why.split(" (maybe").next().unwrap_or(why);
    let help = "globs have `*`, `?`, `**`, `[a-z]` and `{a,b}`; a backslash makes the next character literal \
                (in TOML, write such a path in single quotes)";
    TextFault::error(Code::BadGlob, range, format!("the path cannot be read as a glob: {why}"), "this glob", help)
}

/// A glob in NFC, the form in which names and values are compared. A backslash before a character that is not ASCII
/// changes nothing and is left out: it would keep a letter and its accent apart. No special character of a glob
/// composes.
pub(super) fn normal(glob: &str) -> String {
    if glob.is_ascii() {
        return glob.to_owned();
    }
    let mut out = String::with_capacity(glob.len());
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next)) if !next.is_ascii() => {}
            ('\\', _) => {
                out.push(c);
                out.extend(chars.next());
            }
            _ => out.push(c),
        }
    }
    nfc(&out)
}

/// A glob in which no two slashes stand side by side. A backslash may stand before a slash and changes nothing.
fn with_single_slashes(glob: &str) -> String {
    let mut out = String::with_capacity(glob.len());
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        let (c, backslash) = match c {
            '\\' => (chars.next(), true),
            c => (Some(c), false),
        };
        match c {
            Some('/') if out.ends_with('/') => {}
            Some('/') => out.push('/'),
            c => {
                out.extend(backslash.then_some('\\'));
                out.extend(c);
            }
        }
    }
    out
}

/// Where a `**` stands that is not a whole component.
fn partial_double_star(path: &str) -> Option<usize> {
    let mut at = 0;
    for component in path.split('/') {
        let plain = component != "**" && !component.contains(['\\', '{', '[']);
        if let Some(inner) = component.find("**").filter(|_| plain) {
            return Some(at + inner);
        }
        at += component.len() + 1;
    }
    None
}

//! What to say of broken TOML. The parser says what its grammar expected; people want to know which quote, bracket or
//! habit of another language it was.

use std::ops::Range;

use super::lines::LineIndex;
use super::recover::{Broken, is_assignment, is_heading};
use crate::model::mask::mask;

/// A fault in words.
pub(super) struct Said {
    pub span: Range<usize>,
    pub message: String,
    pub help: String,
}

/// Spaces of other kinds than TOML knows, and what takes no space at all.
fn is_odd_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}')
}

/// What text processors make of quotes.
const TYPOGRAPHIC: [char; 8] =
    ['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];

/// Which other language the whole file is in.
pub(super) fn other_language(text: &str) -> Option<(Range<usize>, &'static str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let statement = line.trim_start_matches('\u{feff}').trim();
        if statement.is_empty() || statement.starts_with('#') {
            at += line.len();
            continue;
        }
        let place = at + line.len() - line.trim_start_matches('\u{feff}').trim_start().len();
        let key = statement.strip_suffix(':').unwrap_or_default();
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        return if statement.starts_with('{') {
            Some((place..place + 1, "JSON"))
        } else if statement == "---" || is_key {
            Some((place..place + statement.len(), "YAML"))
        } else {
            None
        };
    }
    None
}

/// Says it. `text` is the file as it was, nothing blanked.
pub(super) fn said(text: &str, broken: &Broken) -> Said {
    let place = Place::new(text, broken.span.clone());
    let (message, help) = place.odd_character().or_else(|| place.by_message(&broken.message)).unwrap_or_else(|| {
        let message = broken.message.lines().collect::<Vec<_>>().join(", ");
        (message, "look for a missing quote, bracket or comma here or in the line before; see https://toml.io".into())
    });
    let span = place.list_left_open(&broken.message).map_or(broken.span.clone(), |end| end..end);
    Said { span, message: format!("this is not TOML: {message}"), help }
}

/// A place in the file, and what stands around it.
struct Place<'t> {
    text: &'t str,
    index: LineIndex<'t>,
    /// The number of its line, from 0.
    line: usize,
    marked: &'t str,
    /// What stands before and behind its beginning, in the line.
    before: &'t str,
    rest: &'t str,
}

type Words = (String, String);

fn words(message: &str, help: impl Into<String>) -> Option<Words> {
    Some((message.to_owned(), help.into()))
}

impl<'t> Place<'t> {
    fn new(text: &'t str, span: Range<usize>) -> Self {
        let index = LineIndex::new(text.as_bytes());
        let line = index.line(span.start);
        let range = index.range(line);
        let at = span.start.clamp(range.start, range.end);
        let marked = text.get(span).unwrap_or_default();
        Self { text, line, marked, before: &text[range.start..at], rest: &text[at..range.end], index }
    }

    fn whole_line(&self) -> &'t str {
        &self.text[self.index.range(self.line)]
    }

    /// Whether nothing in the line may be a secret.
    fn is_open(&self) -> bool {
        mask(self.whole_line()) == self.whole_line()
    }

    /// The key of the line, where it is `key = ...`.
    fn key(&self) -> &'t str {
        let line = self.whole_line();
        if is_assignment(line) { line.split('=').next().unwrap_or_default().trim() } else { "key" }
    }

    fn odd_character(&self) -> Option<Words> {
        let first = self.rest.chars().next()?;
        if TYPOGRAPHIC.contains(&first) {
            return words("these are typographic quotes, not straight ones", "write straight quotes: \"...\" or '...'");
        }
        let message = format!("this is a space of another kind (U+{:04X})", u32::from(first));
        is_odd_space(first).then(|| (message, "replace it by a plain space".into()))
    }

    fn by_message(&self, message: &str) -> Option<Words> {
        let is = |part: &str| message.contains(part);
        if is("duplicate key") {
            self.twice()
        } else if is("must be quoted") || is("invalid boolean") {
            self.unquoted_value()
        } else if is("invalid unquoted key") || is("key with no value") || is("cannot be empty") {
            self.no_key_and_value()
        } else if is("extra `=`") {
            words("one `=` stands between a key and its value", "remove the other one")
        } else if is("unexpected key or value") {
            self.behind_a_value()
        } else if is("missing comma between array elements") {
            self.between_elements(message)
        } else if is("unclosed array table") || is("unclosed table") {
            words("the heading is not closed", format!("write {}", self.heading()))
        } else if is("unclosed array") {
            words("a list is not closed", "add the `]` that closes it")
        } else if is("escape") || is("unicode") {
            let help = "put the text in single quotes instead, where nothing is special, or write \\\\ for a backslash";
            words("in double quotes a backslash begins an escape, and there is none like this", help)
        } else if is("carriage return") {
            let help = "save the file with the line ends of Unix or of Windows";
            words("a line ends with a carriage return alone", help)
        } else if is("leading zero") {
            let digits = self.rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            let number = Some(digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0");
            let number = if self.is_open() { number } else { "..." };
            words("a number does not begin with 0", format!("write {} = {number}", self.key()))
        } else if is("basic string") && self.rest.is_empty() || is("literal string") && self.rest.is_empty() {
            words("a text is not closed: its line ends before its quote", "add the closing quote")
        } else if is("missing table open") && self.rest.starts_with(']') {
            words("this `]` closes nothing", "remove it, or add the `[` that it closes")
        } else {
            None
        }
    }

    fn twice(&self) -> Option<Words> {
        if is_heading(self.whole_line()) {
            let heading = format!("[[{}]]", self.marked);
            return words(
                &format!("the table `{}` is there already", self.marked),
                format!("where there are several, each has two brackets: {heading}"),
            );
        }
        let line_of = |line: usize| &self.text[self.index.range(line)];
        let mut above = (0..self.line).rev().take_while(|line| !is_heading(line_of(*line)));
        let is_it = |line: &usize| {
            is_assignment(line_of(*line))
                && line_of(*line).split('=').next().is_some_and(|key| key.trim() == self.marked)
        };
        let first = above.find(is_it).map_or_else(String::new, |line| format!(", first on line {}", line + 1));
        words(
            &format!("the key `{}` stands twice in its table{first}", self.marked),
            "a key stands once in its table: join the two, or begin another table with its [[heading]]",
        )
    }

    fn unquoted_value(&self) -> Option<Words> {
        let value = self.rest.split('#').next().unwrap_or_default().trim_end();
        if value.is_empty() {
            return words("there is no value behind the `=`", "write the value, or remove the line");
        }
        let word = value.split([',', ']', ' ']).next().unwrap_or_default();
        if ["true", "false", "yes", "no", "on", "off"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
            let help = format!("write {0} = true or {0} = false, in small letters and without quotes", self.key());
            return words("this is neither true nor false", help);
        }
        let in_list = self.before.contains('[');
        let value = if self.marked.is_empty() { word } else { self.marked.trim() };
        let line = if in_list { format!("\"{value}\"") } else { format!("{} = \"{value}\"", self.key()) };
        // Masked with its key, by which it may be a secret.
        let is_plain = !value.contains(['"', '\\']) && self.is_open() && mask(&line) == line;
        let line = if is_plain && line.len() <= 120 { line } else { format!("{} = \"...\"", self.key()) };
        words("a text stands in quotes", format!("write {line}"))
    }

    /// No `key = value`: what other languages have instead of the `=`, of lists, comments and headings.
    fn no_key_and_value(&self) -> Option<Words> {
        let line = self.whole_line().trim();
        let rest = self.rest.trim_start();
        if ["//", "--", "/*", ";"].iter().any(|mark| line.starts_with(mark)) {
            return words("a comment begins with `#`", "write # before it");
        }
        if line.starts_with("- ") {
            return words(
                "a list stands in brackets behind its key",
                "write key = [\"...\", \"...\"], without hyphens",
            );
        }
        if line.starts_with('[') {
            let message = "a heading is a name between brackets, with no space between two brackets";
            return words(message, format!("write {}", self.heading()));
        }
        if rest.starts_with(':') {
            let key = line.split(':').next().unwrap_or_default().trim().trim_matches('"');
            let value = rest.trim_start_matches([':', '=']).trim().trim_end_matches(',');
            let is_value = value.starts_with(['"', '\'', '['])
                || value.parse::<i64>().is_ok()
                || value == "true"
                || value == "false";
            let is_plain = is_value && mask(line) == line && line.len() <= 120;
            let value = match value {
                "" => "[\"...\", \"...\"] in one line, or \"...\"",
                value if is_plain => value,
                _ => "...",
            };
            return words("`=` stands between a key and its value, not `:`", format!("write {key} = {value}"));
        }
        if rest.contains('=') && !rest.starts_with(['"', '\'', '=']) {
            return words("a key is one word, without spaces", "join the words, such as maxEntries");
        }
        words("`=` is missing behind the key", "write key = value")
    }

    fn behind_a_value(&self) -> Option<Words> {
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        if is_heading_like(self.whole_line()) {
            return words("nothing may follow a heading on its line", "remove it, or write # before it");
        }
        if self.rest.starts_with("//") || self.rest.starts_with("--") {
            return words("a comment begins with `#`", "write # instead");
        }
        if self.rest.starts_with(',') && digits(&self.rest[1..]) && self.before.ends_with(|c: char| c.is_ascii_digit())
        {
            let number = self.whole_line().split('=').nth(1).unwrap_or_default();
            let number = if self.is_open() { number } else { "" };
            let number: String = number.chars().filter(char::is_ascii_digit).collect();
            return words("a number has no commas in it", format!("write {} = {number}", self.key()));
        }
        if let Some(mark @ (',' | ';')) = self.rest.chars().next() {
            return words(&format!("a line does not end with `{mark}`"), format!("remove the `{mark}`"));
        }
        self.quote_within().or_else(|| {
            words("nothing may follow a value on its line", "begin a new line for it, or write # before it")
        })
    }

    fn between_elements(&self, message: &str) -> Option<Words> {
        if self.list_left_open(message).is_some() {
            return words("a list is not closed", "add the `]` that closes it");
        }
        self.quote_within()
            .or_else(|| words("a comma is missing between two elements of a list", "write a comma before this one"))
    }

    /// A quote in a text that the same quote closes.
    fn quote_within(&self) -> Option<Words> {
        let is_closed = self.before.ends_with(['"', '\'']);
        let help = "put the text in quotes of the other kind, such as 'City == \"San Francisco\"' or \"Title==Ana's\"";
        is_closed.then(|| ("the quote before this closed the text".to_owned(), help.to_owned()))
    }

    /// Where the `]` of a list is missing that goes on into the next statement.
    fn list_left_open(&self, message: &str) -> Option<usize> {
        let line = self.whole_line();
        let at_begin = self.before.trim().is_empty() && (is_assignment(line) || is_heading(line));
        if !(at_begin && message.contains("missing comma between array elements")) {
            return None;
        }
        Some(self.text[..self.index.range(self.line).start].trim_end().len())
    }

    /// The heading that the line was meant to be.
    fn heading(&self) -> String {
        let line = self.whole_line().split('#').next().unwrap_or_default();
        let name: String = line.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).collect();
        if line.matches('[').count() > 1 { format!("[[{name}]]") } else { format!("[{name}]") }
    }
}

/// Whether a line begins as a heading does, and is no value of a list.
pub(super) fn is_heading_like(line: &str) -> bool {
    let name = line.trim_start().trim_start_matches(['[', ' ']);
    line.trim_start().starts_with('[')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !line.contains(['"', '\''])
}

//! TOML with places: walks a file's tables, notes each thing that is not as expected, and goes on.
//!
//! It knows no key by itself; the caller says what it wants from each table. What was wanted and is missing or of
//! another type is noted once and given as nothing, so a caller reads all of a table before it decides.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::broken::{Said, other_language, said};
use super::lines::LineIndex;
use super::meant;
use super::recover::recover;
use super::{Code, Diagnostic, Severity, SourceFile, TextFault};
use crate::model::duration::{DurationError, parse_duration_ms};
use crate::model::mask::mask;
use crate::model::nearest::nearest;

/// Parses a file and hands its top table to `walk`. Returns everything noted, in the order of places.
///
/// A file that is broken is still walked as far as it could be read, so that one pass shows all faults; but what only
/// follows from the breakage (a fault in a broken line, a key that may be missing because of it) is left out.
pub fn walk(file: &SourceFile, walk: impl FnOnce(&Table<'_, '_>, &mut Faults<'_>)) -> Vec<Diagnostic> {
    if file.text.starts_with(b"\xff\xfe") || file.text.starts_with(b"\xfe\xff") {
        // Byte for byte nothing else in it would be readable.
        let mut faults = Faults { file, text: "", incomplete: true, found: Vec::new() };
        faults
            .error(Code::NotUtf8, 0..2, "the file is UTF-16, not UTF-8", "")
            .help("save the file as UTF-8 (in a terminal: iconv -f UTF-16 -t UTF-8 OLD > NEW)");
        return faults.found;
    }
    let mut utf8 = None;
    let original = readable(&file.text, &mut utf8);
    if let Some((span, language)) = other_language(&original) {
        let mut faults = Faults { file, text: "", incomplete: true, found: Vec::new() };
        faults.error(Code::Syntax, span, format!("the file is {language}, not TOML"), "").help(
            "write lines of key = value, lists in brackets, below a heading for each table, such as [[subscription]]",
        );
        return faults.found;
    }
    let mut text = original.clone().into_owned();
    let broken = recover(&mut text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    let mut faults = Faults { file, text: &text, incomplete: !broken.is_empty(), found: Vec::new() };
    walk(&Table { heading: "the file", span: 0..0, map: table.get_ref() }, &mut faults);
    // What is still broken was not blanked, so it may have been taken for something else.
    drop_on_broken_lines(&mut faults.found, &errors, &file.text);
    for broken in broken {
        let Said { span, message, help } = said(&original, &broken);
        faults.error(Code::Syntax, span, message, "").help(help);
    }
    if let Some((span, more)) = utf8 {
        let more = if more == 0 { String::new() } else { format!(", and {more} more like it") };
        faults
            .error(Code::NotUtf8, span, "the file is not UTF-8", format!("this byte{more}"))
            .help("save the file as UTF-8 (in a terminal: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW)");
    }
    faults.found.sort_by_key(|d| (d.span.start, d.code));
    faults.found
}

/// Leaves out what stands on a line with an error.
fn drop_on_broken_lines(found: &mut Vec<Diagnostic>, errors: &[toml::de::Error], text: &[u8]) {
    if errors.is_empty() {
        return;
    }
    let lines = LineIndex::new(text);
    let broken: BTreeSet<_> = errors.iter().filter_map(|e| e.span()).map(|span| lines.line(span.start)).collect();
    found.retain(|d| broken.range(lines.line(d.span.start)..=lines.line(d.span.end)).next().is_none());
}

/// The text with each byte that is not UTF-8 replaced by `_`, which keeps all offsets; and where the first one stands
/// and how many more there are.
fn readable<'t>(bytes: &'t [u8], fault: &mut Option<(Range<usize>, usize)>) -> Cow<'t, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        let bad = chunk.invalid().len();
        if bad > 0 {
            let at = out.len();
            match fault {
                None => *fault = Some((at..at + bad, 0)),
                Some((_, more)) => *more += 1,
            }
            out.extend(std::iter::repeat_n('_', bad));
        }
    }
    Cow::Owned(out)
}

/// What was noted about one file so far.
#[derive(Debug)]
pub struct Faults<'f> {
    file: &'f SourceFile,
    text: &'f str,
    incomplete: bool,
    found: Vec<Diagnostic>,
}

impl Faults<'_> {
    /// Notes an error.
    pub fn error(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        let (file, message, label) = (self.file.name.clone(), message.into(), label.into());
        self.found.push(Diagnostic { code, severity: Severity::Error, file, span, message, label, help: None });
        self.found.last_mut().expect("one was just pushed")
    }

    /// Notes a warning.
    pub fn warning(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        let diagnostic = self.error(code, span, message, label);
        diagnostic.severity = Severity::Warning;
        diagnostic
    }

    /// Notes what is wrong inside a text, at its place in the file.
    pub fn text(&mut self, text: &Text<'_>, fault: TextFault) {
        let TextFault { code, severity, range, message, label, help } = fault;
        let diagnostic = self.error(code, text.part(range), message, label);
        diagnostic.severity = severity;
        diagnostic.help = help;
    }

    /// How many were noted so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether the file is broken, so that what is missing from a table may only have been skipped.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.incomplete
    }
}

/// A string and its place.
#[derive(Debug, Clone)]
pub struct Text<'t> {
    /// The string.
    pub value: &'t str,
    /// Its place in the file, quotes included.
    pub span: Range<usize>,
    /// How far behind the place's beginning the string itself begins, where the file has it exactly as it is, without
    /// escapes.
    verbatim: Option<usize>,
}

impl Text<'_> {
    /// The place of a part of the string; the whole place, where escapes make the part's hard to tell.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Range<usize> {
        let Some(quote) = self.verbatim else { return self.span.clone() };
        let start = self.span.start + quote;
        start + range.start..start + range.end
    }
}

/// A table of the file.
#[derive(Debug)]
pub struct Table<'t, 'i> {
    /// What it is called in messages: `[[subscription]]`.
    pub heading: &'static str,
    /// The place of its heading.
    pub span: Range<usize>,
    map: &'t DeTable<'i>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// Notes each key that is none of these. Returns the known keys that the unknown ones were probably meant to be.
    pub fn only<'k>(&self, known: &[&'k str], faults: &mut Faults<'_>) -> Vec<&'k str> {
        self.only_or(known, &[], faults)
    }

    /// The same, where people have other words for some keys: each with the known key that it stands for, or with what
    /// else there is to say of it.
    pub fn only_or<'k>(
        &self,
        known: &[&'k str],
        other_words: &[(&str, &'static str)],
        faults: &mut Faults<'_>,
    ) -> Vec<&'k str> {
        let mut meant = Vec::new();
        for key in self.map.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let other = other_words.iter().find(|(word, _)| word.eq_ignore_ascii_case(key.get_ref()));
            let stands_for = |key: &str| known.iter().find(|known| **known == key).copied();
            let near = match other {
                Some((_, key)) => stands_for(key),
                None => nearest(key.get_ref(), known),
            };
            let help = match (near, other) {
                (Some(near), _) => did_you_mean(near),
                (None, Some((_, help))) => (*help).to_owned(),
                (None, None) => format!("known here: {}", known.join(", ")),
            };
            let message = format!("unknown key `{}` in {}", shortened(key.get_ref()), self.heading);
            faults.error(Code::UnknownKey, key.span(), message, "unknown key").help(help);
            meant.extend(near);
        }
        meant
    }

    /// Notes that a required key is missing, unless an unknown one was probably `meant` to be it; `example` is a line
    /// that would do.
    pub fn missing(&self, key: &str, example: &str, meant: &[&str], faults: &mut Faults<'_>) {
        if !faults.incomplete && !self.map.contains_key(key) && !meant.contains(&key) {
            let message = format!("{} has no `{key}`", self.heading);
            faults.error(Code::MissingKey, self.span.clone(), message, "").help(format!("add a line like: {example}"));
        }
    }

    /// Whether a key is there, whatever its value.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Whether a key has an empty list for its value.
    #[must_use]
    pub fn is_empty_list(&self, key: &str) -> bool {
        self.map.get(key).and_then(|value| value.get_ref().as_array()).is_some_and(|list| list.is_empty())
    }

    /// Whether a key has a table, or a list of them, for its value.
    #[must_use]
    pub fn has_tables(&self, key: &str) -> bool {
        self.map.get(key).map(Spanned::get_ref).is_some_and(|value| match value {
            DeValue::Array(list) => list.iter().any(|element| element.get_ref().is_table()),
            other => other.is_table(),
        })
    }

    /// Whether a key has a list for its value.
    #[must_use]
    pub fn has_table(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Returns whether a list is under a key.
    pub fn has_list(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| value.get_ref().is_array())
    }

    /// All keys, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &'t str> {
        let mut keys: Vec<_> = self.map.keys().collect();
        keys.sort_by_key(|key| key.span().start);
        keys.into_iter().map(|key| key.get_ref().as_ref())
    }

    /// The place of a key; of the heading, where the key is missing.
    #[must_use]
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.map.get_key_value(key).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// A string.
    pub fn string(&self, key: &str, faults: &mut Faults<'_>) -> Option<Text<'t>> {
        self.map.get(key).and_then(|value| text(key, "a string in quotes", value, faults))
    }

    /// A list of strings; `None` when the key is missing. Elements of another type are noted and left out.
    pub fn strings(&self, key: &str, faults: &mut Faults<'_>) -> Option<Vec<Text<'t>>> {
        let value = self.map.get(key)?;
        let Some(list) = value.get_ref().as_array() else {
            let string = value.get_ref().is_str().then(|| format!("[{}]", source(value, faults)));
            let is_table = value.get_ref().is_table();
            let fault = wrong_type(key, "a list of strings", value, faults);
            if let Some(list) = string {
                fault.help(format!("put it in brackets: {}", assignment(key, &list, "[\"...\"]")));
            } else if is_table {
                fault.help(format!("write a list of strings instead of the table: {key} = [\"...\"]"));
            }
            return None;
        };
        Some(list.iter().filter_map(|element| text(key, "strings in quotes", element, faults)).collect())
    }

    /// All of this table's keys, each with its list of strings: for tables whose keys are the admin's. Keys with
    /// another value are noted and left out.
    pub fn lists(&self, faults: &mut Faults<'_>) -> Vec<(Text<'t>, Vec<Text<'t>>)> {
        let mut found = Vec::new();
        for (key, value) in self.map {
            let name: &'t str = key.get_ref().as_ref();
            if value.get_ref().is_table() {
                let help = "a key with a dot in it stands in quotes, such as \"XATTR_user.city\" = [\"SFO\"]";
                wrong_type(&shortened(name), "a list of strings", value, faults).help(help);
            } else if let Some(list) = self.strings(name, faults) {
                found.push((Text { value: name, span: key.span(), verbatim: None }, list));
            }
        }
        found
    }

    /// A whole number within limits.
    pub fn integer(&self, key: &str, limits: RangeInclusive<u64>, faults: &mut Faults<'_>) -> Option<u64> {
        integer(key, self.map.get(key)?, limits, faults)
    }

    /// A list of whole numbers within limits; `None` when the key is missing or any element is wrong. The list is not
    /// empty.
    pub fn integers(&self, key: &str, limits: RangeInclusive<u64>, faults: &mut Faults<'_>) -> Option<Vec<u64>> {
        let value = self.map.get(key)?;
        let list = value.get_ref().as_array()?;
        if list.is_empty() {
            let message =
                format!("`{key}` is an empty list: it takes one or more of {} to {}", limits.start(), limits.end());
            faults.error(Code::OutOfRange, value.span(), message, "nothing is listed");
        }
        let numbers: Vec<_> = list.iter().map(|element| integer(key, element, limits.clone(), faults)).collect();
        numbers.into_iter().collect::<Option<Vec<_>>>().filter(|numbers| !numbers.is_empty())
    }

    /// Whether the key's value is a string.
    pub fn is_string(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| value.get_ref().is_str())
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let value = self.map.get(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            let help = format!("write {key} = true or {key} = false, without quotes");
            wrong_type(key, "true or false", value, faults).help(help);
        }
        boolean
    }

    /// A duration, in milliseconds.
    pub fn duration_ms(&self, key: &str, faults: &mut Faults<'_>) -> Option<u64> {
        duration(key, "a duration in quotes", self.map.get(key)?, faults)
    }

    /// A list of durations, in milliseconds; `None` when the key is missing or any element is wrong.
    pub fn durations_ms(&self, key: &str, faults: &mut Faults<'_>) -> Option<Vec<u64>> {
        let value = self.map.get(key)?;
        let Some(list) = value.get_ref().as_array() else {
            let string = value.get_ref().is_str().then(|| format!("[{}]", source(value, faults)));
            let list = string.unwrap_or_else(|| "[\"1m\", \"5m\"]".to_owned());
            let help = format!("write a list of delays: {}", assignment(key, &list, "[\"1m\"]"));
            wrong_type(key, "a list of durations", value, faults).help(help);
            return None;
        };
        let expected = "durations in quotes";
        let durations: Vec<_> = list.iter().map(|element| duration(key, expected, element, faults)).collect();
        durations.into_iter().collect()
    }

    /// One of several words.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], faults: &mut Faults<'_>) -> Option<T> {
        let text = self.string(key, faults)?;
        one_of(key, &text, words, faults)
    }

    /// A list of words, each once; `None` when the key is missing or any element is wrong.
    pub fn words<T: Copy + PartialEq>(
        &self,
        key: &str,
        words: &[(&str, T)],
        faults: &mut Faults<'_>,
    ) -> Option<Vec<T>> {
        let before = faults.count();
        let mut found = Vec::new();
        for text in self.strings(key, faults)? {
            if let Some(word) = one_of(key, &text, words, faults)
                && !found.contains(&word)
            {
                found.push(word);
            }
        }
        (faults.count() == before).then_some(found)
    }

    /// The tables under a key that is written `[[heading]]`.
    pub fn tables(&self, key: &str, heading: &'static str, faults: &mut Faults<'_>) -> Vec<Table<'t, 'i>> {
        let Some(value) = self.map.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let fault = wrong_type(key, &format!("a list of tables, {heading}"), value, faults);
            if value.get_ref().is_table() {
                fault.help(format!("write it with two brackets, and nothing else in them: {heading}"));
            }
            return Vec::new();
        };
        let table = |element: &'t Spanned<DeValue<'i>>, faults: &mut Faults<'_>| {
            let map = element.get_ref().as_table();
            if map.is_none() {
                wrong_type(key, &format!("tables, {heading}"), element, faults);
            }
            Some(Table { heading, span: element.span(), map: map? })
        };
        list.iter().filter_map(|element| table(element, faults)).collect()
    }

    /// The table under a key that is written `[heading]`.
    pub fn table(&self, key: &str, heading: &'static str, faults: &mut Faults<'_>) -> Option<Table<'t, 'i>> {
        let value = self.map.get(key)?;
        let Some(map) = value.get_ref().as_table() else {
            let is_list = value.get_ref().is_array();
            let fault = wrong_type(key, &format!("a table, {heading}"), value, faults);
            if is_list {
                fault.help(format!("write it once, with one bracket: {heading}"));
            }
            return None;
        };
        Some(Table { heading, span: value.span(), map })
    }
}

/// `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        _ => words.join(""),
    }
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

fn one_of<T: Copy>(key: &str, text: &Text<'_>, words: &[(&str, T)], faults: &mut Faults<'_>) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` takes {}", either(&known));
        let fault = faults.error(Code::UnknownWord, text.span.clone(), message, "unknown word");
        fault.help = nearest(text.value, &known).map(did_you_mean);
    }
    found
}

fn text<'t>(key: &str, expected: &str, value: &'t Spanned<DeValue<'_>>, faults: &mut Faults<'_>) -> Option<Text<'t>> {
    let Some(string) = value.get_ref().as_str() else {
        let whole = expected == "a string in quotes";
        let meant = match value.get_ref() {
            DeValue::Array(list) if list.len() == 1 && list[0].get_ref().is_str() => {
                source(&list[0], faults).to_owned()
            }
            DeValue::Array(_) | DeValue::Table(_) => "\"...\"".to_owned(),
            _ => format!("\"{}\"", source(value, faults)),
        };
        let fault = wrong_type(key, expected, value, faults);
        if whole {
            fault.help(format!("write {}", assignment(key, &meant, "\"...\"")));
        }
        return None;
    };
    let span = value.span();
    let verbatim = faults.text.get(span.clone()).and_then(|source| begin_of(string, source));
    Some(Text { value: string, verbatim, span })
}

/// Where a string begins in its source; `None` where its source has escapes.
fn begin_of(string: &str, source: &str) -> Option<usize> {
    let quotes = if source.starts_with("\"\"\"") || source.starts_with("'''") { 3 } else { 1 };
    let inner = source.get(quotes..source.len().checked_sub(quotes)?)?;
    // A line end right behind three quotes does not count.
    let line_end = inner.len() - inner.strip_prefix("\r\n").or(inner.strip_prefix('\n')).unwrap_or(inner).len();
    let line_end = if quotes == 3 { line_end } else { 0 };
    (inner.get(line_end..)? == string).then_some(quotes + line_end)
}

/// A value as the file has it.
fn source<'f>(value: &Spanned<DeValue<'_>>, faults: &Faults<'f>) -> &'f str {
    faults.text.get(value.span()).unwrap_or_default()
}

/// The longest `key = value` that help repeats, in bytes: help is one line of a terminal. Of a longer one the value is
/// left out.
const ASSIGNMENT_MAX: usize = 120;

/// `key = value`, to be shown; with `instead` for a value that is long, or may be a secret.
fn assignment(key: &str, value: &str, instead: &str) -> String {
    let line = format!("{key} = {value}");
    if line.len() > ASSIGNMENT_MAX || line.contains('\n') || mask(&line) != line {
        return format!("{key} = {instead}");
    }
    line
}

/// A whole number within limits.
fn integer(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    limits: RangeInclusive<u64>,
    faults: &mut Faults<'_>,
) -> Option<u64> {
    let Some(integer) = value.get_ref().as_integer() else {
        let number = value.get_ref().as_str().and_then(|text| text.trim().parse::<u64>().ok());
        let expected = format!("a whole number, {} to {}", limits.start(), limits.end());
        let fault = wrong_type(key, &expected, value, faults);
        if let Some(number) = number.filter(|number| limits.contains(number)) {
            fault.help(format!("write it without quotes: {key} = {number}"));
        }
        return None;
    };
    let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
    let number = number.filter(|number| limits.contains(number));
    if number.is_none() {
        let message = format!("`{key}` takes {} to {}", limits.start(), limits.end());
        faults.error(Code::OutOfRange, value.span(), message, "outside of the limits");
    }
    number
}

fn duration(key: &str, expected: &str, value: &Spanned<DeValue<'_>>, faults: &mut Faults<'_>) -> Option<u64> {
    let number = source(value, faults).to_owned();
    let Some(string) = value.get_ref().as_str() else {
        let help = match value.get_ref() {
            DeValue::Integer(_) if number.bytes().all(|b| b.is_ascii_digit()) => {
                format!("say the unit, such as \"{number}ms\" or \"{number}s\"")
            }
            _ => "such as \"500ms\", \"90s\" or \"5m\"".to_owned(),
        };
        wrong_type(key, expected, value, faults).help(help);
        return None;
    };
    let error = match parse_duration_ms(string) {
        Ok(ms) => return Some(ms),
        Err(error) => error,
    };
    let (label, help) = match error {
        DurationError::TooLong => ("too long", "write 366d or less".to_owned()),
        DurationError::Form if !string.is_empty() && string.bytes().all(|b| b.is_ascii_digit()) => {
            ("no unit", format!("say the unit, such as \"{string}ms\" or \"{string}s\""))
        }
        DurationError::Form => {
            let meant = meant::duration(string).filter(|meant| parse_duration_ms(meant).is_ok());
            let forms = "write one number and one unit, such as \"200ms\", \"90s\", \"5m\", \"1h\" or \"1d\"";
            ("not a duration", meant.map_or_else(|| forms.to_owned(), |meant| format!("write \"{meant}\"")))
        }
    };
    faults.error(Code::BadDuration, value.span(), error.to_string(), label).help(help);
    None
}

fn wrong_type<'f>(
    key: &str,
    expected: &str,
    value: &Spanned<DeValue<'_>>,
    faults: &'f mut Faults<'_>,
) -> &'f mut Diagnostic {
    let (found, article) = match value.get_ref() {
        DeValue::String(_) => ("string", "a"),
        DeValue::Integer(_) => ("whole number", "a"),
        DeValue::Float(_) => ("number with a fraction or an exponent", "a"),
        DeValue::Boolean(_) => ("true or false", ""),
        DeValue::Datetime(_) => ("date", "a"),
        DeValue::Array(_) => ("list", "a"),
        DeValue::Table(_) => ("table", "a"),
    };
    let label = format!("this is {article} {found}").replace("  ", " ");
    faults.error(Code::WrongType, value.span(), format!("`{key}` takes {expected}"), label)
}

/// Characters of a key of the file that a message repeats, so that it stays one line; a longer key is cut, and ends in
/// dots.
const KEY_SHOWN_MAX: usize = 60;

/// A key of the file, as a message shows it.
fn shortened(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(KEY_SHOWN_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}...", &word[..end])),
        None => Cow::Borrowed(word),
    }
}

#[cfg(test)]
mod tests;

//! Goes on after broken TOML: one missing quote must neither hide the faults behind it nor look like ten.
//!
//! The statement that an error stands in is blanked and the text is parsed again, so that each error comes from its own
//! mistake. It changes no offset.

use std::ops::Range;

use toml::de::DeTable;

use super::broken::is_heading_like;
use super::lines::LineIndex;

/// A fault in the form of a file.
pub(super) struct Broken {
    /// Its place.
    pub span: Range<usize>,
    /// What the parser says.
    pub message: String,
}

/// Bytes that may be parsed in all, over all rounds, so that a large file does not take minutes: it gets fewer rounds,
/// and always [`ROUNDS_MIN`].
const PARSED_MAX: usize = 16 << 20;
/// Rounds that every file gets.
const ROUNDS_MIN: usize = 2;
/// Rounds, at most, and so faults in the form of one file that are reported: more than anybody corrects at once.
const ROUNDS_MAX: usize = 50;

/// Finds what is broken, and blanks it in `text`. What comes after the last round stays broken.
pub(super) fn recover(text: &mut String) -> Vec<Broken> {
    let mut found: Vec<Broken> = Vec::new();
    for _ in 0..rounds(text.len()) {
        let (_, errors) = DeTable::parse_recoverable(text);
        let mut errors: Vec<_> = errors
            .into_iter()
            .map(|error| Broken { span: error.span().unwrap_or(0..0), message: error.message().to_owned() })
            .collect();
        errors.sort_by_key(|error| error.span.start);
        // The parser itself goes on well after a duplicate: those are noted when nothing else is left.
        let Some(first) = errors.iter().position(|error| !error.message.contains("duplicate")) else {
            found.extend(without_followers(text, errors));
            break;
        };
        let error = errors.swap_remove(first);
        // What is still open at the end is reported once.
        let is_at_end = error.span.start >= text.trim_end().len();
        let blanked = blank(text, error.span.start);
        if !(is_at_end && found.iter().any(|other| other.message == error.message)) {
            found.push(error);
        }
        if !blanked {
            break;
        }
    }
    found
}

/// How often a file of so many bytes is parsed.
fn rounds(bytes: usize) -> usize {
    (PARSED_MAX / bytes.max(1)).clamp(ROUNDS_MIN, ROUNDS_MAX)
}

/// Leaves out the keys of a table whose heading is the duplicate: they are there twice because of it.
fn without_followers(text: &str, duplicates: Vec<Broken>) -> Vec<Broken> {
    let index = LineIndex::new(text.as_bytes());
    let line_of = |line: usize| &text[index.range(line)];
    let mut heading = None;
    let mut kept = Vec::new();
    for error in duplicates {
        let line = index.line(error.span.start);
        let above = (0..=line).rev().find(|line| is_heading(line_of(*line)));
        if above.is_some() && above == heading {
            continue;
        }
        heading = above.filter(|above| *above == line);
        kept.push(error);
    }
    kept
}

/// Blanks the statement that an error stands in. Whether there was anything left to blank.
fn blank(text: &mut String, at: usize) -> bool {
    let index = LineIndex::new(text.as_bytes());
    let line_of = |line: usize| &text[index.range(line)];
    let last = index.line(at.min(text.len()));
    let begins = |line: usize| is_heading_like(line_of(line)) || is_assignment(line_of(line));
    let indent = line_of(last).len() - line_of(last).trim_start().len();
    let at_begin = at <= index.range(last).start + indent && begins(last);
    // An error at the very beginning of a statement is that the one before it has no end.
    let before = (0..last).rev().find(|line| begins(*line)).filter(|_| at_begin);
    let (from, to) = match before {
        Some(before) if !is_heading_like(line_of(before)) => (before, last - 1),
        _ => {
            let from = (0..=last).rev().find(|line| begins(*line)).unwrap_or(last);
            // Without its heading the keys of a table would fall into the table before it.
            let next = |line: &usize| is_heading(line_of(*line)) || index.range(*line).end >= text.len();
            let section = (last + 1..).find(next).unwrap_or(last);
            let whole = from == last && is_heading_like(line_of(from));
            (
                from,
                if whole && is_heading(line_of(section)) {
                    section - 1
                } else if whole {
                    section
                } else {
                    end_of_list(last, line_of)
                },
            )
        }
    };
    let range = index.range(from).start..index.range(to).end;
    if text[range.clone()].trim().is_empty() {
        return false;
    }
    let spaces: String = text[range.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &spaces);
    true
}

/// The last line of what a broken statement leaves over: further elements of its list, and the brackets that close it.
fn end_of_list<'t>(last: usize, line_of: impl Fn(usize) -> &'t str) -> usize {
    let is_left = |line: &usize| line_of(*line).trim_start().starts_with(['"', '\'', ']', '-']);
    (last + 1..).take_while(is_left).last().unwrap_or(last)
}

/// Whether a line is `[heading]` or `[[heading]]`, a comment behind it or not.
pub(super) fn is_heading(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    is_heading_like(line) && line.trim_end().ends_with(']')
}

/// Whether a line begins with `key =`.
pub(super) fn is_assignment(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
    let rest = line[key..].trim_start();
    key > 0 && rest.starts_with('=') && !rest.starts_with("==")
}

#[cfg(test)]
mod tests {
    use super::{PARSED_MAX, ROUNDS_MAX, ROUNDS_MIN, recover, rounds};

    /// How many faults are found in a text of so many lines, each of which is broken.
    fn found(lines: usize) -> usize {
        let mut text: String = (0..lines).map(|n| format!("k{n} = = 1\n")).collect();
        recover(&mut text).len()
    }

    #[test]
    fn faults_are_found_up_to_the_limit_of_rounds() {
        assert_eq!(found(ROUNDS_MAX - 1), ROUNDS_MAX - 1);
        assert_eq!(found(ROUNDS_MAX), ROUNDS_MAX);
        assert_eq!(found(ROUNDS_MAX + 1), ROUNDS_MAX);
    }

    #[test]
    fn a_large_file_gets_fewer_rounds_and_always_the_least() {
        let longest = PARSED_MAX / ROUNDS_MAX;
        assert_eq!([0, 1, longest, longest + 1].map(rounds), [ROUNDS_MAX, ROUNDS_MAX, ROUNDS_MAX, ROUNDS_MAX - 1]);
        let half = PARSED_MAX / 2;
        assert_eq!([half, half + 1, 10 * PARSED_MAX].map(rounds), [2, ROUNDS_MIN, ROUNDS_MIN]);
        // Three faults in a file that gets two rounds.
        let mut text = "a = = 1\nb = = 2\nc = = 3\n".to_owned();
        text += &format!("#{}\n", "-".repeat(998)).repeat(PARSED_MAX / 3 / 1_000 + 1);
        assert_eq!((rounds(text.len()), recover(&mut text).len()), (2, 2));
    }
}

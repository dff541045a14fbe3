//! Diagnostics as text for people, in the manner of rustc, and as JSON for tools. It writes to nobody: the caller
//! prints, and says whether it prints to a terminal.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::lines::LineIndex;
use super::{Diagnostic, Severity, SourceFile};
use crate::model::counted::counted;
use crate::model::mask::{mask, mask_tail};

/// How a report is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text without any escape sequence.
    Plain,
    /// Text with colours, for a terminal.
    Terminal,
    /// An array of `{"code","severity","file","line","column","message","help"}`, `help` null where there is none;
    /// lines and columns from 1.
    Json,
}

impl Format {
    /// For people who look at standard error: coloured on a terminal.
    #[must_use]
    pub fn for_terminal(is_terminal: bool) -> Self {
        if is_terminal { Self::Terminal } else { Self::Plain }
    }
}

/// Diagnostics that are shown in text, at most: further ones are counted, for nobody reads on. JSON has them all.
const SHOWN_MAX: usize = 500;

/// Bytes of a line that are shown on either side of the mark, and of the mark: a longer line is shown in part, so that
/// it fits a screen.
const CONTEXT_MAX: usize = 400;

/// How far from the mark words are looked for that name a secret, in bytes of the same line, so that a file that is one
/// long line is not gone through for each fault. Farther on, the first string before the mark is taken for a secret.
const MASKED_MAX: usize = 64 << 10;

/// The whole report over the files that were checked. Text ends with a line that counts; no diagnostics give an empty
/// text, or `[]`.
#[must_use]
pub fn report(diagnostics: &[Diagnostic], sources: &[SourceFile], format: Format) -> String {
    let files = Files::new(sources);
    if format == Format::Json {
        let all: Vec<_> = diagnostics.iter().map(|d| to_json(d, &files)).collect();
        return serde_json::Value::Array(all).to_string();
    }
    let renderer = if format == Format::Terminal { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN_MAX) {
        out.push_str(&rendered(diagnostic, &files, &renderer));
        out.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(SHOWN_MAX + 1) {
        let _ = writeln!(out, "... and {} more\n", more + 1);
    }
    if !diagnostics.is_empty() {
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let _ = writeln!(
            out,
            "{}, {}",
            counted(errors as u64, "error"),
            counted((diagnostics.len() - errors) as u64, "warning")
        );
    }
    out
}

/// Each diagnostic in one line: `rules/a.toml:3:5: error[RB0003]: unknown key ...; did you mean ...?`. For logs and
/// status. No line of the file is in it.
#[must_use]
pub fn one_lines(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> Vec<String> {
    let files = Files::new(sources);
    let line = |d: &Diagnostic| {
        let place = files.get(d).map(|index| index.place(d.span.start));
        let place = place.map_or_else(String::new, |place| format!(":{}:{}", place.line, place.column));
        let help = d.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
        let text = format!("{}{place}: {}[{}]: {}{help}", d.file, d.severity.as_str(), d.code, d.message);
        normalize_untrusted_str(&text)
    };
    diagnostics.iter().map(line).collect()
}

/// The line tables of the files, by name.
struct Files<'a>(HashMap<&'a str, LineIndex<'a>>);

impl<'a> Files<'a> {
    fn new(sources: &'a [SourceFile]) -> Self {
        Self(sources.iter().map(|source| (source.name.as_str(), LineIndex::new(&source.text))).collect())
    }

    fn get(&self, diagnostic: &Diagnostic) -> Option<&LineIndex<'a>> {
        self.0.get(diagnostic.file.as_str())
    }
}

fn to_json(diagnostic: &Diagnostic, files: &Files<'_>) -> serde_json::Value {
    let place = files.get(diagnostic).map(|index| index.place(diagnostic.span.start));
    serde_json::json!({
        "code": diagnostic.code.to_string(),
        "severity": diagnostic.severity.as_str(),
        "file": diagnostic.file,
        "line": place.map_or(1, |place| place.line),
        "column": place.map_or(1, |place| place.column),
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}

fn rendered(diagnostic: &Diagnostic, files: &Files<'_>, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    let shown = files.get(diagnostic).map(|index| (Shown::new(index, &diagnostic.span), index));
    match &shown {
        Some((shown, index)) => {
            let place = index.place(shown.at);
            let mark = AnnotationKind::Primary.span(shown.mark.clone());
            let label = (!diagnostic.label.is_empty()).then_some(diagnostic.label.as_str());
            let snippet = Snippet::source(shown.line.as_str()).path(diagnostic.file.as_str()).line_start(place.line);
            group = group.element(snippet.annotation(mark.label(label)));
        }
        None => group = group.element(Origin::path(diagnostic.file.as_str())),
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let text = renderer.render(&[group]);
    match &shown {
        // A line that is shown in part has its columns counted from the cut.
        Some((shown, index)) if shown.cut => {
            let place = index.place(shown.at);
            let from_cut = shown.line[..shown.mark.start].chars().count() + 1;
            let (wrong, right) = (format!(":{}:{from_cut}", place.line), format!(":{}:{}", place.line, place.column));
            text.replacen(&wrong, &right, 1)
        }
        _ => text,
    }
}

/// The one line that is shown for a span, and the mark in it.
struct Shown {
    /// The offset in the file that the mark begins at.
    at: usize,
    line: String,
    mark: Range<usize>,
    /// Whether the line is shown from later than its beginning.
    cut: bool,
}

impl Shown {
    fn new(index: &LineIndex<'_>, span: &Range<usize>) -> Self {
        let text = index.text();
        let mut at = span.start.min(text.len());
        let mut line = index.range(index.line(at));
        if line.is_empty() && at == text.len() {
            // The end of the file: what is missing is missing after the last thing that is there.
            at = text.trim_ascii_end().len();
            line = index.range(index.line(at));
        }
        let at = at.min(line.end);
        let end = span.end.clamp(at, line.end).min(at + CONTEXT_MAX);
        let line_start = line.start;
        let from = line_start.max(at.saturating_sub(MASKED_MAX));
        let to = line.end.min(end + MASKED_MAX);
        let lossy = |range: Range<usize>| String::from_utf8_lossy(&text[range]).into_owned();
        let (before, marked, after) = (lossy(from..at), lossy(at..end), lossy(end..to));
        let mark = before.len()..before.len() + marked.len();
        // Masked before it is cut: what names a secret may stand before the part that is shown.
        let line = format!("{before}{marked}{after}");
        let line = if from > line_start { mask_tail(&line) } else { mask(&line).into_owned() };
        let cut = line.floor_char_boundary(mark.start.saturating_sub(CONTEXT_MAX));
        let end = line.ceil_char_boundary((mark.end + CONTEXT_MAX).min(line.len()));
        let cut_off = from > line_start || cut > 0;
        Self { at, line: line[cut..end].to_owned(), mark: mark.start - cut..mark.end - cut, cut: cut_off }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTEXT_MAX, Format, MASKED_MAX, SHOWN_MAX, Shown, one_lines, report};
    use crate::diagnostic::lines::LineIndex;
    use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile};

    fn sample(span: std::ops::Range<usize>) -> Diagnostic {
        Diagnostic {
            code: Code::UnknownKey,
            severity: Severity::Error,
            file: "a.toml".into(),
            span,
            message: "unknown key `watchMetdata`".into(),
            label: "unknown".into(),
            help: Some("did you mean `watchMetadata`?".into()),
        }
    }

    #[test]
    fn text_shows_the_place() {
        let source =
            SourceFile { name: "a.toml".into(), text: b"[[subscription]]\nwatchMetdata = []\n".to_vec().into() };
        let expect = "\
error[RB0003]: unknown key `watchMetdata`
 --> a.toml:2:1
  |
2 | watchMetdata = []
  | ^^^^^^^^^^^^ unknown
  |
  = help: did you mean `watchMetadata`?

1 error, 0 warnings
";
        assert_eq!(report(&[sample(17..29)], &[source], Format::Plain), expect);
    }

    #[test]
    fn json_and_one_line_have_place_and_help() {
        let sources = [SourceFile { name: "a.toml".into(), text: b"\n  \xff watchMetdata".to_vec().into() }];
        let json: serde_json::Value =
            serde_json::from_str(&report(&[sample(5..17)], &sources, Format::Json)).expect("it is JSON");
        let expect = serde_json::json!([{
            "code": "RB0003", "severity": "error", "file": "a.toml", "line": 2, "column": 5,
            "message": "unknown key `watchMetdata`", "help": "did you mean `watchMetadata`?",
        }]);
        assert_eq!(json, expect);
        let line = "a.toml:2:5: error[RB0003]: unknown key `watchMetdata`; did you mean `watchMetadata`?";
        assert_eq!(one_lines(&[sample(5..17)], &sources), [line]);
        assert_eq!(report(&[], &sources, Format::Json), "[]");
    }

    #[test]
    fn a_long_line_is_shown_in_part_with_its_true_column_and_no_secret() {
        let text = format!("a = ['Authorization: {}', x]", "s".repeat(1_000));
        let at = text.len() - 2;
        let sources = [SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }];
        let found = report(&[sample(at..at + 1)], &sources, Format::Plain);
        assert!(found.contains(&format!("--> a.toml:1:{}\n", at + 1)), "{found}");
        assert!(!found.contains("sss"), "{found}");
    }

    #[test]
    fn diagnostics_past_the_limit_are_counted_and_json_has_them_all() {
        let sources = [SourceFile { name: "a.toml".into(), text: b"watchMetdata = []".to_vec().into() }];
        for (count, more) in [(SHOWN_MAX, ""), (SHOWN_MAX + 1, "... and 1 more\n\n")] {
            let all = vec![sample(0..12); count];
            let text = report(&all, &sources, Format::Plain);
            assert_eq!(text.matches("error[RB0003]").count(), SHOWN_MAX);
            assert!(text.ends_with(&format!("\n\n{more}{count} errors, 0 warnings\n")), "{more}");
            assert_eq!(report(&all, &sources, Format::Json).matches("RB0003").count(), count);
        }
    }

    /// A line of so many bytes before the mark, the mark and so many behind it.
    fn shown(before: &str, mark: usize, after: usize) -> Shown {
        let text = format!("{before}{}{}", "m".repeat(mark), "a".repeat(after));
        Shown::new(&LineIndex::new(text.as_bytes()), &(before.len()..before.len() + mark))
    }

    #[test]
    fn a_line_is_shown_up_to_the_limit_on_either_side_of_the_mark() {
        let before = "b".repeat(CONTEXT_MAX);
        let whole = shown(&before, CONTEXT_MAX, CONTEXT_MAX);
        assert_eq!((whole.line.len(), whole.mark, whole.cut), (3 * CONTEXT_MAX, CONTEXT_MAX..2 * CONTEXT_MAX, false));
        let part = shown(&format!("b{before}"), CONTEXT_MAX + 1, CONTEXT_MAX);
        assert_eq!((part.line.len(), part.mark, part.cut), (3 * CONTEXT_MAX, CONTEXT_MAX..2 * CONTEXT_MAX, true));
        let part = shown("", 1, CONTEXT_MAX + 1);
        assert_eq!((part.line.len(), part.mark, part.cut), (1 + CONTEXT_MAX, 0..1, false));
    }

    #[test]
    fn a_secret_that_is_named_farther_away_than_the_limit_is_not_shown_either() {
        for (name, is_shown) in [("", true), ("token = '", false), ("tokens: ", false)] {
            for length in [MASKED_MAX, MASKED_MAX + 1] {
                let before = format!("{name}{}", "s".repeat(length - name.len()));
                let found = shown(&before, 1, 0);
                // Without a name it is shown as long as the beginning of the line is looked at.
                let expect = if is_shown && length == MASKED_MAX { "s" } else { "*" };
                assert!(found.line.starts_with(expect), "{name} {length}: {}", found.line);
            }
        }
        let found = shown(&format!("{}', 'a', ", "s".repeat(MASKED_MAX)), 1, 0);
        assert!(
            found.line.ends_with("***', 'a', m"),
            "the next string is not named by what is far away: {}",
            found.line
        );
    }

    #[test]
    fn any_span_in_any_text_renders() {
        let long = "\u{e9}".repeat(5_000);
        for text in ["", "\n", "\r\n", "a", "a\n", "\u{e9}\n\n\n", "x\ty", &long] {
            let sources = [SourceFile { name: "a.toml".into(), text: text.as_bytes().to_vec().into() }];
            for start in 0..text.len().min(30) + 2 {
                for end in [start, start + 1, start + 5_000] {
                    assert!(report(&[sample(start..end)], &sources, Format::Plain).contains("a.toml:"), "{text:?}");
                }
            }
        }
    }
}

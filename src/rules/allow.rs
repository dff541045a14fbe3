//! Warnings that an admin accepts where they are: `# ringback: allow RB0113` in the comment above a rule or an event.
//!
//! Errors cannot be accepted: nothing is in force with one. A comment that accepts nothing is warned of, so that it is
//! removed with its reason.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::explain;
use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile, has_errors};

/// What a comment for ringback begins with, after its `#`.
const MARK: &str = "ringback:";

/// Leaves out the warnings that their files accept, and adds one for each comment that accepts nothing. It needs all
/// diagnostics of a set at once, and returns them in the order of files and places, those of no file first.
/// `are_mounts_known` says whether [`Code::OutsideMounts`] was looked for.
#[must_use]
pub fn without_accepted(found: Vec<Diagnostic>, files: &[SourceFile], are_mounts_known: bool) -> Vec<Diagnostic> {
    let is_faulty = has_errors(&found);
    let places: HashMap<&str, usize> = files.iter().map(|file| file.name.as_str()).zip(0..).collect();
    let read: Vec<Comments> = files.iter().map(Comments::of).collect();
    // Whether each code of a block is met, by file, block and code.
    let mut accepted: HashMap<(usize, usize, Code), bool> = HashMap::new();
    for (file, comments) in read.iter().enumerate() {
        let accepting = comments.all.iter().filter_map(|comment| Some((comment.block?, *comment.says.as_ref().ok()?)));
        accepted.extend(accepting.map(|(block, code)| ((file, block, code), false)));
    }
    let mut left: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for diagnostic in found {
        let file = places.get(diagnostic.file.as_str()).copied();
        let block = file.and_then(|file| Some((file, read[file].block_at(diagnostic.span.start)?)));
        match block.and_then(|(file, block)| accepted.get_mut(&(file, block, diagnostic.code))) {
            Some(is_met) if diagnostic.severity == Severity::Warning => *is_met = true,
            _ => left.push(diagnostic),
        }
    }
    for (file, comments) in read.iter().enumerate() {
        for Comment { span, says, block } in &comments.all {
            let (message, help) = match (says, block) {
                (Err(Misread { message, help }), _) => (message.clone(), help.clone()),
                (Ok(code), None) => (
                    format!("this comment accepts {code} of no rule"),
                    "write it on the line above a [[subscription]] or an [[event]]".to_owned(),
                ),
                (Ok(code), Some(block)) => {
                    // A set with errors is not linted, and the mounts may not be known: then nothing can be said.
                    let is_judged = !is_faulty && (are_mounts_known || *code != Code::OutsideMounts);
                    if !is_judged || accepted[&(file, *block, *code)] {
                        continue;
                    }
                    let message = format!("this comment accepts {code}, and what is below it is not warned of so");
                    (message, "remove it, so that it does not hide a later mistake".to_owned())
                }
            };
            left.push(warning(&files[file], span.clone(), message, help));
        }
    }
    left.sort_by_key(|diagnostic| {
        (places.get(diagnostic.file.as_str()).map_or(0, |place| place + 1), diagnostic.span.start)
    });
    left
}

fn warning(file: &SourceFile, span: Range<usize>, message: String, help: String) -> Diagnostic {
    Diagnostic {
        code: Code::AcceptsNothing,
        severity: Severity::Warning,
        file: file.name.clone(),
        span,
        message,
        label: String::new(),
        help: Some(help),
    }
}

/// Where each rule and event of a file begins, in its bytes: it reaches to the next.
#[must_use]
pub fn beginnings(file: &SourceFile) -> Vec<usize> {
    let mut comments = Comments::default();
    if let Ok(text) = std::str::from_utf8(&file.text) {
        comments.go_through(text);
    }
    comments.blocks
}

/// The comments for ringback of one file.
#[derive(Default)]
struct Comments {
    all: Vec<Comment>,
    /// Where each rule and event begins: it reaches to the next.
    blocks: Vec<usize>,
}

/// One code of a comment.
struct Comment {
    span: Range<usize>,
    says: Result<Code, Misread>,
    /// The rule or event below it.
    block: Option<usize>,
}

/// What is wrong with a comment, and what to do.
struct Misread {
    message: String,
    help: String,
}

impl Comments {
    fn of(file: &SourceFile) -> Self {
        let mut comments = Self::default();
        match std::str::from_utf8(&file.text) {
            // Most files have none, and are not gone through.
            Ok(text) if text.contains(MARK) => comments.go_through(text),
            _ => {}
        }
        comments
    }

    fn go_through(&mut self, text: &str) {
        let mut at = 0;
        // The text, of several lines, that is open at the beginning of a line; and the first comment that is above
        // what comes next.
        let (mut open, mut above) = (None, 0);
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let statement = line.trim_start();
            let place = start + line.len() - statement.len();
            if open.is_none() && statement.starts_with('#') {
                self.read(statement.trim_end(), place);
                continue;
            }
            if open.is_none() && statement.starts_with("[[") {
                for comment in &mut self.all[above..] {
                    comment.block = Some(self.blocks.len());
                }
                self.blocks.push(place);
            }
            if open.is_some() || !statement.is_empty() {
                above = self.all.len();
            }
            open = open_after(line, open);
        }
    }

    /// Reads one comment, `#` and all.
    fn read(&mut self, comment: &str, place: usize) {
        let body = comment.trim_start_matches('#').trim_start();
        let Some(rest) = body.strip_prefix(MARK) else { return };
        let words = rest.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        // Words are parts of the comment, so the distance of their beginnings is where they are.
        let span = |word: &str| {
            let at = place + (word.as_ptr() as usize - comment.as_ptr() as usize);
            at..at + word.len()
        };
        let mut words = words.peekable();
        let allow = words.next_if_eq(&"allow");
        // What else is written behind the codes is for people.
        let codes: Vec<&str> = words.take_while(|word| is_like_a_code(word)).collect();
        if allow.is_none() || codes.is_empty() {
            let says = Err(Misread {
                message: "this comment for ringback is not understood".to_owned(),
                help: "write # ringback: allow RB0113, with the codes of the warnings to accept".to_owned(),
            });
            self.all.push(Comment { span: place..place + comment.len(), says, block: None });
            return;
        }
        self.all.extend(codes.into_iter().map(|code| Comment {
            span: span(code),
            says: warning_of(code),
            block: None,
        }));
    }

    /// The rule or event that a place is in.
    fn block_at(&self, at: usize) -> Option<usize> {
        self.blocks.partition_point(|start| *start <= at).checked_sub(1)
    }
}

/// Whether a word is meant to be a code.
fn is_like_a_code(word: &str) -> bool {
    let digits = word.trim_start_matches(['R', 'r', 'B', 'b']);
    digits.starts_with(|c: char| c.is_ascii_digit()) || word.starts_with("RB")
}

/// The code of a warning.
fn warning_of(text: &str) -> Result<Code, Misread> {
    let code = explain::find(text).map_err(|near| Misread {
        message: format!("there is no code {text}; the nearest is {near}"),
        help: "write the code as ringback check shows it".to_owned(),
    })?;
    if code.is_warning() {
        return Ok(code);
    }
    Err(Misread { message: format!("{code} is an error, which cannot be accepted"), help: "put it right".to_owned() })
}

/// The quotes of the text, of several lines, that is open after a line.
fn open_after(line: &str, before: Option<&'static str>) -> Option<&'static str> {
    let (mut open, mut rest) = (before, line);
    loop {
        if let Some(quotes) = open {
            match ends(rest, quotes) {
                Some(end) => rest = &rest[end..],
                // A text in single quote marks ends with its line, whatever it is.
                None => return open.filter(|quotes| quotes.len() == 3),
            }
        }
        let at = rest.find(['"', '\'', '#'])?;
        rest = &rest[at..];
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest.starts_with(quotes));
        // A comment ends the line.
        rest = &rest[quotes?.len()..];
        open = quotes;
    }
}

/// Where a text ends: behind its quotes.
fn ends(text: &str, quotes: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find(['\\', '"', '\'']) {
        at += found;
        if text[at..].starts_with(quotes) {
            return Some(at + quotes.len());
        }
        // In double quotes a backslash takes the next character along.
        let skipped = if quotes.starts_with('"') && text[at..].starts_with('\\') { 2 } else { 1 };
        at += text[at..].chars().take(skipped).map(char::len_utf8).sum::<usize>();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::without_accepted;
    use crate::diagnostic::SourceFile;
    use crate::diagnostic::render::one_lines;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::rules::load;

    const ALL: &str = "[[subscription]]\nname = 'all'\ncallback = 'http://127.0.0.1/a'\nwatchPath = ['* /']\n";

    fn of(text: &str) -> Vec<String> {
        let files = [SourceFile { name: "a.toml".into(), text: text.as_bytes().into() }];
        let left = without_accepted(load(&files).diagnostics, &files, false);
        one_lines(&left, &files).into_iter().map(|line| line.chars().take(90).collect()).collect()
    }

    #[test]
    fn a_comment_above_a_rule_accepts_its_warnings() {
        assert!(of(ALL)[0].contains("warning[RB0113]"), "{:?}", of(ALL));
        for comment in [
            "# ringback: allow RB0113",
            "#ringback:allow RB0113, which is an audit of everything",
            "## ringback: allow rb113",
            "# An audit.\n# ringback: allow RB0113\n# So it is meant.\n",
            "# ringback: allow RB0113\n# [[subscription]]",
        ] {
            assert_eq!(of(&format!("{comment}\n{ALL}")), [""; 0], "{comment}");
        }
        let two = ALL.replace("'* /']", "'* /', '* /a/b**']");
        assert_eq!(of(&format!("# ringback: allow RB0113 RB0103\n{two}")), [""; 0]);
        assert_eq!(of(&format!("# ringback: allow RB0113\n# ringback: allow RB0103\n{two}")), [""; 0]);
        assert_eq!(of(&format!("# ringback: allow RB0113\n{two}")).len(), 1, "the other is still warned of");
        let event =
            "# ringback: allow RB0105\n[[event]]\nname = 'e'\nwhen = 'exts == mov'\n[event.fields]\na = '{time}'\n";
        assert_eq!(of(event), [""; 0]);
    }

    #[test]
    fn what_accepts_nothing_is_warned_of() {
        let fine = ALL.replace("'* /'", "'* /a'");
        for (text, expect) in [
            (
                format!("# ringback: allow RB0113\n{fine}"),
                "a.toml:1:19: warning[RB0115]: this comment accepts RB0113, and",
            ),
            (
                format!("{ALL}# ringback: allow RB0113\n"),
                "a.toml:5:19: warning[RB0115]: this comment accepts RB0113 of no",
            ),
            (format!("# ringback: allow RB0113\nx = 1\n{ALL}"), "a.toml:1:19: warning[RB0115]: this comment accepts"),
            (format!("# ringback: allow RB9999\n{fine}"), "a.toml:1:19: warning[RB0115]: there is no code RB9999; the"),
            (format!("# ringback: allow RB0012\n{fine}"), "a.toml:1:19: warning[RB0115]: RB0012 is an error, which"),
            (format!("# ringback: alow RB0113\n{fine}"), "a.toml:1:1: warning[RB0115]: this comment for ringback is"),
            (format!("# ringback: allow\n{fine}"), "a.toml:1:1: warning[RB0115]: this comment for ringback is not"),
        ] {
            let found = of(&text);
            assert!(found.iter().any(|line| line.starts_with(expect)), "{text}\n{found:#?}");
        }
        // Of the rule below alone.
        let other = fine.replace("'all'", "'other'").replace("/a'", "/b'");
        assert_eq!(of(&format!("# ringback: allow RB0113\n{other}{ALL}")).len(), 2);
    }

    #[test]
    fn an_error_is_never_accepted_and_keeps_comments_from_being_judged() {
        let wrong = ALL.replace("watchPath", "watchPaht");
        let found = of(&format!("# ringback: allow RB0113\n{wrong}"));
        assert!(!found.is_empty() && found.iter().all(|line| line.contains("error[")), "{found:#?}");
    }

    #[test]
    fn mounts_are_judged_where_they_are_known() {
        let text = "# ringback: allow RB0112\n".to_owned() + &ALL.replace("'* /'", "'* /a'");
        assert_eq!(of(&text), [""; 0]);
        let files = [SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }];
        for (path, left) in [(&b"/b"[..], 0), (b"/a", 1)] {
            let mut loaded = load(&files);
            loaded.lint_mounts(&[Mount::new(LogicalPath::parse(path).expect("a path"), "/srv".into())]);
            assert_eq!(without_accepted(loaded.diagnostics, &files, true).len(), left);
        }
    }

    #[test]
    fn a_text_of_several_lines_is_no_comment() {
        let description = |text: &str| ALL.replace("'* /'", "'* /a'") + "description = " + text;
        for text in [
            "'''\n# ringback: allow RB0113\n'''\n",
            "\"\"\"a \\\"\"\"\n# ringback: allow RB0113\n\"\"\"\n",
            "\"# ringback: allow RB0113\"\n",
            "'a' # '''\n",
        ] {
            assert_eq!(of(&description(text)), [""; 0], "{text}");
        }
        let after =
            description("'''\n[[x\n''' # \"\"\"\n") + "# ringback: allow RB0113\n" + &ALL.replace("'all'", "'b'");
        assert_eq!(of(&after).iter().filter(|line| line.contains("RB0113")).count(), 0, "{:?}", of(&after));
    }
}

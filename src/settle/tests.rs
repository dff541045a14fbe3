//! Settling, case by case: each file of `fixtures/settle` is a script, and its name says what it shows.
//!
//! A script's lines, `T` in milliseconds:
//!
//! ```text
//! quiet 500, max 5000         how long things are waited for; otherwise 1000 and no end
//! T hint PATH KIND            a hint; the first of a script has order 1, and so on
//! T take [MOST] -> DUE, ...   what is due: PATH #ORDER SINCE KIND [wrote] [hurried] [regardless], or nothing
//! T busy PATH                 the look at what was taken there found a writer
//! T young PATH                it found a file too young to be believed
//! T failed PATH               it failed
//! T again PATH                it settled nothing
//! T reading PATH              it found a file that is being read elsewhere
//! T read PATH                 that has been read
//! T sync ORDER                a caller's word on the hints so far
//! T recheck DIR               a directory is gone
//! T forget DIR -> ORDER       its hints are dropped; the first order among them
//! next -> T                   when something is due without a hint, or never
//! awaited -> PATH #ORDER, ... what comes by itself
//! left -> PATH, ...           all that is kept
//! ```
#![allow(clippy::disallowed_methods, reason = "the cases are files")]

use std::collections::HashMap;
use std::path::Path;

use super::{Cause, Due, Patience, Settle};
use crate::model::hint::HintKind;
use crate::model::path::LogicalPath;
use crate::model::time::Mono;

#[test]
fn settling_goes_as_the_scripts_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/settle");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the cases") {
        let file = file.expect("a listing goes on").path();
        let text = std::fs::read_to_string(&file).expect("a readable case");
        check(&file.file_name().expect("a name").to_string_lossy(), &text);
        count += 1;
    }
    assert!(count >= 15, "only {count} cases were found");
}

/// Runs a script; every `->` must come true.
fn check(name: &str, script: &str) {
    let mut run = Run::new(script);
    for (number, line) in (1..).zip(script.lines()) {
        let line = line.split("  # ").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("quiet") {
            continue;
        }
        let (command, expect) = match line.split_once("->") {
            Some((command, expect)) => (command.trim(), Some(expect.trim())),
            None => (line, None),
        };
        let words: Vec<_> = command.split_whitespace().collect();
        let found = run.line(&words).unwrap_or_else(|| panic!("{name}:{number}: not understood: {line}"));
        assert_eq!(found.as_deref(), expect, "{name}:{number}: {line}");
    }
}

struct Run {
    settle: Settle,
    hints: u64,
    taken: HashMap<LogicalPath, Cause>,
    paths: Vec<LogicalPath>,
}

impl Run {
    fn new(script: &str) -> Self {
        let mut patience = Patience { quiet_ms: 1_000, max_ms: None };
        for setting in script.lines().filter(|line| line.starts_with("quiet")).flat_map(|line| line.split(", ")) {
            match setting.split_once(' ') {
                Some(("quiet", ms)) => patience.quiet_ms = ms.parse().expect("milliseconds"),
                Some(("max", ms)) => patience.max_ms = Some(ms.parse().expect("milliseconds")),
                _ => panic!("not a setting: {setting}"),
            }
        }
        Self { settle: Settle::new(patience), hints: 0, taken: HashMap::new(), paths: Vec::new() }
    }

    /// Carries a line out and gives what it shows; `None` when it is not understood.
    fn line(&mut self, words: &[&str]) -> Option<Option<String>> {
        match words {
            ["next"] => Some(Some(self.settle.deadline().map_or("never".to_owned(), |due| due.0.to_string()))),
            ["awaited"] => {
                let mut awaited: Vec<_> =
                    self.settle.awaited().map(|(path, cause)| format!("{path} #{}", cause.order)).collect();
                awaited.sort();
                Some(Some(awaited.join(", ")))
            }
            ["left"] => {
                let left: Vec<_> =
                    self.paths.iter().filter(|path| self.settle.contains(path)).map(ToString::to_string).collect();
                assert_eq!(left.len(), self.settle.len());
                assert_eq!(left.is_empty(), self.settle.is_empty());
                Some(Some(left.join(", ")))
            }
            [at, command @ ..] => self.timed(Mono(at.parse().ok()?), command),
            [] => None,
        }
    }

    fn timed(&mut self, now: Mono, command: &[&str]) -> Option<Option<String>> {
        match command {
            ["hint", at, kind] => {
                self.hints += 1;
                let at = path(at);
                if !self.paths.contains(&at) {
                    self.paths.push(at.clone());
                }
                self.settle.hint(now, &at, kind_of(kind)?, self.hints);
            }
            ["take", most @ ..] => {
                let most = most.first().map_or(usize::MAX, |most| most.parse().expect("a number"));
                let due = self.settle.take(now, most);
                let shown: Vec<_> = due.iter().map(shown).collect();
                self.taken.extend(due.into_iter().map(|due| (due.path, due.cause)));
                return Some(Some(shown.join(", ")));
            }
            ["forget", directory] => {
                self.settle.forget_under(&path(directory));
            }
            ["read", at] => self.settle.read(now, &path(at)),
            ["recheck", directory] => self.settle.recheck_under(now, &path(directory)),
            ["sync", order] => self.settle.hurry(now, order.parse().ok()?),
            [looked, at] => {
                let at = path(at);
                let cause = self.taken.remove(&at)?;
                match *looked {
                    "busy" => self.settle.wait_for_close(now, &at, cause),
                    "young" => self.settle.wait_for_quiet(now, &at, cause),
                    "failed" => self.settle.retry_later(now, &at, cause),
                    "again" => self.settle.again(now, &at, cause),
                    "reading" => self.settle.wait_for_reading(now, &at, cause),
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(None)
    }
}

fn shown(due: &Due) -> String {
    let Due { path, cause: Cause { order, since, heard, wrote, hurried, overdue, .. } } = due;
    let heard = KINDS.into_iter().find(|(_, kind)| kind == heard).expect("a kind").0;
    let wrote = if *wrote { " wrote" } else { "" };
    let hurried = if *hurried { " hurried" } else { "" };
    let overdue = if *overdue { " overdue" } else { "" };
    format!("{path} #{order} {} {heard}{wrote}{hurried}{overdue}", since.0)
}

const KINDS: [(&str, HintKind); 5] = [
    ("written", HintKind::Written),
    ("closed", HintKind::Closed),
    ("moved", HintKind::Moved),
    ("attributes", HintKind::Attributes),
    ("found", HintKind::Found),
];

fn kind_of(word: &str) -> Option<HintKind> {
    KINDS.into_iter().find(|(name, _)| *name == word).map(|(_, kind)| kind)
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}

/// Very many files that wait for a writer share a number of looks a second.
#[test]
fn many_waits_share_the_looks_of_a_second() {
    use super::{ASK_AGAIN_MS, WRITER_LOOKS_PER_SECOND_MAX, ask_again_ms};

    let last = ASK_AGAIN_MS[ASK_AGAIN_MS.len() - 1];
    let enough = last * WRITER_LOOKS_PER_SECOND_MAX / 1_000;
    assert_eq!(ask_again_ms(u8::MAX, enough, WRITER_LOOKS_PER_SECOND_MAX), last);
    assert_eq!(ask_again_ms(u8::MAX, enough * 4, WRITER_LOOKS_PER_SECOND_MAX), last * 4);
    assert_eq!(ask_again_ms(0, 0, WRITER_LOOKS_PER_SECOND_MAX), ASK_AGAIN_MS[0]);
}

//! What must hold of any text, rule and change.

use ringback::diagnostic::render::{Format, one_lines, report};
use ringback::diagnostic::{Diagnostic, Severity, SourceFile, TextFault};
use ringback::rules::condition::{Condition, Mode, Operand, PathClause, Written};
use ringback::rules::eval::Subject;
use ringback::rules::explain::{Verdict, explain};
use ringback::rules::syntax::watch_path;

use crate::memory;

/// What an input may take, in milliseconds of the processor. Instrumented code takes some three times as long as what
/// is shipped, where a tenth of a second is too much.
const SLOW_MS: i64 = 300;

/// What an input may allocate at its highest: 64 MiB.
const LARGE_BYTES: usize = 64 << 20;

/// Runs something, which must take neither much time nor much memory.
pub fn cheaply<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let before = processor_ms();
    let (out, bytes) = memory::highest_of(run);
    let took = processor_ms() - before;
    assert!(took < SLOW_MS, "{what} took {took} ms");
    assert!(bytes < LARGE_BYTES, "{what} allocated {bytes} bytes");
    out
}

/// The time of this thread alone, so that a busy machine makes nothing slow.
fn processor_ms() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to the place that it is given.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    assert_eq!(failed, 0, "Linux has this clock");
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

/// Faults stand inside of their text, and one that blocks is there exactly where nothing was read.
pub fn faults(text: &str, is_read: bool, faults: &[TextFault]) {
    for TextFault { range, message, .. } in faults {
        assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}: {message}");
        assert!(!message.is_empty());
    }
    let blocks = faults.iter().any(|fault| fault.severity == Severity::Error);
    assert_ne!(is_read, blocks, "{text:?}: {faults:?}");
}

/// Diagnostics stand inside of their file, at characters of it, and can be shown in every way.
pub fn diagnostics(found: &[Diagnostic], files: &[SourceFile]) {
    for file in files {
        let text = std::str::from_utf8(&file.text).ok();
        for Diagnostic { span, message, .. } in found.iter().filter(|one| one.file == file.name) {
            assert!(file.text.get(span.clone()).is_some(), "{span:?} of {} bytes: {message}", file.text.len());
            let is_whole = text.is_none_or(|text| text.get(span.clone()).is_some());
            assert!(is_whole, "{span:?} cuts a character: {message}");
        }
    }
    assert!(found.iter().all(|one| files.iter().any(|file| file.name == one.file)), "{found:?}");
    cheaply("showing", || shown_in_every_way(found, files));
}

fn shown_in_every_way(found: &[Diagnostic], files: &[SourceFile]) {
    for format in [Format::Plain, Format::Terminal, Format::Json] {
        let shown = report(found, files, format);
        assert!(found.is_empty() || !shown.is_empty());
    }
    let lines = one_lines(found, files);
    assert!(lines.len() == found.len() && lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
}

/// A path clause reads as the same when it is written as it is shown.
pub fn shown(clause: &PathClause) {
    let shown = clause.to_string();
    let read = watch_path::parse(&shown, &mut Vec::new());
    assert_eq!(read.as_ref(), Some(clause), "{shown:?}");
}

/// The path clauses of a condition, each of which reads as it is shown.
pub fn paths_shown(condition: &Condition) {
    if let Written::Clauses { paths, .. } = condition.written() {
        paths.iter().for_each(shown);
    }
}

/// Whether a condition fires: by the plain evaluator, with which the explanation and the words of the specification
/// agree.
pub fn fires(subject: &Subject<'_>, change: &ringback::model::change::Change, condition: &Condition) -> bool {
    let fires = subject.fires(&condition.expr());
    let verdict = explain(subject, condition);
    assert_eq!(matches!(verdict, Verdict::Fires { .. }), fires, "{verdict:?} of {condition:?} on {change:?}");
    if let Written::Clauses { paths, metadata, operand } = condition.written() {
        // fires = pathEvent OR (inScope AND metadata)
        let covers = |clause: &&PathClause| subject.covered(&clause.cover);
        let path_event = paths.iter().filter(covers).any(|clause| clause.mode.includes(change.action));
        let in_scope = paths.is_empty() || paths.iter().any(|clause| covers(&clause));
        let some = metadata.iter().any(|clause| subject.true_now(clause));
        let every = || metadata.iter().all(|clause| subject.true_now(clause) || subject.holds(clause));
        let by_metadata = in_scope && some && (*operand == Operand::Or || every());
        assert_eq!(path_event || by_metadata, fires, "{condition:?} on {change:?}");
        assert!(!metadata.is_empty() || paths.iter().any(|clause| clause.mode != Mode::Scope));
    }
    fires
}

//! `watchPath` clauses: `[mode] path`.
//!
//! The path covers itself and everything under it; with a trailing slash only what is under it; with an unescaped
//! `* ? [ {` it is a glob over the whole path. A backslash makes the next character literal everywhere, so
//! `/acme/\[raw\]` is the directory `[raw]` and what is under it. Paths are kept in NFC, as they are compared.

use crate::diagnostic::{Code, TextFault};
use crate::model::path::{LogicalPath, PathError};
use crate::rules::condition::{Cover, Mode, PathClause};
use crate::rules::syntax::glob::{Scanned, bad_glob, over_paths};

/// Reads the path of a clause alone, which has no mode before it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn path_alone(text: &str) -> Result<Cover, String> {
    let mut faults = Vec::new();
    let clause = parse(text, &mut faults);
    match clause {
        Some(PathClause { mode: Mode::Scope, cover }) => Ok(cover),
        Some(_) => Err("a path begins with `/`; no `*`, `+`, `-` or `~` stands before it here".to_owned()),
        None => Err(faults.into_iter().map(|fault| fault.message).next().unwrap_or_else(|| "it is no path".to_owned())),
    }
}

/// Reads one clause. Faults and warnings are added to `faults`; there is a clause when none of them blocks.
pub fn parse(text: &str, faults: &mut Vec<TextFault>) -> Option<PathClause> {
    let trimmed = text.trim_start();
    let (mode, path) = match trimmed.chars().next() {
        Some('*') => (Mode::All, &trimmed[1..]),
        Some('+') => (Mode::Added, &trimmed[1..]),
        Some('-') => (Mode::Deleted, &trimmed[1..]),
        // An en dash is what copying from a web page gives.
        Some(dash @ '\u{2013}') => (Mode::Deleted, &trimmed[dash.len_utf8()..]),
        Some('~') => (Mode::Modified, &trimmed[1..]),
        _ => (Mode::Scope, trimmed),
    };
    let path = path.trim_start();
    let start = text.len() - path.len();
    let parsed = cover(path, start, mode, text, faults);
    if parsed.is_some() {
        odd_path(text, start, faults);
    }
    if parsed.is_some() && path.ends_with(char::is_whitespace) && !path.trim_end().ends_with('\\') {
        let end = text.trim_end().len();
        faults.push(
            TextFault::error(
                Code::StraySpace,
                end..text.len(),
                "the path ends with a space, so it covers only names that do",
                "this space",
                "remove the space, or put a backslash before it if it is meant",
            )
            .as_warning(),
        );
    }
    parsed.map(|cover| PathClause { mode, cover })
}

fn cover(path: &str, start: usize, mode: Mode, text: &str, faults: &mut Vec<TextFault>) -> Option<Cover> {
    let whole = start..start + path.len();
    let bad_path = |error: PathError| {
        TextFault::error(
            Code::BadPath,
            whole.clone(),
            error.to_string(),
            "this path",
            path_help(path, mode, text, error),
        )
    };
    let scanned = match Scanned::new(path) {
        Ok(scanned) => scanned,
        Err(why) => {
            faults.push(bad_glob(&why, whole));
            return None;
        }
    };
    // Globs are held to the same form as plain paths: none of their components may be `.` or `..` either.
    let plain = match LogicalPath::parse(&scanned.unescaped) {
        Ok(plain) => plain,
        Err(error) => {
            faults.push(bad_path(error));
            return None;
        }
    };
    let Some(prefix) = scanned.glob_prefix else {
        return Some(Cover::Under { path: plain.nfc(), itself: !scanned.unescaped.ends_with(b"/") });
    };
    let double_star = |at| start + at..start + at + 2;
    over_paths(path, prefix, whole, double_star, faults).map(|glob| Cover::Glob(glob.into()))
}

/// Points out what is probably not a part of the path.
fn odd_path(clause: &str, start: usize, faults: &mut Vec<TextFault>) {
    let path = &clause[start..];
    let modes = ['*', '+', '-', '\u{2013}', '~'];
    let second = path.match_indices(char::is_whitespace).map(|(at, _)| at).find(|at| {
        let rest = path[*at..].trim_start();
        rest.strip_prefix(modes).unwrap_or(rest).trim_start().starts_with('/') && !path[..*at].ends_with('\\')
    });
    if let Some(at) = second {
        let message = "a clause has one path: what stands behind the space is a part of it";
        let (one, other) = (clause[..start + at].trim_end_matches([',', ';', ' ']), path[at..].trim());
        let help = format!(
            "write two clauses, each with its mode: \"{one}\", \"{other}\"; or put a backslash before the space if it is meant"
        );
        let range = start + at..start + path.len();
        faults.push(TextFault::error(Code::StraySpace, range, message, "a part of the path", help).as_warning());
    }
    let backslash = path
        .match_indices('\\')
        .map(|(at, _)| at)
        .find(|at| path[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()) && !path[..*at].ends_with('\\'));
    if let Some(at) = backslash {
        let message = "a backslash parts no directories: it only makes the next character literal";
        let help = format!("write {}", path.replace('\\', "/"));
        let range = start + at..start + at + 1;
        faults.push(TextFault::error(Code::TakenLiterally, range, message, "this backslash", help).as_warning());
    }
    if let Some((from, to)) = path
        .find('(')
        .zip(path.find(')'))
        .filter(|(from, to)| path.get(*from..*to).is_some_and(|inner| inner.contains('|')))
    {
        let message = "brackets and `|` are a part of the path: it is a glob, no regular expression";
        let help = format!("write {{{}}}", path[from + 1..to].replace('|', ","));
        let range = start + from..start + to + 1;
        faults.push(TextFault::error(Code::TakenLiterally, range, message, "taken as it stands", help).as_warning());
    }
}

fn path_help(path: &str, mode: Mode, text: &str, error: PathError) -> String {
    match error {
        PathError::Empty => "write a mode and an absolute logical path, such as \"* /acme/dailies\"".into(),
        PathError::Relative if path.starts_with(['\u{2014}', '\u{2212}']) => {
            "for deletions write a hyphen: \"- /acme/dailies\"".into()
        }
        PathError::Relative if path.contains(" /") => {
            "before the path stands one mode: * (all), + (added), ~ (modified), - (deleted), or none; for two of them write \
             two clauses: \"+ /acme\", \"~ /acme\""
                .into()
        }
        PathError::Relative => {
            if path.contains('$') {
                return "nothing is replaced in a path: write the logical path itself, such as \"* /acme/dailies\"".into();
            }
            let absolute = absolute(path, text.trim_start());
            format!("write \"{mode}{absolute}\": logical paths begin with the mount's path, and have slashes")
        }
        PathError::Dots => "write the path that is meant; `**` stands for any number of directories".into(),
        PathError::Nul => "remove the NUL character".into(),
    }
}

/// The logical path that a relative one was probably meant to be; `clause` is all of it, its mode included.
fn absolute(path: &str, clause: &str) -> String {
    let bare = path.trim_matches(['"', '\'', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let drive = bare.as_bytes().get(1) == Some(&b':') && bare.as_bytes()[0].is_ascii_alphabetic();
    let bare = if drive { &bare[2..] } else { bare };
    let is_windows = drive || bare.starts_with('\\');
    let bare = if is_windows { bare.replace('\\', "/") } else { bare.to_owned() };
    let bare = bare.trim_start_matches(['.', '~']).trim_start_matches('/');
    // The first star was taken for the mode.
    if let Some(rest) = clause.strip_prefix("**/").or_else(|| clause.strip_prefix("*.")) {
        let name = if clause.starts_with("*.") { format!("*.{rest}") } else { rest.to_owned() };
        return format!("/**/{name}");
    }
    if bare.starts_with('*') && !bare.contains('/') && bare != "**" {
        return format!("/**/{bare}");
    }
    format!("/{bare}")
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::diagnostic::{Code, Severity};
    use crate::model::path::LogicalPath;
    use crate::rules::condition::Mode;

    #[track_caller]
    fn check(text: &str, mode: Mode, covered: &[&str], not: &[&str]) {
        let clause = parse(text, &mut Vec::new()).unwrap_or_else(|| panic!("{text} is a clause"));
        assert_eq!(clause.mode, mode, "{text}");
        let shown = clause.to_string();
        assert_eq!(parse(&shown, &mut Vec::new()), Some(clause.clone()), "{text} is shown as {shown}");
        let covers =
            |path: &str| clause.cover.covers(LogicalPath::parse(path.as_bytes()).expect("a path").nfc().as_bytes());
        for path in covered {
            assert!(covers(path), "{text} covers {path}");
        }
        for path in not {
            assert!(!covers(path), "{text} does not cover {path}");
        }
    }

    #[test]
    fn modes_with_and_without_spaces() {
        for (text, mode) in [
            ("* /a", Mode::All),
            ("*/a", Mode::All),
            ("  +   /a", Mode::Added),
            ("-/a", Mode::Deleted),
            ("\u{2013} /a", Mode::Deleted),
            ("\u{2013}\u{a0}/a", Mode::Deleted),
            ("~/a", Mode::Modified),
            ("/a", Mode::Scope),
        ] {
            check(text, mode, &["/a", "/a/b"], &["/b", "/ab"]);
        }
    }

    #[test]
    fn plain_paths_cover_themselves_and_what_is_under_them() {
        check("* /a/b", Mode::All, &["/a/b", "/a/b/c/d"], &["/a/bc", "/a", "/x/a/b"]);
        check("* /a/b/", Mode::All, &["/a/b/c"], &["/a/b", "/a/bc"]);
        check("* //a//b//", Mode::All, &["/a/b/c"], &["/a/b"]);
        check("* /", Mode::All, &["/", "/a", "/a/b"], &[]);
        check(r"* /a/\[raw\]", Mode::All, &["/a/[raw]", "/a/[raw]/x"], &["/a/r"]);
        check("* /a/b c", Mode::All, &["/a/b c/d"], &["/a/b"]);
    }

    #[test]
    fn paths_and_globs_cover_names_in_either_unicode_form() {
        let both = ["/caf\u{e9}/a", "/cafe\u{301}/a"];
        for text in [
            "* /caf\u{e9}",
            "* /cafe\u{301}",
            "* /cafe\\\u{301}",
            "* /caf?/*",
            "* /{cafe\u{301},x}/*",
            "* /cafe\\\u{301}/*",
        ] {
            check(text, Mode::All, &both, &["/caf/a", "/cafes/a"]);
        }
        check("* /cafe*/a", Mode::All, &["/cafes/a"], &both);
    }

    #[test]
    fn globs_cover_whole_paths() {
        check("+ /acme/**/*.mov", Mode::Added, &["/acme/a.mov", "/acme/x/y/a.mov"], &["/acme/a.mov/b", "/b/a.mov"]);
        check("* /acme/da*", Mode::All, &["/acme/day1", "/acme/da"], &["/acme/day1/a", "/acme/d"]);
        check("* ///acme///da*////a", Mode::All, &["/acme/day1/a"], &["/acme/day1"]);
        for slashes in ["//", "///", "/////", r"/\/", r"\//"] {
            check(&format!("* /acme{slashes}da*"), Mode::All, &["/acme/day1"], &[]);
        }
        check(r"* /acme\\//da*", Mode::All, &[r"/acme\/day1"], &["/acme/day1"]);
        check("* /a/**", Mode::All, &["/a/b", "/a/b/c"], &["/a", "/ab"]);
        check("* /**", Mode::All, &["/a", "/a/b"], &[]);
        check("* /a/{b,c}/?.[jt]pg", Mode::All, &["/a/b/x.jpg", "/a/c/x.tpg"], &["/a/b/xx.jpg", "/a/d/x.jpg"]);
        check(r"* /a\*b/*", Mode::All, &["/a*b/c"], &["/axb/c", "/a*b/c/d"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_what_is_odd_is_pointed_out() {
        for (text, code, severity) in [
            ("", Code::BadPath, Severity::Error),
            ("*", Code::BadPath, Severity::Error),
            ("+ ", Code::BadPath, Severity::Error),
            ("a/b", Code::BadPath, Severity::Error),
            ("**/*.mov", Code::BadPath, Severity::Error),
            ("\u{2014} /a", Code::BadPath, Severity::Error),
            ("* /a/../b", Code::BadPath, Severity::Error),
            ("* /a/../*.mov", Code::BadPath, Severity::Error),
            ("* /a/./b", Code::BadPath, Severity::Error),
            ("* /a\0", Code::BadPath, Severity::Error),
            ("* /a\0*", Code::BadPath, Severity::Error),
            ("* /a[b", Code::BadGlob, Severity::Error),
            ("* /a{b", Code::BadGlob, Severity::Error),
            ("* /a[\u{e9}]", Code::BadGlob, Severity::Error),
            ("* /a\\", Code::BadGlob, Severity::Error),
            ("* /a/*/", Code::NeverTrue, Severity::Warning),
            ("* /a/**.mov", Code::PartialDoubleStar, Severity::Warning),
            ("* /a ", Code::StraySpace, Severity::Warning),
        ] {
            let mut faults = Vec::new();
            let clause = parse(text, &mut faults);
            let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.severity)).collect();
            assert_eq!(found, [(code, severity)], "{text:?}");
            assert_eq!(clause.is_some(), severity == Severity::Warning, "{text:?}");
        }
    }
}

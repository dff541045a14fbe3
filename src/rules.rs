//! Rules: who asked for which changes.
//!
//! Pure: nothing here reads a file, a clock or the ledger, and nothing sends; a large set is parsed on all processors.
//! Texts of rule files become diagnostics or an immutable [`RuleSet`], all or nothing ([`load`]); a set says which of
//! its rules a change fires. [`syntax`] is how clauses are written, [`condition`] what they are, [`eval`] what they
//! mean, [`file`](mod@file) how a rule file is laid out. [`registered`] are rules that come and go one by one.
//! [`mod@explain`] says why a rule does not fire, [`cases`] are the admin's own tests, both on a change that is only
//! [`supposed`].

pub mod allow;
pub mod cases;
pub mod condition;
pub mod eval;
pub mod event;
pub mod explain;
pub mod file;
pub mod index;
mod lint;
pub mod pattern;
pub mod registered;
pub mod registration;
mod secrets;
pub mod set;
pub mod supposed;
pub mod syntax;
pub mod template;
pub mod value;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::{Builder, ScopedJoinHandle};

use crate::diagnostic::lines::LineIndex;
use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile};
pub use eval::Facts;
use lint::Placed;
use secrets::Referred;
pub use set::{Matching, Rule, RuleChange, RuleSet};

/// What came of reading rule files.
#[derive(Debug)]
pub struct Loaded {
    /// The rules of all files; `None` when any file has an error.
    pub set: Option<RuleSet>,
    /// Everything that is wrong or odd, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// Where each rule of the set stands.
    placed: Vec<Placed>,
    /// Where each event of the set is, by its name.
    placed_events: Vec<(usize, usize)>,
    /// The secrets that rules refer to; also of files with errors.
    referred: Vec<Referred>,
}

impl Loaded {
    /// Where each rule of the set is: the place of its file among the files, and of its name in the file's bytes.
    pub fn rule_places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.placed.iter().map(|placed| (placed.file, placed.spans.name.start))
    }

    /// The same of each event.
    #[must_use]
    pub fn event_places(&self) -> &[(usize, usize)] {
        &self.placed_events
    }
}

/// Reads rule files, which are given in path order. All faults of all files are found in one pass; a set without any is
/// linted. Secrets that rules refer to are still to be read ([`Loaded::with_secrets`]).
#[must_use]
pub fn load(files: &[SourceFile]) -> Loaded {
    let mut loaded = Reader::default().load(&mut files.to_vec(), None);
    if let Some(set) = &loaded.set {
        let lints = loaded.lints(set);
        loaded.diagnostics.extend(lints);
        let place: HashMap<&str, usize> = files.iter().map(|file| file.name.as_str()).zip(0..).collect();
        loaded.diagnostics.sort_by_key(|found| (place.get(found.file.as_str()).copied(), found.span.start));
    }
    loaded
}

/// Reads rule files again and again: a file that has not changed is not read twice.
#[derive(Debug, Default)]
pub struct Reader {
    /// By name, the text and what it came to.
    read: HashMap<String, (Arc<[u8]>, file::Read)>,
}

impl Reader {
    /// As [`load`], all files of a set, but without lints. `before` is the set that this one is to follow: what has not
    /// changed is taken over from it. Texts that have not changed are from now on those that were read before.
    pub fn load(&mut self, files: &mut [SourceFile], before: Option<&RuleSet>) -> Loaded {
        let names: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        self.read.retain(|name, _| names.contains(name.as_str()));
        let mut new = Vec::new();
        for source in &mut *files {
            match self.read.get(&source.name) {
                Some((text, _)) if *text == source.text => source.text = Arc::clone(text),
                _ => new.push(&*source),
            }
        }
        for (source, read) in new.iter().zip(read_all(&new, Builder::new)) {
            self.read.insert(source.name.clone(), (Arc::clone(&source.text), read));
        }
        join(files, |file| self.read.get(&file.name).map(|(_, read)| read), before)
    }
}

/// Reads files: many of them on all processors, in threads that are made by `thread`.
fn read_all(files: &[&SourceFile], thread: fn() -> Builder) -> Vec<file::Read> {
    /// Bytes that are read in about the time that a thread takes to start, a hundred times.
    const SPLIT_MIN: usize = 1 << 20;
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(bytes / SPLIT_MIN + 1);
    let read = |files: &[&SourceFile]| files.iter().map(|file| file::read(file)).collect::<Vec<_>>();
    if readers == 1 {
        return read(files);
    }
    std::thread::scope(|scope| {
        let begun = |part| {
            let reading = thread().spawn_scoped(scope, move || read(part));
            // Where the system gives no thread, it is read here.
            reading.map_err(|_| part)
        };
        let parts: Vec<_> = files.chunks(files.len().div_ceil(readers)).map(begun).collect();
        let ended = |part: Result<ScopedJoinHandle<'_, _>, _>| match part {
            Ok(reading) => reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(part) => read(part),
        };
        parts.into_iter().flat_map(ended).collect()
    })
}

/// Joins what the files of a set came to.
fn join<'r>(
    files: &'r [SourceFile],
    read: impl Fn(&SourceFile) -> Option<&'r file::Read>,
    before: Option<&RuleSet>,
) -> Loaded {
    let (mut rules, mut events) = (Vec::new(), Vec::new());
    let (mut placed, mut placed_events, mut referred) = (Vec::new(), Vec::new(), Vec::new());
    let (mut asked, mut declared) = (Vec::new(), Vec::new());
    let mut found: Vec<(usize, Diagnostic)> = Vec::new();
    let (mut names, mut event_names) = (Names::default(), Names::default());
    for (index, source) in files.iter().enumerate() {
        let Some(read) = read(source) else { continue };
        let file_name: Arc<str> = source.name.as_str().into();
        found.extend(read.diagnostics.iter().map(|diagnostic| (index, diagnostic.clone())));
        for written in &read.subscriptions {
            if let Some((name, span)) = &written.name {
                found.extend(names.taken(name.as_str(), source, span.clone()).map(|taken| (index, taken)));
            }
            asked.extend(written.events.iter().map(|(name, span)| event::Asked {
                name: name.clone(),
                file: index,
                file_name: Arc::clone(&file_name),
                span: span.clone(),
                tells_events: written.rule.as_ref().is_none_or(|rule| rule.subscription.format.tells_events()),
            }));
            let Some(rule) = &written.rule else { continue };
            if let Some(reference) = rule.subscription.secret.clone().filter(|_| rule.subscription.signing.is_none()) {
                let span = written.spans.secret.clone();
                referred.push(Referred {
                    rule: rules.len(),
                    reference: *reference,
                    file_name: Arc::clone(&file_name),
                    span,
                });
            }
            placed.push(Placed { file: index, file_name: Arc::clone(&file_name), spans: Arc::clone(&written.spans) });
            rules.push(rule.clone());
        }
        for file::WrittenEvent { name, event } in &read.events {
            if let Some((name, span)) = name {
                found.extend(event_names.taken(name.as_str(), source, span.clone()).map(|taken| (index, taken)));
                declared.push(name.clone());
            }
            if let Some(event) = event {
                placed_events.push((index, name.as_ref().map_or(0, |(_, span)| span.start)));
                events.push(event.clone());
            }
        }
    }
    // What a broken file declares may only have been skipped.
    if !found.iter().any(|(_, diagnostic)| matches!(diagnostic.code, Code::Syntax | Code::NotUtf8)) {
        found.extend(event::unknown(&asked, &declared));
        found.extend(event::not_sent(&asked, &events));
    }
    let blocked = found.iter().any(|(_, diagnostic)| diagnostic.severity == Severity::Error);
    found.sort_by_key(|(index, diagnostic)| (*index, diagnostic.span.start));
    let diagnostics = found.into_iter().map(|(_, diagnostic)| diagnostic).collect();
    let set = (!blocked).then(|| RuleSet::following(before, rules, events));
    Loaded { set, diagnostics, placed, placed_events, referred }
}

/// The names that are taken, and where.
#[derive(Default)]
struct Names<'f> {
    places: HashMap<&'f str, (&'f SourceFile, usize)>,
    lines: HashMap<&'f str, LineIndex<'f>>,
}

impl<'f> Names<'f> {
    /// Takes a name; a diagnostic when it was taken before.
    fn taken(&mut self, name: &'f str, file: &'f SourceFile, span: std::ops::Range<usize>) -> Option<Diagnostic> {
        let (first_file, first_at) = match self.places.entry(name) {
            Entry::Vacant(free) => {
                free.insert((file, span.start));
                return None;
            }
            Entry::Occupied(taken) => *taken.get(),
        };
        let index = self.lines.entry(&first_file.name).or_insert_with(|| LineIndex::new(&first_file.text));
        let place = index.place(first_at);
        Some(Diagnostic {
            code: Code::Duplicate,
            severity: Severity::Error,
            file: file.name.clone(),
            span,
            message: format!(
                "the name `{name}` is taken: it is first given at {}:{}:{}",
                first_file.name, place.line, place.column
            ),
            label: "given again".into(),
            help: Some("rename one of the two; all rule files share their names".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::condition::{Operand, Written};
    use super::index::Scratch;
    use super::{Builder, Facts, Loaded, RuleSet, load, read_all};
    use crate::diagnostic::render::{Format, one_lines, report};
    use crate::diagnostic::{SourceFile, has_errors};
    use crate::model::change::{Action, Change};
    use crate::model::metadata::Metadata;
    use crate::model::path::LogicalPath;
    use crate::model::retry::{Accepts, RetrySchedule};
    use crate::model::subscription::{Batching, Method};

    fn source(name: &str, text: impl Into<Vec<u8>>) -> SourceFile {
        SourceFile { name: name.into(), text: text.into().into() }
    }

    fn loaded(text: &str) -> RuleSet {
        let Loaded { set, diagnostics, .. } = load(&[source("a.toml", text)]);
        set.unwrap_or_else(|| panic!("{diagnostics:#?}"))
    }

    /// In their order, also by a system that gives no threads.
    #[test]
    fn many_files_are_read_side_by_side() {
        let rule = |n: usize| format!("[[subscription]]\nname = 'r{n}'\nwatchPath = ['* /']\n");
        let padding = format!("# {}\n", "-".repeat(1 << 20));
        let files: Vec<_> = (0..5).map(|n| source(&format!("{n}.toml"), rule(n) + &padding)).collect();
        let files: Vec<_> = files.iter().collect();
        let no_threads = || Builder::new().stack_size(usize::MAX / 4);
        assert!(no_threads().spawn(|| ()).is_err(), "no stack is so large");
        for threads in [Builder::new as fn() -> Builder, no_threads] {
            let read = read_all(&files, threads);
            let names = read.iter().flat_map(|read| &read.subscriptions).filter_map(|one| one.name.as_ref());
            assert_eq!(names.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["r0", "r1", "r2", "r3", "r4"]);
        }
    }

    #[test]
    fn every_key_takes_effect() {
        let set = loaded(
            r#"
            [[subscription]]
            name = "sfo-dailies"
            callback = "http://127.0.0.1:8874/sfo?a=b"
            method = "PUT"
            watchPath = ["+ /acme/**/*.mov", "/acme/dailies"]
            watchMetadata = ["IPTC_City==SFO", "Rating!=1"]
            logicalOperand = "AND"
            format = "zoom"
            header = ["X-Site: sfo", "Authorization: Bearer x"]
            queryParam = ["site=San Francisco", "q=a&b=c"]
            successCode = 204
            retry = ["200ms", "1m"]
            retryCount = 7
            linger = "1s"
            maxEntries = 10
            description = "Dailies."
            "#,
        );
        let [rule] = set.rules() else { panic!("one rule") };
        let subscription = &rule.subscription;
        assert_eq!(subscription.name.as_str(), "sfo-dailies");
        let target = &subscription.target;
        assert_eq!(target.url.as_str(), "http://127.0.0.1:8874/sfo?a=b&site=San+Francisco&q=a%26b%3Dc");
        assert_eq!((target.method, &target.accepts), (Method::Put, &Accepts::Codes(vec![204])));
        assert_eq!(target.headers[1], ("Authorization".into(), "Bearer x".into()));
        assert_eq!(
            *subscription.retry,
            RetrySchedule { retries: Some(7), ..RetrySchedule::of_delays(vec![200, 60_000]) }
        );
        assert_eq!(subscription.batching, Batching { linger_ms: 1_000, max_entries: 10 });
        let Written::Clauses { paths, metadata, operand } = rule.condition.written() else { panic!("clauses") };
        assert_eq!((paths.len(), metadata.len(), *operand), (2, 2, Operand::And));
    }

    #[test]
    fn defaults_are_those_of_the_rule_file_and_not_of_the_form() {
        let head = "[[subscription]]\nname = 'a'\ncallback = 'http://h'\nwatchPath = ['* /']\n";
        let set = loaded(head);
        let subscription = &set.rules()[0].subscription;
        assert_eq!((subscription.target.method, &subscription.target.accepts), (Method::Post, &Accepts::AnySuccess));
        assert_eq!(*subscription.retry, RetrySchedule::default());
        assert_eq!(subscription.batching, Batching::default());
        let (days, seconds) = (RetrySchedule::default(), RetrySchedule::of_delays(vec![1_000, 2_000]));
        for (lines, schedule) in [
            ("retry = ['1s', '2s']", seconds.clone()),
            ("retry = ['1s', '2s']\nretryCount = 0", RetrySchedule { retries: Some(0), ..seconds.clone() }),
            (
                "retry = ['1s', '2s']\nretryFor = '1h'",
                RetrySchedule { retries: None, for_ms: Some(3_600_000), ..seconds.clone() },
            ),
            (
                "retry = ['1s', '2s']\nretryFor = '1h'\nretryCount = 5",
                RetrySchedule { retries: Some(5), for_ms: Some(3_600_000), ..seconds },
            ),
            ("retryCount = 100", RetrySchedule { retries: Some(100), for_ms: None, ..days.clone() }),
            ("retryFor = '1d'", RetrySchedule { for_ms: Some(86_400_000), ..days }),
        ] {
            let set = loaded(&format!("{head}{lines}"));
            assert_eq!(*set.rules()[0].subscription.retry, schedule, "{lines}");
        }
    }

    #[test]
    fn matching_gives_the_rules_that_fire_in_the_order_of_the_files() {
        let rule = |name: &str, path: &str| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://h'\nwatchPath = ['{path}']\n")
        };
        let files = [
            source("a.toml", rule("z", "* /a") + &rule("y", "- /a")),
            source("b.toml", rule("x", "+ /a/*.mov") + &rule("w", "* /b") + &rule("v", "* /")),
        ];
        let set = load(&files).set.expect("nothing is wrong");
        let change = Change::of_some_asset(b"/a/f.mov", Action::Added, Vec::new());
        let mount = LogicalPath::root();
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
        let matching = |set: &RuleSet| set.matching(&change, &Metadata::new(), facts, &mut Scratch::default()).rules;
        assert_eq!(matching(&set), [0, 2, 4]);
        assert_eq!(matching(&RuleSet::empty()), [0; 0]);
    }

    #[test]
    fn one_wrong_file_blocks_all_and_all_are_read() {
        let good = source("a.toml", "[[subscription]]\nname = 'a'\ncallback = 'http://h'\nwatchPath = ['* /']\n");
        let loaded = load(&[good.clone(), source("b.toml", "x = 1"), source("c.toml", "y =")]);
        assert!(loaded.set.is_none());
        let files: Vec<_> = loaded.diagnostics.iter().map(|d| d.file.as_str()).collect();
        assert_eq!(files, ["b.toml", "c.toml"]);
        assert_eq!(load(&[]).set.map(|set| set.rules().len()), Some(0));
    }

    /// Whatever the text: no panic, a set exactly when there is no error, and each diagnostic can be shown.
    fn check_any(text: Vec<u8>) {
        let files = [source("a.toml", text)];
        let Loaded { set, diagnostics, .. } = load(&files);
        assert_eq!(set.is_none(), has_errors(&diagnostics));
        for format in [Format::Plain, Format::Terminal, Format::Json] {
            let shown = report(&diagnostics, &files, format);
            assert_eq!(shown.is_empty(), diagnostics.is_empty() && format != Format::Json);
        }
        assert_eq!(one_lines(&diagnostics, &files).len(), diagnostics.len());
        let config = crate::config::options::read(&files[0]).1;
        assert_eq!(report(&config, &files, Format::Plain).is_empty(), config.is_empty());
    }

    /// Pieces of rule files, whole and broken, in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let known = prop::sample::select(vec![
            "[[subscription]]\n",
            "[subscription]\n",
            "[[subscription",
            "]]",
            "[",
            "{",
            "}",
            "'",
            "\"",
            "\"\"\"",
            "\\",
            "name = 'a'\n",
            "name = ",
            "callback = 'http://h/'\n",
            "callback = 'http://a:b@h:0/#'\n",
            "watchPath = [",
            "watchPath = ['* /a', '/b/*']\n",
            "watchMetadata = ['A==b*', ",
            "'\"A\"!=\"",
            "retry = ['1s']\n",
            "linger = '9'",
            "header = ['Authorization: x\u{e9}']\n",
            "a.b.c = 1\n",
            "\n",
            " ",
            "\t",
            "\r\n",
            "=",
            ",",
            "#",
            "\u{e9}",
            "\u{feff}",
            "* /a/{",
            "**",
            "[!",
            "==",
            ">=",
            "1979-05-27",
            "0x1F",
            "mount = [{path = '/'}]\n",
            "[settle]\nquiet = '1s'\n",
            "when = '",
            "when = 'not (A >= 1 or ext in (mov, ",
            "touched(",
            "size > 2GB and ",
            "mtime < 7d ago",
            "watchMetadata = ['A>=",
            "'A=~(a|b)+', ",
            "'A!~[', ",
            "2026-11-22T10",
            "[[event]]\nname = 'x'\n",
            "[event.fields]\na = '{asset.id}{",
            "events = ['x', 'asset.added']\n",
            "secret = 'file:a'\n",
            "tenant = 'acme'\n",
        ]);
        prop::collection::vec(prop_oneof![8 => known.prop_map(str::to_owned), 1 => any::<String>()], 0..24)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in pieces()) {
            check_any(text.into_bytes());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check_any(bytes);
        }

        #[test]
        fn no_clause_makes_its_reader_panic(path in "[*+~-]? ?/?[a/*?{},\\[\\]!\\\\é. ]{0,20}", clause in "[A\"\\\\ ]{0,4}[!=~<>]{0,3}.{0,8}") {
            super::syntax::watch_path::parse(&path, &mut Vec::new());
            super::syntax::watch_metadata::parse(&clause, &mut Vec::new());
        }

        /// What a glob covers begins with its literal prefix: leaving the prefix out changes nothing.
        #[test]
        fn the_prefix_of_a_glob_changes_nothing(path in "/[ab/*?{},\\\\]{0,10}[*?]", asset in "/[ab/*]{1,8}") {
            use super::condition::Cover;
            if let Some(clause) = super::syntax::watch_path::parse(&format!("* {path}"), &mut Vec::new())
                && let (Cover::Glob(glob), Ok(asset)) = (&clause.cover, LogicalPath::parse(asset.as_bytes()))
            {
                let plain = super::pattern::PathGlob::new(glob.as_str(), Vec::new()).expect("it was one before");
                prop_assert_eq!(glob.matches(asset.as_bytes()), plain.matches(asset.as_bytes()));
            }
        }
    }
}

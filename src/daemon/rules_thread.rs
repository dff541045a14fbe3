//! The thread that picks up edited rule files.
//!
//! It compares a fingerprint of the files (names, sizes, times, inodes) four times a second, which sees every way of
//! saving a file: in place, by temp-and-rename, by a swapped link; and so with the files of secrets that the rules
//! refer to. Once the fingerprint has been still for 200 ms all files are read as one set. A good set goes to the
//! engine; a bad one is shown, and the last good one stays; so it does when the files are suddenly gone or empty
//! ([`vanished`]).

mod differs;
mod vanished;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::clock::wall;
use super::inbox::Inbox;
use super::rule_list::{RuleListSlot, Rules};
use super::stop::{AbortOnPanic, Stop, Woken};
use crate::config::secrets;
use crate::config::sources::{self, SourcesError};
use crate::diagnostic::render::{Format, one_lines, report};
use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile};
use crate::engine::{Engine, Input, NewRules};
use crate::model::mount::Mount;
use crate::model::rule_list::OnDisk;
use crate::model::time::Wall;
use crate::rules::allow::without_accepted;
use crate::rules::{Loaded, Reader, RuleSet};
use crate::store::StoreError;
use differs::Differs;

/// How often the files are compared.
const POLL: Duration = Duration::from_millis(250);
/// How long they must have been still.
const STILL: Duration = Duration::from_millis(200);
/// Warnings that are logged when rules are read, at most: a large set may have one for each rule.
const WARNINGS_MAX: usize = 100;

/// Why there are no rules to start with.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The very first start needs a good set; later ones have the last good one.
    #[error("the rule files have faults\n\n{}", report(diagnostics, sources, Format::Plain))]
    Faulty {
        /// What is wrong.
        diagnostics: Vec<Diagnostic>,
        /// The files that were read.
        sources: Vec<SourceFile>,
    },
    /// They are gone or empty, and this version cannot read the last good set that came from them.
    #[error("{why}")]
    Vanished {
        /// For people.
        why: String,
    },
    /// They cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SourcesError),
    /// The last good set cannot be read.
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

/// The files as they were when they were last read.
pub(super) struct Files {
    dir: PathBuf,
    mounts: Vec<Mount>,
    fingerprint: u64,
    /// Files of secrets that they refer to.
    secrets: Secrets,
    /// The last good set that came of them.
    set: Arc<RuleSet>,
    /// The files of that set.
    sources: Vec<SourceFile>,
    reader: Reader,
    /// What is still to be said of that set.
    warnings: Option<Warnings>,
    /// For whoever asks what the rules are.
    list: Arc<RuleListSlot>,
    /// Why the files could not be read when they were last read.
    unreadable: Option<String>,
}

/// Files of secrets, as they were when they were last read.
#[derive(Default)]
struct Secrets {
    files: Vec<PathBuf>,
    fingerprint: u64,
}

/// The thread; dropping it ends it.
pub(super) struct RulesThread {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// The rules to start with, and what to watch for edits.
pub(super) fn first(
    dir: Option<PathBuf>,
    mounts: Vec<Mount>,
    engine: &Engine,
    list: Arc<RuleListSlot>,
) -> Result<(Vec<Input>, Option<Files>), RulesError> {
    let began = Instant::now();
    let mut reader = Reader::default();
    let mut kept = engine.last_good_rules()?;
    let Some(dir) = dir else {
        let before = last_good(&mut reader, &mut kept).set.unwrap_or_default();
        let set = Arc::<RuleSet>::default();
        let changes = set.changes_since(&before);
        return Ok((vec![Input::Rules(NewRules { set, files: Vec::new(), changes })], None));
    };
    let mut files = Files {
        fingerprint: sources::fingerprint(&dir),
        dir,
        mounts,
        secrets: Secrets::default(),
        set: Arc::default(),
        sources: Vec::new(),
        reader,
        warnings: None,
        list,
        unreadable: None,
    };
    let sources = files.sources();
    // Mostly they are what the ledger has. What differs is told: its last process may have known others.
    let before = if sources.as_ref().is_ok_and(|sources| *sources == kept) {
        None
    } else {
        files.set = Arc::new(last_good(&mut files.reader, &mut kept).set.unwrap_or_default());
        files.sources.clone_from(&kept);
        Some(Arc::clone(&files.set))
    };
    let inputs = match sources.and_then(|sources| files.take(sources, began)) {
        Ok(mut new) => {
            if let Some(before) = before {
                new.changes = new.set.changes_since(&before);
                // At the very first start all are new.
                if !kept.is_empty() {
                    Differs::of(&new.changes, (&before, &new.set), &kept, &new.files).tell();
                }
            }
            vec![Input::Rules(new)]
        }
        Err(fault) if kept.is_empty() => return Err(fault.into_error()),
        Err(fault) => {
            let mut loaded = last_good(&mut files.reader, &mut kept);
            let Some(set) = loaded.set.take() else { return Err(fault.into_error()) };
            files.set = Arc::new(set);
            files.unreadable = fault.unreadable();
            fault.log();
            fault.show(&files);
            for line in one_lines(&loaded.diagnostics, &kept) {
                tracing::error!("a subscription of the last good rules is held until its secret can be read: {line}");
            }
            files.warnings = Some(Warnings { loaded, sources: kept.clone(), at: wall(), are_known: true });
            let rules = NewRules { set: Arc::clone(&files.set), files: kept, changes: Vec::new() };
            vec![Input::Rules(rules), Input::RuleFaults(fault.lines())]
        }
    };
    Ok((inputs, Some(files)))
}

/// The last good rules, and what is wrong with their secrets. No set when this version cannot read them any more.
fn last_good(reader: &mut Reader, kept: &mut [SourceFile]) -> Loaded {
    let mut loaded = reader.load(kept, None).with_secrets_or_held(secrets::read);
    loaded.diagnostics.retain(|found| found.severity == Severity::Error);
    loaded
}

impl Files {
    /// The fingerprints of rules and secrets when they were last read.
    fn as_read(&self) -> (u64, u64) {
        (self.fingerprint, self.secrets.fingerprint)
    }

    /// The same as they are now.
    fn as_they_are(&self) -> (u64, u64) {
        (sources::fingerprint(&self.dir), secrets::fingerprint(&self.secrets.files))
    }

    fn sources(&self) -> Result<Vec<SourceFile>, Fault> {
        sources::read_rules(&self.dir).map_err(Fault::Unreadable)
    }

    /// Makes a set of rules and the secrets that they refer to, and notes which these are. A good set is from now on
    /// the last good one. What became of the rules before it is still to be added.
    fn take(&mut self, mut sources: Vec<SourceFile>, began: Instant) -> Result<NewRules, Fault> {
        if let Some(why) = vanished::vanished(&self.set, &self.sources, &sources) {
            return Err(Fault::Vanished(format!("{}: {why}", self.dir.display())));
        }
        let loaded = self.reader.load(&mut sources, Some(&self.set));
        // Taken before they are read: what is written meanwhile is another fingerprint.
        let of_secrets = loaded.secret_files();
        self.secrets = Secrets { fingerprint: secrets::fingerprint(&of_secrets), files: of_secrets };
        let mut loaded = loaded.with_secrets(secrets::read);
        let Some(set) = loaded.set.take() else { return Err(Fault::Diagnostics(loaded.diagnostics, sources)) };
        let set = Arc::new(set);
        self.set = Arc::clone(&set);
        let read_ms = began.elapsed().as_millis() as u64;
        match (set.rules().len(), sources.len()) {
            (0, files) => tracing::warn!(files, "there are no subscriptions in the rule files: nobody will be called"),
            (subscriptions, files) => tracing::info!(subscriptions, files, read_ms, "the rules are taken up"),
        }
        self.sources.clone_from(&sources);
        self.warnings = Some(Warnings { loaded, sources: sources.clone(), at: wall(), are_known: false });
        Ok(NewRules { set, files: sources, changes: Vec::new() })
    }
}

impl RulesThread {
    pub(super) fn start(files: Files, inbox: Arc<Inbox>) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let theirs = Arc::clone(&stop);
        let thread = Builder::new().name("rules".into()).spawn(move || {
            let _guard = AbortOnPanic;
            follow(files, &inbox, &theirs);
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Reads the files now, changed or not.
    pub(super) fn reload(&self) {
        self.stop.nudge();
    }
}

impl Drop for RulesThread {
    fn drop(&mut self) {
        self.stop.now();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the rules thread ended badly");
        }
    }
}

fn follow(mut files: Files, inbox: &Inbox, stop: &Stop) {
    // What was seen last, and since when it has been so.
    let mut seen = (files.as_read(), Instant::now());
    let mut pause = POLL;
    loop {
        if let Some(warnings) = files.warnings.take() {
            warnings.say(&files);
        }
        let asked = match stop.wait(pause) {
            Woken::Stopped => return,
            Woken::Nudged => true,
            Woken::Time => false,
        };
        let now = files.as_they_are();
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        let changed = now != files.as_read();
        if changed && files.unreadable.is_none() {
            files.list.on_disk(OnDisk::Changed);
        }
        let to_wait = STILL.saturating_sub(seen.1.elapsed());
        if !asked && (!changed || !to_wait.is_zero()) {
            pause = if changed { to_wait } else { POLL };
            continue;
        }
        pause = POLL;
        files.fingerprint = now.0;
        let began = Instant::now();
        let (before, sources) = (Arc::clone(&files.set), files.sources.clone());
        match files.sources().and_then(|sources| files.take(sources, began)) {
            Ok(mut new) => {
                files.unreadable = None;
                files.list.faults(&[], &[]);
                new.changes = new.set.changes_since(&before);
                Differs::of(&new.changes, (&before, &new.set), &sources, &new.files).tell();
                inbox.input(Input::Rules(new));
                inbox.input(Input::RuleFaults(Vec::new()));
            }
            Err(fault) => {
                let unreadable = fault.unreadable();
                if unreadable.is_some() {
                    // It may pass without the files changing: tried again at the next turn.
                    files.fingerprint = !now.0;
                }
                fault.show(&files);
                let is_news = asked || unreadable.is_none() || unreadable != files.unreadable;
                files.unreadable = unreadable;
                // That they still cannot be read is none.
                if is_news {
                    fault.log();
                    inbox.input(Input::RuleFaults(fault.lines()));
                }
            }
        }
    }
}

/// What is wrong with the files.
enum Fault {
    Diagnostics(Vec<Diagnostic>, Vec<SourceFile>),
    Unreadable(SourcesError),
    /// They are gone or empty, and the rules in force came from them.
    Vanished(String),
}

impl Fault {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Diagnostics(diagnostics, sources) => one_lines(diagnostics, sources),
            Self::Unreadable(error) => vec![chain(error)],
            Self::Vanished(why) => vec![why.clone()],
        }
    }

    /// Why the files cannot be read, if it is that.
    fn unreadable(&self) -> Option<String> {
        match self {
            Self::Diagnostics(..) | Self::Vanished(_) => None,
            Self::Unreadable(error) => Some(chain(error)),
        }
    }

    /// Puts it beside the rules in force.
    fn show(&self, files: &Files) {
        match self {
            Self::Diagnostics(diagnostics, sources) => files.list.faults(diagnostics, sources),
            Self::Unreadable(_) | Self::Vanished(_) => {
                let found = Diagnostic {
                    code: Code::RulesGone,
                    severity: Severity::Error,
                    file: files.dir.display().to_string(),
                    span: 0..0,
                    message: self.lines().join("; "),
                    label: String::new(),
                    help: None,
                };
                files.list.faults(&[found], &[]);
            }
        }
    }

    fn log(&self) {
        for line in self.lines() {
            tracing::error!("the rules are not taken up, the last good ones stay in force: {line}");
        }
    }

    fn into_error(self) -> RulesError {
        match self {
            Self::Diagnostics(diagnostics, sources) => RulesError::Faulty { diagnostics, sources },
            Self::Unreadable(error) => RulesError::Unreadable(error),
            Self::Vanished(why) => RulesError::Vanished { why },
        }
    }
}

/// What there is to warn of in a good set. Said once the set is on its way: looking for it takes longer than reading an
/// edit.
struct Warnings {
    loaded: Loaded,
    sources: Vec<SourceFile>,
    /// When the set was taken up.
    at: Wall,
    /// They were said when it was new.
    are_known: bool,
}

impl Warnings {
    fn say(mut self, files: &Files) {
        let mut found = self.loaded.lints(&files.set);
        found.extend(self.loaded.mount_lints(&files.set, &files.mounts));
        found.append(&mut self.loaded.diagnostics);
        match sources::passed_over(&files.dir) {
            Ok(more) => found.extend(more),
            Err(error) => tracing::warn!("whether there are files that are not read is not known: {}", chain(&error)),
        }
        let found = without_accepted(found, &self.sources, true);
        files.list.take_up(Rules::new(Arc::clone(&files.set), &self.loaded, &self.sources, &found), self.at);
        if self.are_known {
            return;
        }
        for line in shown(&found, &self.sources) {
            tracing::warn!("{line}");
        }
    }
}

/// The lines of the first warnings, and one that counts the rest.
fn shown(found: &[Diagnostic], sources: &[SourceFile]) -> Vec<String> {
    let (first, rest) = found.split_at(found.len().min(WARNINGS_MAX));
    let mut lines = one_lines(first, sources);
    if !rest.is_empty() {
        let warnings = if rest.len() == 1 { "warning" } else { "warnings" };
        lines.push(format!("and {} more {warnings}; ringback check shows them all", rest.len()));
    }
    lines
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WARNINGS_MAX, shown};
    use crate::diagnostic::{Code, Diagnostic, Severity};

    #[test]
    fn warnings_beyond_the_limit_are_counted() {
        let warnings = |count: usize| -> Vec<Diagnostic> {
            let warning = |n: usize| Diagnostic {
                code: Code::ALL[0],
                severity: Severity::Warning,
                file: "a.toml".to_owned(),
                span: 0..0,
                message: format!("warning {n}"),
                label: String::new(),
                help: None,
            };
            (1..=count).map(warning).collect()
        };
        let lines = shown(&warnings(WARNINGS_MAX), &[]);
        assert_eq!(lines.len(), WARNINGS_MAX);
        assert!(lines[WARNINGS_MAX - 1].ends_with(&format!("warning {WARNINGS_MAX}")), "{lines:?}");
        for (beyond, last) in [(1, "and 1 more warning;"), (2, "and 2 more warnings;")] {
            let more = shown(&warnings(WARNINGS_MAX + beyond), &[]);
            assert_eq!(more[..WARNINGS_MAX], lines);
            assert!(more.len() == WARNINGS_MAX + 1 && more[WARNINGS_MAX].starts_with(last), "{:?}", more.last());
        }
    }
}

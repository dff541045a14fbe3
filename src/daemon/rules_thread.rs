//! The thread that picks up edited rule files.
//!
//! It compares a fingerprint of the files (names, sizes, times, inodes) four times a second, which sees every way of
//! saving a file: in place, by temp-and-rename, by a swapped link; and so with the files of secrets that the rules refer to.
//! Once the fingerprint has been still for 200 ms all files are read as one set. A good set goes to the engine; a bad one is
//! shown, and the last good one stays.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::stop::{AbortOnPanic, Stop, Woken};
use crate::config::secrets;
use crate::config::sources::{self, SourcesError};
use crate::diagnostic::render::{Format, one_lines, report};
use crate::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::engine::{Engine, Input, NewRules};
use crate::model::mount::Mount;
use crate::rules::{self, Loaded, Reader, RuleSet};
use crate::store::StoreError;

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
    #[error("the rule files have faults\n\n{report}")]
    Faulty {
        /// For people.
        report: String,
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
    reader: Reader,
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
) -> Result<(Vec<Input>, Option<Files>), RulesError> {
    let Some(dir) = dir else {
        let mut none = NewRules { set: Arc::default(), files: Vec::new(), changes: Vec::new() };
        note_changes(&mut none, &engine.last_good_rules()?);
        return Ok((vec![Input::Rules(none)], None));
    };
    let fingerprint = sources::fingerprint(&dir);
    let (mut reader, mut noted) = (Reader::default(), Secrets::default());
    let began = Instant::now();
    let set;
    let inputs = match read(&dir, &mut reader, None, &mut noted) {
        Ok((mut rules, warnings)) => {
            tell(&rules, began);
            note_changes(&mut rules, &engine.last_good_rules()?);
            set = Arc::clone(&rules.set);
            warnings.say(&set, &mounts);
            vec![Input::Rules(rules)]
        }
        Err(fault) => {
            let files = engine.last_good_rules()?;
            if files.is_empty() {
                return Err(fault.into_error());
            }
            let last_good: Vec<_> = files.iter().map(|(name, text)| source(name, text)).collect();
            let loaded = rules::load(&last_good).with_secrets_or_held(secrets::read);
            let Loaded { set: Some(of_ledger), diagnostics, .. } = loaded else { return Err(fault.into_error()) };
            set = Arc::new(of_ledger);
            fault.log();
            let of_secrets: Vec<_> = diagnostics.into_iter().filter(|d| d.severity == Severity::Error).collect();
            for line in one_lines(&of_secrets, &last_good) {
                tracing::error!("a subscription of the last good rules is held until its secret can be read: {line}");
            }
            let rules = NewRules { set: Arc::clone(&set), files, changes: Vec::new() };
            vec![Input::Rules(rules), Input::RuleFaults(fault.lines())]
        }
    };
    Ok((inputs, Some(Files { dir, mounts, fingerprint, secrets: noted, set, reader })))
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
    loop {
        let asked = match stop.wait(POLL) {
            Woken::Stopped => return,
            Woken::Nudged => true,
            Woken::Time => false,
        };
        let now = files.as_they_are();
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        let changed = now != files.as_read() && seen.1.elapsed() >= STILL;
        if !changed && !asked {
            continue;
        }
        files.fingerprint = now.0;
        let began = Instant::now();
        match read(&files.dir, &mut files.reader, Some(&files.set), &mut files.secrets) {
            Ok((mut rules, warnings)) => {
                rules.changes = rules.set.changes_since(&files.set);
                files.set = Arc::clone(&rules.set);
                tell(&rules, began);
                inbox.input(Input::Rules(rules));
                inbox.input(Input::RuleFaults(Vec::new()));
                warnings.say(&files.set, &files.mounts);
            }
            Err(fault) => {
                if matches!(fault, Fault::Unreadable(_)) {
                    // It may pass without the files changing: tried again at the next turn.
                    files.fingerprint = !now.0;
                }
                fault.log();
                inbox.input(Input::RuleFaults(fault.lines()));
            }
        }
    }
}

/// Tells the log what is in force now.
fn tell(rules: &NewRules, began: Instant) {
    let read_ms = began.elapsed().as_millis() as u64;
    let (subscriptions, files) = (rules.set.rules().len(), rules.files.len());
    match subscriptions {
        0 => tracing::warn!(files, "there are no subscriptions in the rule files: nobody will be called"),
        _ => tracing::info!(subscriptions, files, read_ms, "the rules are in force"),
    }
}

/// What is wrong with the files.
enum Fault {
    Diagnostics(Vec<Diagnostic>, Vec<SourceFile>),
    Unreadable(SourcesError),
}

impl Fault {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Diagnostics(diagnostics, sources) => one_lines(diagnostics, sources),
            Self::Unreadable(error) => vec![chain(error)],
        }
    }

    fn log(&self) {
        for line in self.lines() {
            tracing::error!("the rules are not taken up, the last good ones stay in force: {line}");
        }
    }

    fn into_error(self) -> RulesError {
        match self {
            Self::Diagnostics(diagnostics, sources) => {
                RulesError::Faulty { report: report(&diagnostics, &sources, Format::Plain) }
            }
            Self::Unreadable(error) => RulesError::Unreadable(error),
        }
    }
}

/// Reads rules and the secrets that they refer to, and notes which these are.
/// What there is to warn of in a good set. Said once the set is on its way: looking for it takes longer than reading an edit.
struct Warnings {
    loaded: Loaded,
    files: Vec<SourceFile>,
}

impl Warnings {
    fn say(mut self, set: &RuleSet, mounts: &[Mount]) {
        let mut found = self.loaded.lints(set);
        found.extend(self.loaded.mount_lints(set, mounts));
        found.append(&mut self.loaded.diagnostics);
        let shown = &found[..found.len().min(WARNINGS_MAX)];
        for line in one_lines(shown, &self.files) {
            tracing::warn!("{line}");
        }
        if let Some(more) = found.len().checked_sub(WARNINGS_MAX).filter(|more| *more > 0) {
            tracing::warn!("and {more} more warnings; ringback check shows them all");
        }
    }
}

fn read(
    dir: &Path,
    reader: &mut Reader,
    before: Option<&RuleSet>,
    noted: &mut Secrets,
) -> Result<(NewRules, Warnings), Fault> {
    let files = sources::read_rules(dir).map_err(Fault::Unreadable)?;
    let loaded = reader.load(&files, before);
    // Taken before they are read: what is written meanwhile is another fingerprint.
    let of_secrets = loaded.secret_files();
    *noted = Secrets { fingerprint: secrets::fingerprint(&of_secrets), files: of_secrets };
    let mut loaded = loaded.with_secrets(secrets::read);
    let Some(set) = loaded.set.take() else { return Err(Fault::Diagnostics(loaded.diagnostics, files)) };
    let kept = files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    Ok((NewRules { set: Arc::new(set), files: kept, changes: Vec::new() }, Warnings { loaded, files }))
}

/// Notes what differs from the rules that the ledger has, whose last process may have known others.
fn note_changes(rules: &mut NewRules, before: &[(String, Vec<u8>)]) {
    if rules.files == before {
        return;
    }
    let sources: Vec<_> = before.iter().map(|(name, text)| source(name, text)).collect();
    // A set that was good and that this version cannot read any more: all its rules count as new.
    let before = rules::load(&sources).with_secrets_or_held(secrets::read).set.unwrap_or_default();
    rules.changes = rules.set.changes_since(&before);
}

fn source(name: &str, text: &[u8]) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
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

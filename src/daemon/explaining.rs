//! Tries rules on a change that somebody supposes: those in force, or those of a text. Whether anything at the path is
//! seen at all is asked of the mounts first.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::Builder;
use std::time::Duration;

use super::clock::wall;
use super::registry::RegistrySlot;
use crate::diagnostic::render::{Format, report};
use crate::diagnostic::{SourceFile, has_errors};
use crate::model::change::{Action, Change};
use crate::model::explain::{AskKnown, ExplainAsk, Explained, ExplainedRule, FaultyRule, Stopped, SupposedChange};
use crate::model::ids::MountId;
use crate::model::metadata::Metadata;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::rules::explain::{Verdict, explain_rule};
use crate::rules::index::Scratch;
use crate::rules::supposed::{About, Supposed};
use crate::rules::{Facts, RuleSet, load};
use crate::watch::mounts::Mounts;

/// Rules that one answer explains, so that it is of bounded size; the rest are counted.
const RULES_MAX: usize = 1_000;

/// How long the disk is asked for symbolic links. A disk that does not answer for longer is not said to have any.
const LINKS_PATIENCE: Duration = Duration::from_secs(2);

/// Threads that ask a disk for links at once, so that one that does not answer keeps no more of them; past it, the disk
/// is not asked.
const LINK_THREADS: usize = 4;

/// How many there are.
static LINKS_ASKED: AtomicUsize = AtomicUsize::new(0);

/// What is asked for explanations.
pub(super) struct Explainer {
    pub registry: Arc<RegistrySlot>,
    pub mounts: Arc<Mounts>,
}

impl Explainer {
    pub(super) fn explain(&self, ask: &ExplainAsk, known: AskKnown<'_>) -> Result<Explained, FaultyRule> {
        let (set, scope) = match &ask.rule {
            // What a caller supposes is the caller's own, whatever tenant it names.
            Some(text) => (Arc::new(of_text(text)?), Scope::All),
            None => (self.registry.rules().set, ask.scope.clone()),
        };
        let (mut path, mut stopped, mut rules) = (None, None, Vec::new());
        if let Some(mut change) = ask.change.clone() {
            let place = Located::new(&self.mounts, &change.path, |mount| {
                ask.scope.covers(self.mounts.get(mount).tenant.as_ref())
            });
            if let Some(known) = place.mount.and_then(|mount| known(&self.mounts.get(mount).path, &place.path)) {
                change.suppose_as_known(known);
            }
            stopped =
                place.stopped(&self.mounts).or_else(|| without_change(change.action, &change.before, &change.after));
            rules = verdicts(&set, &scope, &place, &change, &self.mounts, stopped.as_ref());
            path = Some(place.path);
        }
        let rules_more = rules.len().saturating_sub(RULES_MAX);
        rules.truncate(RULES_MAX);
        let (mounts, of_mounts) = (Arc::clone(&self.mounts), ask.scope.clone());
        let fires_on =
            Box::new(move |change: &Change, state: &Metadata| fires(&set, &scope, &of_mounts, &mounts, change, state));
        Ok(Explained { path, stopped, rules, rules_more, fires_on })
    }
}

/// The rules of a text. Secrets that it names are not read.
fn of_text(text: &str) -> Result<RuleSet, FaultyRule> {
    let files = [SourceFile { name: "rule".to_owned(), text: text.as_bytes().into() }];
    let loaded = load(&files);
    match loaded.set {
        Some(set) if !has_errors(&loaded.diagnostics) => Ok(set),
        // What renders them writes JSON.
        _ => Err(FaultyRule(
            serde_json::from_str(&report(&loaded.diagnostics, &files, Format::Json)).unwrap_or_default(),
        )),
    }
}

/// A path, and the mount that it lies in.
pub struct Located {
    /// The logical path.
    pub path: LogicalPath,
    /// The mount.
    pub mount: Option<MountId>,
}

impl Located {
    /// Finds a logical path, or one of the disk: the second where no mount has it as the first, or where the only mount
    /// that has it is the one at `/`. `is_seen`: mounts that whoever asks may know.
    #[must_use]
    pub fn new(mounts: &Mounts, path: &LogicalPath, is_seen: impl Fn(MountId) -> bool) -> Self {
        let as_logical = mounts.mount_of(path).filter(|mount| is_seen(*mount));
        let is_at_root = |mount: MountId| mounts.get(mount).path == LogicalPath::root();
        if as_logical.is_none_or(is_at_root) {
            let on_disk: &Path = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
            if let Some((mount, path)) = mounts.locate(on_disk).filter(|(mount, _)| is_seen(*mount)) {
                return Self { path, mount: Some(mount) };
            }
        }
        Self { path: path.clone(), mount: as_logical }
    }

    /// Why nothing at the path is seen.
    #[must_use]
    pub fn stopped(&self, mounts: &Arc<Mounts>) -> Option<Stopped> {
        let Some(mount) = self.mount else { return Some(Stopped::NoMount) };
        if mounts.is_ignored(mount, &self.path) {
            return Some(Stopped::Ignored);
        }
        link_at_or_above(mounts, mount, &self.path).map(Stopped::SymbolicLink)
    }
}

/// The first symbolic link on the way from a mount's directory to a path. The disk is asked on a thread of its own,
/// because it may not answer.
fn link_at_or_above(mounts: &Arc<Mounts>, mount: MountId, path: &LogicalPath) -> Option<String> {
    let top = mounts.to_disk(mount, &mounts.get(mount).path);
    let whole = mounts.to_disk(mount, path);
    let (answer, answered) = mpsc::channel();
    let turn = LinkTurn::take()?;
    let look = move || {
        let _turn = turn;
        let below = whole.ancestors().take_while(|above| **above != *top).collect::<Vec<_>>();
        let link = below.into_iter().rev().find(|place| is_link(place));
        // Whoever asked may have gone on without it.
        drop(answer.send(link.map(|place| place.display().to_string())));
    };
    Builder::new().name("links".into()).spawn(look).ok()?;
    answered.recv_timeout(LINKS_PATIENCE).ok().flatten()
}

/// A turn to ask a disk; given back when it is dropped.
struct LinkTurn;

impl LinkTurn {
    fn take() -> Option<Self> {
        let more = |asked: usize| (asked < LINK_THREADS).then_some(asked + 1);
        LINKS_ASKED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Self)
    }
}

impl Drop for LinkTurn {
    fn drop(&mut self) {
        LINKS_ASKED.fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "it says what the looking threads would find")]
fn is_link(place: &Path) -> bool {
    std::fs::symlink_metadata(place).is_ok_and(|found| found.file_type().is_symlink())
}

/// Nothing happens to the file, and no metadata differs.
#[must_use]
pub fn without_change(action: Action, before: &Metadata, after: &Metadata) -> Option<Stopped> {
    (action == Action::None && before == after).then_some(Stopped::NoChange)
}

/// Each rule and what it says, those that fire first.
fn verdicts(
    set: &RuleSet,
    scope: &Scope,
    place: &Located,
    change: &SupposedChange,
    mounts: &Mounts,
    stopped: Option<&Stopped>,
) -> Vec<ExplainedRule> {
    let mut about = About::at(wall());
    about.size = change.size.unwrap_or(about.size);
    about.mtime_ns = change.mtime_ns.unwrap_or(about.mtime_ns);
    about.owner = change.owner.clone().unwrap_or(about.owner);
    if let Some(mount) = place.mount.map(|mount| mounts.get(mount)) {
        about.mount = mount.path.clone();
        // One without a tenant is known to have none.
        about.tenant = Some(mount.tenant.as_ref().map_or_else(String::new, ToString::to_string));
    }
    let supposed = Supposed::new(place.path.clone(), change.action, &change.before, change.after.clone(), about);
    explained(set, scope, &supposed, stopped)
}

/// What the rules of a scope say of a change, those that fire first. None fires where something stops it.
#[must_use]
pub fn explained(set: &RuleSet, scope: &Scope, supposed: &Supposed, stopped: Option<&Stopped>) -> Vec<ExplainedRule> {
    let subject = supposed.subject();
    let rules = set.rules().iter().filter(|rule| scope.covers(rule.subscription.tenant.as_ref()));
    let explain = |rule: &crate::rules::Rule| {
        let name = rule.subscription.name.to_string();
        match (explain_rule(&subject, set, rule), stopped) {
            (Verdict::Fires { clause }, None) => ExplainedRule { name, fires: true, clause, why: None },
            (Verdict::Fires { clause }, Some(stopped)) => {
                ExplainedRule { name, fires: false, clause, why: Some(stopped.sentence()) }
            }
            (Verdict::Failed { clause, why }, _) => ExplainedRule { name, fires: false, clause, why: Some(why) },
        }
    };
    let mut rules: Vec<_> = rules.map(explain).collect();
    rules.sort_by_key(|rule| !rule.fires);
    rules
}

/// Whether any rule of a scope fires on a change of the journal, in the mounts of another.
fn fires(set: &RuleSet, scope: &Scope, of_mounts: &Scope, mounts: &Mounts, change: &Change, state: &Metadata) -> bool {
    let Some(mount) = mounts.mount_of(&change.path).map(|mount| mounts.get(mount)) else { return false };
    if !of_mounts.covers(mount.tenant.as_ref()) {
        return false;
    }
    let found = set.matching(change, state, Facts::of(change, mount), &mut Scratch::default());
    found.rules.iter().any(|rule| scope.covers(set.rules()[*rule].subscription.tenant.as_ref()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Explainer, RULES_MAX};
    use crate::daemon::registry::RegistrySlot;
    use crate::model::change::Action;
    use crate::model::explain::{ExplainAsk, Explained, SupposedChange};
    use crate::model::metadata::Metadata;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::model::scope::Scope;
    use crate::watch::mounts::Mounts;

    const ALL: &str = "[[subscription]]\nname = 'all'\ncallback = 'http://127.0.0.1/a'\nwatchPath = ['* /']\n";

    fn explainer(dir: &std::path::Path, path: &[u8]) -> Explainer {
        let mount = Mount::new(LogicalPath::parse(path).expect("a path"), dir.to_owned());
        Explainer {
            registry: Arc::new(RegistrySlot::default()),
            mounts: Arc::new(Mounts::new(vec![mount], None).expect("a table")),
        }
    }

    fn ask(path: &str, action: Action) -> ExplainAsk {
        let path = LogicalPath::parse(path.as_bytes()).expect("a path");
        let (before, after) = (Metadata::new(), Metadata::new());
        let change = SupposedChange { path, action, before, after, size: None, mtime_ns: None, owner: None };
        ExplainAsk { scope: Scope::All, rule: Some(ALL.to_owned()), change: Some(change) }
    }

    fn said(explained: &Explained) -> (Option<&'static str>, bool, String) {
        let path = explained.path.as_ref().map(ToString::to_string).unwrap_or_default();
        (explained.stopped.as_ref().map(|stopped| stopped.as_str()), explained.rules[0].fires, path)
    }

    #[test]
    fn nothing_fires_where_nothing_is_seen() {
        let store = tempfile::tempdir().expect("a directory");
        let dir = store.path().canonicalize().expect("a directory");
        std::fs::create_dir(dir.join("real")).expect("a directory");
        std::os::unix::fs::symlink("real", dir.join("link")).expect("a link");
        let at = explainer(&dir, b"/acme");
        let on_disk = dir.join("real/a.mov").display().to_string();
        for (path, action, expect) in [
            ("/acme/real/a.mov", Action::Added, (None, true, "/acme/real/a.mov")),
            (&*on_disk, Action::Added, (None, true, "/acme/real/a.mov")),
            ("/b/a.mov", Action::Added, (Some("no-mount"), false, "/b/a.mov")),
            ("/acme/real/.a", Action::Added, (Some("ignored"), false, "/acme/real/.a")),
            ("/acme/link/a.mov", Action::Added, (Some("symbolic-link"), false, "/acme/link/a.mov")),
            ("/acme/link", Action::Added, (Some("symbolic-link"), false, "/acme/link")),
            ("/acme/real/a.mov", Action::None, (Some("no-change"), false, "/acme/real/a.mov")),
        ] {
            let explained =
                at.explain(&ask(path, action), &mut |_, _| None).map_err(|fault| fault.0).expect("no fault");
            let (stopped, fires, logical) = said(&explained);
            assert_eq!((stopped, fires, logical.as_str()), expect, "{path} {action:?}");
        }
        // A mount at the root has every path: there what lies in its directory is one of the disk.
        let at = explainer(&dir, b"/");
        let mut asked = Vec::new();
        let mut known = |mount: &LogicalPath, path: &LogicalPath| {
            asked.push((mount.to_string(), path.to_string()));
            None
        };
        let explained =
            at.explain(&ask(&on_disk, Action::Added), &mut known).map_err(|fault| fault.0).expect("no fault");
        assert_eq!(said(&explained).2, "/real/a.mov");
        assert_eq!(asked, [("/".to_owned(), "/real/a.mov".to_owned())], "what is known is asked of that place");
    }

    #[test]
    fn a_faulty_text_is_said_as_check_does_and_a_large_answer_is_cut() {
        let store = tempfile::tempdir().expect("a directory");
        let at = explainer(store.path(), b"/acme");
        let mut faulty = ask("/acme/a", Action::Added);
        faulty.rule = Some(ALL.replace("watchPath", "watchPaht"));
        let faults = at.explain(&faulty, &mut |_, _| None).map(|_| ()).expect_err("a fault").0;
        assert_eq!((faults[0]["code"].as_str(), faults[0]["line"].as_u64()), (Some("RB0003"), Some(4)));
        for (rules, more) in [(RULES_MAX, 0), (RULES_MAX + 1, 1)] {
            let rule = |n: usize| ALL.replace("'all'", &format!("'r{n}'")).replace("/a'", &format!("/{n}'"));
            let text: String = (0..rules).map(rule).collect();
            let explained =
                at.explain(&ExplainAsk { rule: Some(text), ..ask("/acme/a", Action::Added) }, &mut |_, _| None);
            let explained = explained.map_err(|fault| fault.0).expect("no fault");
            assert_eq!((explained.rules.len(), explained.rules_more), (RULES_MAX, more));
        }
    }
}

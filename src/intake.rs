//! From a hint to what is owed: the first of the two state machines.
//!
//! It decides what is looked at and listed, judges what comes back against the catalog, records changes, matches them,
//! and says what is owed to whom. It does none of the work itself: no disk, no socket, no clock, no thread. Everything
//! it wants done it returns as an [`Effect`]; everything that happened comes in as an [`Input`].
//!
//! What it keeps in memory is derived or expendable: hints not yet settled, looks and listings under way, the map of
//! file identities. A crash loses it, and the scan of the next start finds again whatever it stood for. Memory moves
//! only after an input's savepoint has been released: what is judged with `&self` is applied from an outcome.
//!
//! Nothing waits to be sent: looks and listings go out by credit, and what has no credit is a list of paths that
//! collapses into a scan of the mount when it grows too long.

mod backfill;
mod baseline;
mod files;
mod hints;
mod inner;
mod judge;
mod links;
mod listing;
mod looks;
mod metadata;
mod mounts;
mod notes;
mod recent;
mod record;
mod records;
mod rescan;
mod roots;
mod scans;
mod sidecars;
mod standing;
mod sync;
#[cfg(test)]
mod tests;
mod why;

pub use self::rescan::Asked as RescanAsked;
#[cfg(test)]
pub(crate) use self::rescan::RUNNING_MAX as RESCANS_MAX;

use std::cell::RefCell;
use std::sync::Arc;

use crate::catalog::Identities;
use crate::model::ask::Answer;
use crate::model::asset::{Identity, Stat};
use crate::model::entry::Owed;
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::{AssetId, MountId, ReplyId, SubscriptionId, Ticket};
use crate::model::job::Job;
use crate::model::look::{Listed, Looked};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::rescan::RunningRescan;
use crate::model::root::RootSeen;
use crate::model::status::{MountStatus, NoteKind};
use crate::model::subscription::Subscription;
use crate::model::time::{Mono, Now};
use crate::rules::index::Scratch;
use crate::rules::registered::Registered;
use crate::rules::{Rule, RuleSet};
use crate::settle::{Cause, Patience, Settle};
use crate::store::{IntakeTables, StoreError};

use baseline::Baseline;
use files::{FileWrite, FileWrites};
use links::{Linked, Links};
use looks::Looks;
use mounts::Mounts;
use notes::NamesPassedOver;
use recent::Recent;
use rescan::Rescans;
use scans::Scans;
use sync::Syncs;

/// Hints kept one by one; beyond, they collapse into scans of their directories.
pub const HINTS_MAX: usize = 200_000;
/// Directories that wait to be scanned for such hints; beyond, they collapse into a scan of their mount.
pub const SUBTREES_MAX: usize = 1_000;

/// How long after a file was displaced from its asset's path it takes its asset along when it is found, milliseconds:
/// the hints of one chain of renames come in pieces, which a full queue keeps apart for some seconds.
const DISPLACED_MS: u64 = 10_000;
/// Displaced files that are kept, so that a flood of renames does not fill the memory; one beyond is a new asset where
/// it is found.
const DISPLACED_MAX: usize = 10_000;
/// How long after a row took up a ctime for which no write had been heard a write may still be heard that moved it,
/// milliseconds: a queue that runs full is read some seconds late.
const QUIET_CHANGE_MS: u64 = 5_000;
/// Rows that are kept because they took up a ctime so, so that a flood of new attributes does not fill the memory; one
/// beyond is not modified by a late hint alone.
const QUIET_CHANGES_MAX: usize = 10_000;

/// What intake is told.
#[derive(Debug)]
pub enum Input {
    /// A watch source's signals, in order.
    Signals(Vec<Signal>),
    /// A look's result.
    Looked(Looked),
    /// A listing's result.
    Listed(Listed),
    /// What a mount's root is now.
    RootSeen(MountId, RootSeen),
    /// A file that was seen as [`Seen::BeingRead`](crate::model::look::Seen::BeingRead) has been read, or there is room
    /// for it.
    ContentRead(LogicalPath),
}

/// What intake wants done, after the commit.
#[derive(Debug)]
pub enum Effect {
    /// By the threads that look.
    Do(Job),
    /// Answer a caller who waits for a sync, or for the beginning of a scan.
    Answer(ReplyId, Answer),
}

/// How intake is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The mounts; a [`MountId`] is an index.
    pub mounts: Vec<Mount>,
    /// How long things settle.
    pub patience: Patience,
}

/// The rules in force, with the ledger's number of each rule's subscription.
#[derive(Debug, Clone, Default)]
pub struct RulesInForce {
    /// The set.
    pub set: Arc<RuleSet>,
    /// For each rule, in order, whose it is.
    pub subscriptions: Arc<[SubscriptionId]>,
}

impl RulesInForce {
    /// Each subscription with its number.
    pub fn subscriptions(&self) -> impl Iterator<Item = (SubscriptionId, Arc<Subscription>)> {
        let numbers = self.subscriptions.iter().copied();
        numbers.zip(self.set.rules().iter().map(|rule| Arc::clone(&rule.subscription)))
    }
}

/// What a machine takes over from the one before it, which is lost.
#[derive(Debug, Clone, Default)]
pub struct TakenOver {
    /// Tickets below were the lost machine's: their results are not taken for this one's.
    pub next_ticket: u64,
    /// Callers who still wait for a sync; the source is asked anew.
    pub syncs: Vec<ReplyId>,
    /// Scans that go on as tasks; they are made again.
    pub rescans: Vec<RunningRescan>,
}

/// The state machine.
pub struct Intake {
    setup: Setup,
    rules: RulesInForce,
    /// What programs have registered.
    registered: Registered,
    /// Memory for matching, used again from change to change.
    scratch: RefCell<Scratch>,
    settle: Settle,
    looks: Looks,
    scans: Scans,
    mounts: Mounts,
    identities: Identities,
    /// Files that were an asset's until another file was found at its path: what they were like, and which asset.
    displaced: Recent<Identity, (Stat, AssetId)>,
    /// Assets whose rows took up a new ctime for which no write had been heard.
    quiet_changes: Recent<AssetId, ()>,
    links: Links,
    syncs: Syncs,
    file_writes: FileWrites,
    rescans: Rescans,
    baseline: Baseline,
    /// The next hint's place among all hints and scans.
    next_order: u64,
    next_ticket: u64,
    /// What the built-in readers do not know is asked of `exiftool`.
    asks_exiftool: bool,
}

/// What an input led to.
#[derive(Debug, Default)]
#[must_use]
pub struct Done {
    /// What became owed, in journal order.
    pub owed: Vec<Owed>,
    /// The input could not be judged: what it was about is looked at again. For the log.
    pub fault: Option<StoreError>,
}

/// What judging an input decided, to be applied to memory once its savepoint is released.
#[derive(Debug, Default)]
struct Outcome {
    owed: Vec<Owed>,
    found: Vec<(LogicalPath, u64)>,
    unchanged: Vec<(LogicalPath, Stat)>,
    again: Vec<(LogicalPath, Cause)>,
    wait_for_close: Vec<(LogicalPath, Cause)>,
    wait_for_likely_close: Vec<(LogicalPath, Cause)>,
    wait_for_quiet: Vec<(LogicalPath, Cause)>,
    wait_for_reading: Vec<(LogicalPath, Cause)>,
    retry_later: Vec<(LogicalPath, Cause)>,
    /// What cannot be seen, below the directory at which something else is mounted than what is known.
    covered: Vec<(LogicalPath, LogicalPath, Cause)>,
    /// Deletions that a scan has reported, and that it has found and not reported.
    deletions: u64,
    withheld: u64,
    wait_for_rename: Vec<(LogicalPath, Cause)>,
    together: Vec<(LogicalPath, Cause)>,
    scan: Vec<(MountId, LogicalPath, u64)>,
    /// Where no directory is, whether or not one was known: its listing, and looks below, may be under way even so.
    no_directories: Vec<LogicalPath>,
    removed_trees: Vec<LogicalPath>,
    root_suspect: bool,
    scan_broken: bool,
    is_now: Vec<(Identity, AssetId)>,
    is_no_longer: Vec<(Identity, AssetId)>,
    displaced: Vec<(Stat, AssetId)>,
    quiet_changes: Vec<AssetId>,
    linked: Vec<Linked>,
    /// Assets whose sidecars may say something else now.
    sidecar_changes: Vec<(LogicalPath, Cause)>,
    assets: i64,
    /// Assets were taken as they are, whose content is still to be read.
    has_unread: bool,
    directories: i64,
    faults: Vec<(LogicalPath, Option<String>)>,
    /// What looks have passed over.
    passed_over: Vec<(LogicalPath, NoteKind)>,
    /// What a listing has passed over in its directory.
    listing_passed_over: Option<(LogicalPath, NamesPassedOver)>,
}

impl Intake {
    /// Starts from what the ledger holds, and from what a lost machine leaves. The first [`Self::release`] asks for the
    /// mounts' roots, and their answers start the scans.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn load(
        setup: Setup,
        rules: RulesInForce,
        ledger: IntakeTables<'_>,
        now: Now,
        taken_over: TakenOver,
    ) -> Result<Self, StoreError> {
        let mut identities = Identities::default();
        for mount in &setup.mounts {
            ledger.each_identity(&mount.path, |volume, inode, asset| identities.insert(volume, inode, asset))?;
        }
        let mounts = Mounts::load(&setup.mounts, ledger, now)?;
        let mut registered = Registered::default();
        registered.declare(rules.set.events());
        let mut intake = Self {
            settle: Settle::new(setup.patience),
            looks: Looks::default(),
            scans: Scans::default(),
            mounts,
            identities,
            displaced: Recent::new(DISPLACED_MS, DISPLACED_MAX),
            quiet_changes: Recent::new(QUIET_CHANGE_MS, QUIET_CHANGES_MAX),
            links: Links::default(),
            syncs: Syncs::waiting(taken_over.syncs),
            file_writes: FileWrites::default(),
            rescans: Rescans::default(),
            baseline: Baseline::default(),
            next_order: 1,
            next_ticket: taken_over.next_ticket,
            asks_exiftool: ledger.exiftool()?.is_some(),
            rules,
            registered,
            scratch: RefCell::default(),
            setup,
        };
        intake.go_on_with_rescans(now, taken_over.rescans, ledger);
        Ok(intake)
    }

    /// The first ticket that was not used.
    #[must_use]
    pub fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    /// Has things settle so long from now on.
    pub fn set_patience(&mut self, patience: Patience) {
        self.settle.set_patience(patience);
        self.setup.patience = patience;
    }

    /// Changes match these rules from now on.
    pub fn set_rules(&mut self, rules: RulesInForce) {
        self.registered.declare(rules.set.events());
        self.rules = rules;
    }

    /// Changes match this rule too from now on, in place of what its subscription had.
    pub fn register(&mut self, id: SubscriptionId, rule: Rule) {
        self.registered.insert(id, rule);
    }

    /// Changes match these rules too from now on.
    pub fn register_all(&mut self, rules: impl IntoIterator<Item = (SubscriptionId, Rule)>) {
        for (id, rule) in rules {
            self.register(id, rule);
        }
    }

    /// No change matches a registration's rule any more.
    pub fn unregister(&mut self, id: SubscriptionId) {
        self.registered.remove(id);
    }

    /// Takes one input. What it writes is inside a savepoint of its own.
    ///
    /// # Errors
    /// Only when the savepoint itself fails: the group is lost then. An input that cannot be judged is [`Done::fault`].
    pub fn step(&mut self, now: Now, input: Input, ledger: IntakeTables<'_>) -> Result<Done, StoreError> {
        match input {
            Input::Signals(signals) => {
                self.signals(now, signals, ledger)?;
                Ok(Done::default())
            }
            Input::Looked(looked) => self.looked(now, looked, ledger),
            Input::Listed(listed) => self.listed(now, listed, ledger),
            Input::RootSeen(mount, seen) => self.root_seen(now, mount, &seen, ledger),
            Input::ContentRead(path) => {
                self.content_read(now, &path);
                Ok(Done::default())
            }
        }
    }

    /// Ends a group: what is due goes out, as far as there is credit; scans that ended are noted, if the group may
    /// write.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn release(&mut self, now: Now, ledger: IntakeTables<'_>, may_write: bool) -> Result<Vec<Effect>, StoreError> {
        self.hint_matched_files(now, ledger)?;
        self.finish_scans(now, ledger, may_write)?;
        self.tell_standings(now, ledger, may_write)?;
        let mut jobs = self.due_roots(now.mono);
        self.ask_source(&mut jobs);
        self.release_links(now.mono, ledger)?;
        self.release_baseline(now.mono, ledger)?;
        self.release_looks(now.mono, ledger, &mut jobs);
        self.release_lists(now.mono, &mut jobs);
        let mut effects: Vec<_> = jobs.into_iter().map(Effect::Do).collect();
        self.answer_rescans(&mut effects);
        self.answer_syncs(ledger, may_write, &mut effects);
        Ok(effects)
    }

    /// Whether [`Self::release`] has something to write even without an input.
    #[must_use]
    pub fn wants_to_write(&self) -> bool {
        self.mounts.any_scan_ended() || self.mounts.any_news() || self.rescans.any_ended() || self.any_rescan_is_over()
    }

    /// When something is due without an input.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        if self.wants_to_write() || self.links.any() {
            return Mono(0);
        }
        let roots = self.mounts.deadline().min(self.scans.deadline(self.may_list()).unwrap_or(Mono(u64::MAX)));
        let roots = roots.min(self.baseline.deadline(self.is_free_for_baseline()));
        match self.settle.deadline() {
            // A result that is under way will take it along.
            Some(due) if !self.looks.is_busy() => due.min(roots),
            _ => roots,
        }
    }

    /// The mounts, for the status.
    #[must_use]
    pub fn status(&self, now: Now) -> Vec<MountStatus> {
        self.mounts.status(&self.setup.mounts, now, |mount| {
            let under = |path: &LogicalPath| path.is_at_or_below(mount);
            let settling = self.settle.awaited().filter(|(path, _)| under(path)).map(|(_, cause)| cause.since);
            let looking = self.looks.causes().filter(|(path, _)| under(path)).map(|(_, cause)| cause.since);
            settling.chain(looking).min()
        })
    }

    /// Whether every reachable mount has been scanned since the start.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.mounts.ready()
    }

    /// A look that is under way may have begun before the answer was there.
    fn content_read(&mut self, now: Now, path: &LogicalPath) {
        if !self.looks.disturb(path) {
            self.settle.read(now.mono, path);
        }
    }

    fn signals(&mut self, now: Now, signals: Vec<Signal>, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
        for signal in signals {
            match signal {
                Signal::Hint(hint) => self.hint(now, &hint),
                Signal::File { volume, inode, kind, .. } => {
                    self.hint_file(now, FileWrite { volume, inode, kind }, ledger)?;
                }
                Signal::Lost(mount) => self.rescan(now.mono, mount),
                Signal::Synced(number) => self.synced(now, number),
                Signal::Unwatched { path, why } => self.mounts.note_unwatched(now.mono, &path, Some(why)),
            }
        }
        Ok(())
    }

    fn hint(&mut self, now: Now, hint: &Hint) {
        let Hint { path, kind } = hint;
        let cause = Cause::hinted(now.mono, *kind, self.order());
        self.hint_for(now.mono, path, cause);
    }

    /// Something may have changed at a path.
    fn hint_for(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let Some(mount) = self.mounts.of(path) else { return };
        if self.mounts.root_path(mount) == path {
            self.mounts.suspect_root(mount);
            return;
        }
        if !self.mounts.is_online(mount) {
            return;
        }
        self.scans.hinted(path);
        if self.looks.hinted_for(now, path, cause) {
            return;
        }
        if self.settle.awaited_len() < HINTS_MAX {
            self.settle.again(now, path, cause);
        } else {
            self.collapse(now, mount, path);
        }
    }

    /// Too many hints to keep: a scan that waits its turn stands for this one and for others.
    fn collapse(&mut self, now: Mono, mount: MountId, path: &LogicalPath) {
        let above = std::iter::successors(path.parent(), LogicalPath::parent);
        if above.clone().any(|directory| self.scans.waits(&directory)) {
            return;
        }
        match path.parent() {
            Some(directory) if self.scans.waiting_len() < SUBTREES_MAX && self.mounts.of(&directory) == Some(mount) => {
                self.scan_unhinted(mount, &directory);
            }
            _ => self.rescan(now, mount),
        }
    }

    /// A scan of a mount finds what was not hinted.
    fn rescan(&mut self, now: Mono, mount: MountId) {
        if !self.mounts.is_online(mount) {
            return;
        }
        let root = self.mounts.root_path(mount).clone();
        self.mounts.begin_scan(now, mount, self.is_judged(mount));
        self.scan_unhinted(mount, &root);
        self.mounts.scanned_before(mount, self.next_order);
    }

    /// Returns whether all that the scans of a mount have found so far has been judged. A scan counts as ended once its
    /// last listing has come back, and the looks that follow from it may come later.
    fn is_judged(&self, mount: MountId) -> bool {
        !self.scans.is_sweeping(mount) && self.oldest_order() >= self.mounts.state(mount).scanned_before
    }

    /// The first place among all hints, scans and looks that are still to be judged.
    fn oldest_order(&self) -> u64 {
        let (looks, links) = (self.looks.first_order(), self.links.first_order());
        let oldest = [self.settle.first_awaited(), looks, links, self.scans.first_order()];
        oldest.into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// A scan of a directory stands for hints that were not heard. Looks that are under way may be older than what they
    /// would have told, and the listing may find no fault with a catalog that has not heard of those looks yet.
    fn scan_unhinted(&mut self, mount: MountId, directory: &LogicalPath) {
        let order = self.order();
        self.looks.disturb_under(directory);
        self.scans.push(mount, directory, order);
    }

    fn order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket - 1)
    }

    /// Applies what judging decided.
    fn apply(&mut self, now: Now, mount: MountId, outcome: Outcome) -> Done {
        let mono = now.mono;
        for (path, cause) in outcome.again {
            self.settle.again(mono, &path, cause);
        }
        if outcome.has_unread {
            self.baseline.wake();
        }
        for (path, stat) in outcome.unchanged {
            self.looks.expect(path, stat);
        }
        for (path, order) in outcome.found {
            if !self.looks.hinted(mono, &path, HintKind::Found, order) {
                self.settle.hint(mono, &path, HintKind::Found, order);
            }
        }
        for (path, cause) in outcome.wait_for_close {
            self.settle.wait_for_close(mono, &path, cause);
        }
        for (path, cause) in outcome.wait_for_likely_close {
            self.settle.wait_for_likely_close(mono, &path, cause);
        }
        for (path, cause) in outcome.wait_for_quiet {
            self.settle.wait_for_quiet(mono, &path, cause);
        }
        for (path, cause) in outcome.wait_for_reading {
            self.settle.wait_for_reading(mono, &path, cause);
        }
        for (path, cause) in outcome.retry_later {
            self.settle.retry_later(mono, &path, cause);
        }
        // After what waits: a look that is to come for a sidecar is not put off by a fault of another one.
        for (path, cause) in outcome.sidecar_changes {
            if !self.looks.hinted_for(mono, &path, cause) {
                self.settle.again(mono, &path, cause);
            }
        }
        for (at, path, cause) in outcome.covered {
            // What is known to be closed is scanned once it opens.
            if !self.mounts.inside(mount).is_closed(&at) {
                self.settle.wait_for_cover(mono, &path, cause);
                self.mounts.look_at_root(mount);
            }
        }
        self.mounts.note_deletions(mount, outcome.deletions, outcome.withheld);
        for (path, cause) in outcome.wait_for_rename {
            self.settle.wait_for_rename(mono, &path, cause);
        }
        if !outcome.together.is_empty() {
            self.looks.push_together(outcome.together);
        }
        for (mount, path, order) in outcome.scan {
            self.scans.push(mount, &path, order);
        }
        for path in &outcome.no_directories {
            self.scans.disturb_under(path);
            self.looks.disturb_under(path);
        }
        for path in &outcome.removed_trees {
            self.settle.recheck_under(mono, path);
            self.mounts.forget_notes_under(path);
        }
        let mut linked = outcome.linked;
        for (identity, asset) in outcome.is_no_longer {
            self.identities.remove(identity.volume, identity.inode, asset);
            linked.push(Linked::left(identity));
        }
        for (identity, asset) in outcome.is_now {
            self.identities.insert(identity.volume, identity.inode, asset);
            self.file_writes.is_now(&identity);
            self.displaced.remove(&identity);
        }
        for (stat, asset) in outcome.displaced {
            self.displaced.note(mono, stat.identity, (stat, asset));
        }
        for asset in outcome.quiet_changes {
            self.quiet_changes.note(mono, asset, ());
        }
        self.push_linked(linked);
        for (path, fault) in outcome.faults {
            self.mounts.note_fault(&path, fault);
        }
        for (path, why) in outcome.passed_over {
            self.mounts.note_passed_over(&path, why);
        }
        if let Some((directory, names)) = outcome.listing_passed_over {
            self.mounts.note_listing_passed_over(&directory, names);
        }
        if outcome.root_suspect {
            self.mounts.suspect_root(mount);
        }
        if outcome.scan_broken {
            self.mounts.break_scan(mount);
        }
        self.mounts.count(mount, outcome.assets, outcome.directories);
        Done { owed: outcome.owed, fault: None }
    }
}

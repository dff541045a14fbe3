//! The mounts: whether each is there, what is being scanned, what is wrong in it. What is believed of their roots is in
//! `roots`, what of filesystems inside them in `inner`.

use std::collections::BTreeMap;

use super::Intake;
use super::inner::Inside;
use super::notes::PassedOver;
use super::roots::Doubt;
use super::scans::Scan;
use crate::model::asset::Identity;
use crate::model::counted::counted;
use crate::model::ids::MountId;
use crate::model::job::Job;
use crate::model::look::KnownRoot;
use crate::model::mount::{FirstScan, MaxDeletions, Mount, Standing};
use crate::model::mounts_by_path::MountsByPath;
use crate::model::path::LogicalPath;
use crate::model::root::{Handle, RootRequest};
use crate::model::status::{MountState, MountStatus, ScanProgress, ScanStatus};
use crate::model::tenant::Tenant;
use crate::model::time::{Mono, Now};
use crate::model::watching::Watching;
use crate::store::{IntakeTables, MountRow, StoreError};

/// How often each root is looked at: a mount that is back is scanned within 2 s.
const ROOT_EVERY_MS: u64 = 1_000;
/// Faults kept by path, so that a broken disk does not fill the memory.
pub(super) const FAULTS_MAX: usize = 1_000;
/// Unwatched directories kept by path; beyond, the whole mount is scanned in their stead.
const UNWATCHED_MAX: usize = 10_000;
/// Timestamps may lag the clock by this much, nanoseconds (a timer tick of 100 Hz), so a file counts as older than the
/// first scan only if it is older by more.
pub(super) const TICK_NS: i64 = 10_000_000;

/// All mounts.
#[derive(Debug)]
pub(super) struct Mounts {
    states: Vec<State>,
    by_path: MountsByPath,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) path: LogicalPath,
    tenant: Option<Tenant>,
    first_scan: FirstScan,
    pub(super) crosses_filesystems: bool,
    pub(super) poll_interval_ms: u64,
    pub(super) verify_ms: u64,
    max_deletions: Option<MaxDeletions>,
    pub(super) row: MountRow,
    /// The ledger has no row of it yet.
    pub(super) is_new: bool,
    pub(super) presence: Presence,
    /// Since when it is offline, while it is.
    pub(super) offline_since: Option<Mono>,
    /// The root as it was last seen online.
    pub(super) handle: Option<Handle>,
    /// The root that stands there is another than the known one.
    pub(super) doubt: Option<Doubt>,
    /// A caller vouches for whatever root stands at this path, the mount's own or one inside it.
    pub(super) accepted_root: Option<LogicalPath>,
    /// What is mounted inside it.
    pub(super) inside: Inside,
    /// How many known assets each sample has that the last look at the root was asked to look for, in order.
    pub(super) asked_samples: Vec<(LogicalPath, usize)>,
    /// How it is watched, since its root was last seen to be another.
    pub(super) watching: Option<Watching>,
    pub(super) asked_root: bool,
    /// It is looked at because something was odd: a sync waits for that.
    pub(super) suspected: bool,
    pub(super) next_root: Mono,
    pub(super) scan: Option<ScanJob>,
    /// Deletions that the scan under way, or the last one, has reported.
    deletions: u64,
    /// Deletions that it has found and not reported, for [`Mount::max_deletions`].
    pub(super) withheld: u64,
    /// A caller vouches for the deletions of the scan that comes.
    accepts_deletions: bool,
    /// A scan has ended since then.
    ended_since_accepted: bool,
    /// What its scans have found so far has earlier places among the hints than this.
    pub(super) scanned_before: u64,
    /// As the ledger has it: deletions are withheld.
    holds_deletions: bool,
    last_scan: Option<ScanStatus>,
    /// Everything of it was scanned since the start.
    pub(super) scanned: bool,
    pub(super) faults: BTreeMap<LogicalPath, String>,
    pub(super) passed_over: PassedOver,
    /// Directories without a watch, each with why: they are scanned again and again.
    pub(super) unwatched: BTreeMap<LogicalPath, String>,
    /// How many there were since the last scan began.
    unwatched_in_scan: usize,
    /// There were more than are kept.
    pub(super) many_unwatched: bool,
    pub(super) next_poll: Mono,
    /// When a sweep begins next.
    pub(super) next_sweep: Mono,
    pub(super) assets: i64,
    directories: i64,
    /// Its listings have all come back; the next group that may write notes that the scan ended.
    pub(super) scan_ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    Unknown,
    /// The root, and which mounting of its filesystem it is on.
    Online(Identity, u64),
    Offline(String),
}

#[derive(Debug)]
pub(super) struct ScanJob {
    began: Mono,
    found: u64,
    /// Directories that it has gone through.
    listed: u64,
    /// Directories that there were when it began; 0 before the first scan.
    expected: u64,
    /// The last directory that it has gone through.
    at: LogicalPath,
    /// All listings have come back, and the root is being looked at: was it there for all of them?
    checking_root: bool,
    /// The root was gone for some listing: the scan begins anew.
    broken: bool,
}

impl State {
    /// Hints cannot be relied on, here or in a part of it, so scans stand in for them.
    fn is_polled(&self) -> bool {
        (self.hints_nothing() || !self.unwatched.is_empty())
            && self.scan.is_none()
            && matches!(self.presence, Presence::Online(..))
    }

    /// It is swept from time to time: where hints are relied on.
    fn is_swept(&self) -> bool {
        self.verify_ms > 0 && !self.hints_nothing() && matches!(self.presence, Presence::Online(..))
    }

    /// It is scanned as a whole.
    fn hints_nothing(&self) -> bool {
        self.many_unwatched || self.watching.as_ref().is_some_and(|watching| !watching.hints)
    }
}

impl State {
    /// A scan begins. While deletions are withheld, the next scans report none either: else each would report some.
    /// They do again once one has found nothing to withhold, or a caller vouches for it. What an earlier scan has found
    /// and is not judged yet says nothing of that: it counts with the scan that begins.
    fn count_deletions_anew(&mut self, is_judged: bool) {
        if is_judged {
            self.row.holds_deletions &= self.withheld > 0 || !self.scanned;
            if std::mem::take(&mut self.ended_since_accepted) {
                self.accepts_deletions = false;
            }
            self.deletions = 0;
        }
        self.withheld = 0;
    }

    /// The next request for a look at its root.
    fn root_request(&mut self, mount: MountId) -> RootRequest {
        let own = self.doubt.as_ref().map(|doubt| (self.path.clone(), doubt.sample.clone()));
        let samples: Vec<_> = own.into_iter().chain(self.inside.samples()).collect();
        self.asked_samples = samples.iter().map(|(root, sample)| (root.clone(), sample.len())).collect();
        RootRequest { mount, handle: self.handle.clone(), samples, wants_newest: self.is_new }
    }

    /// Its state, and why it is not well.
    pub(super) fn shown(&self) -> (MountState, Option<String>) {
        let fallback = self.watching.as_ref().filter(|watching| watching.is_fallback).map(|watching| &watching.why);
        let withheld = (self.withheld > 0).then(|| {
            format!(
                "{} that a scan found are not reported, because `max_deletions` allows no more; if they are meant: ringback \
                 rescan --accept-deletions {}",
                counted(self.withheld, "deletion"),
                self.path
            )
        });
        let inside = self.inside.troubles();
        let mut faults = withheld.iter().chain(fallback).chain(inside.iter()).chain(self.unwatched.values());
        let more = self.unwatched.len() + self.faults.len() + inside.len() + usize::from(withheld.is_some());
        match (&self.presence, faults.next().or_else(|| self.faults.values().next())) {
            (Presence::Unknown, _) => (MountState::Scanning, None),
            (Presence::Offline(why), _) => (MountState::Offline, Some(why.clone())),
            (Presence::Online(..), Some(why)) => {
                let more = (more + usize::from(fallback.is_some())).saturating_sub(1);
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                (MountState::Degraded, Some(format!("{why}{more}")))
            }
            (Presence::Online(..), None) if self.scan.is_some() => (MountState::Scanning, None),
            (Presence::Online(..), None) => (MountState::Watching, None),
        }
    }
}

impl Mounts {
    pub(super) fn load(mounts: &[Mount], ledger: IntakeTables<'_>, now: Now) -> Result<Self, StoreError> {
        let load = |mount: &Mount| {
            let began = MountRow {
                root: None,
                first_scan_began_ns: now.wall.0.saturating_mul(1_000_000),
                first_scan_done: false,
                is_mount_root: None,
                had_assets: false,
                holds_deletions: false,
                told: Standing::default(),
            };
            let known = ledger.mount(&mount.path)?;
            let (is_new, row) = (known.is_none(), known.unwrap_or(began));
            let inside = Inside::load(&mount.path, ledger)?;
            let (directories, assets) = ledger.count(&mount.path)?;
            Ok(State {
                path: mount.path.clone(),
                tenant: mount.tenant.clone(),
                first_scan: mount.first_scan,
                crosses_filesystems: mount.cross_filesystems,
                poll_interval_ms: mount.poll_interval_ms,
                verify_ms: mount.verify_ms,
                max_deletions: mount.max_deletions,
                row,
                is_new,
                presence: Presence::Unknown,
                offline_since: None,
                handle: None,
                doubt: None,
                accepted_root: None,
                inside,
                asked_samples: Vec::new(),
                watching: None,
                asked_root: false,
                suspected: false,
                next_root: now.mono,
                scan: None,
                deletions: 0,
                withheld: 0,
                accepts_deletions: false,
                ended_since_accepted: false,
                scanned_before: 0,
                holds_deletions: row.holds_deletions,
                last_scan: None,
                scanned: false,
                faults: BTreeMap::new(),
                passed_over: PassedOver::default(),
                unwatched: BTreeMap::new(),
                unwatched_in_scan: 0,
                many_unwatched: false,
                next_poll: now.mono,
                next_sweep: now.mono,
                assets: assets as i64,
                directories: directories as i64,
                scan_ended: false,
            })
        };
        let states = mounts.iter().map(load).collect::<Result<_, _>>()?;
        let by_path = MountsByPath::new(mounts.iter().map(|mount| mount.path.as_bytes()));
        Ok(Self { states, by_path })
    }

    /// The mount that a path lies in. Mounts do not overlap.
    pub(super) fn of(&self, path: &LogicalPath) -> Option<MountId> {
        self.by_path.of(path.as_bytes())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = MountId> + use<> {
        (0..self.states.len() as u16).map(MountId)
    }

    pub(super) fn root_path(&self, mount: MountId) -> &LogicalPath {
        &self.state(mount).path
    }

    pub(super) fn tenant(&self, mount: MountId) -> Option<&Tenant> {
        self.state(mount).tenant.as_ref()
    }

    pub(super) fn is_online(&self, mount: MountId) -> bool {
        matches!(self.state(mount).presence, Presence::Online(..))
    }

    /// The root as looks and listings are to find it.
    pub(super) fn online_root(&self, mount: MountId) -> Option<KnownRoot> {
        let state = self.state(mount);
        match state.presence {
            Presence::Online(identity, _) => Some(KnownRoot { identity, inner: state.inside.known() }),
            _ => None,
        }
    }

    /// What is mounted inside a mount.
    pub(super) fn inside(&self, mount: MountId) -> &Inside {
        &self.state(mount).inside
    }

    /// Whether a mount never had an asset.
    pub(super) fn is_without_assets_ever(&self, mount: MountId) -> bool {
        !self.state(mount).row.had_assets
    }

    /// How many more deletions a scan of a mount may report; `None`: all that it finds.
    pub(super) fn deletions_left(&self, mount: MountId) -> Option<u64> {
        let state = self.state(mount);
        let max = state.max_deletions.filter(|_| !state.accepts_deletions)?;
        if state.row.holds_deletions {
            return Some(0);
        }
        // Of those that it had: what the scan has reported deleted counts.
        let assets = u64::try_from(state.assets).unwrap_or(0) + state.deletions;
        Some(max.of(assets).saturating_sub(state.deletions))
    }

    /// Notes what a scan has reported deleted, and what it has found and not reported.
    pub(super) fn note_deletions(&mut self, mount: MountId, reported: u64, withheld: u64) {
        let state = self.state_mut(mount);
        state.deletions += reported;
        state.withheld += withheld;
        state.row.holds_deletions |= withheld > 0;
    }

    /// A caller vouches for the deletions of the scan that comes.
    pub(super) fn accept_deletions(&mut self, mount: MountId) {
        let state = self.state_mut(mount);
        (state.accepts_deletions, state.ended_since_accepted) = (true, false);
        (state.withheld, state.row.holds_deletions) = (0, false);
    }

    /// A caller vouches for the root that stands at a path, the mount's own or one inside it.
    pub(super) fn accept_root(&mut self, mount: MountId, path: &LogicalPath) {
        self.state_mut(mount).accepted_root = Some(path.clone());
        self.suspect_root(mount);
    }

    /// What is not there: mounts, and filesystems inside those that are.
    pub(super) fn offline(&self) -> Vec<LogicalPath> {
        let mut offline = Vec::new();
        for state in &self.states {
            match state.presence {
                Presence::Offline(_) => offline.push(state.path.clone()),
                Presence::Unknown | Presence::Online(..) => offline.extend(state.inside.offline().cloned()),
            }
        }
        offline
    }

    /// Whether its source tells when a writer closes a file.
    pub(super) fn sees_closes(&self, mount: MountId) -> bool {
        self.state(mount).watching.as_ref().is_some_and(|watching| watching.sees_closes)
    }

    /// What is to be scanned in place of hints: all of it, or the topmost of its unwatched directories.
    fn unhinted(&self, mount: MountId) -> Vec<LogicalPath> {
        let state = self.state(mount);
        if state.hints_nothing() {
            return vec![state.path.clone()];
        }
        let above = |path: &LogicalPath| std::iter::successors(path.parent(), LogicalPath::parent);
        let is_topmost = |path: &&LogicalPath| !above(path).any(|above| state.unwatched.contains_key(&above));
        state.unwatched.keys().filter(is_topmost).cloned().collect()
    }

    /// Directories that the catalog has of a mount.
    pub(super) fn directories(&self, mount: MountId) -> u64 {
        self.state(mount).directories.max(0).cast_unsigned()
    }

    /// Whether a root has been looked at since the start, and since it was last suspected.
    pub(super) fn is_known(&self, mount: MountId) -> bool {
        let state = self.state(mount);
        state.presence != Presence::Unknown && !state.suspected
    }

    /// Whether each root has been looked at since the start, and since it was last suspected.
    pub(super) fn all_known(&self) -> bool {
        self.states.iter().all(|state| state.presence != Presence::Unknown && !state.suspected)
    }

    pub(super) fn is_first_scan(&self, mount: MountId) -> bool {
        !self.state(mount).row.first_scan_done
    }

    /// During a silent first scan: files whose inode has not changed since are not told.
    pub(super) fn silent_before_ns(&self, mount: MountId) -> Option<i64> {
        let state = self.state(mount);
        let silent = !state.row.first_scan_done && state.first_scan == FirstScan::Silent;
        silent.then_some(state.row.first_scan_began_ns - TICK_NS)
    }

    /// Something about the root is odd: it is looked at now.
    pub(super) fn suspect_root(&mut self, mount: MountId) {
        let state = self.state_mut(mount);
        state.suspected = true;
        state.next_root = Mono(0);
    }

    /// The root is looked at soon, since something may be mounted in it. A sync does not wait for that.
    pub(super) fn look_at_root(&mut self, mount: MountId) {
        let state = self.state_mut(mount);
        state.next_root = state.next_root.min(Mono(1));
    }

    pub(super) fn deadline(&self) -> Mono {
        let roots = self.states.iter().filter(|s| !s.asked_root).map(|s| s.next_root);
        let polls = self.states.iter().filter(|s| s.is_polled()).map(|s| s.next_poll);
        let sweeps = self.states.iter().filter(|s| s.is_swept()).map(|s| s.next_sweep);
        roots.chain(polls).chain(sweeps).min().unwrap_or(Mono(u64::MAX))
    }

    pub(super) fn begin_scan(&mut self, now: Mono, mount: MountId, is_judged: bool) {
        let state = self.state_mut(mount);
        state.unwatched_in_scan = 0;
        state.count_deletions_anew(is_judged);
        let expected = if state.row.first_scan_done { state.directories.max(0) as u64 } else { 0 };
        state.scan.get_or_insert_with(|| ScanJob {
            began: now,
            found: 0,
            listed: 0,
            expected,
            at: state.path.clone(),
            checking_root: false,
            broken: false,
        });
    }

    /// Notes that what the scans of a mount have found so far has earlier places among the hints than this.
    pub(super) fn scanned_before(&mut self, mount: MountId, order: u64) {
        self.state_mut(mount).scanned_before = order;
    }

    /// A scan that is running has missed something.
    pub(super) fn break_scan(&mut self, mount: MountId) {
        if let Some(scan) = &mut self.state_mut(mount).scan {
            scan.broken = true;
        }
    }

    /// A directory was gone through, and so many paths in it differ from the catalog.
    pub(super) fn note_listed(&mut self, directory: &Scan, found: usize) {
        if let Some(scan) = &mut self.state_mut(directory.mount).scan {
            scan.found += found as u64;
            if !directory.is_sweep {
                scan.listed += 1;
                scan.at.clone_from(&directory.path);
            }
        }
    }

    pub(super) fn note_fault(&mut self, path: &LogicalPath, fault: Option<String>) {
        let Some(mount) = self.of(path) else { return };
        let State { faults, passed_over, .. } = self.state_mut(mount);
        match fault {
            None => {
                faults.remove(path);
                passed_over.remove(path);
            }
            Some(why) if faults.len() < FAULTS_MAX => drop(faults.insert(path.clone(), why)),
            Some(_) => {}
        }
    }

    /// Since when a scan of a mount is under way.
    pub(super) fn scanning_since(&self, mount: MountId) -> Option<Mono> {
        self.state(mount).scan.as_ref().map(|scan| scan.began)
    }

    /// Why something at a path could not be read, as far as is kept.
    pub(super) fn fault(&self, path: &LogicalPath) -> Option<&String> {
        self.state(self.of(path)?).faults.get(path)
    }

    /// Whether something at a path could not be read, as far as is kept.
    pub(super) fn has_fault(&self, path: &LogicalPath) -> bool {
        self.of(path).is_some_and(|mount| self.state(mount).faults.contains_key(path))
    }

    /// Whether a directory was watched, as far as is known.
    pub(super) fn is_watched(&self, path: &LogicalPath) -> bool {
        self.of(path).is_none_or(|mount| {
            let state = self.state(mount);
            !state.many_unwatched && !state.unwatched.contains_key(path)
        })
    }

    pub(super) fn note_unwatched(&mut self, now: Mono, path: &LogicalPath, why: Option<String>) {
        let Some(mount) = self.of(path) else { return };
        let state = self.state_mut(mount);
        match why {
            None => drop(state.unwatched.remove(path)),
            Some(why) => {
                if state.unwatched.is_empty() {
                    state.next_poll = now.plus_ms(state.poll_interval_ms);
                }
                state.unwatched_in_scan += 1;
                if state.unwatched.len() < UNWATCHED_MAX {
                    state.unwatched.insert(path.clone(), why);
                } else {
                    state.many_unwatched = true;
                }
            }
        }
    }

    pub(super) fn count(&mut self, mount: MountId, assets: i64, directories: i64) {
        let state = self.state_mut(mount);
        state.assets += assets;
        state.directories += directories;
        state.row.had_assets |= assets > 0;
    }

    pub(super) fn any_scan_ended(&self) -> bool {
        self.states.iter().any(|state| state.scan_ended)
    }

    /// Whether everything of a mount has been scanned since the start.
    pub(super) fn was_scanned(&self, mount: MountId) -> bool {
        self.state(mount).scanned
    }

    pub(super) fn ready(&self) -> bool {
        self.states.iter().all(|s| s.scanned || matches!(s.presence, Presence::Offline(_)))
    }

    pub(super) fn status(
        &self,
        mounts: &[Mount],
        now: Now,
        oldest: impl Fn(&LogicalPath) -> Option<Mono>,
    ) -> Vec<MountStatus> {
        let one = |(state, mount): (&State, &Mount)| {
            let (shown, reason) = state.shown();
            let (notes, notes_more) = state.notes();
            MountStatus {
                path: state.path.to_string(),
                dir: mount.dir.display().to_string(),
                state: shown,
                reason,
                source: state.watching.as_ref().map(|watching| watching.source),
                source_reason: state.watching.as_ref().map(|watching| watching.why.clone()),
                assets: state.assets.max(0) as u64,
                directories: state.directories.max(0) as u64,
                last_scan: state.last_scan.clone(),
                scan: state.scan.as_ref().map(ScanJob::progress),
                lag_ms: oldest(&state.path).map_or(0, |since| now.mono.since_ms(since)),
                notes,
                notes_more,
                unwatched: state.unwatched.len() as u64,
            }
        };
        self.states.iter().zip(mounts).map(one).collect()
    }

    pub(super) fn state(&self, mount: MountId) -> &State {
        &self.states[usize::from(mount.0)]
    }

    pub(super) fn state_mut(&mut self, mount: MountId) -> &mut State {
        &mut self.states[usize::from(mount.0)]
    }
}

impl Intake {
    /// Roots that are to be looked at. Mounts that are polled are scanned when their time has come.
    pub(super) fn due_roots(&mut self, now: Mono) -> Vec<Job> {
        let mut jobs = Vec::new();
        for mount in self.mounts.ids() {
            let state = self.mounts.state_mut(mount);
            if state.is_polled() && state.next_poll <= now {
                state.next_poll = now.plus_ms(state.poll_interval_ms);
                self.poll(now, mount);
            }
            let state = self.mounts.state_mut(mount);
            if state.is_swept() && state.next_sweep <= now {
                state.next_sweep = now.plus_ms(state.verify_ms);
                // One that takes longer than its interval is not overtaken by the next.
                if !self.scans.is_sweeping(mount) {
                    let is_judged = self.is_judged(mount);
                    let state = self.mounts.state_mut(mount);
                    state.count_deletions_anew(is_judged);
                    self.scans.push_sweep(mount, state.path.clone());
                }
            }
            let state = self.mounts.state_mut(mount);
            if !state.asked_root && state.next_root <= now {
                state.asked_root = true;
                state.next_root = now.plus_ms(ROOT_EVERY_MS);
                jobs.push(Job::SeeRoot(state.root_request(mount)));
            }
        }
        jobs
    }

    /// Scans what nothing hints.
    pub(super) fn poll(&mut self, now: Mono, mount: MountId) {
        if !self.mounts.is_online(mount) {
            return;
        }
        for path in self.mounts.unhinted(mount) {
            if path == *self.mounts.root_path(mount) {
                self.rescan(now, mount);
            } else {
                self.scan_unhinted(mount, &path);
            }
        }
    }

    /// Notes scans whose last listing has come back, and whose root is still there after that: what a listing missed
    /// because the mount went away must not count as scanned.
    pub(super) fn finish_scans(
        &mut self,
        now: Now,
        ledger: IntakeTables<'_>,
        may_write: bool,
    ) -> Result<(), StoreError> {
        for mount in self.mounts.ids() {
            let left = self.scans.left(mount);
            let state = self.mounts.state_mut(mount);
            state.scan_ended = false;
            if may_write && state.row.holds_deletions != state.holds_deletions {
                state.holds_deletions = state.row.holds_deletions;
                let (path, row) = (state.path.clone(), state.row);
                ledger.put_mount(&path, &row)?;
            }
            let state = self.mounts.state_mut(mount);
            let Some(scan) = &mut state.scan else { continue };
            if left > 0 {
                scan.checking_root = false;
                continue;
            }
            if !std::mem::replace(&mut scan.checking_root, true) {
                self.mounts.suspect_root(mount);
                continue;
            }
            if state.suspected {
                continue;
            }
            if std::mem::take(&mut scan.broken) {
                scan.checking_root = false;
                self.rescan(now.mono, mount);
                continue;
            }
            if !may_write {
                state.scan_ended = true;
                continue;
            }
            let Some(scan) = state.scan.take() else { continue };
            state.scan_ended = false;
            state.scanned = true;
            state.many_unwatched = state.unwatched_in_scan > UNWATCHED_MAX;
            state.last_scan = Some(ended(now, &scan));
            state.ended_since_accepted |= state.accepts_deletions;
            if !state.row.first_scan_done {
                state.row.first_scan_done = true;
                let (path, row) = (state.path.clone(), state.row);
                ledger.put_mount(&path, &row)?;
            }
        }
        Ok(())
    }
}

impl ScanJob {
    fn progress(&self) -> ScanProgress {
        let last = (self.expected > 0).then_some(self.expected);
        ScanProgress { done: self.listed, last, path: self.at.to_string() }
    }
}

fn ended(now: Now, scan: &ScanJob) -> ScanStatus {
    ScanStatus { at: now.wall.to_string(), seconds: now.mono.since_ms(scan.began) / 1_000, changes: scan.found }
}

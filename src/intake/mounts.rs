//! The mounts: whether each is there, what is being scanned, what is wrong in it.

use std::collections::BTreeMap;

use super::{Done, Effect, Intake};
use crate::model::asset::Identity;
use crate::model::ids::MountId;
use crate::model::look::RootSeen;
use crate::model::mount::{FirstScan, Mount};
use crate::model::mounts_by_path::MountsByPath;
use crate::model::path::LogicalPath;
use crate::model::status::{MountState, MountStatus, ScanStatus};
use crate::model::tenant::Tenant;
use crate::model::time::{Mono, Now};
use crate::model::watching::Watching;
use crate::store::{Ledger, MountRow, StoreError};

/// How often each root is looked at: a mount that is back is scanned within 2 s.
const ROOT_EVERY_MS: u64 = 1_000;
/// Faults kept by path, so that a broken disk does not fill the memory.
pub(super) const FAULTS_MAX: usize = 1_000;
/// Unwatched directories kept by path; beyond, the whole mount is scanned in their stead.
const UNWATCHED_MAX: usize = 10_000;
/// Timestamps may lag the clock by this much, nanoseconds (a timer tick of 100 Hz), so a file counts as older than the
/// first scan only if it is older by more.
const TICK_NS: i64 = 10_000_000;

/// All mounts.
#[derive(Debug)]
pub(super) struct Mounts {
    states: Vec<State>,
    by_path: MountsByPath,
}

#[derive(Debug)]
struct State {
    path: LogicalPath,
    tenant: Option<Tenant>,
    first_scan: FirstScan,
    poll_interval_ms: u64,
    verify_ms: u64,
    row: MountRow,
    presence: Presence,
    /// How it is watched, since its root was last seen to be another.
    watching: Option<Watching>,
    asked_root: bool,
    /// It is looked at because something was odd: a sync waits for that.
    suspected: bool,
    next_root: Mono,
    scan: Option<ScanJob>,
    last_scan: Option<ScanStatus>,
    /// Everything of it was scanned since the start.
    scanned: bool,
    faults: BTreeMap<LogicalPath, String>,
    /// Directories without a watch, each with why: they are scanned again and again.
    unwatched: BTreeMap<LogicalPath, String>,
    /// How many there were since the last scan began.
    unwatched_in_scan: usize,
    /// There were more than are kept.
    many_unwatched: bool,
    next_poll: Mono,
    /// When a sweep begins next.
    next_sweep: Mono,
    assets: i64,
    directories: i64,
    /// Its listings have all come back; the next group that may write notes that the scan ended.
    scan_ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Presence {
    Unknown,
    /// The root, and which mounting of its filesystem it is on.
    Online(Identity, u64),
    Offline(String),
}

#[derive(Debug)]
struct ScanJob {
    began: Mono,
    found: u64,
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

impl Mounts {
    pub(super) fn load(mounts: &[Mount], ledger: &Ledger, now: Now) -> Result<Self, StoreError> {
        let load = |mount: &Mount| {
            let began = MountRow {
                root: None,
                first_scan_began_ns: now.wall.0.saturating_mul(1_000_000),
                first_scan_done: false,
            };
            let row = ledger.mount(&mount.path)?.unwrap_or(began);
            let (directories, assets) = ledger.count(&mount.path)?;
            Ok(State {
                path: mount.path.clone(),
                tenant: mount.tenant.clone(),
                first_scan: mount.first_scan,
                poll_interval_ms: mount.poll_interval_ms,
                verify_ms: mount.verify_ms,
                row,
                presence: Presence::Unknown,
                watching: None,
                asked_root: false,
                suspected: false,
                next_root: now.mono,
                scan: None,
                last_scan: None,
                scanned: false,
                faults: BTreeMap::new(),
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
        self.online_root(mount).is_some()
    }

    pub(super) fn online_root(&self, mount: MountId) -> Option<Identity> {
        match self.state(mount).presence {
            Presence::Online(root, _) => Some(root),
            _ => None,
        }
    }

    pub(super) fn offline(&self) -> Vec<LogicalPath> {
        self.states.iter().filter(|s| matches!(s.presence, Presence::Offline(_))).map(|s| s.path.clone()).collect()
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

    pub(super) fn deadline(&self) -> Mono {
        let roots = self.states.iter().filter(|s| !s.asked_root).map(|s| s.next_root);
        let polls = self.states.iter().filter(|s| s.is_polled()).map(|s| s.next_poll);
        let sweeps = self.states.iter().filter(|s| s.is_swept()).map(|s| s.next_sweep);
        roots.chain(polls).chain(sweeps).min().unwrap_or(Mono(u64::MAX))
    }

    pub(super) fn begin_scan(&mut self, now: Mono, mount: MountId) {
        let state = self.state_mut(mount);
        state.unwatched_in_scan = 0;
        state.scan.get_or_insert(ScanJob { began: now, found: 0, checking_root: false, broken: false });
    }

    /// A scan that is running has missed something.
    pub(super) fn break_scan(&mut self, mount: MountId) {
        if let Some(scan) = &mut self.state_mut(mount).scan {
            scan.broken = true;
        }
    }

    pub(super) fn note_found(&mut self, mount: MountId, found: usize) {
        if let Some(scan) = &mut self.state_mut(mount).scan {
            scan.found += found as u64;
        }
    }

    pub(super) fn note_fault(&mut self, path: &LogicalPath, fault: Option<String>) {
        let Some(mount) = self.of(path) else { return };
        let faults = &mut self.state_mut(mount).faults;
        match fault {
            None => drop(faults.remove(path)),
            Some(why) if faults.len() < FAULTS_MAX => drop(faults.insert(path.clone(), why)),
            Some(_) => {}
        }
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

    pub(super) fn forget_faults_under(&mut self, path: &LogicalPath) {
        if let Some(mount) = self.of(path) {
            let state = self.state_mut(mount);
            state.faults.retain(|fault, _| fault != path && !fault.is_below(path));
            state.unwatched.retain(|fault, _| fault != path && !fault.is_below(path));
        }
    }

    pub(super) fn count(&mut self, mount: MountId, assets: i64, directories: i64) {
        let state = self.state_mut(mount);
        state.assets += assets;
        state.directories += directories;
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
            let fallback =
                state.watching.as_ref().filter(|watching| watching.is_fallback).map(|watching| &watching.why);
            let faults = fallback.into_iter().chain(state.unwatched.values()).chain(state.faults.values());
            let more = faults.clone().count().saturating_sub(1);
            let (shown, reason) = match (&state.presence, faults.clone().next()) {
                (Presence::Unknown, _) => (MountState::Scanning, None),
                (Presence::Offline(why), _) => (MountState::Offline, Some(why.clone())),
                (Presence::Online(..), Some(why)) => {
                    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                    (MountState::Degraded, Some(format!("{why}{more}")))
                }
                (Presence::Online(..), None) if state.scan.is_some() => (MountState::Scanning, None),
                (Presence::Online(..), None) => (MountState::Watching, None),
            };
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
                lag_ms: oldest(&state.path).map_or(0, |since| now.mono.since_ms(since)),
            }
        };
        self.states.iter().zip(mounts).map(one).collect()
    }

    fn state(&self, mount: MountId) -> &State {
        &self.states[usize::from(mount.0)]
    }

    fn state_mut(&mut self, mount: MountId) -> &mut State {
        &mut self.states[usize::from(mount.0)]
    }
}

impl Intake {
    /// Roots that are to be looked at. Mounts that are polled are scanned when their time has come.
    pub(super) fn due_roots(&mut self, now: Mono) -> Vec<Effect> {
        let mut effects = Vec::new();
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
                    self.scans.push_sweep(mount, state.path.clone());
                }
            }
            let state = self.mounts.state_mut(mount);
            if !state.asked_root && state.next_root <= now {
                state.asked_root = true;
                state.next_root = now.plus_ms(ROOT_EVERY_MS);
                effects.push(Effect::SeeRoot(mount));
            }
        }
        effects
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

    pub(super) fn root_seen(
        &mut self,
        now: Now,
        mount: MountId,
        seen: &RootSeen,
        ledger: &Ledger,
    ) -> Result<Done, StoreError> {
        let state = self.mounts.state_mut(mount);
        state.asked_root = false;
        state.suspected = state.next_root == Mono(0);
        let (root, mounting, watching) = match seen {
            RootSeen::Directory { identity, mounting, empty, watching } => {
                let other = state.row.root.is_some_and(|known| known.volume != identity.volume);
                if *empty && other && state.assets > 0 {
                    return self.take_offline(mount, "its root is suddenly empty, on another device", ledger);
                }
                (*identity, *mounting, watching)
            }
            RootSeen::Missing => return self.take_offline(mount, "its directory is not there", ledger),
            RootSeen::Unusable(why) => return self.take_offline(mount, why, ledger),
        };
        // Mounted again, the same root has lost its watches; under another source it never had any.
        if state.presence == Presence::Online(root, mounting) && state.watching.as_ref() == Some(watching) {
            return Ok(Done::default());
        }
        state.presence = Presence::Online(root, mounting);
        state.watching = Some(watching.clone());
        state.unwatched.clear();
        state.many_unwatched = false;
        state.next_poll = now.mono.plus_ms(state.poll_interval_ms);
        state.next_sweep = now.mono.plus_ms(state.verify_ms);
        if state.row.root != Some(root) {
            let other_volume = state.row.root.is_some_and(|known| known.volume != root.volume);
            state.row.root = Some(root);
            let (path, mut row) = (state.path.clone(), state.row);
            ledger.savepoint(|| {
                if other_volume && ledger.count(&path)?.1 == 0 {
                    // Until now only the empty mount point was seen: what is there was there all along.
                    row.first_scan_done = false;
                    row.first_scan_began_ns = now.wall.0.saturating_mul(1_000_000);
                    ledger.forget_dirs(&path)?;
                }
                // A power cut must not forget when the first scan began.
                ledger.promise();
                ledger.put_mount(&path, &row)
            })?;
            let state = self.mounts.state_mut(mount);
            if state.row.first_scan_done && !row.first_scan_done {
                state.directories = 0;
            }
            state.row = row;
        }
        self.rescan(now.mono, mount);
        self.wait_for_scan();
        Ok(Done::default())
    }

    fn take_offline(&mut self, mount: MountId, why: &str, ledger: &Ledger) -> Result<Done, StoreError> {
        let state = self.mounts.state_mut(mount);
        let was = std::mem::replace(&mut state.presence, Presence::Offline(why.to_owned()));
        if matches!(was, Presence::Offline(_)) {
            return Ok(Done::default());
        }
        state.scan = None;
        state.scan_ended = false;
        let (path, row) = (state.path.clone(), state.row);
        if row.root.is_none() {
            // What is there when it appears, older than now, was there all along.
            ledger.promise();
            ledger.savepoint(|| ledger.put_mount(&path, &row))?;
        }
        self.settle.forget_under(&path);
        self.looks.forget_under(&path);
        self.scans.forget(mount);
        Ok(Done::default())
    }

    /// Notes scans whose last listing has come back, and whose root is still there after that: what a listing missed
    /// because the mount went away must not count as scanned.
    pub(super) fn finish_scans(&mut self, now: Now, ledger: &Ledger, may_write: bool) -> Result<(), StoreError> {
        for mount in self.mounts.ids() {
            let left = self.scans.left(mount);
            let state = self.mounts.state_mut(mount);
            state.scan_ended = false;
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
            if !state.row.first_scan_done {
                state.row.first_scan_done = true;
                let (path, row) = (state.path.clone(), state.row);
                ledger.put_mount(&path, &row)?;
            }
        }
        Ok(())
    }
}

fn ended(now: Now, scan: &ScanJob) -> ScanStatus {
    ScanStatus { at: now.wall.to_string(), seconds: now.mono.since_ms(scan.began) / 1_000, changes: scan.found }
}

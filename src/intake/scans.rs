//! Directories to be listed, and listings under way. A scan is a directory at a time; looks go before it.
//!
//! A sweep is a scan that nobody waits for: it looks for what no event told (writes through a mapping, a filesystem
//! that is deaf), one directory at a time, when there is nothing else to list, and no faster than [`SWEEP_STEP_MS`]
//! allows.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Intake;
use crate::model::ids::{MountId, Ticket};
use crate::model::job::Job;
use crate::model::look::{ListRequest, Listed};
use crate::model::path::LogicalPath;
use crate::model::time::Mono;

/// Listings on their way at most: enough for every looking thread to find the next one waiting, and few that a hint
/// makes worthless.
pub(super) const REQUESTS_MAX: usize = 8;
/// While more paths than this wait to be looked at, no further directory is listed.
const PATHS_WAITING_MAX: usize = 20_000;

/// After a listing that could not be recorded the next is made this much later, milliseconds.
const SOON_MS: u64 = 1_000;

/// A sweep lists a directory this often at most, milliseconds.
const SWEEP_STEP_MS: u64 = 5;

/// What is being scanned.
#[derive(Debug, Default)]
pub(super) struct Scans {
    /// Last in, first out: depth first, so that the list stays short. With each the mount.
    waiting: Vec<(MountId, LogicalPath)>,
    /// The places of those that wait, among all hints.
    queued: HashMap<LogicalPath, u64>,
    /// To be listed again, not before their time.
    delayed: Vec<(Mono, Scan)>,
    flights: HashMap<LogicalPath, Flight>,
    /// Last in, first out.
    sweeping: Vec<(MountId, LogicalPath)>,
    sweep_at: Mono,
    /// By mount: waiting, delayed, and under way.
    left: BTreeMap<MountId, usize>,
}

/// A directory to be listed.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    pub mount: MountId,
    pub path: LogicalPath,
    /// Its place among all hints: what a sync waits for.
    pub order: u64,
    /// It is of a sweep: nobody waits for it.
    pub is_sweep: bool,
}

#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    scan: Scan,
    /// Names that were hinted since the listing was asked for: it may have missed what happened to them.
    hinted: HashSet<Vec<u8>>,
    /// The directory, or one above it, went: the listing is worthless, and is made again.
    disturbed: bool,
    /// The directory was to be scanned again: the listing is good for what it found, and is made once more. (Thrown
    /// away, it would never be judged where somebody asks more often than it takes.)
    asked_again: bool,
}

/// A listing that came back.
pub(super) struct Landed {
    pub scan: Scan,
    pub hinted: HashSet<Vec<u8>>,
    pub disturbed: bool,
    pub asked_again: bool,
}

impl Scans {
    /// Queues a directory. It keeps its first place, so that a sync that waits for it goes on waiting.
    pub(super) fn push(&mut self, mount: MountId, path: &LogicalPath, order: u64) {
        if let Some(flight) = self.flights.get_mut(path) {
            flight.asked_again = true;
            flight.scan.order = flight.scan.order.min(order);
            if std::mem::take(&mut flight.scan.is_sweep) {
                // Somebody waits for it now.
                *self.left.entry(mount).or_default() += 1;
            }
        } else if let Some(earlier) = self.queued.get_mut(path) {
            *earlier = order.min(*earlier);
        } else {
            self.queued.insert(path.clone(), order);
            self.waiting.push((mount, path.clone()));
            *self.left.entry(mount).or_default() += 1;
        }
    }

    /// Whether a directory waits to be listed.
    pub(super) fn waits(&self, path: &LogicalPath) -> bool {
        self.queued.contains_key(path)
    }

    /// Whether a directory waits to be listed, or is being listed, by a scan that is not a sweep.
    pub(super) fn will_list(&self, path: &LogicalPath) -> bool {
        let flies = self.flights.get(path).is_some_and(|flight| !flight.scan.is_sweep);
        flies || self.waits(path) || self.delayed.iter().any(|(_, scan)| scan.path == *path)
    }

    /// How many directories wait to be listed.
    pub(super) fn waiting_len(&self) -> usize {
        self.waiting.len()
    }

    /// A listing could not be recorded: it is made again in a moment, and its scan does not end before.
    pub(super) fn again_soon(&mut self, now: Mono, scan: Scan) {
        *self.left.entry(scan.mount).or_default() += 1;
        self.delayed.push((now.plus_ms(SOON_MS), scan));
    }

    /// Queues what was delayed until now.
    fn expire(&mut self, now: Mono) {
        let due: Vec<_> = self.delayed.extract_if(.., |(until, _)| *until <= now).collect();
        for (_, scan) in due {
            self.forget_one(scan.mount);
            self.push(scan.mount, &scan.path, scan.order);
        }
    }

    /// When something delayed is due, or the next step of a sweep, if directories may be listed now.
    pub(super) fn deadline(&self, may_list: bool) -> Option<Mono> {
        let is_idle = self.flights.is_empty() && self.waiting.is_empty();
        let sweep = (may_list && is_idle && !self.sweeping.is_empty()).then_some(self.sweep_at);
        self.delayed.iter().map(|(until, _)| *until).chain(sweep).min()
    }

    /// Queues a directory of a sweep.
    pub(super) fn push_sweep(&mut self, mount: MountId, path: LogicalPath) {
        self.sweeping.push((mount, path));
    }

    /// Whether a sweep of a mount is under way.
    pub(super) fn is_sweeping(&self, mount: MountId) -> bool {
        let flies = self.flights.values().any(|flight| flight.scan.is_sweep && flight.scan.mount == mount);
        flies || self.sweeping.iter().any(|(other, _)| *other == mount)
    }

    /// Notes a hint for the listing of the directory that holds the path.
    pub(super) fn hinted(&mut self, path: &LogicalPath) {
        if self.flights.is_empty() {
            return;
        }
        if let Some((parent, name)) = path.split()
            && let Some(flight) = self.flights.get_mut(&parent)
        {
            flight.hinted.insert(name.to_vec());
        }
    }

    /// Listings at and below a directory that was removed are worthless.
    pub(super) fn disturb_under(&mut self, directory: &LogicalPath) {
        for (path, flight) in &mut self.flights {
            flight.disturbed |= path == directory || path.is_below(directory);
        }
    }

    /// Takes a listing; `None` when nobody asked.
    pub(super) fn land(&mut self, listed: &Listed) -> Option<Landed> {
        if self.flights.get(&listed.path)?.ticket != listed.ticket {
            return None;
        }
        let Flight { scan, hinted, disturbed, asked_again, .. } = self.flights.remove(&listed.path)?;
        if !scan.is_sweep {
            self.forget_one(scan.mount);
        }
        Some(Landed { scan, hinted, disturbed, asked_again })
    }

    /// Directories of a mount that are waiting or being listed.
    pub(super) fn left(&self, mount: MountId) -> usize {
        self.left.get(&mount).copied().unwrap_or(0)
    }

    /// Forgets a mount's waiting directories: it is offline.
    pub(super) fn forget(&mut self, mount: MountId) {
        let queued = &mut self.queued;
        self.waiting.retain(|(other, path)| *other != mount || queued.remove(path).is_none());
        self.delayed.retain(|(_, scan)| scan.mount != mount);
        self.sweeping.retain(|(other, _)| *other != mount);
        let flying = self.flights.values().filter(|flight| flight.scan.mount == mount && !flight.scan.is_sweep).count();
        self.left.insert(mount, flying);
    }

    /// The first place of all scans among the hints.
    pub(super) fn first_order(&self) -> Option<u64> {
        let delayed = self.delayed.iter().map(|(_, scan)| scan.order);
        let flying = self.flights.values().filter(|flight| !flight.scan.is_sweep).map(|flight| flight.scan.order);
        self.queued.values().copied().chain(delayed).chain(flying).min()
    }

    fn next(&mut self) -> Option<Scan> {
        if self.flights.len() >= REQUESTS_MAX {
            return None;
        }
        let (mount, path) = self.waiting.pop()?;
        let order = self.queued.remove(&path).unwrap_or_default();
        Some(Scan { mount, path, order, is_sweep: false })
    }

    /// The next directory of a sweep, when nothing else is to be listed.
    fn next_sweep(&mut self, now: Mono) -> Option<Scan> {
        if !self.flights.is_empty() || !self.waiting.is_empty() || now < self.sweep_at {
            return None;
        }
        let (mount, path) = self.sweeping.pop()?;
        self.sweep_at = now.plus_ms(SWEEP_STEP_MS);
        Some(Scan { mount, path, order: u64::MAX, is_sweep: true })
    }

    fn forget_one(&mut self, mount: MountId) {
        if let Some(left) = self.left.get_mut(&mount) {
            *left = left.saturating_sub(1);
        }
    }
}

impl Intake {
    /// Whether looks keep up.
    pub(super) fn may_list(&self) -> bool {
        self.settle.awaited_len() < PATHS_WAITING_MAX
    }

    /// Sends listings, as far as there is credit and looks keep up.
    pub(super) fn release_lists(&mut self, now: Mono, jobs: &mut Vec<Job>) {
        self.scans.expire(now);
        while self.may_list() {
            let Some(scan) = self.scans.next().or_else(|| self.scans.next_sweep(now)) else { break };
            let Some(root) = self.mounts.online_root(scan.mount) else {
                if !scan.is_sweep {
                    self.scans.forget_one(scan.mount);
                }
                continue;
            };
            let ticket = self.ticket();
            jobs.push(Job::List(ListRequest {
                ticket,
                path: scan.path.clone(),
                mount: scan.mount,
                root,
                metadata: self.mounts.is_first_scan(scan.mount),
            }));
            let flight =
                Flight { ticket, scan: scan.clone(), hinted: HashSet::new(), disturbed: false, asked_again: false };
            self.scans.flights.insert(scan.path, flight);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Flight, Scans};
    use crate::model::ids::{MountId, Ticket};
    use crate::model::path::LogicalPath;
    use crate::model::time::Mono;

    /// A scan of a directory that a sweep is just listing has not ended before that directory is listed for it.
    #[test]
    fn a_scan_that_meets_a_sweep_is_not_over() {
        let mut scans = Scans::default();
        let root = LogicalPath::parse(b"/m").expect("a path");
        scans.push_sweep(MountId(0), root.clone());
        let scan = scans.next_sweep(Mono(0)).expect("a step of the sweep");
        scans.flights.insert(
            root.clone(),
            Flight { ticket: Ticket(1), scan, hinted: HashSet::new(), disturbed: false, asked_again: false },
        );
        scans.push(MountId(0), &root, 1);
        assert_eq!(scans.left(MountId(0)), 1);
    }
}

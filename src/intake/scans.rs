//! Directories to be listed, and listings under way. A scan is a directory at a time; looks go before it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::{Effect, Intake};
use crate::model::ids::{MountId, Ticket};
use crate::model::look::{ListRequest, Listed};
use crate::model::path::LogicalPath;

/// Listings on their way at most.
const REQUESTS_MAX: usize = 8;
/// While more paths than this wait to be looked at, no further directory is listed.
const PATHS_WAITING_MAX: usize = 20_000;

/// What is being scanned.
#[derive(Debug, Default)]
pub(super) struct Scans {
    /// Last in, first out: depth first, so that the list stays short.
    waiting: Vec<(MountId, LogicalPath)>,
    /// The places of what waits.
    queued: HashMap<LogicalPath, u64>,
    flights: HashMap<LogicalPath, Flight>,
}

/// A directory to be listed.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    pub mount: MountId,
    pub path: LogicalPath,
    /// Its place among all hints: what a sync waits for.
    pub order: u64,
}

#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    scan: Scan,
    /// Names that were hinted since the listing was asked for: it may have missed what happened to them.
    hinted: HashSet<Vec<u8>>,
    /// The directory was to be scanned again, or disturbed: the listing is worthless, and is made again.
    again: bool,
}

/// A listing that came back.
pub(super) struct Landed {
    pub scan: Scan,
    pub hinted: HashSet<Vec<u8>>,
    pub again: bool,
}

impl Scans {
    /// Queues a directory. It keeps its first place, so that a sync that waits for it goes on waiting.
    pub(super) fn push(&mut self, mount: MountId, path: &LogicalPath, order: u64) {
        if let Some(flight) = self.flights.get_mut(path) {
            flight.again = true;
            flight.scan.order = flight.scan.order.min(order);
            return;
        }
        match self.queued.entry(path.clone()) {
            Entry::Occupied(mut first) => *first.get_mut() = order.min(*first.get()),
            Entry::Vacant(free) => {
                free.insert(order);
                self.waiting.push((mount, path.clone()));
            }
        }
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
            flight.again |= path == directory || path.is_below(directory);
        }
    }

    /// Takes a listing; `None` when nobody asked.
    pub(super) fn land(&mut self, listed: &Listed) -> Option<Landed> {
        if self.flights.get(&listed.path)?.ticket != listed.ticket {
            return None;
        }
        let Flight { scan, hinted, again, .. } = self.flights.remove(&listed.path)?;
        Some(Landed { scan, hinted, again })
    }

    /// Directories of a mount that are waiting or being listed.
    pub(super) fn left(&self, mount: MountId) -> usize {
        let flying = self.flights.values().filter(|flight| flight.scan.mount == mount).count();
        flying + self.waiting.iter().filter(|(other, _)| *other == mount).count()
    }

    /// Forgets a mount's waiting directories: it is offline.
    pub(super) fn forget(&mut self, mount: MountId) {
        let queued = &mut self.queued;
        self.waiting.retain(|(other, path)| *other != mount || queued.remove(path).is_none());
    }

    /// The places of all scans among the hints.
    pub(super) fn orders(&self) -> impl Iterator<Item = u64> {
        self.flights.values().map(|flight| flight.scan.order).chain(self.queued.values().copied())
    }

    fn next(&mut self) -> Option<Scan> {
        if self.flights.len() >= REQUESTS_MAX {
            return None;
        }
        let (mount, path) = self.waiting.pop()?;
        let order = self.queued.remove(&path)?;
        Some(Scan { mount, path, order })
    }
}

impl Intake {
    /// Sends listings, as far as there is credit and looks keep up.
    pub(super) fn release_lists(&mut self, effects: &mut Vec<Effect>) {
        while self.settle.len() < PATHS_WAITING_MAX {
            let Some(scan) = self.scans.next() else { break };
            let Some(root) = self.mounts.online_root(scan.mount) else { continue };
            let ticket = self.ticket();
            effects.push(Effect::List(ListRequest {
                ticket,
                path: scan.path.clone(),
                mount: scan.mount,
                root,
                metadata: self.mounts.is_first_scan(scan.mount),
            }));
            let flight = Flight { ticket, scan: scan.clone(), hinted: HashSet::new(), again: false };
            self.scans.flights.insert(scan.path, flight);
        }
    }
}

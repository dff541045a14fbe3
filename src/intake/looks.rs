//! Looks under way: which paths, for what cause, and which results have become worthless meanwhile.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound;

use super::Intake;
use super::metadata::as_read;
use crate::model::asset::Stat;
use crate::model::hint::HintKind;
use crate::model::ids::{MountId, Ticket};
use crate::model::job::Job;
use crate::model::look::{FileLook, LookRequest, Looked, MetadataLook, Seen, Writer};
use crate::model::path::LogicalPath;
use crate::model::time::Mono;
use crate::settle::{Cause, Due};
use crate::store::IntakeTables;

/// Look requests on their way at most: enough for every looking thread to find the next one waiting.
pub(super) const REQUESTS_MAX: usize = 8;
/// Paths in one request at most: one savepoint judges them, and the results of other requests wait meanwhile.
pub(super) const PATHS_MAX: usize = 128;
/// While so many requests are under way, one for each looking thread, a further one waits until it is full: requests of
/// a few paths each would cost a commit each, and be no sooner back.
const BUSY: usize = 2;

/// What is being looked at.
#[derive(Debug, Default)]
pub(super) struct Looks {
    requests: HashMap<Ticket, MountId>,
    /// In order, so that those below a directory are found without looking at all.
    flights: BTreeMap<LogicalPath, Flight>,
    /// Groups of places that have to be looked at together, or found no credit left, in order.
    together: VecDeque<Vec<(LogicalPath, Cause)>>,
    /// Paths whose last group could not be recorded: each is looked at by itself, so that one bad path harms no others.
    alone: HashSet<LogicalPath>,
    /// Files that a listing found as the catalog knows them under another name, until they are looked at. As many as
    /// paths wait.
    unchanged: HashMap<LogicalPath, Stat>,
}

#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    cause: Cause,
    /// A hint that came meanwhile: the result is worthless, and the path is looked at again for this cause.
    again: Option<Cause>,
}

/// A request's results, less those that have become worthless.
pub(super) struct Landed {
    pub mount: MountId,
    pub seen: Vec<(LogicalPath, Cause, Seen)>,
    pub worthless: Vec<(LogicalPath, Cause)>,
    /// Worthless too, but for one thing: somebody has the file open for writing.
    pub held: Vec<(LogicalPath, Cause)>,
}

fn is_held(seen: &Seen) -> bool {
    matches!(seen, Seen::File(look) if look.writer == Writer::Some)
}

impl Looks {
    /// Requests that may still go out.
    pub(super) fn credit(&self) -> usize {
        REQUESTS_MAX.saturating_sub(self.requests.len())
    }

    /// Whether a request that is not full waits for another to come back.
    pub(super) fn is_busy(&self) -> bool {
        self.requests.len() >= BUSY
    }

    /// Notes a hint on a path that is being looked at; gives whether it is.
    pub(super) fn hinted(&mut self, now: Mono, path: &LogicalPath, heard: HintKind, order: u64) -> bool {
        self.hinted_for(now, path, Cause::hinted(now, heard, order))
    }

    /// The same for a cause.
    pub(super) fn hinted_for(&mut self, now: Mono, path: &LogicalPath, cause: Cause) -> bool {
        let Some(flight) = self.flights.get_mut(path) else { return false };
        // The path keeps its first place, so that a sync that waits for it waits for the look that counts. It keeps the
        // word of that sync's caller too, so that a steady writer cannot make the caller wait, and what was heard
        // before: the look that is under way, for which it was heard, is worthless now.
        let before = flight.again.unwrap_or(Cause { since: now, overdue: false, ..flight.cause });
        flight.again = Some(before.joined(cause));
        true
    }

    /// A path that has come due may be under way already, in a group that is looked at together; gives whether it is.
    /// That look serves it too: a hint that came since the look was sent would have been noted in [`Self::hinted`].
    /// (Looking once more would break the group up, and its parts would ask for each other without end.)
    fn join(&mut self, path: &LogicalPath, cause: Cause) -> bool {
        let Some(flight) = self.flights.get_mut(path) else { return false };
        flight.cause = flight.cause.joined(cause);
        flight.again = flight.again.map(|again| cause.joined(again));
        true
    }

    /// A caller's word that what was hinted so far is done.
    pub(super) fn hurry(&mut self, order: u64) {
        let flights = self.flights.values_mut().flat_map(|flight| [Some(&mut flight.cause), flight.again.as_mut()]);
        let together = self.together.iter_mut().flatten().map(|(_, cause)| cause);
        for cause in flights.flatten().chain(together).filter(|cause| cause.order <= order) {
            cause.hurried = true;
        }
    }

    /// A path that is being looked at is looked at again, for the same cause; returns whether it is.
    pub(super) fn disturb(&mut self, path: &LogicalPath) -> bool {
        let Some(flight) = self.flights.get_mut(path) else { return false };
        flight.again.get_or_insert(flight.cause);
        true
    }

    /// What lies below a directory is looked at again: the directory was removed, or hints of what is in it were lost.
    pub(super) fn disturb_under(&mut self, directory: &LogicalPath) {
        for (_, flight) in self.flights.range_mut::<[u8], _>(directory.below()) {
            flight.again.get_or_insert(flight.cause);
        }
    }

    /// Whether a path is being looked at, or waits to be together with others.
    pub(super) fn is_looking_at(&self, path: &LogicalPath) -> bool {
        self.flights.contains_key(path) || self.together.iter().flatten().any(|(other, _)| other == path)
    }

    /// The paths that begin so and are being looked at.
    pub(super) fn under_way_named_from(&self, beginning: &LogicalPath) -> Vec<LogicalPath> {
        let beginning = beginning.as_bytes();
        let from = self.flights.range::<[u8], _>((Bound::Included(beginning), Bound::Unbounded));
        from.map(|(path, _)| path).take_while(|path| path.as_bytes().starts_with(beginning)).cloned().collect()
    }

    /// Whether the result of a look at a path is awaited, or the path waits to be looked at together with others; for
    /// what cause.
    pub(super) fn cause_of(&self, path: &LogicalPath) -> Option<(bool, &Cause)> {
        let flight = self.flights.get(path).map(|flight| (true, flight.again.as_ref().unwrap_or(&flight.cause)));
        flight.or_else(|| {
            let mut together = self.together.iter().flatten();
            together.find(|(other, _)| other == path).map(|(_, cause)| (false, cause))
        })
    }

    /// A group could not be recorded: its paths are looked at one by one.
    pub(super) fn part(&mut self, paths: impl Iterator<Item = LogicalPath>) {
        self.alone.extend(paths);
    }

    /// A listing found, at a path that is to be looked at, the very file that the catalog knows under another name.
    pub(super) fn expect(&mut self, path: LogicalPath, stat: Stat) {
        if !self.flights.contains_key(&path) {
            self.unchanged.insert(path, stat);
        }
    }

    /// A mount is offline: nothing of it waits to be looked at.
    pub(super) fn forget_under(&mut self, directory: &LogicalPath) {
        self.unchanged.retain(|path, _| !path.is_below(directory));
        self.alone.retain(|path| !path.is_below(directory));
    }

    /// Queues places that have to be looked at together.
    pub(super) fn push_together(&mut self, mut places: Vec<(LogicalPath, Cause)>) {
        let mut seen = HashSet::new();
        places.retain(|(path, _)| seen.insert(path.clone()));
        self.together.push_back(places);
    }

    /// The first order among looks under way and groups waiting.
    pub(super) fn first_order(&self) -> Option<u64> {
        self.causes().map(|(_, cause)| cause.order).min()
    }

    /// Whom looks under way, and groups waiting, are for.
    pub(super) fn causes(&self) -> impl Iterator<Item = (&LogicalPath, &Cause)> {
        let flights = self.flights.iter().map(|(path, flight)| (path, &flight.cause));
        flights.chain(self.together.iter().flatten().map(|(path, cause)| (path, cause)))
    }

    /// Takes a request's results; `None` when nobody asked (the machine was rebuilt meanwhile).
    pub(super) fn land(&mut self, looked: Looked) -> Option<Landed> {
        let mount = self.requests.remove(&looked.ticket)?;
        let mut landed = Landed { mount, seen: Vec::new(), worthless: Vec::new(), held: Vec::new() };
        for (path, seen) in looked.seen {
            if self.flights.get(&path).is_none_or(|flight| flight.ticket != looked.ticket) {
                continue;
            }
            let Some(flight) = self.flights.remove(&path) else { continue };
            match flight.again {
                // Written on while it was looked at, by somebody who has it open: its close will be heard.
                Some(cause) if cause.heard == HintKind::Written && is_held(&seen) => {
                    landed.held.push((path, cause));
                }
                Some(cause) => {
                    if let Seen::File(FileLook { stat, metadata: MetadataLook::AsKnown, .. }) = seen {
                        // What was expected may be expected again.
                        self.unchanged.insert(path.clone(), stat);
                    }
                    landed.worthless.push((path, cause));
                }
                None => landed.seen.push((path, flight.cause, seen)),
            }
        }
        Some(landed)
    }

    fn take_off(&mut self, ticket: Ticket, mount: MountId, places: &[(LogicalPath, Cause)]) {
        self.requests.insert(ticket, mount);
        for (path, cause) in places {
            self.flights.insert(path.clone(), Flight { ticket, cause: *cause, again: None });
        }
    }

    /// The next group none of whose places is being looked at.
    fn next_together(&mut self) -> Option<Vec<(LogicalPath, Cause)>> {
        let free = |group: &Vec<(LogicalPath, Cause)>| group.iter().all(|(path, _)| !self.flights.contains_key(path));
        let at = self.together.iter().position(free)?;
        self.together.remove(at)
    }
}

impl Intake {
    /// Sends looks that are due, as far as there is credit.
    pub(super) fn release_looks(&mut self, now: Mono, ledger: IntakeTables<'_>, jobs: &mut Vec<Job>) {
        while self.looks.credit() > 0 {
            if let Some(mut places) = self.looks.next_together() {
                // A look of its own beside the group's would make the group's worthless, again and again.
                for (path, cause) in &mut places {
                    *cause = self.settle.join_due(now, path, *cause);
                }
                self.send_look(places, ledger, jobs);
                continue;
            }
            if self.looks.is_busy() && self.settle.due_len(now, PATHS_MAX) < PATHS_MAX {
                break;
            }
            let due = self.settle.take(now, PATHS_MAX);
            if due.is_empty() {
                break;
            }
            let mut by_mount: Vec<(MountId, Vec<(LogicalPath, Cause)>)> = Vec::new();
            for Due { path, cause } in due {
                if self.looks.join(&path, cause) {
                    continue;
                }
                let Some(mount) = self.mounts.of(&path) else { continue };
                if self.looks.alone.remove(&path) {
                    self.send_or_queue(vec![(path, cause)], ledger, jobs);
                    continue;
                }
                match by_mount.iter_mut().find(|(other, _)| *other == mount) {
                    Some((_, places)) => places.push((path, cause)),
                    None => by_mount.push((mount, vec![(path, cause)])),
                }
            }
            for (_, places) in by_mount {
                self.send_or_queue(places, ledger, jobs);
            }
        }
    }

    /// Sends a request, or has it wait for credit: what came due together may make a request for each mount, and one
    /// for each path that is looked at by itself.
    fn send_or_queue(&mut self, places: Vec<(LogicalPath, Cause)>, ledger: IntakeTables<'_>, jobs: &mut Vec<Job>) {
        match self.looks.credit() {
            0 => self.looks.push_together(places),
            _ => self.send_look(places, ledger, jobs),
        }
    }

    fn send_look(&mut self, places: Vec<(LogicalPath, Cause)>, ledger: IntakeTables<'_>, jobs: &mut Vec<Job>) {
        let Some(mount) = places.first().and_then(|(path, _)| self.mounts.of(path)) else { return };
        // Without a root the mount is offline: the scan at its return sees these paths too.
        let Some(root) = self.mounts.online_root(mount) else { return };
        let ticket = self.ticket();
        self.looks.take_off(ticket, mount, &places);
        let paths: Vec<_> = places.into_iter().map(|(path, _)| path).collect();
        let unchanged = paths.iter().filter_map(|path| self.looks.unchanged.remove_entry(path)).collect();
        let as_read = match self.asks_exiftool {
            true => as_read(ledger, self.mounts.root_path(mount), &paths),
            false => HashMap::new(),
        };
        jobs.push(Job::Look(LookRequest { ticket, paths, mount, root, unchanged, as_read }));
    }
}

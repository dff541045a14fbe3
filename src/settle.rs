//! When a hinted path is looked at. Pure: it keeps paths and deadlines, takes no clock, reads no disk.
//!
//! Each path settles by itself, so a steady trickle anywhere delays nothing elsewhere. A file that was closed, moved or
//! removed is due at once. One that was written and not closed is due once it has been quiet, and the look then asks
//! whether a writer still has it open; if so it waits for the hint of its close, and is looked at again and again
//! meanwhile (`ASK_AGAIN_MS`): no wait rests on an event that may not come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::asset::Stat;
use crate::model::hint::HintKind;
use crate::model::path::LogicalPath;
use crate::model::time::Mono;
use crate::model::why::Until;

/// How long after each look at a path that waits for a writer or a fault the next look comes, milliseconds; the last
/// repeats. The end of either may have no event: the kernel queues a close before the count of writers drops (ext4 and
/// xfs flush a truncated file in between), a file that is linked in from `O_TMPFILE` has no close under its name, and a
/// disk that answers again says nothing.
const ASK_AGAIN_MS: [u64; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/// Looks a second, in all, at paths that wait for a writer: with more paths than half of it each is looked at less
/// often.
const WRITER_LOOKS_PER_SECOND_MAX: u64 = 2_000;
/// Looks a second, in all, at paths that cannot be read: a tree without permissions has thousands of them for weeks.
const FAULT_LOOKS_PER_SECOND_MAX: u64 = 200;
/// How long a file counts as written after the last write that was heard, milliseconds, where closes are heard and
/// leases do not work: only the close says more, and it may have been heard before the write.
const LIKELY_CLOSE_MS: u64 = 30_000;
/// The longest time between two looks at a path whose look the ledger refuses to record, milliseconds.
const REFUSED_MS_MAX: u64 = 30_000;

/// How long an answer of `exiftool` is waited for, milliseconds: then the path is looked at again, and what waits for
/// room is asked for once more. Usually the answer wakes the path.
const READING_MS: u64 = 30_000;
/// How often what another filesystem covers is looked at, milliseconds: nothing hints that the cover is gone.
const COVERED_MS: u64 = 2_000;
/// The hints of one chain of renames may come in two pieces this far apart, milliseconds.
const RENAME_MS: u64 = 20;
/// How long after what could not be recorded it is looked at again, milliseconds.
const SOON_MS: u64 = 1_000;

/// How long things are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A file written and not seen closed must not have grown for this long, milliseconds (`settle.quiet`).
    pub quiet_ms: u64,
    /// No file waits longer than this, milliseconds (`settle.max`); `None`: it waits until it is whole.
    pub max_ms: Option<u64>,
}

/// A path whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Where to look.
    pub path: LogicalPath,
    /// Why.
    pub cause: Cause,
}

/// Why a path is looked at, and what is to be believed of its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The place of its first hint among all hints: what a sync waits for.
    pub order: u64,
    /// When that hint came.
    pub since: Mono,
    /// When the file was last heard to be written; when it was first heard of, if it never was.
    pub written: Mono,
    /// The strongest reason heard: a seen close outweighs a write, and so on.
    pub heard: HintKind,
    /// Some hint said that the file was written.
    pub wrote: bool,
    /// Some hint said that it was closed after writing.
    pub closed: bool,
    /// Some hint said that a file was moved to this path or away from it, or removed.
    pub moved: bool,
    /// Nothing was heard but that a look saw a change at another name of the file.
    pub by_link: bool,
    /// A caller gave his word that writers are done: it counts where nobody can say who writes.
    pub hurried: bool,
    /// `settle.max` has passed: it is told whoever writes.
    pub overdue: bool,
    /// What the file was like when it was first seen as it is, and when that was: only kept where nobody can say who
    /// writes.
    pub glimpse: Option<Glimpse>,
    /// How many looks in a row found the same wait: each further one comes later (`ASK_AGAIN_MS`).
    pub asked: u8,
}

/// A file as a look found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glimpse {
    /// What it was like.
    pub stat: Stat,
    /// Not before the look.
    pub at: Mono,
}

impl Cause {
    /// A scan found it.
    #[must_use]
    pub fn found(since: Mono, order: u64) -> Self {
        Self {
            order,
            since,
            written: since,
            heard: HintKind::Found,
            wrote: false,
            closed: false,
            moved: false,
            by_link: false,
            hurried: false,
            overdue: false,
            glimpse: None,
            asked: 0,
        }
    }

    /// A hint of this kind came.
    #[must_use]
    pub fn hinted(since: Mono, kind: HintKind, order: u64) -> Self {
        let wrote = matches!(kind, HintKind::Written | HintKind::Closed);
        let (closed, moved) = (kind == HintKind::Closed, kind == HintKind::Moved);
        Self { heard: kind, wrote, closed, moved, ..Self::found(since, order) }
    }

    /// Two causes for one look, the newer one second: the first hint's place, the strongest reason.
    #[must_use]
    pub fn joined(self, newer: Self) -> Self {
        // Attributes come last: only where nothing else was heard do they say that no byte was written.
        let rank = |kind| match kind {
            HintKind::Attributes => 0,
            HintKind::Found => 1,
            HintKind::Written => 2,
            HintKind::Moved => 3,
            HintKind::Closed => 4,
        };
        // A write after a close opens the file again, so the last word on that is the newer one.
        let heard = match (self.heard, newer.heard) {
            (_, HintKind::Written) => HintKind::Written,
            (a, b) if rank(a) >= rank(b) => a,
            (_, b) => b,
        };
        Self {
            order: self.order.min(newer.order),
            since: self.since.min(newer.since),
            written: if newer.wrote { self.written.max(newer.written) } else { self.written },
            heard,
            wrote: self.wrote || newer.wrote,
            closed: self.closed || newer.closed,
            moved: self.moved || newer.moved,
            by_link: self.by_link && newer.by_link,
            hurried: self.hurried || newer.hurried,
            overdue: self.overdue || newer.overdue,
            glimpse: newer.glimpse.or(self.glimpse),
            asked: if newer.heard == HintKind::Closed { newer.asked } else { self.asked.max(newer.asked) },
        }
    }

    /// The cause after one more look that found the same wait.
    fn asked_again(self) -> Self {
        Self { asked: self.asked.saturating_add(1), ..self }
    }
}

#[derive(Debug)]
struct Pending {
    cause: Cause,
    wait: Wait,
    due: Mono,
}

/// What a path waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Its time.
    Time,
    /// The hint of its close; it is looked at again meanwhile. A sync does not wait for it.
    Close,
    /// The hint of its close, or `LIKELY_CLOSE_MS` without a write. A sync does not wait for it.
    LikelyClose,
    /// The end of a fault. A sync does not wait for it.
    Retry,
}

/// The paths that were hinted and not yet looked at.
#[derive(Debug)]
pub struct Settle {
    patience: Patience,
    pending: HashMap<LogicalPath, Pending>,
    due: BTreeSet<(Mono, u64, LogicalPath)>,
    /// The orders of all that is awaited, each with how often.
    awaited: BTreeMap<u64, u32>,
    awaited_len: usize,
    /// What waits for a writer.
    held: BTreeSet<LogicalPath>,
    /// How many paths wait for the end of a fault.
    faults_len: u64,
}

impl Settle {
    /// Nothing hinted yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            pending: HashMap::new(),
            due: BTreeSet::new(),
            awaited: BTreeMap::new(),
            awaited_len: 0,
            held: BTreeSet::new(),
            faults_len: 0,
        }
    }

    /// Waits so long from now on. What waits already keeps its deadline.
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// A hint came. `order` is its place among all hints.
    pub fn hint(&mut self, now: Mono, path: &LogicalPath, kind: HintKind, order: u64) {
        self.put(now, path, Cause::hinted(now, kind, order));
    }

    /// A path whose look settled nothing is to be looked at again, for the same cause.
    pub fn again(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        self.put(now, path, cause);
    }

    /// A look found a writer: the path waits for the hint of its close, or for `settle.max`, and is looked at again
    /// meanwhile, since the end of a writer may have no hint. A sync does not wait for it.
    pub fn wait_for_close(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let waiting = self.held.len() as u64;
        let ms = ask_again_ms(cause.asked, waiting, WRITER_LOOKS_PER_SECOND_MAX);
        let cause = Cause { heard: HintKind::Written, hurried: false, ..cause.asked_again() };
        let due = self.capped(now.plus_ms(ms), &cause);
        self.schedule(path, cause, Wait::Close, due.max(now));
    }

    /// A look could not tell whether a file that was written has a writer: it waits for the hint of its close, and
    /// counts as whole once no write was heard for `LIKELY_CLOSE_MS`, however often it is looked at meanwhile.
    pub fn wait_for_likely_close(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let cause = Cause { heard: HintKind::Written, hurried: false, ..cause };
        let due = self.capped(cause.written.plus_ms(LIKELY_CLOSE_MS), &cause);
        self.schedule(path, cause, Wait::LikelyClose, due.max(now));
    }

    /// Whether a file is as it was `settle.quiet` ago, by two looks that far apart. Its own times are not asked: they
    /// are by the clock of whoever keeps them, which may be off by hours.
    #[must_use]
    pub fn is_quiet(&self, now: Mono, cause: &Cause, stat: &Stat) -> bool {
        let long_enough = |glimpse: Glimpse| now.since_ms(glimpse.at) >= self.patience.quiet_ms;
        cause.glimpse.is_some_and(|glimpse| !stat.bytes_may_differ(&glimpse.stat) && long_enough(glimpse))
    }

    /// A look found a file that cannot be believed whole yet: it is looked at again once it has been as it is for long
    /// enough.
    pub fn wait_for_quiet(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let quiet = |since: Mono| since.plus_ms(self.patience.quiet_ms);
        let ahead = cause.glimpse.map(|glimpse| quiet(glimpse.at)).filter(|due| *due > now);
        let due = self.capped(ahead.unwrap_or_else(|| quiet(now)), &cause);
        self.schedule(path, cause, Wait::Time, due);
    }

    /// What was looked at could not be recorded: it is looked at again in a moment. A sync waits for it.
    pub fn again_soon(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        self.schedule(path, cause, Wait::Time, now.plus_ms(SOON_MS));
    }

    /// A look failed: the path is looked at again and again, since the end of a fault may have no hint.
    pub fn retry_later(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let ms = ask_again_ms(cause.asked, self.faults_len, FAULT_LOOKS_PER_SECOND_MAX);
        self.schedule(path, cause.asked_again(), Wait::Retry, now.plus_ms(ms));
    }

    /// The ledger refused to record a look: the path is looked at again, each time twice as much later.
    pub fn retry_refused(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let ms = (SOON_MS << cause.asked.min(8)).min(REFUSED_MS_MAX);
        self.schedule(path, cause.asked_again(), Wait::Retry, now.plus_ms(ms));
    }

    /// A look found that another filesystem covers the place. A sync does not wait for it.
    pub fn wait_for_cover(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        self.schedule(path, cause, Wait::Retry, now.plus_ms(COVERED_MS));
    }

    /// A look found a file that is being read elsewhere: it is looked at again once it has been ([`Self::read`]). A
    /// sync waits for it.
    pub fn wait_for_reading(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        self.schedule(path, cause, Wait::Time, now.plus_ms(READING_MS));
    }

    /// What was being read has been: it is looked at now, for the cause for which it waits.
    pub fn read(&mut self, now: Mono, path: &LogicalPath) {
        if let Some(Pending { cause, wait: Wait::Time, due }) = self.pending.get(path)
            && *due > now
        {
            let cause = *cause;
            self.schedule(path, cause, Wait::Time, now);
        }
    }

    /// Whether the rest of a chain of renames may still be on its way.
    #[must_use]
    pub fn may_be_half_a_rename(now: Mono, cause: &Cause) -> bool {
        now.since_ms(cause.since) < RENAME_MS
    }

    /// What was looked at may be half of a chain of renames: it is looked at again when the rest must be there. A sync
    /// waits for it.
    pub fn wait_for_rename(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        self.schedule(path, cause, Wait::Time, now.plus_ms(RENAME_MS));
    }

    /// What waits for a writer at or below a directory is due now: the directory is gone, so no close will be hinted.
    pub fn recheck_under(&mut self, now: Mono, directory: &LogicalPath) {
        let below: Vec<_> = self.held.range::<[u8], _>(directory.below()).cloned().collect();
        for path in below {
            if let Some(cause) = self.pending.get(&path).map(|pending| pending.cause) {
                self.schedule(&path, cause, Wait::Time, now);
            }
        }
    }

    /// A caller's word that what was hinted so far is done: what waits for quiet is due now, and so is what waits for a
    /// writer, once: its look says whether he is still there. Only hints up to `order` count.
    pub fn hurry(&mut self, now: Mono, order: u64) {
        let waiting: Vec<_> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.cause.order <= order && pending.wait != Wait::Retry)
            .map(|(path, pending)| (path.clone(), pending.cause))
            .collect();
        for (path, cause) in waiting {
            self.schedule(&path, Cause { hurried: true, ..cause }, Wait::Time, now);
        }
    }

    /// Takes paths that are due, oldest first, at most `most`.
    pub fn take(&mut self, now: Mono, most: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some((due, _, path)) = self.due.first().cloned() else { break };
            if due > now {
                break;
            }
            if let Some(pending) = self.remove(&path) {
                let overdue = self.patience.max_ms.is_some_and(|ms| now.since_ms(pending.cause.since) >= ms);
                // No close came, and no write either: nobody saw what happened to it.
                let heard = if pending.wait == Wait::LikelyClose { HintKind::Found } else { pending.cause.heard };
                taken.push(Due { path, cause: Cause { overdue, heard, ..pending.cause } });
            }
        }
        taken
    }

    /// How many paths are due, counted up to `most`.
    #[must_use]
    pub fn due_len(&self, now: Mono, most: usize) -> usize {
        self.due.iter().take(most).take_while(|(due, _, _)| *due <= now).count()
    }

    /// A path that is looked at for `cause`: if it is due too, it is looked at for both, and waits no longer.
    pub fn join_due(&mut self, now: Mono, path: &LogicalPath, cause: Cause) -> Cause {
        let due = self.pending.get(path).is_some_and(|pending| pending.due <= now);
        match due.then(|| self.remove(path)).flatten() {
            Some(pending) => cause.joined(pending.cause),
            None => cause,
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        self.due.first().map(|(due, _, _)| *due)
    }

    /// Forgets everything at or below a directory.
    pub fn forget_under(&mut self, directory: &LogicalPath) {
        let under: Vec<_> = self.pending.keys().filter(|path| path.is_at_or_below(directory)).cloned().collect();
        for path in under {
            self.remove(&path);
        }
    }

    /// Whether a path is waiting.
    #[must_use]
    pub fn contains(&self, path: &LogicalPath) -> bool {
        self.pending.contains_key(path)
    }

    /// Whether a path waits for its time, and not for a writer or for the end of a fault.
    #[must_use]
    pub fn awaits(&self, path: &LogicalPath) -> bool {
        self.pending.get(path).is_some_and(|pending| pending.wait == Wait::Time)
    }

    /// What a path waits for, for what cause, and until when at most.
    #[must_use]
    pub fn waiting(&self, now: Mono, path: &LogicalPath) -> Option<(Until, &Cause, Mono)> {
        let Pending { cause, wait, due } = self.pending.get(path)?;
        let until = match wait {
            Wait::Close => Until::Close,
            Wait::LikelyClose => Until::LikelyClose,
            Wait::Retry => Until::Fault,
            Wait::Time if *due > now && (cause.heard == HintKind::Written || cause.glimpse.is_some()) => Until::Quiet,
            Wait::Time => Until::Turn,
        };
        Some((until, cause, *due))
    }

    /// Paths waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Paths whose time will come by itself, with no writer or fault to wait for.
    #[must_use]
    pub fn awaited_len(&self) -> usize {
        self.awaited_len
    }

    /// The first order among them.
    #[must_use]
    pub fn first_awaited(&self) -> Option<u64> {
        self.awaited.first_key_value().map(|(order, _)| *order)
    }

    /// Their causes.
    pub fn awaited(&self) -> impl Iterator<Item = (&LogicalPath, &Cause)> {
        let awaited = |(path, pending)| match pending {
            &Pending { ref cause, wait: Wait::Time, .. } => Some((path, cause)),
            _ => None,
        };
        self.pending.iter().filter_map(awaited)
    }

    fn put(&mut self, now: Mono, path: &LogicalPath, cause: Cause) {
        let heard = cause.heard;
        let (cause, wait, until) = match self.pending.get(path) {
            Some(pending) => (pending.cause.joined(cause), pending.wait, pending.due),
            None => (cause, Wait::Time, now),
        };
        let due = match heard {
            // Its writer is known to be there: more writes say nothing new.
            HintKind::Written if wait == Wait::Close => return self.schedule(path, cause, wait, until),
            HintKind::Written if wait == Wait::LikelyClose => return self.wait_for_likely_close(now, path, cause),
            _ if cause.hurried => now,
            HintKind::Written => self.capped(now.plus_ms(self.patience.quiet_ms), &cause),
            HintKind::Closed | HintKind::Moved | HintKind::Attributes | HintKind::Found => now,
        };
        self.schedule(path, cause, Wait::Time, due);
    }

    fn capped(&self, due: Mono, cause: &Cause) -> Mono {
        match self.patience.max_ms {
            Some(max_ms) => due.min(cause.since.plus_ms(max_ms)),
            None => due,
        }
    }

    fn schedule(&mut self, path: &LogicalPath, cause: Cause, wait: Wait, due: Mono) {
        self.remove(path);
        self.due.insert((due, cause.order, path.clone()));
        match wait {
            Wait::Time => {
                *self.awaited.entry(cause.order).or_default() += 1;
                self.awaited_len += 1;
            }
            Wait::Close | Wait::LikelyClose => drop(self.held.insert(path.clone())),
            Wait::Retry => self.faults_len += 1,
        }
        self.pending.insert(path.clone(), Pending { cause, wait, due });
    }

    fn remove(&mut self, path: &LogicalPath) -> Option<Pending> {
        let pending = self.pending.remove(path)?;
        self.due.remove(&(pending.due, pending.cause.order, path.clone()));
        match pending.wait {
            Wait::Time => {
                self.awaited_len -= 1;
                if let Some(count) = self.awaited.get_mut(&pending.cause.order) {
                    *count -= 1;
                    if *count == 0 {
                        self.awaited.remove(&pending.cause.order);
                    }
                }
            }
            Wait::Close | Wait::LikelyClose => drop(self.held.remove(path)),
            Wait::Retry => self.faults_len -= 1,
        }
        Some(pending)
    }
}

/// How long after a look that found a wait the next one comes, milliseconds: `asked` looks found it before, and
/// `waiting` paths share `looks_per_second`.
fn ask_again_ms(asked: u8, waiting: u64, looks_per_second: u64) -> u64 {
    let step = usize::from(asked).min(ASK_AGAIN_MS.len() - 1);
    ASK_AGAIN_MS[step].max(waiting * 1_000 / looks_per_second)
}

#[cfg(test)]
mod tests;

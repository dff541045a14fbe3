//! Folding: several changes of one asset at one path become one entry. It never joins two assets or two paths, never
//! joins an event with anything, and never joins a pair that `joined` does not list: what is not folded is told as it
//! happened.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::ids::{AssetId, Seq};
use crate::model::metadata::{Delta, KeyDelta};
use crate::model::path::LogicalPath;
use crate::model::subscription::Subscription;

/// One entry to tell, and the owed entries that are told by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// What is told. Of a change: seq, rrn and owner of the last one, size and modification time as they were last
    /// known, and the previous path only of an addition.
    pub entry: Entry,
    /// The owed entries in it, oldest first; the last one is the entry's own.
    pub seqs: Vec<Seq>,
}

/// How a subscription's entries are folded.
#[derive(Debug, Clone, Copy)]
pub struct Folding {
    /// It asked for modifications: only then is an asset that went and came back told as `modified`; otherwise both are
    /// told.
    pub covers_modification: bool,
    /// It is told of events that are about no asset. They are left out otherwise.
    pub tells_events: bool,
}

impl Folding {
    /// As a subscription's entries are folded now.
    #[must_use]
    pub fn of(subscription: &Subscription) -> Self {
        let Subscription { covers_modification, format, .. } = subscription;
        Self { covers_modification: *covers_modification, tells_events: format.tells_events() }
    }
}

/// Folds `entries`, which come in seq order, per asset and path. The result is ordered by the last change of each.
///
/// The previous path of an addition is where the receiver last knew the asset. Of an asset that is moved twice between
/// two cuts, that is the path before the first move.
///
/// Takes time and memory in proportion to the entries.
#[must_use]
pub fn fold(entries: &[Arc<Entry>], how: Folding) -> Vec<Folded> {
    let mut fold = Fold::new(how, usize::MAX);
    for entry in entries {
        let fits = fold.push(entry);
        debug_assert!(fits, "there is no limit");
    }
    fold.finish()
}

/// Entries that are being folded, into so many at most.
#[derive(Debug)]
pub struct Fold {
    /// A fold takes the earlier group out of its place and puts the result at the end, so the groups are always ordered
    /// by their last change and nothing needs sorting.
    groups: Vec<Option<Group>>,
    newest: HashMap<(AssetId, LogicalPath), usize>,
    how: Folding,
    /// Groups there are, and may be at most.
    count: usize,
    max: usize,
}

impl Fold {
    /// Nothing yet; into at most `max` entries.
    #[must_use]
    pub fn new(how: Folding, max: usize) -> Self {
        Self { groups: Vec::new(), newest: HashMap::new(), how, count: 0, max }
    }

    /// Folds one more entry, which comes after the others; `false` where that would be one more than there may be, and
    /// then nothing has changed.
    #[must_use]
    pub fn push(&mut self, entry: &Arc<Entry>) -> bool {
        let change = match &**entry {
            Entry::Change(change) => change,
            Entry::Event(event) if event.change.is_none() && !self.how.tells_events => return true,
            Entry::Event(_) if self.count >= self.max => return false,
            Entry::Event(_) => {
                self.count += 1;
                self.groups.push(Some(Group::Event(Arc::clone(entry))));
                return true;
            }
        };
        let place = self.newest.get(&(change.asset, change.path.clone())).copied();
        let joined = place.and_then(|place| {
            let action = self.changes_at(place)?.with(change.action, self.how.covers_modification)?;
            Some((place, action))
        });
        if joined.is_none() && self.count >= self.max {
            return false;
        }
        let mut change = change.clone();
        if let Some(from) = &change.previous_path
            && let Some(place) = self.newest.get(&(change.asset, from.clone()))
            && let Some((origin, moved)) = self.changes_at(*place).and_then(Changes::origin)
        {
            // An asset that is back where it began has not moved.
            let is_back = *origin == change.path;
            (change.previous_path, change.moved) = if is_back { (None, None) } else { (Some(origin.clone()), moved) };
        }
        self.newest.insert((change.asset, change.path.clone()), self.groups.len());
        let earlier = joined.and_then(|(place, action)| Some((self.groups[place].take()?, action)));
        let changes = match earlier {
            Some((Group::Changes(changes), action)) => changes.joined_by(change, action),
            _ => {
                self.count += 1;
                Changes::of(change)
            }
        };
        self.groups.push(Some(Group::Changes(changes)));
        true
    }

    fn changes_at(&self, place: usize) -> Option<&Changes> {
        match self.groups[place].as_ref()? {
            Group::Changes(changes) => Some(changes),
            Group::Event(_) => None,
        }
    }

    /// What they are folded to, in the order of the last change of each.
    #[must_use]
    pub fn finish(self) -> Vec<Folded> {
        self.groups.into_iter().flatten().map(Group::end).collect()
    }
}

/// What is told as one entry.
#[derive(Debug)]
enum Group {
    Changes(Changes),
    Event(Arc<Entry>),
}

impl Group {
    fn end(self) -> Folded {
        match self {
            Self::Changes(changes) => changes.end(),
            Self::Event(entry) => Folded { seqs: vec![entry.seq()], entry: Entry::clone(&entry) },
        }
    }
}

/// Changes of one asset at one path that are told as one.
#[derive(Debug)]
struct Changes {
    /// As the last one, with what is left of the others.
    change: Change,
    /// All of them, oldest first.
    seqs: Vec<Seq>,
    /// Whether the receiver is told of the asset for the first time by this group.
    begins_added: bool,
}

impl Changes {
    fn of(change: Change) -> Self {
        let begins_added = change.action == Action::Added;
        Self { seqs: vec![change.seq], change, begins_added }
    }

    /// The action of this group with one more change, or `None` when the two are told apart.
    fn with(&self, next: Action, covers_modification: bool) -> Option<Action> {
        match (self.change.action, next) {
            // Added, deleted and added again within one group: the receiver has never heard of the asset, so for it
            // the asset is new, not modified.
            (Action::Deleted, Action::Added) if covers_modification && self.begins_added => Some(Action::Added),
            (Action::Deleted, Action::Added) => covers_modification.then_some(Action::Modified),
            (first, next) => joined(first, next),
        }
    }

    /// Where the receiver knew an asset that came to this path by a move and left it again, all within this group, and
    /// the deletion there. It never knew the asset here.
    fn origin(&self) -> Option<(&LogicalPath, Option<Seq>)> {
        let Change { action, previous_path, moved, .. } = &self.change;
        let is_stop = self.begins_added && *action == Action::Deleted;
        previous_path.as_ref().filter(|_| is_stop).map(|path| (path, *moved))
    }

    fn joined_by(self, last: Change, action: Action) -> Self {
        let Self { change: first, mut seqs, begins_added } = self;
        seqs.push(last.seq);
        let change = Change {
            action,
            delta: merged(first.delta, last.delta),
            size: last.size.or(first.size),
            mtime_ns: last.mtime_ns.or(first.mtime_ns),
            // Kept through a deletion, too: an addition may follow that makes the group an addition again.
            previous_path: first.previous_path,
            moved: first.moved,
            ..last
        };
        Self { change, seqs, begins_added }
    }

    fn end(self) -> Folded {
        let Self { mut change, seqs, .. } = self;
        if change.action != Action::Added {
            (change.previous_path, change.moved) = (None, None);
        }
        Folded { entry: Entry::Change(change), seqs }
    }
}

/// The table of pairs that fold. `None`: the pair is told as two. (Such pairs arise where a rule asks for some actions
/// only: added, then added again, with a deletion between them that it did not ask for.)
fn joined(first: Action, next: Action) -> Option<Action> {
    use Action::{Added, Deleted, Modified, None as Touched};
    match (first, next) {
        (_, Deleted) => Some(Deleted),
        (Added, Modified | Touched) => Some(Added),
        (Modified, Modified | Touched) | (Touched, Modified) => Some(Modified),
        (Touched, Touched) => Some(Touched),
        (Deleted, Added | Modified | Touched) | (Added | Modified | Touched, Added) => None,
    }
}

/// Per key the old values of the first touch and the new ones of the last. Both deltas are in key order, and so is the
/// result. A key that is back at its old value stays: the receiver asked to be told of touches, and it was touched.
fn merged(first: Delta, last: Delta) -> Delta {
    if first.is_empty() || last.is_empty() {
        return if first.is_empty() { last } else { first };
    }
    let mut out = Delta::with_capacity(first.len() + last.len());
    let mut first = first.into_iter().peekable();
    for late in last {
        while let Some(early) = first.next_if(|early| early.key < late.key) {
            out.push(early);
        }
        match first.next_if(|early| early.key == late.key) {
            Some(early) => out.push(KeyDelta { old: early.old, ..late }),
            None => out.push(late),
        }
    }
    out.extend(first);
    out
}

#[cfg(test)]
mod tests;

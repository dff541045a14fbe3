//! How the assets of a script stand, for backfills: as they were last recorded.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::enrolled;
use crate::model::change::{Action, Change};
use crate::model::entry::{Entry, Owed};
use crate::model::ids::{AssetId, Rrn};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;
use crate::store::{Backfill, Ledger, Place, Walked};

/// By transaction.
#[derive(Default)]
pub(super) struct Catalog(BTreeMap<(Rrn, AssetId), Change>);

impl Catalog {
    /// A change was recorded.
    pub(super) fn take(&mut self, owed: &[Owed]) {
        let Some(change) = owed.first().and_then(|owed| owed.entry.about()) else { return };
        self.0.retain(|(_, asset), _| *asset != change.asset);
        let stands = Change { seq: Entry::NO_SEQ, ..change.clone() };
        self.0.insert((change.rrn, change.asset), stands);
    }

    /// The change that was recorded last.
    pub(super) fn newest(&self) -> Option<&Change> {
        self.0.values().max_by_key(|change| change.rrn)
    }

    /// Goes on with a walk.
    pub(super) fn walk(&self, backfill: &Backfill, most: usize) -> Walked<Change> {
        let Place::Gone(rrn, asset) = backfill.place else { panic!("no place of this catalog") };
        let found = self.0.range((Bound::Excluded((rrn, asset)), Bound::Unbounded)).take(most);
        let found: Vec<_> = found.map(|((rrn, asset), change)| (change.clone(), Place::Gone(*rrn, *asset))).collect();
        let next = found.last().filter(|_| found.len() == most).map(|(_, place)| place.clone());
        Walked { found, next }
    }
}

/// Records the addition of an asset, and says who is owed it.
pub(super) fn record(ledger: &Ledger, change: i64, time: Wall, to: &[&str]) -> Vec<Owed> {
    let change = Change {
        seq: ledger.next_seq().expect("a number"),
        rrn: ledger.rrn().expect("a number"),
        time,
        asset: AssetId(change),
        path: LogicalPath::root().join(change.to_string().as_bytes()),
        owner: "jo".into(),
        action: Action::Added,
        delta: Vec::new(),
        size: Some(1),
        mtime_ns: Some(2),
        previous_path: None,
        moved: None,
    };
    ledger.intake().append(&change).expect("a journal");
    let entry = Arc::new(Entry::Change(change));
    let owed = |name: &&str| Owed { subscription: enrolled(ledger, name), entry: Arc::clone(&entry) };
    to.iter().map(owed).collect()
}

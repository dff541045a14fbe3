//! How the assets of a script stand, for backfills: as they were last recorded.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::entry::{Entry, Owed};
use crate::model::ids::{AssetId, Rrn};
use crate::store::{Backfill, Place, Walked};

/// By transaction.
#[derive(Default)]
pub(super) struct Catalog(BTreeMap<(Rrn, AssetId), Entry>);

impl Catalog {
    /// A change was recorded.
    pub(super) fn take(&mut self, owed: &[Owed]) {
        let Some(Owed { entry, .. }) = owed.first() else { return };
        self.0.retain(|(_, asset), _| *asset != entry.asset);
        let stands = Entry { seq: Entry::NO_SEQ, ..Entry::clone(entry) };
        self.0.insert((entry.rrn, entry.asset), stands);
    }

    /// Goes on with a walk.
    pub(super) fn walk(&self, backfill: &Backfill, most: usize) -> Walked<Entry> {
        let Place::Gone(rrn, asset) = backfill.place else { panic!("no place of this catalog") };
        let found = self.0.range((Bound::Excluded((rrn, asset)), Bound::Unbounded)).take(most);
        let found: Vec<_> = found.map(|((rrn, asset), entry)| (entry.clone(), Place::Gone(*rrn, *asset))).collect();
        let next = found.last().filter(|_| found.len() == most).map(|(_, place)| place.clone());
        Walked { found, next }
    }
}

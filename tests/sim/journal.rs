//! What must be true of the journal, row by row: an asset is at one path and a path holds one asset, deltas join up,
//! nothing is told deleted that was there all along, and no number comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringback::model::change::{Action, Change};
use ringback::model::ids::Seq;
use ringback::model::metadata::{BySource, Metadata, is_physical, merged};
use ringback::model::path::LogicalPath;
use ringback::model::subscription::Subscription;
use ringback::rules::index::Scratch;
use ringback::rules::{Facts, RuleSet};

use super::disk::LABEL;
use super::files::{Files, Truth};
use super::ledger::Reader;
use super::receiver::Told;

/// A change that a subscription must be told.
#[derive(Debug, Clone)]
pub struct Expected {
    pub seq: i64,
    pub rrn: i64,
    pub subscription: String,
    pub asset: i64,
    pub path: Vec<u8>,
    #[expect(dead_code, reason = "shown when it was not told")]
    pub what: String,
}

/// The rows so far, and what they come to.
#[derive(Default)]
pub struct Journal {
    pub rows: Vec<Change>,
    pub expected: Vec<Expected>,
    /// Which rules match rows from a seq on.
    rules: Vec<(i64, Arc<RuleSet>)>,
    /// Which registrations do, as rules of the same conditions.
    registered: Vec<(i64, Arc<RuleSet>)>,
    present: BTreeMap<Vec<u8>, i64>,
    places: BTreeMap<i64, Vec<u8>>,
    seen: BTreeSet<i64>,
    states: BTreeMap<i64, Metadata>,
    deleted: BTreeMap<Vec<u8>, u32>,
    /// Where each asset was last deleted, and by which row.
    left: BTreeMap<i64, (Vec<u8>, Seq)>,
    /// How often an asset was added where it had been deleted: another file was taken for it (unlink and recreate). It
    /// is deleted there once more when its own file is found elsewhere.
    refilled: BTreeMap<Vec<u8>, u32>,
    /// Events of no change, by their places.
    pub events: BTreeSet<i64>,
    /// They are taken up to here.
    events_to: i64,
    /// The greatest numbers that ever showed, and assets that a power cut took.
    pub greatest_seq: i64,
    pub greatest_rrn: i64,
    assets: BTreeSet<i64>,
    lost_assets: BTreeSet<i64>,
    /// Which file each asset is.
    pub files: Files,
}

impl Journal {
    pub fn newest(&self) -> i64 {
        self.rows.last().map_or(0, |row| row.seq.0)
    }

    pub fn set_rules(&mut self, after: i64, rules: Arc<RuleSet>) {
        self.rules.push((after, rules));
    }

    pub fn set_registered(&mut self, after: i64, rules: Arc<RuleSet>) {
        self.registered.push((after, rules));
    }

    /// Takes what a group committed.
    ///
    /// # Errors
    /// A broken promise.
    pub fn take(
        &mut self,
        ledger: &Reader,
        unbinds: &BTreeMap<Vec<u8>, u32>,
        truth: &Truth,
    ) -> Result<Vec<Change>, String> {
        let rows = ledger.journal_after(self.newest());
        for row in &rows {
            if row.seq.0 <= self.greatest_seq || row.rrn.0 < self.greatest_rrn {
                return Err(format!("numbers fall: {row:?} after seq {} rrn {}", self.greatest_seq, self.greatest_rrn));
            }
            if self.lost_assets.contains(&row.asset.0) {
                return Err(format!("the number of an asset that a power cut took is used again: {row:?}"));
            }
            (self.greatest_seq, self.greatest_rrn) = (row.seq.0, row.rrn.0);
            self.assets.insert(row.asset.0);
        }
        let touched: BTreeSet<i64> = rows.iter().map(|row| row.asset.0).collect();
        self.base_states(ledger, &rows);
        for row in &rows {
            self.apply(row, true)?;
            self.files.take(row, self.states.get(&row.asset.0), truth)?;
            let count = |of: &BTreeMap<Vec<u8>, u32>| of.get(row.path.as_bytes()).copied().unwrap_or(0);
            if count(&self.deleted) > count(unbinds) + count(&self.refilled) {
                return Err(format!("told deleted more often than it went: {row:?}"));
            }
        }
        for id in touched {
            let newest = rows.iter().rfind(|row| row.asset.0 == id).and_then(|row| row.size.zip(row.mtime_ns));
            let has = ledger.size_and_mtime(id);
            if newest.is_none() || newest != has {
                return Err(format!("asset {id}: the journal has size and mtime {newest:?}, its row {has:?}"));
            }
            let mut now = logical(&ledger.sources(id));
            // What the first scan left to be read is known later, without a word.
            if self.states.get(&id).is_some_and(|state| !state.contains_key(LABEL)) {
                now.remove(LABEL);
            }
            if self.places.contains_key(&id) && self.states.get(&id).is_some_and(|state| *state != now) {
                return Err(format!("asset {id}: the deltas come to {:?}, the catalog says {now:?}", self.states[&id]));
            }
        }
        self.rows.extend(rows.iter().cloned());
        self.take_events(ledger);
        Ok(rows)
    }

    /// Takes events that are about no asset: whoever asks for one by name is told of it.
    fn take_events(&mut self, ledger: &Reader) {
        for (seq, rrn, name) in ledger.told_after(self.events_to) {
            (self.events_to, self.greatest_seq) = (seq, self.greatest_seq.max(seq));
            self.events.insert(seq);
            let Some((_, rules)) = self.rules.iter().rfind(|(after, _)| *after < seq) else { continue };
            for rule in rules.rules() {
                let Subscription { name: who, events, format, .. } = &*rule.subscription;
                if format.tells_events() && events.iter().any(|event| event.as_str() == name) {
                    let Told { asset, path, action: what, .. } = Told::of_event(seq, &name);
                    let subscription = who.to_string();
                    self.expected.push(Expected { seq, rrn, subscription, asset, path, what });
                }
            }
        }
    }

    /// What silently filled assets had before their first change: today's state, taken back.
    fn base_states(&mut self, ledger: &Reader, rows: &[Change]) {
        let mut first = BTreeSet::new();
        for (at, row) in rows.iter().enumerate() {
            let id = row.asset.0;
            if !first.insert(id) {
                continue;
            }
            let again = rows[at..].iter().any(|row| row.asset.0 == id && row.action == Action::Added);
            if self.seen.contains(&id) || again || self.states.contains_key(&id) {
                continue;
            }
            let mut state = logical(&ledger.sources(id));
            for row in rows[at..].iter().rev().filter(|row| row.asset.0 == id) {
                for key in &row.delta {
                    match key.old.is_empty() {
                        true => drop(state.remove(&key.key)),
                        false => drop(state.insert(key.key.clone(), key.old.clone())),
                    }
                }
            }
            self.states.insert(id, state);
        }
    }

    fn apply(&mut self, row: &Change, live: bool) -> Result<(), String> {
        let (id, path) = (row.asset.0, row.path.as_bytes().to_vec());
        let silent = self.seen.insert(id);
        if row.action != Action::Added && (row.previous_path.is_some() || row.moved.is_some()) {
            return Err(format!("only an addition is the second half of a move: {row:?}"));
        }
        let holder = self.present.get(&path).copied();
        match row.action {
            Action::Added => {
                if let Some(holder) = holder {
                    return Err(format!("added where asset {holder} is: {row:?}"));
                }
                if let Some(place) = self.places.get(&id) {
                    return Err(format!("added while it is at {}: {row:?}", place.escape_ascii()));
                }
                let from = self.left.get(&id).filter(|(from, _)| *from != path);
                let said = (row.previous_path.as_ref().map(LogicalPath::as_bytes), row.moved);
                if said != (from.map(|(from, _)| from.as_slice()), from.map(|(_, seq)| *seq)) {
                    return Err(format!("the asset comes from {from:?}: {row:?}"));
                }
                if self.left.get(&id).is_some_and(|(from, _)| *from == path) {
                    *self.refilled.entry(path.clone()).or_default() += 1;
                }
                self.present.insert(path.clone(), id);
                self.places.insert(id, path.clone());
                let state = row.delta.iter().map(|key| (key.key.clone(), key.new.clone())).collect();
                self.states.insert(id, state);
            }
            Action::Deleted => {
                if holder != Some(id) && !(silent && holder.is_none()) {
                    return Err(format!("deleted where {holder:?} is: {row:?}"));
                }
                self.present.remove(&path);
                self.places.remove(&id);
                *self.deleted.entry(path.clone()).or_default() += 1;
                self.left.insert(id, (path.clone(), row.seq));
            }
            Action::Modified | Action::None => {
                if holder != Some(id) && !(silent && holder.is_none()) {
                    return Err(format!("changed where {holder:?} is: {row:?}"));
                }
                self.present.insert(path.clone(), id);
                self.places.insert(id, path.clone());
                if let Some(state) = self.states.get_mut(&id) {
                    for key in &row.delta {
                        let before = state.get(&key.key).cloned().unwrap_or_default();
                        if before != key.old {
                            return Err(format!(
                                "{}: the delta begins at {:?}, not {before:?}: {row:?}",
                                key.key, key.old
                            ));
                        }
                        match key.new.is_empty() {
                            true => drop(state.remove(&key.key)),
                            false => drop(state.insert(key.key.clone(), key.new.clone())),
                        }
                    }
                }
            }
        }
        for (of, is_registered) in [(&self.rules, false), (&self.registered, true)] {
            let rules = of.iter().rfind(|(after, _)| *after < row.seq.0).map(|(_, rules)| Arc::clone(rules));
            let Some(rules) = rules.filter(|_| live) else { continue };
            let nothing = Metadata::new();
            let state = if row.action == Action::Deleted { &nothing } else { self.states.get(&id).unwrap_or(&nothing) };
            // No rule of the simulation asks for facts.
            let mount = LogicalPath::root();
            let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant: None };
            for rule in rules.matching(row, state, facts, &mut Scratch::default()).rules {
                let name = rules.rules()[rule].subscription.name.as_str();
                let subscription = if is_registered { name.replacen('-', ":", 1) } else { name.to_owned() };
                let (seq, rrn, what) = (row.seq.0, row.rrn.0, row.action.as_str().to_owned());
                self.expected.push(Expected { seq, rrn, subscription, asset: id, path: path.clone(), what });
            }
        }
        Ok(())
    }

    /// Power went: rows that were not synced are gone.
    ///
    /// # Errors
    /// A broken promise.
    pub fn power_cut(&mut self, ledger: &Reader, truth: &Truth) -> Result<(), String> {
        let rows = ledger.journal_after(0);
        if rows[..] != self.rows[..rows.len().min(self.rows.len())] {
            return Err("a power cut changed the journal's past".to_owned());
        }
        let events = ledger.told_after(0);
        let newest = rows.last().map_or(0, |row| row.seq.0).max(events.last().map_or(0, |event| event.0));
        self.expected.retain(|expected| expected.seq <= newest);
        self.events.retain(|seq| *seq <= newest);
        let ever = ledger.assets_ever();
        self.lost_assets.extend(self.assets.iter().filter(|id| !ever.contains(id)));
        (self.present, self.places, self.seen, self.states, self.deleted) = Default::default();
        (self.left, self.refilled) = Default::default();
        self.rows = rows;
        self.base_states(ledger, &self.rows.clone());
        self.files = Files::default();
        for row in self.rows.clone() {
            self.apply(&row, false)?;
            self.files.take(&row, self.states.get(&row.asset.0), truth)?;
        }
        self.files.forgive();
        Ok(())
    }

    /// Whether a path was told to hold this asset, at any time.
    pub fn told(&self, path: &[u8], asset: i64) -> bool {
        self.rows.iter().any(|row| row.path.as_bytes() == path && row.asset.0 == asset)
    }
}

/// An asset's metadata as the journal has it: nobody names physical keys.
fn logical(sources: &BySource) -> Metadata {
    let mut state = merged(sources);
    state.retain(|key, _| !is_physical(key));
    state
}

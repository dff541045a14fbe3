//! Writing down what was decided: rows, journal, and what is owed for it.

use std::cell::RefCell;
use std::sync::Arc;

use super::metadata::{asked, is_as_known, learn};
use super::mounts::Mounts;
use super::{Outcome, RulesInForce};
use crate::catalog::{Step, added, between};
use crate::model::asset::{Asset, ContentRead, Identity, Stat};
use crate::model::change::{Action, Change};
use crate::model::entry::{Entry, Owed};
use crate::model::event::{Occurrence, Origin};
use crate::model::ids::Seq;
use crate::model::look::{FileLook, ListedFile, MetadataLook, SidecarFile};
use crate::model::metadata::{BySource, Delta, Metadata, Said, Source, merged};
use crate::model::path::LogicalPath;
use crate::model::tenant::Tenant;
use crate::model::time::Now;
use crate::rules::event::Event;
use crate::rules::index::Scratch;
use crate::rules::registered::Registered;
use crate::rules::template::Values;
use crate::rules::{Facts, Matching};
use crate::settle::Cause;
use crate::store::{IntakeTables, LastPlace, Reading, ReadingFault, StoreError};

/// A place before all hints: every sync waits for it.
pub(super) const FIRST: u64 = 0;

/// Records into the ledger, and notes in the outcome what memory has to learn of it.
pub(super) struct Recorder<'a> {
    pub now: Now,
    /// All mounts: an asset may come from another one.
    pub mounts: &'a Mounts,
    /// The mount's logical path.
    pub root: &'a LogicalPath,
    /// The mount's tenant.
    pub tenant: Option<&'a Tenant>,
    /// The mount never had an asset.
    pub is_new: bool,
    pub rules: &'a RulesInForce,
    pub registered: &'a Registered,
    /// Memory for matching.
    pub scratch: &'a RefCell<Scratch>,
    pub ledger: IntakeTables<'a>,
    pub out: &'a mut Outcome,
}

impl Recorder<'_> {
    pub(super) fn step(&mut self, step: Step) -> Result<(), StoreError> {
        match step {
            Step::Delete { asset, was: None } => self.delete(&asset),
            Step::Delete { asset, was: Some(stat) } => {
                // It is gone as the file that it really was, by which it is known if it comes back.
                let taken_for = asset.stat.identity;
                let asset = Asset { stat, ..asset };
                self.put(&asset)?;
                self.delete_known_as(&asset, taken_for)
            }
            Step::Add { path, look, asset } => {
                if look.metadata == MetadataLook::AsKnown && asset.as_ref().is_none_or(|asset| asset.stat != look.stat)
                {
                    return self.read_after_all(path);
                }
                self.add(&path, look, asset)
            }
            Step::Keep { asset, look, .. } if look.metadata == MetadataLook::AsKnown => match asset.stat == look.stat {
                true => Ok(()),
                false => self.read_after_all(asset.path),
            },
            Step::Keep { asset, look, modified, hinted } => self.keep(asset, look, modified, hinted),
        }
    }

    /// A file that was not read turns out to be another than the one that it was taken for.
    fn read_after_all(&mut self, path: LogicalPath) -> Result<(), StoreError> {
        self.out.again.push((path, Cause::found(self.now.mono, FIRST)));
        Ok(())
    }

    pub(super) fn delete(&mut self, asset: &Asset) -> Result<(), StoreError> {
        self.delete_known_as(asset, asset.stat.identity)
    }

    /// Deletes an asset. `identity` is the one by which memory knows it.
    fn delete_known_as(&mut self, asset: &Asset, identity: Identity) -> Result<(), StoreError> {
        let seq = self.change(asset, Action::Deleted, Delta::new(), &Metadata::new())?;
        self.ledger.bury_asset(asset, self.ledger.rrn()?, seq, self.now.wall)?;
        self.look_beside_raw(asset)?;
        self.out.is_no_longer.push((identity, asset.id));
        self.out.assets -= 1;
        Ok(())
    }

    fn add(&mut self, path: &LogicalPath, look: FileLook, before: Option<Asset>) -> Result<(), StoreError> {
        let known = before.as_ref().map(|asset| asset.content);
        let (id, mut sources, last_place) = match before {
            Some(asset) => {
                let last_place = self.ledger.unbury_asset(asset.id)?;
                if asset.path == *path {
                    self.note_displaced(&asset, &look.stat);
                }
                (asset.id, self.ledger.metadata(asset.id)?, Some(last_place))
            }
            None => (self.ledger.next_asset()?, self.ledger.no_metadata(), None),
        };
        let content = match look.metadata {
            MetadataLook::AsKnown => known.unwrap_or(ContentRead::Never),
            MetadataLook::Seen(_) => ContentRead::Yes,
        };
        let asset = Asset {
            id,
            path: path.clone(),
            stat: look.stat,
            racy: look.racy,
            owner: look.owner,
            rrn: self.ledger.rrn()?,
            content,
        };
        if let MetadataLook::Seen(seen) = look.metadata {
            let readings = if last_place.is_some() { self.ledger.readings(id)? } else { Vec::new() };
            self.take(&asset, &mut sources, seen, readings, false)?;
        }
        self.take_early_record(&asset, &mut sources)?;
        self.put(&asset)?;
        self.look_beside_raw(&asset)?;
        self.out.has_unread |= asset.content != ContentRead::Yes;
        self.out.is_now.push((asset.stat.identity, asset.id));
        self.out.assets += 1;
        let (state, delta) = (merged(&sources), self.asked(added(&sources)));
        let from = last_place.filter(|from| from.path != *path && self.may_be_named(&from.path));
        self.append(&asset, from, Action::Added, delta, &state)?;
        Ok(())
    }

    /// Returns whether receivers of this mount's changes may learn of a path that may be in another mount. Only a
    /// tenant itself may learn the names of its files.
    fn may_be_named(&self, path: &LogicalPath) -> bool {
        self.mounts.of(path).is_some_and(|mount| self.mounts.tenant(mount) == self.tenant)
    }

    /// `hinted`: something was heard of the file, and not only found by a scan.
    fn keep(&mut self, asset: Asset, look: FileLook, modified: bool, hinted: bool) -> Result<(), StoreError> {
        let mut sources = self.ledger.metadata(asset.id)?;
        let readings = self.ledger.readings(asset.id)?;
        let same = look.stat == asset.stat && look.owner == asset.owner;
        // The metadata too: two changes within one tick of the filesystem's clock leave one ctime.
        let is_known = match &look.metadata {
            MetadataLook::Seen(seen) => asset.content == ContentRead::Yes && is_as_known(&sources, &readings, seen),
            MetadataLook::AsKnown => false,
        };
        if same && is_known && !modified {
            // It can no longer have been rewritten unseen: the next write moves its mtime.
            return if asset.racy && !look.racy { self.put(&Asset { racy: false, ..asset }) } else { Ok(()) };
        }
        let mut before = sources.clone();
        let mut content = asset.content;
        if let MetadataLook::Seen(seen) = look.metadata {
            let is_quiet = same && !hinted;
            if !modified && !look.stat.bytes_may_differ(&asset.stat) {
                learn(&mut before, &asset, &readings, &seen, is_quiet);
            }
            content = ContentRead::Yes;
            let is_first = is_quiet && asset.content != ContentRead::Yes;
            self.take(&asset, &mut sources, seen, readings, is_first)?;
        }
        let state = merged(&sources);
        let delta = self.asked(between(&before, &sources));
        let told = modified || !delta.is_empty();
        let rrn = if told { self.ledger.rrn()? } else { asset.rrn };
        let kept = Asset { stat: look.stat, racy: look.racy, owner: look.owner, rrn, content, ..asset.clone() };
        if kept != asset {
            self.put(&kept)?;
        }
        if !modified && asset.stat.ctime_ns != kept.stat.ctime_ns {
            self.out.quiet_changes.push(asset.id);
        }
        self.note_displaced(&asset, &kept.stat);
        if asset.stat.identity != kept.stat.identity {
            self.out.is_no_longer.push((asset.stat.identity, asset.id));
            self.out.is_now.push((kept.stat.identity, kept.id));
        }
        if told {
            let action = if modified { Action::Modified } else { Action::None };
            self.change(&kept, action, delta, &state)?;
        }
        Ok(())
    }

    /// Another file is taken for the asset than the one that it was. That one may be found elsewhere in a moment.
    fn note_displaced(&mut self, before: &Asset, now: &Stat) {
        let is_of_one_disk = before.stat.identity.volume == now.identity.volume;
        if is_of_one_disk && before.stat.identity.is_numbered() && !now.is_same_at_its_path(&before.stat) {
            self.out.displaced.push((before.stat, before.id));
        }
    }

    /// Fills the catalog without telling anybody: the first scan. Metadata that the store assigned to the path early is
    /// news all the same. `sidecars` are those that were there before, too.
    pub(super) fn fill(
        &mut self,
        path: &LogicalPath,
        file: ListedFile,
        sidecars: Vec<(Source, SidecarFile)>,
    ) -> Result<(), StoreError> {
        let rrn = self.ledger.rrn()?;
        let ListedFile { name: _, stat, racy, owner, xattrs } = file;
        let content = ContentRead::Listed;
        let asset = Asset { id: self.ledger.next_asset()?, path: path.clone(), stat, racy, owner, rrn, content };
        let mut sources = self.ledger.no_metadata();
        match xattrs {
            Ok(said) => self.say(&asset, &mut sources, Source::Xattr, said.into())?,
            Err(why) => {
                let fault = Some(ReadingFault { why: why.clone(), again: true, silent: true });
                self.ledger.set_reading(asset.id, Source::Xattr, Some(&Reading { sidecar: None, fault }))?;
                self.unread(path, why);
            }
        }
        for (source, sidecar) in sidecars {
            self.ledger.set_reading(asset.id, source, Some(&Reading { sidecar: Some(sidecar), fault: None }))?;
        }
        let before = sources.clone();
        self.take_early_record(&asset, &mut sources)?;
        self.put(&asset)?;
        self.out.is_now.push((stat.identity, asset.id));
        self.out.assets += 1;
        self.out.has_unread = true;
        let (state, delta) = (merged(&sources), self.asked(between(&before, &sources)));
        if !delta.is_empty() {
            self.change(&asset, Action::None, delta, &state)?;
        }
        Ok(())
    }

    /// The store's word on an asset that exists.
    pub(super) fn assign(&mut self, asset: Asset, assigned: Metadata) -> Result<(), StoreError> {
        let before = self.ledger.metadata(asset.id)?;
        let mut sources = before.clone();
        self.say(&asset, &mut sources, Source::Records, assigned.into())?;
        let (state, delta) = (merged(&sources), self.asked(between(&before, &sources)));
        if delta.is_empty() {
            return Ok(());
        }
        let asset = Asset { rrn: self.ledger.rrn()?, ..asset };
        self.put(&asset)?;
        self.change(&asset, Action::None, delta, &state)?;
        Ok(())
    }

    fn asked(&self, delta: Delta) -> Delta {
        asked(delta, self.rules, self.registered)
    }

    /// A source could not be read: what was known of it stays, and it is read again later.
    pub(super) fn unread(&mut self, path: &LogicalPath, why: String) {
        self.out.faults.push((path.clone(), Some(why)));
        self.out.retry_later.push((path.clone(), Cause::found(self.now.mono, u64::MAX)));
    }

    /// Notes what a source says now, in the ledger only where that is new.
    pub(super) fn say(
        &mut self,
        asset: &Asset,
        sources: &mut BySource,
        source: Source,
        said: Said,
    ) -> Result<(), StoreError> {
        if sources.get(source).map_or(said.is_empty(), |before| *before == said) {
            return Ok(());
        }
        self.ledger.set_metadata(asset.id, source, &said)?;
        sources.insert(source, said);
        Ok(())
    }

    fn take_early_record(&mut self, asset: &Asset, sources: &mut BySource) -> Result<(), StoreError> {
        let Some((given_as, early)) = self.ledger.early_record_alike(&asset.path)? else { return Ok(()) };
        let mut assigned = sources.get(Source::Records).cloned().unwrap_or_default();
        assigned.values.retain(|key, _| !early.unset.contains(key));
        assigned.values.extend(early.set);
        self.say(asset, sources, Source::Records, assigned)?;
        self.ledger.remove_early_record(&given_as)
    }

    fn put(&mut self, asset: &Asset) -> Result<(), StoreError> {
        let parent = asset.path.parent().unwrap_or_else(LogicalPath::root);
        let dir = self.ledger.dir_or_new(self.mount_of(asset), &parent)?;
        if std::mem::take(&mut self.is_new) {
            self.ledger.set_had_assets(self.root)?;
        }
        self.ledger.put_asset(dir, asset)
    }

    fn mount_of(&self, asset: &Asset) -> &LogicalPath {
        debug_assert!(asset.path.is_below(self.root), "an asset of another mount");
        self.root
    }

    /// Records a change that is not the second half of a move.
    fn change(&mut self, asset: &Asset, action: Action, delta: Delta, state: &Metadata) -> Result<Seq, StoreError> {
        self.append(asset, None, action, delta, state)
    }

    /// Appends to the journal, and notes to whom it is owed. `from`: where a moved asset was before.
    fn append(
        &mut self,
        asset: &Asset,
        from: Option<LastPlace>,
        action: Action,
        delta: Delta,
        state: &Metadata,
    ) -> Result<Seq, StoreError> {
        let Stat { size, mtime_ns, .. } = asset.stat;
        let seq = self.ledger.next_seq()?;
        let moved = from.as_ref().and_then(|from| from.deletion);
        let change = Change {
            seq,
            rrn: self.ledger.rrn()?,
            time: self.now.wall,
            asset: asset.id,
            path: asset.path.clone(),
            owner: asset.owner.clone(),
            action,
            delta,
            size: Some(size),
            mtime_ns: Some(mtime_ns),
            previous_path: from.map(|from| from.path),
            moved,
        };
        self.ledger.append(&change)?;
        let facts = Facts { size, mtime_ns, mount: self.root, tenant: self.tenant.map(Tenant::as_str) };
        let set = &self.rules.set;
        let Matching { rules, events } = set.matching(&change, state, facts, &mut self.scratch.borrow_mut());
        // No subscription is in both: their names differ.
        let registered = self.registered.matching(&change, state, facts, &mut self.scratch.borrow_mut());
        if events.is_empty() && rules.is_empty() && registered.is_empty() {
            return Ok(seq);
        }
        if events.is_empty() {
            let entry = Arc::new(Entry::Change(change));
            let of_files = rules.into_iter().map(|rule| self.rules.subscriptions[rule]);
            let owed = |subscription| Owed { subscription, entry: Arc::clone(&entry) };
            self.out.owed.extend(of_files.chain(registered).map(owed));
            return Ok(seq);
        }
        let mut entries = Vec::with_capacity(events.len());
        for event in &events {
            let occurrence = self.happen(&set.events()[*event], &change, state)?;
            entries.push((*event, Arc::new(Entry::Event(occurrence))));
        }
        let mut owed_events = Vec::new();
        let entry = Arc::new(Entry::Change(change.clone()));
        let of_files = rules.into_iter().map(|rule| (self.rules.subscriptions[rule], &set.rules()[rule]));
        let of_callers = registered.into_iter().filter_map(|id| Some((id, self.registered.get(id)?)));
        for (subscription, rule) in of_files.chain(of_callers) {
            let (hears_change, heard) = set.heard(rule, &events, &change, state, facts);
            if hears_change {
                self.out.owed.push(Owed { subscription, entry: Arc::clone(&entry) });
            }
            let heard = entries.iter().filter(|(event, _)| heard.contains(event));
            owed_events.extend(heard.map(|(_, entry)| Owed { subscription, entry: Arc::clone(entry) }));
        }
        // In the order of the journal.
        owed_events.sort_by_key(|owed| owed.entry.seq());
        self.out.owed.extend(owed_events);
        Ok(seq)
    }

    /// Appends an event that a change fired.
    fn happen(&self, event: &Event, change: &Change, state: &Metadata) -> Result<Occurrence, StoreError> {
        let tenant = self.tenant.map(Tenant::as_str);
        let values = Values {
            asset: Some((change.asset, &change.path)),
            owner: &change.owner,
            action: change.action.as_str(),
            time: change.time,
            event: event.name.as_str(),
            tenant: tenant.unwrap_or_default(),
            metadata: state,
        };
        let occurrence = Occurrence {
            seq: self.ledger.next_seq()?,
            rrn: change.rrn,
            time: change.time,
            name: event.name.to_string(),
            tenant: self.tenant.cloned(),
            change: Some(Box::new(change.clone())),
            origin: Origin::Ringback,
            display_name: None,
            fields: event.payload(&values),
        };
        self.ledger.append_event(&occurrence)?;
        Ok(occurrence)
    }
}

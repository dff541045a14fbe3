//! What a look read of a file's metadata against what the ledger has of it, source by source.
//!
//! A source that could not be read keeps what it said before: a failed read is never a difference. Why it failed is
//! kept in the ledger, so that a restart reads it again.

use std::collections::{BTreeMap, HashMap};

use super::RulesInForce;
use super::record::Recorder;
use crate::model::asset::{Asset, ContentRead, Stat};
use crate::model::event::EventFields;
use crate::model::hint::HintKind;
use crate::model::look::{SourceLook, Unread};
use crate::model::metadata::{BySource, Delta, KeyDelta, Source, is_physical};
use crate::model::path::LogicalPath;
use crate::rules::registered::Registered;
use crate::settle::Cause;
use crate::store::{IntakeTables, Reading, ReadingFault, StoreError};

/// A place after all hints: no sync waits for it.
const LAST: u64 = u64::MAX;

/// The keys of a delta that rules can see: every logical key, and each physical key that a rule in force names.
pub(super) fn asked(mut delta: Delta, rules: &RulesInForce, registered: &Registered) -> Delta {
    let names = |key: &str| rules.set.names_physical(key) || registered.names_physical(key);
    // The store's own keys may look like anything.
    let is_store_s = |touched: &KeyDelta| touched.source == Some(Source::Records);
    delta.retain(|touched| !is_physical(&touched.key) || names(&touched.key) || is_store_s(touched));
    delta
}

/// The sources that a look reads. What the store says is not on the disk.
fn looked_at() -> impl Iterator<Item = Source> {
    Source::ALL.into_iter().filter(|source| *source != Source::Records)
}

/// Returns whether a look found each source as the ledger has it, and none unreadable.
pub(super) fn is_as_known(
    sources: &BySource,
    readings: &[(Source, Reading)],
    seen: &BTreeMap<Source, SourceLook>,
) -> bool {
    looked_at().all(|source| {
        let reading = readings.iter().find(|(other, _)| *other == source).map(|(_, reading)| reading);
        let (known, sidecar) = (sources.get(source), reading.and_then(|reading| reading.sidecar.as_ref()));
        let has_fault = reading.is_some_and(|reading| reading.fault.is_some());
        match seen.get(&source) {
            None => known.is_none() && reading.is_none(),
            Some(SourceLook { content: Err(Unread::AsKnown), .. }) => true,
            Some(look) => {
                let says_the_same = match &look.content {
                    Ok(said) => known.map_or(said.is_empty(), |known| known == said),
                    Err(_) => false,
                };
                says_the_same && !has_fault && sidecar == look.sidecar.as_ref()
            }
        }
    })
}

/// Has the state before a look know already what the look says for the first time of sources of which nothing was known
/// yet, so that it is no news: the first scan took the file as it is. `is_quiet`: nothing was heard of the file, and it
/// is as it was; a source that could not be read then is no news either when it can. A sidecar that has come since, or
/// has changed, is.
pub(super) fn learn(
    before: &mut BySource,
    asset: &Asset,
    readings: &[(Source, Reading)],
    seen: &BTreeMap<Source, SourceLook>,
    is_quiet: bool,
) {
    let is_silent = |source: Source| {
        let reading = readings.iter().find(|(other, _)| *other == source).map(|(_, reading)| reading);
        let fault = reading.and_then(|reading| reading.fault.as_ref());
        let sidecar = seen.get(&source).and_then(|look| look.sidecar.as_ref());
        let is_as_listed = asset.content == ContentRead::Never
            || sidecar.is_none_or(|is| {
                reading.and_then(|reading| reading.sidecar.as_ref()).is_some_and(|was| was.is_same_file(is))
            });
        let is_unread = is_quiet && source != Source::Xattr && asset.content != ContentRead::Yes;
        is_as_listed && (fault.is_some_and(|fault| fault.silent) || is_unread)
    };
    let is_iptc_unread = seen.get(&Source::Iptc).is_some_and(|look| look.content.is_err());
    for source in looked_at().filter(|source| is_silent(*source)) {
        match seen.get(&source).map(|look| &look.content) {
            Some(Ok(said)) => before.insert(source, said.clone()),
            Some(Err(_)) => {}
            None if source == Source::NewerIptc && is_iptc_unread => {}
            None => drop(before.remove(source)),
        }
    }
}

/// Of which files the ledger has what `exiftool` says of them: it is not asked again while they are as they were. One
/// that it could not read, and never can as it is, is among them.
pub(super) fn as_read(
    ledger: IntakeTables<'_>,
    root: &LogicalPath,
    paths: &[LogicalPath],
) -> HashMap<LogicalPath, Stat> {
    let stat_of = |path: &LogicalPath| -> Result<Option<Stat>, StoreError> {
        let Some(asset) = ledger.asset_at(root, path)? else { return Ok(None) };
        // Where two changes can leave the same times, the same times prove nothing.
        if asset.racy || asset.content != ContentRead::Yes {
            return Ok(None);
        }
        let is_read_again =
            |(source, reading): &(Source, Reading)| *source == Source::Exiftool && reading.is_read_again();
        let is_read = !ledger.readings(asset.id)?.iter().any(is_read_again);
        Ok(is_read.then_some(asset.stat))
    };
    // A row that cannot be read is reported where the look is judged.
    paths.iter().filter_map(|path| Some((path.clone(), stat_of(path).ok()??))).collect()
}

impl Recorder<'_> {
    /// Takes up what a look says of each source, in the ledger and in `sources`. `readings` is what the ledger has.
    /// `is_first`: it is the first look into a file that the first scan took as it is.
    pub(super) fn take(
        &mut self,
        asset: &Asset,
        sources: &mut BySource,
        mut seen: BTreeMap<Source, SourceLook>,
        readings: Vec<(Source, Reading)>,
        is_first: bool,
    ) -> Result<(), StoreError> {
        let mut known: BTreeMap<Source, Reading> = readings.into_iter().collect();
        let is_iptc_unread = seen.get(&Source::Iptc).is_some_and(|look| look.content.is_err());
        let mut damaged: Vec<(Source, String)> = Vec::new();
        for source in looked_at() {
            let before = known.remove(&source);
            let reading = match seen.remove(&source) {
                Some(SourceLook { content: Err(Unread::AsKnown), .. }) => continue,
                // Which of the two it is was not read either.
                None if source == Source::NewerIptc && is_iptc_unread => continue,
                None => {
                    self.say(asset, sources, source, Default::default())?;
                    None
                }
                Some(SourceLook { sidecar, content: Ok(said) }) => {
                    self.say(asset, sources, source, said)?;
                    sidecar.map(|sidecar| Reading { sidecar: Some(sidecar), fault: None })
                }
                Some(SourceLook { sidecar, content: Err(unread) }) => {
                    let fault = before.as_ref().and_then(|reading| reading.fault.as_ref());
                    let silent = is_first || fault.is_some_and(|fault| fault.silent);
                    let (why, again) = self.not_read(asset, source, unread, fault, &mut damaged);
                    Some(Reading { sidecar, fault: Some(ReadingFault { why, again, silent }) })
                }
            };
            if reading != before {
                self.ledger.set_reading(asset.id, source, reading.as_ref())?;
            }
        }
        self.report_damaged(asset, &damaged)
    }

    /// What follows from a source that was not read; returns why it was not, and whether it is read again by itself.
    fn not_read(
        &mut self,
        asset: &Asset,
        source: Source,
        unread: Unread,
        known: Option<&ReadingFault>,
        damaged: &mut Vec<(Source, String)>,
    ) -> (String, bool) {
        match unread {
            Unread::Refused(why) => {
                self.unread(&asset.path, why.clone());
                (why, true)
            }
            Unread::Damaged(why) => {
                if known.is_none_or(|known| known.why != why) {
                    damaged.push((source, why.clone()));
                }
                (why, false)
            }
            Unread::Written => {
                let cause = Cause::hinted(self.now.mono, HintKind::Attributes, LAST);
                self.out.retry_later.push((asset.path.clone(), cause));
                ("its sidecar is being written".to_owned(), true)
            }
            // What is known of it stays as it is.
            Unread::AsKnown => known.map(|known| (known.why.clone(), known.again)).unwrap_or_default(),
        }
    }

    /// Reports sources that cannot be read as they are, once.
    fn report_damaged(&mut self, asset: &Asset, damaged: &[(Source, String)]) -> Result<(), StoreError> {
        let Some((_, why)) = damaged.first() else { return Ok(()) };
        let names: Vec<&str> = damaged.iter().map(|(source, _)| source.name()).collect();
        let fields = EventFields::default()
            .text("path", &asset.path.display())
            .text("assetId", &asset.id.to_string())
            .text("sources", &names.join(", "))
            .text("reason", why);
        self.ledger.tell(self.now.wall, "metadata.failed", self.tenant.cloned(), fields)?;
        Ok(())
    }
}

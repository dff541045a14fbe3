//! What a directory's listing means. A listing never deletes and hardly ever tells: it finds paths to be looked at.
//! Only the first scan takes it at its word, to fill the catalog silently.

use std::collections::{HashMap, HashSet};

use super::record::Recorder;
use super::scans::Landed;
use super::sidecars::{
    ListedSidecars, are_as_listed, is_listed_as_metadata, is_read_again, listed_sidecars, sidecars_of,
};
use super::{Done, Intake, Outcome};
use crate::model::asset::Asset;
use crate::model::look::{ListError, Listed, ListedFile, Listing};
use crate::model::path::LogicalPath;
use crate::model::time::Now;
use crate::settle::Cause;
use crate::store::{IntakeTables, StoreError};

impl Intake {
    pub(super) fn listed(&mut self, now: Now, listed: Listed, ledger: IntakeTables<'_>) -> Result<Done, StoreError> {
        let Some(mut landed) = self.scans.land(&listed) else { return Ok(Done::default()) };
        let mount = landed.scan.mount;
        if landed.scan.is_sweep {
            // What it finds is found now.
            landed.scan.order = landed.scan.order.min(self.order());
        }
        if landed.disturbed {
            self.scans.push(mount, &landed.scan.path, landed.scan.order);
            return Ok(Done::default());
        }
        let mut outcome = Outcome::default();
        let dirs = ledger.dir_balance();
        let (scan, asked_again) = (landed.scan.clone(), landed.asked_again);
        match ledger.savepoint(|| self.judge_listing(now, landed, listed.content, ledger, &mut outcome)) {
            Ok(()) => {
                self.mounts.note_listed(&scan, outcome.found.len());
                self.rescans.compared(&scan.path);
                // Whoever calls may have written there after the listing, when it was not known that nothing hints.
                let unhinted = listed.unwatched.is_some() && self.mounts.is_watched(&scan.path) && self.syncs.any();
                self.mounts.note_unwatched(now.mono, &scan.path, listed.unwatched);
                outcome.directories = ledger.dir_balance() - dirs;
                if scan.is_sweep {
                    for (mount, path, _) in outcome.scan.drain(..) {
                        self.scans.push_sweep(mount, path);
                    }
                    self.mounts.scanned_before(mount, self.next_order);
                }
                let done = self.apply(now, mount, outcome);
                if asked_again || unhinted {
                    self.scans.push(mount, &scan.path, scan.order);
                }
                Ok(done)
            }
            Err(fault) => {
                self.scans.again_soon(now.mono, scan);
                Ok(Done { fault: Some(fault), ..Done::default() })
            }
        }
    }

    fn judge_listing(
        &self,
        now: Now,
        landed: Landed,
        content: Result<Listing, ListError>,
        ledger: IntakeTables<'_>,
        out: &mut Outcome,
    ) -> Result<(), StoreError> {
        let Landed { scan, hinted, .. } = landed;
        let root = self.mounts.root_path(scan.mount);
        let listing = match content {
            Ok(listing) => listing,
            Err(ListError::Gone) => {
                out.found.push((scan.path, scan.order));
                return Ok(());
            }
            Err(ListError::RootGone) => {
                (out.root_suspect, out.scan_broken) = (true, true);
                // Looked at even so: if the root is back by then, the directory is listed after all.
                out.found.push((scan.path, scan.order));
                return Ok(());
            }
            Err(ListError::Covered(at)) => {
                let cause = Cause::found(now.mono, scan.order);
                out.covered.push((at, scan.path, cause));
                return Ok(());
            }
            Err(ListError::Unreadable(why)) => {
                out.faults.push((scan.path.clone(), Some(why)));
                // A look at it in a while finds a directory, and has it listed again.
                out.retry_later.push((scan.path, Cause::found(now.mono, scan.order)));
                return Ok(());
            }
        };
        out.faults.push((scan.path.clone(), None));
        // What was hinted during the listing has a look of its own, which may have come back before.
        let passed_over = listing.passed_over.into_iter().filter(|(name, _)| !hinted.contains(name)).collect();
        out.listing_passed_over = Some((scan.path.clone(), passed_over));
        let dir = ledger.dir_or_new(root, &scan.path)?;
        let silent_before_ns = match self.mounts.silent_before_ns(scan.mount) {
            Some(began_ns) if !ledger.dir_scanned(dir)? => began_ns,
            _ => i64::MIN,
        };
        let mut known: HashMap<Vec<u8>, Asset> = HashMap::new();
        for asset in ledger.assets_in(dir)? {
            let name = asset.path.names().last().unwrap_or_default().to_vec();
            known.insert(name, asset);
        }
        let sidecars = self.sidecars(scan.mount);
        let of_sidecars = listed_sidecars(&listing.files);
        let was_scanned = self.mounts.was_scanned(scan.mount);
        let read_otherwise = Self::read_otherwise(&known, was_scanned, &of_sidecars, ledger.readings_in(dir)?);
        let tenant = self.mounts.tenant(scan.mount);
        let is_new = self.mounts.is_without_assets_ever(scan.mount);
        let (rules, registered, scratch, mounts) = (&self.rules, &self.registered, &self.scratch, &self.mounts);
        let mut recorder = Recorder { now, mounts, root, tenant, is_new, rules, registered, scratch, ledger, out };
        recorder.out.found.extend(read_otherwise.iter().map(|name| (scan.path.join(name), scan.order)));
        for file in listing.files {
            let path = scan.path.join(&file.name);
            if is_listed_as_metadata(sidecars, &file.name) {
                if let Some(asset) = known.remove(&file.name) {
                    recorder.forget(&asset)?;
                }
                continue;
            }
            match known.remove(&file.name) {
                Some(asset)
                    if asset.stat == file.stat && asset.owner == file.owner && !self.is_unsure(&asset, &file) => {}
                Some(_) => recorder.out.found.push((path, scan.order)),
                None if self.fills_silently(&path, &file, silent_before_ns, &hinted) => {
                    let mut sidecars = sidecars_of(&file.name, &of_sidecars);
                    sidecars.retain(|(_, it)| it.stat.ctime_ns < silent_before_ns && !hinted.contains(&it.name));
                    recorder.fill(&path, file, sidecars)?;
                }
                None => {
                    if self.is_known_elsewhere(&file, &of_sidecars, ledger)? {
                        recorder.out.unchanged.push((path.clone(), file.stat));
                    }
                    recorder.out.found.push((path, scan.order));
                }
            }
        }
        for name in &listing.unreadable {
            known.remove(name);
            recorder.out.found.push((scan.path.join(name), scan.order));
        }
        let mut missing: Vec<_> = known.into_keys().collect();
        let listed: HashSet<&[u8]> = listing.directories.iter().map(Vec::as_slice).collect();
        missing.extend(
            ledger.subdirs(dir)?.into_iter().map(|(name, _)| name).filter(|name| !listed.contains(name.as_slice())),
        );
        missing.sort_unstable();
        recorder.out.found.extend(missing.iter().map(|name| (scan.path.join(name), scan.order)));
        let mut directories = listing.directories;
        directories.sort_unstable();
        for name in directories {
            recorder.out.scan.push((scan.mount, scan.path.join(&name), scan.order));
        }
        ledger.set_dir_scanned(dir)
    }

    /// Returns whether a file that is as it was known may have changed within the granularity of its times. A look
    /// settles that once the granularity has passed, and after a start, before which hints were lost, in any case.
    fn is_unsure(&self, asset: &Asset, file: &ListedFile) -> bool {
        let was_scanned = self.mounts.of(&asset.path).is_some_and(|mount| self.mounts.was_scanned(mount));
        asset.racy && !(file.racy && was_scanned)
    }

    /// Whether a file is, to the last detail, one that the catalog knows under another name: a directory above it was
    /// renamed, which leaves no trace in the file. Its sidecars are those that it was read with.
    fn is_known_elsewhere(
        &self,
        file: &ListedFile,
        of_sidecars: &ListedSidecars,
        ledger: IntakeTables<'_>,
    ) -> Result<bool, StoreError> {
        let asset = match self.identities.candidates(&file.stat.identity)[..] {
            [id] => ledger.asset(id)?,
            // Its old place may have been looked at already.
            [] if file.stat.identity.is_numbered() => ledger.gone_as(&file.stat.identity)?,
            // Of several names the look says which of them it was.
            _ => None,
        };
        // Where something of it could not be read, the catalog does not know all of it.
        let is_known = |asset: &Asset| asset.stat == file.stat && !asset.racy && !self.mounts.has_fault(&asset.path);
        let Some(asset) = asset.filter(is_known) else { return Ok(false) };
        let readings = ledger.readings(asset.id)?;
        let sidecars = sidecars_of(&file.name, of_sidecars);
        Ok(!is_read_again(&readings) && are_as_listed(&readings, &sidecars, |_| false))
    }

    /// Whether the first scan takes a file as having been there all along.
    fn fills_silently(
        &self,
        path: &LogicalPath,
        file: &ListedFile,
        silent_before_ns: i64,
        hinted: &HashSet<Vec<u8>>,
    ) -> bool {
        file.stat.ctime_ns < silent_before_ns
            && !hinted.contains(&file.name)
            && !self.settle.contains(path)
            && !self.looks.is_looking_at(path)
            // Not a file that was moved here during the scan, which has one link and is known elsewhere.
            && (file.stat.links > 1 || self.identities.candidates(&file.stat.identity).is_empty())
    }
}

//! Sidecars: files whose content is the metadata of the assets beside them. The name alone says that a file is a
//! sidecar. A sidecar is hinted and looked at like any other file; its look leads to a look at each of its assets,
//! which reads it.

use std::collections::HashMap;

use super::Intake;
use super::judge::{Whole, whole};
use super::record::{FIRST, Recorder};
use crate::model::asset::{Asset, ContentRead, Stat};
use crate::model::hint::HintKind;
use crate::model::ids::{AssetId, MountId};
use crate::model::look::{ListedFile, Seen, SidecarFile};
use crate::model::metadata::Source;
use crate::model::mount::Sidecars;
use crate::model::path::LogicalPath;
use crate::model::sidecar::{self, Belongs};
use crate::model::time::Now;
use crate::settle::Cause;
use crate::store::{Reading, StoreError};

/// Assets that one sidecar is read for, where it is named for the beginning of their names alone.
const NAMED_SO_MAX: usize = 64;

impl Intake {
    /// What a look at a sidecar's path means: a file that is no longer written, or none any more, has its assets looked
    /// at. Returns whether that is all. It is not where the file is an asset too, where a directory has such a name, or
    /// where nothing could be seen.
    #[expect(clippy::too_many_arguments, reason = "a place, and what was seen of it")]
    pub(super) fn sidecar_seen(
        &self,
        now: Now,
        mount: MountId,
        (path, cause): (&LogicalPath, Cause),
        seen: &Seen,
        belongs: Belongs,
        known: Option<&Asset>,
        recorder: &mut Recorder<'_>,
    ) -> Result<bool, StoreError> {
        let look = match seen {
            Seen::File(look) => look,
            Seen::Absent | Seen::Link | Seen::Other | Seen::Directory => {
                self.look_at_its_assets(now, path, cause, belongs, recorder)?;
                return Ok(false);
            }
            // It is seen as a file once it has been read.
            Seen::BeingRead(_) => return Ok(false),
            Seen::Covered(_) | Seen::Unreadable(_) | Seen::RootGone => return Ok(false),
        };
        let is_metadata = self.sidecars(mount) == Sidecars::Metadata && belongs.prefix.is_none();
        let quiet = self.settle.is_quiet(now.mono, &cause, &look.stat);
        let whole = whole(self.mounts.sees_closes(mount), quiet, &cause, look);
        if matches!(whole, Whole::Yes) {
            self.look_at_its_assets(now, path, cause, belongs, recorder)?;
        }
        if !is_metadata {
            return Ok(false);
        }
        if let Some(asset) = known {
            recorder.forget(asset)?;
        }
        recorder.out.faults.push((path.clone(), None));
        recorder.out.waits_to_be_whole(now.mono, whole, path, cause, look.stat);
        Ok(true)
    }

    /// What sidecars are in a mount beside metadata.
    pub(super) fn sidecars(&self, mount: MountId) -> Sidecars {
        self.setup.mounts.get(usize::from(mount.0)).map(|mount| mount.sidecars).unwrap_or_default()
    }

    /// Has every asset looked at that a sidecar may belong to. One that is being looked at may have been read before
    /// the sidecar was there.
    fn look_at_its_assets(
        &self,
        now: Now,
        path: &LogicalPath,
        cause: Cause,
        belongs: Belongs,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), StoreError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let mut assets: Vec<LogicalPath> = belongs.exact.iter().map(|name| parent.join(name)).collect();
        let stem = belongs.stem;
        let of_stem = stem.as_ref().map(|stem| [stem.as_slice(), b"."].concat());
        let is_wanted = |name: &[u8]| stem.as_deref().is_none_or(|stem| sidecar::is_of_stem(name, stem));
        for beginning in of_stem.into_iter().chain(belongs.prefix) {
            if let Some(dir) = recorder.ledger.dir(recorder.root, &parent)? {
                let named_so = recorder.ledger.assets_named_from(dir, &beginning, is_wanted, NAMED_SO_MAX)?;
                assets.extend(named_so.into_iter().map(|asset| asset.path));
            }
            assets.extend(self.looks.under_way_named_from(&parent.join(&beginning)));
        }
        assets.sort();
        assets.dedup();
        let heard = HintKind::Attributes;
        let cause = Cause { since: cause.since, ..Cause::hinted(now.mono, heard, cause.order) };
        for asset in assets {
            let is_looked_at = recorder.ledger.asset_at(recorder.root, &asset)?.is_some()
                || self.looks.is_looking_at(&asset)
                || self.settle.contains(&asset);
            if is_looked_at && asset != *path {
                recorder.out.sidecar_changes.push((asset, cause));
            }
        }
        Ok(())
    }

    /// Returns the names of a directory's assets that need a look because of their metadata: the listing shows other
    /// sidecars than the asset was read or first listed with, one of its sources could not be read, or a sidecar may
    /// have been changed again without another time. `was_scanned`: since the start, a scan has looked at what may
    /// have.
    pub(super) fn read_otherwise(
        known: &HashMap<Vec<u8>, Asset>,
        was_scanned: bool,
        listed: &ListedSidecars,
        readings: Vec<(AssetId, Source, Reading)>,
    ) -> Vec<Vec<u8>> {
        if listed.is_empty() && readings.is_empty() {
            return Vec::new();
        }
        let mut by_asset: HashMap<AssetId, Vec<(Source, Reading)>> = HashMap::new();
        for (asset, source, reading) in readings {
            by_asset.entry(asset).or_default().push((source, reading));
        }
        let mut out = Vec::new();
        for (name, asset) in known {
            let readings = by_asset.remove(&asset.id).unwrap_or_default();
            let is_as_listed = asset.content == ContentRead::Never
                || are_as_listed(&readings, &sidecars_of(name, listed), |listed| listed.racy && was_scanned);
            if !is_as_listed || is_read_again(&readings) {
                out.push(name.clone());
            }
        }
        out.sort();
        out
    }
}

/// Whether one of an asset's sources has to be read again though nothing of it changes.
pub(super) fn is_read_again(readings: &[(Source, Reading)]) -> bool {
    readings.iter().any(|(_, reading)| reading.is_read_again())
}

/// Whether the sidecars that an asset was read with are the listed ones, which are in the order of their sources.
/// `waits` says of a listed one whether it is no use yet to look whether it was changed without another time.
pub(super) fn are_as_listed(
    readings: &[(Source, Reading)],
    listed: &[(Source, SidecarFile)],
    waits: impl Fn(&SidecarFile) -> bool,
) -> bool {
    let mut read: Vec<(Source, &SidecarFile)> =
        readings.iter().filter_map(|(source, reading)| Some((*source, reading.sidecar.as_ref()?))).collect();
    read.sort_by_key(|(source, _)| *source);
    let is_same = |((a, read), (b, listed)): (&(Source, &SidecarFile), &(Source, SidecarFile))| {
        a == b && read.is_same_file(listed) && (!read.racy || waits(listed))
    };
    read.len() == listed.len() && read.iter().zip(listed).all(is_same)
}

/// The sidecars of an asset among the files of its directory: of each kind the first that is there, as a look takes
/// them.
pub(super) fn sidecars_of(name: &[u8], listed: &ListedSidecars) -> Vec<(Source, SidecarFile)> {
    let mut out: Vec<(Source, SidecarFile)> = Vec::new();
    if listed.is_empty() {
        return out;
    }
    for candidate in sidecar::of_asset(name) {
        let source = Source::of_sidecar(candidate.kind);
        if let Some(&(stat, racy)) = listed.get(&candidate.name)
            && out.iter().all(|(other, _)| *other != source)
        {
            out.push((source, SidecarFile { name: candidate.name, stat, racy }));
        }
    }
    out.sort_by_key(|(source, _)| *source);
    out
}

impl Recorder<'_> {
    /// A raw photo has come or gone: the sidecar of its stem may belong to other files now.
    pub(super) fn look_beside_raw(&mut self, raw: &Asset) -> Result<(), StoreError> {
        let Some((parent, name)) = raw.path.split() else { return Ok(()) };
        let Some(stem) = sidecar::stem_of_raw(name) else { return Ok(()) };
        let Some(dir) = self.ledger.dir(self.root, &parent)? else { return Ok(()) };
        let cause = Cause::hinted(self.now.mono, HintKind::Attributes, FIRST);
        let (beginning, is_wanted) = ([stem, b"."].concat(), |name: &[u8]| sidecar::is_of_stem(name, stem));
        for asset in self.ledger.assets_named_from(dir, &beginning, is_wanted, NAMED_SO_MAX)? {
            let of_stem = |(source, _): &(Source, Reading)| *source == Source::StemSidecar;
            if asset.id != raw.id && self.ledger.readings(asset.id)?.iter().any(of_stem) {
                self.out.sidecar_changes.push((asset.path, cause));
            }
        }
        Ok(())
    }

    /// Forgets an asset that is a sidecar, without a word: it was taken for an asset by a ringback that knew no
    /// sidecars, or by a mount that had them as assets.
    pub(super) fn forget(&mut self, asset: &Asset) -> Result<(), StoreError> {
        self.ledger.forget_asset(asset.id)?;
        self.out.is_no_longer.push((asset.stat.identity, asset.id));
        self.out.assets -= 1;
        Ok(())
    }
}

/// Whether a listed name is metadata of others and no asset.
pub(super) fn is_listed_as_metadata(sidecars: Sidecars, name: &[u8]) -> bool {
    sidecars == Sidecars::Metadata && sidecar::is_sidecar(name)
}

/// The sidecars among listed files by name: what lstat(2) said of each, and whether it is racy.
pub(super) type ListedSidecars = HashMap<Vec<u8>, (Stat, bool)>;

/// The sidecars among listed files.
pub(super) fn listed_sidecars(files: &[ListedFile]) -> ListedSidecars {
    let sidecars = files.iter().filter(|file| sidecar::assets_of(&file.name).is_some());
    sidecars.map(|file| (file.name.clone(), (file.stat, file.racy))).collect()
}

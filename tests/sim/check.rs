//! The guarantees, as comparisons between disk, ledger and receivers.

use std::collections::{BTreeMap, BTreeSet};

use ringback::model::metadata::{Metadata, Source};
use ringback::model::sidecar;

use super::ages::Ages;
use super::books::Books;
use super::disk::{Id, Inner, LABEL, TOP, label_of};
use super::journal::Journal;
use super::ledger::{CatalogRow, Reader};
use super::receiver::Receivers;

/// What a file should be in the catalog.
#[derive(Debug, Clone)]
pub struct OnDisk {
    pub row: CatalogRow,
    pub xattrs: Metadata,
    /// What happened to it by one of its names was not hinted.
    pub shadowed: bool,
    pub written: bool,
    pub told_ns: i64,
}

/// The files of all mounts by logical path, ignored ones left out.
pub fn on_disk(inner: &Inner) -> BTreeMap<Vec<u8>, OnDisk> {
    let mut out = BTreeMap::new();
    for (at, id) in inner.files() {
        let node = &inner.nodes[id];
        let Some(path) = inner.logical(&at).filter(|path| !is_ignored(path)) else { continue };
        if sidecar::is_sidecar(&at.1) {
            continue;
        }
        let row = CatalogRow {
            id: 0,
            identity: (node.identity.volume, node.identity.inode, node.identity.birth_ns),
            size: node.size,
            mtime_ns: node.mtime_ns,
            ctime_ns: node.ctime_ns,
            links: node.links,
            owner: format!("u{}", node.uid),
        };
        let text = |value: &[u8]| vec![String::from_utf8_lossy(value).into_owned()];
        let xattrs = node.xattrs.iter().map(|(key, value)| (format!("XATTR_{key}"), text(value))).collect();
        let (shadowed, written, told_ns) = (node.shadowed, inner.has_writer(id), node.told_ns);
        out.insert(path, OnDisk { row, xattrs, shadowed, written, told_ns });
    }
    out
}

/// Whether one of its names is ignored.
pub fn is_ignored(path: &[u8]) -> bool {
    path.split(|&b| b == b'/').any(|name| name.ends_with(b".tmp"))
}

fn show(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

/// The catalog is the disk. `scanned`: also where nothing was hinted.
///
/// # Errors
/// Where it is not.
pub fn converged(inner: &Inner, ledger: &Reader, scanned: bool) -> Result<(), String> {
    let disk = on_disk(inner);
    let catalog = ledger.catalog();
    for (path, file) in &disk {
        let Some(row) = catalog.get(path) else { return Err(format!("not in the catalog: {} {file:?}", show(path))) };
        let (found, expect) = (CatalogRow { id: 0, ..row.clone() }, file.row.clone());
        if found != expect && (scanned || !file.shadowed) {
            return Err(format!("{}: the catalog has {found:?}, the disk {expect:?}", show(path)));
        }
        let xattrs = ledger.sources(row.id).remove(Source::Xattr).unwrap_or_default().values;
        // Two changes within one tick of the disk's clock leave the same times: a scan that stands in for lost hints
        // cannot see the second.
        let may_be_unseen = inner.granularity_ns > 0 && !scanned;
        if xattrs != file.xattrs && (scanned || !file.shadowed) && !may_be_unseen {
            return Err(format!("{}: the catalog has {xattrs:?}, the disk {:?}", show(path), file.xattrs));
        }
    }
    let files: BTreeMap<Vec<u8>, Id> =
        inner.files().into_iter().filter_map(|(at, id)| Some((inner.logical(&at)?, id))).collect();
    for (path, file) in &disk {
        let Some(row) = catalog.get(path) else { continue };
        if !ledger.is_read(row.id) {
            // What is still to be read, in the background or because it could not be, says nothing yet.
            match scanned {
                true => return Err(format!("{} is never read", show(path))),
                false => continue,
            }
        }
        let mut sources = ledger.sources(row.id);
        let label = sources.remove(Source::Xmp).unwrap_or_default().values.remove(LABEL);
        let expect = label_of(file.row.size, file.row.mtime_ns);
        if label != Some(vec![expect.clone()]) && (scanned || !file.shadowed) {
            return Err(format!("{}: the catalog has the label {label:?}, the file {expect:?}", show(path)));
        }
        for (source, expect) in sidecars(&files, path) {
            let label = sources.remove(source).unwrap_or_default().values.remove(LABEL);
            let expect = match expect {
                // A change within one tick of the disk's clock, or by another name, is seen by a scan.
                Some(_) if !scanned && (inner.granularity_ns > 0 || file.shadowed) => continue,
                Some(id) if inner.has_writer(id) || (inner.nodes[id].shadowed && !scanned) => continue,
                Some(id) => Some(vec![label_of(inner.nodes[id].size, inner.nodes[id].mtime_ns)]),
                None => None,
            };
            if label != expect {
                let name = source.name();
                return Err(format!("{}: the catalog has of its {name} {label:?}, the disk {expect:?}", show(path)));
            }
        }
    }
    if let Some(path) = ledger.early_records().iter().find(|path| catalog.contains_key(*path)) {
        return Err(format!("{}: an assignment still waits for its asset", show(path)));
    }
    match catalog.keys().find(|path| !disk.contains_key(*path)) {
        Some(path) => Err(format!("in the catalog and not on disk: {}", show(path))),
        None => Ok(()),
    }
}

/// The XMP sidecars that an asset has: `NAME.EXT.xmp`, and `NAME.xmp` unless that is a raw photo's of the same stem.
fn sidecars(files: &BTreeMap<Vec<u8>, Id>, path: &[u8]) -> [(Source, Option<Id>); 2] {
    let name_at = path.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
    let stem = path[name_at..].iter().rposition(|&b| b == b'.').map_or(path, |dot| &path[..name_at + dot]);
    let file = |beginning: &[u8], ending: &[u8]| files.get(&[beginning, ending].concat()).copied();
    let is_raw_s = !path.ends_with(b".cr2") && file(stem, b".cr2").is_some();
    let of_stem = file(stem, b".xmp").filter(|_| stem.len() < path.len() && !is_raw_s);
    [(Source::FullSidecar, file(path, b".xmp")), (Source::StemSidecar, of_stem)]
}

/// What a receiver believes to be where, from what it was told.
pub type View = BTreeMap<Vec<u8>, i64>;

/// Each subscription was told what its rule matched. Gives what the one that hears all believes.
///
/// # Errors
/// What was not told.
pub fn told(
    ledger: &Reader,
    journal: &Journal,
    receivers: &Receivers,
    ages: &Ages,
    books: &Books,
) -> Result<View, String> {
    let (hot, _) = ledger.hot_and_dead();
    let dead = &ages.dead_ever;
    if !hot.is_empty() || ledger.owed() > 0 {
        return Err(format!("still under way: {hot:?}, owed {}", ledger.owed()));
    }
    let mut newest: BTreeMap<(&str, i64, &[u8]), i64> = BTreeMap::new();
    let mut places: BTreeMap<i64, (i64, &[u8])> = BTreeMap::new();
    let settled = receivers.sent.iter().filter(|(n, _)| receivers.taken.contains(n) || dead.contains(n));
    for (_, sent) in settled {
        for told in &sent.entries {
            let rrn = newest.entry((&sent.subscription, told.asset, &told.path)).or_default();
            *rrn = told.rrn.max(*rrn);
            if sent.subscription == "all" {
                // An asset is at one path: where it was, it is no more, told or not. A later deletion at another path
                // says that it moved there and went; an earlier one, that it moved from there.
                match told.action.as_str() {
                    "deleted" => {
                        if places.get(&told.asset).is_some_and(|(rrn, path)| *path == told.path || *rrn < told.rrn) {
                            places.remove(&told.asset);
                        }
                    }
                    _ => drop(places.insert(told.asset, (told.rrn, &told.path))),
                }
            }
        }
    }
    for expected in &journal.expected {
        let key = (expected.subscription.as_str(), expected.asset, expected.path.as_slice());
        let is_dropped = ages.is_dropped(&expected.subscription, expected.seq)
            || books.is_given_up(&expected.subscription, expected.seq)
            || ledger.lane(&expected.subscription).is_cancelled;
        if !is_dropped && newest.get(&key).is_none_or(|rrn| *rrn < expected.rrn) {
            return Err(format!("never told: {expected:?} ({})", show(&expected.path)));
        }
    }
    let mut places: Vec<_> = places.into_iter().map(|(asset, (rrn, path))| (rrn, path.to_vec(), asset)).collect();
    places.sort_unstable();
    Ok(places.into_iter().map(|(_, path, asset)| (path, asset)).collect())
}

/// Whoever hears all believes what is on disk. `uncertain` are paths about which a power cut took the ledger's memory
/// of what it had told.
///
/// # Errors
/// What is believed wrongly.
pub fn believed(
    inner: &Inner,
    ledger: &Reader,
    journal: &Journal,
    mut view: View,
    uncertain: &BTreeSet<Vec<u8>>,
) -> Result<(), String> {
    let catalog = ledger.catalog();
    let disk = on_disk(inner);
    let first_scans = ledger.first_scans();
    for (path, row) in &catalog {
        let heard = view.remove(path);
        if heard == Some(row.id) || uncertain.contains(path) {
            continue;
        }
        if journal.told(path, row.id) {
            return Err(format!("{} is asset {}, the receiver believes {heard:?}", show(path), row.id));
        }
        let mount: Vec<u8> = path.split(|&b| b == b'/').nth(1).map(|name| [b"/", name].concat()).unwrap_or_default();
        // A clock that was set back since makes it look older.
        let told_ns = disk.get(path).map_or(0, |file| file.told_ns.min(file.row.ctime_ns));
        if told_ns >= first_scans.get(&mount).copied().unwrap_or(0) {
            return Err(format!("{} (asset {}) is younger than the first scan, and untold", show(path), row.id));
        }
    }
    match view.keys().find(|path| !uncertain.contains(*path)) {
        Some(path) => Err(format!("the receiver believes in {}, which is not there", show(path))),
        None => Ok(()),
    }
}

/// What a caller of sync was promised: the disk as it was at the call.
pub struct SyncPoint {
    files: BTreeMap<Vec<u8>, OnDisk>,
    versions: BTreeMap<Vec<u8>, u32>,
}

impl SyncPoint {
    pub fn new(inner: &Inner) -> Self {
        Self { files: on_disk(inner), versions: inner.versions.clone() }
    }

    /// Where nothing has happened since the call, the catalog is the disk.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check(&self, inner: &Inner, ledger: &Reader) -> Result<(), String> {
        let catalog = ledger.catalog();
        let now = on_disk(inner);
        let untouched = |path: &[u8]| inner.versions.get(path) == self.versions.get(path);
        for (path, file) in self.files.iter().filter(|(path, file)| untouched(path) && !file.written && !file.shadowed)
        {
            if now.get(path).is_none_or(|now| now.shadowed || now.written || now.row != file.row) {
                continue;
            }
            let found = catalog.get(path).map(|row| (row.identity, row.size, row.mtime_ns));
            if found != Some((file.row.identity, file.row.size, file.row.mtime_ns)) {
                return Err(format!("sync: {} is {file:?}, the catalog has {found:?}", show(path)));
            }
        }
        match catalog.keys().find(|path| !self.files.contains_key(*path) && untouched(path) && !now.contains_key(*path))
        {
            Some(path) => Err(format!("sync: {} is gone, and still in the catalog", show(path))),
            None => Ok(()),
        }
    }
}

/// Paths that nobody has touched since the beginning.
pub fn pristine(inner: &Inner) -> BTreeSet<Vec<u8>> {
    let roots: Vec<_> = inner.nodes[TOP].children.values().copied().collect();
    let mut out = BTreeSet::new();
    let mut dirs = Vec::new();
    roots.into_iter().for_each(|root| inner.walk(root, &mut dirs));
    for dir in dirs {
        for name in inner.nodes[dir].children.keys() {
            out.extend(inner.logical(&(dir, name.clone())));
        }
    }
    out
}

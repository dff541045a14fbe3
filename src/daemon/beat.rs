//! Whether a thread that looks goes on: it counts the calls that it makes, and one that hangs counts none.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::look::disk::{Disk, DiskStat, Kind, Lease, MountPoint, Probe};
use crate::metadata::content::Content;
use crate::metadata::exiftool::Exiftool;
use crate::model::asset::Identity;
use crate::model::root::Handle;

/// A disk that counts what it is asked.
pub(super) struct Beating {
    disk: Arc<dyn Disk>,
    beats: Arc<AtomicU64>,
}

impl Beating {
    pub(super) fn new(disk: Arc<dyn Disk>, beats: Arc<AtomicU64>) -> Self {
        Self { disk, beats }
    }

    fn beat(&self) -> &dyn Disk {
        // Only one thread writes it, and nothing else is told by it.
        self.beats.fetch_add(1, Ordering::Relaxed);
        &*self.disk
    }
}

impl Disk for Beating {
    fn stat(&self, path: &Path) -> io::Result<DiskStat> {
        self.beat().stat(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        self.beat().list(path)
    }

    fn is_empty(&self, path: &Path) -> io::Result<bool> {
        self.beat().is_empty(path)
    }

    fn xattrs(&self, path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        self.beat().xattrs(path)
    }

    fn writer(&self, path: &Path) -> Lease {
        self.beat().writer(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Content>> {
        self.beat().open(path)
    }

    fn probe(&self, path: &Path, read: &mut dyn FnMut(io::Result<&dyn Content>)) -> Probe {
        self.beat().probe(path, read)
    }

    fn exiftool(&self) -> Option<&Exiftool> {
        // No call to the disk.
        self.disk.exiftool()
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        self.beat().link(path)
    }

    fn owner(&self, uid: u32) -> String {
        self.beat().owner(uid)
    }

    fn mounting(&self, path: &Path) -> u64 {
        self.beat().mounting(path)
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        self.beat().resolve(dir)
    }

    fn mounted_below(&self, dir: &Path) -> io::Result<Vec<MountPoint>> {
        self.beat().mounted_below(dir)
    }

    fn handle(&self, dir: &Path, identity: &Identity) -> Option<Handle> {
        self.beat().handle(dir, identity)
    }

    fn was_removed(&self, dir: &Path, handle: &Handle) -> bool {
        self.beat().was_removed(dir, handle)
    }
}

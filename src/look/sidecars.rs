//! What the sidecars of an asset say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::{Disk, DiskStat, Kind, Lease};
use super::fault::{explain, is_absence};
use super::file::{is_racy, is_same};
use super::metadata::{BySource, unread};
use crate::metadata::budget::Budget;
use crate::metadata::content::Content;
use crate::metadata::fault::Fault;
use crate::metadata::input::Input;
use crate::metadata::{json, logical, readers};
use crate::model::look::{SidecarFile, SourceLook, Unread};
use crate::model::metadata::{Said, Source};
use crate::model::sidecar::{self, Candidate};
use crate::model::time::Wall;

/// Bytes of a JSON sidecar.
pub(super) const JSON_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How old a damaged sidecar must be before it counts as damaged where leases do not work, milliseconds. A younger one
/// may still be written.
const YOUNG_MS: i64 = 10_000;

/// An asset, to look beside it.
pub(super) struct Beside<'a> {
    pub disk: &'a dyn Disk,
    /// Where it is, and its name there.
    pub path: &'a Path,
    pub name: &'a [u8],
    /// Which names are not looked at.
    pub is_ignored: &'a dyn Fn(&[u8]) -> bool,
    /// The time now, to judge a sidecar's age by: see [`YOUNG_MS`].
    pub now: Wall,
}

impl Beside<'_> {
    /// Adds what the sidecars of the asset say: of each kind the first that is there.
    pub(super) fn read_sidecars(&self, seen: &mut BySource) {
        for candidate in sidecar::of_asset(self.name) {
            let source = Source::of_sidecar(candidate.kind);
            if seen.contains_key(&source) {
                continue;
            }
            let at = self.path.with_file_name(OsStr::from_bytes(&candidate.name));
            let look = match self.disk.stat(&at) {
                // Few names are those of files, and only for them the patterns are tried.
                Ok(stat) if stat.kind != Kind::File || (self.is_ignored)(&candidate.name) => continue,
                Ok(stat) => self.read_sidecar(&at, candidate, stat),
                Err(error) if is_absence(&error) => continue,
                Err(error) => SourceLook::unread(Unread::Refused(explain("look at", &at, &error))),
            };
            seen.insert(source, look);
        }
    }

    /// What one sidecar says. `before` is what lstat(2) said of it.
    fn read_sidecar(&self, at: &Path, candidate: Candidate, before: DiskStat) -> SourceLook {
        let mut content = Err(Unread::Written);
        let is_json = matches!(candidate.kind, sidecar::Kind::Json);
        let probe = self.disk.probe(at, &mut |opened| {
            let said =
                opened.map_err(Fault::Io).and_then(|content| if is_json { of_json(content) } else { of_xmp(content) });
            content = said.map_err(|fault| unread(at, fault));
        });
        let is_written = probe.lease == Lease::Busy || !probe.after.is_ok_and(|after| is_same(&before, &after));
        let may_be_written = probe.lease == Lease::Unknown && matches!(content, Err(Unread::Damaged(_)));
        let age_ms = self.now.0.saturating_sub(before.mtime_ns.max(before.ctime_ns) / 1_000_000);
        if is_written || (may_be_written && age_ms < YOUNG_MS) {
            content = Err(Unread::Written);
        }
        if let (sidecar::Kind::StemXmp, Ok(said)) = (&candidate.kind, &content)
            && !self.applies(said)
        {
            content = Ok(Said::default());
        }
        let file = SidecarFile { name: candidate.name, stat: before.stat(), racy: is_racy(&before, self.now) };
        SourceLook { sidecar: Some(file), content }
    }

    /// Whether a sidecar that is named for a stem is this asset's: of a raw photo and a JPEG that share a stem it is
    /// the raw photo's, unless it says whose it is. A raw photo that is ignored is none.
    fn applies(&self, said: &Said) -> bool {
        const FOR: &str = "XMP-photoshop:SidecarForExtension";

        let extension = said.values.get(FOR).and_then(|values| values.first()).map(String::as_str);
        let is_there = |name: &[u8]| {
            let at = self.path.with_file_name(OsStr::from_bytes(name));
            self.disk.stat(&at).is_ok_and(|stat| stat.kind == Kind::File) && !(self.is_ignored)(name)
        };
        sidecar::stem_applies_where(self.name, extension, is_there)
    }
}

fn of_xmp(content: &dyn Content) -> Result<Said, Fault> {
    let tags = readers::read(content)?.xmp?;
    match tags.is_empty() && content.size() == 0 {
        true => Err(Fault::damaged("XMP", "the sidecar is empty")),
        false => logical::within_limits(logical::said(&tags)),
    }
}

fn of_json(content: &dyn Content) -> Result<Said, Fault> {
    if content.size() > JSON_BYTES_MAX {
        return Err(Fault::limit("the JSON sidecar is larger than allowed", format!("{JSON_BYTES_MAX} bytes")));
    }
    let budget = Budget::begin();
    json::read(Input::open(content, &budget)?.at_most(0, JSON_BYTES_MAX as usize)?, &budget)
}

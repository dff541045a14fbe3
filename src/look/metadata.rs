//! What a look reads of a file's metadata: the content of the file, its extended attributes, and its sidecars.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::{Disk, DiskStat, Kind, Lease};
use super::fault::{explain, is_absence};
use super::file::{is_same, settled_ns};
use crate::metadata::budget::Budget;
use crate::metadata::content::Content;
use crate::metadata::exiftool::Exiftool;
use crate::metadata::exiftool::pool::OpenFile;
use crate::metadata::fault::Fault;
use crate::metadata::found::{Found, Part, Portion};
use crate::metadata::input::Input;
use crate::metadata::{json, logical, readers, xattr};
use crate::model::asset::Stat;
use crate::model::look::{SidecarFile, SourceLook, Unread};
use crate::model::metadata::{Said, Source};
use crate::model::path::LogicalPath;
use crate::model::sidecar::{self, Candidate};
use crate::model::time::Wall;

/// Bytes of a JSON sidecar.
pub(super) const JSON_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How long a sidecar that makes no sense counts as being written where nobody can say who writes, milliseconds.
const YOUNG_MS: i64 = 10_000;

/// What the look of a file read, by source.
pub type BySource = BTreeMap<Source, SourceLook>;

/// What the content of a file says, and what its readers leave unread.
#[derive(Debug, Default)]
pub(super) struct ContentLook {
    pub(super) sources: BySource,
    /// What is left, and the file once more, for `exiftool` to read.
    pub(super) rest: Option<(Portion, io::Result<File>)>,
}

/// Asks what a portion of a file says that the readers leave unread.
pub type AskForRest<'a> = &'a mut dyn FnMut(Portion, &File) -> Result<Said, Unread>;

/// What every source on a disk says of a regular file: its attributes, its content, its sidecars. `rest` is asked of
/// what the built-in readers do not know.
#[must_use]
pub fn metadata_of(disk: &dyn Disk, path: &Path, rest: Option<AskForRest<'_>>) -> BySource {
    let mut look = ContentLook::default();
    let probe = disk.probe(path, &mut |opened| look = of_content(path, opened, rest.is_some()));
    let mut out = look.sources;
    if let (Some(rest), Some((portion, file))) = (rest, look.rest) {
        let content = match file {
            Ok(file) => rest(portion, &file),
            Err(error) => Err(unread(path, error.into())),
        };
        out.insert(Source::Exiftool, SourceLook { sidecar: None, content });
    }
    if let Some(attributes) = of_attributes(path, probe.xattrs) {
        out.insert(Source::Xattr, attributes);
    }
    if let Some(name) = path.file_name() {
        of_sidecars(disk, path, name.as_bytes(), &|_| false, Wall(i64::MAX), &mut out);
    }
    out
}

/// The tags that the content of a file has.
///
/// # Errors
/// Nothing of it can be read.
pub fn physical(disk: &dyn Disk, path: &Path) -> Result<Found, Fault> {
    readers::read(&*disk.open(path)?)
}

/// What the content of a file says. What its readers do not find says nothing. `wants_rest`: what they leave unread is
/// asked for.
pub(super) fn of_content(path: &Path, opened: io::Result<&dyn Content>, wants_rest: bool) -> ContentLook {
    let found = opened.map_err(Fault::Io).and_then(|content| Ok((readers::read(content)?, content)));
    let mut out = BySource::new();
    let mut rest = None;
    match found {
        Ok((found, content)) => {
            rest = found.unread.filter(|_| wants_rest).map(|portion| (portion, content.file()));
            let iptc = if found.iptc_is_newer { Source::NewerIptc } else { Source::Iptc };
            put(&mut out, path, Source::Xmp, found.xmp);
            // A fault is of the one source, whichever rank it would have had.
            put(&mut out, path, if found.iptc.is_ok() { iptc } else { Source::Iptc }, found.iptc);
            put(&mut out, path, Source::Exif, found.exif);
        }
        Err(fault) => {
            let unread = unread(path, fault);
            for source in [Source::Xmp, Source::Iptc, Source::Exif] {
                out.insert(source, SourceLook::unread(unread.clone()));
            }
        }
    }
    ContentLook { sources: out, rest }
}

/// Adds what `exiftool` says of a file as it is. Returns whether that is not known yet.
///
/// `as_read` is the file of which the catalog has what it says.
pub(super) fn of_exiftool(
    exiftool: &Exiftool,
    (path, at): (&LogicalPath, &Path),
    before: &DiskStat,
    as_read: Option<&Stat>,
    (portion, file): (Portion, io::Result<File>),
    racy: &mut bool,
    seen: &mut BySource,
) -> bool {
    let stat = before.stat();
    let content = if as_read == Some(&stat) {
        Err(Unread::AsKnown)
    } else {
        match exiftool.read(path, portion, &stat, || Ok(OpenFile { file: file?, stat, settled_ns: settled_ns(before) }))
        {
            Ok(Some(answer)) => {
                *racy |= answer.racy;
                answer.content
            }
            Ok(None) => return true,
            Err(error) => Err(unread(at, error.into())),
        }
    };
    seen.insert(Source::Exiftool, SourceLook { sidecar: None, content });
    false
}

fn put(out: &mut BySource, path: &Path, source: Source, part: Part) {
    match part {
        Ok(tags) if tags.is_empty() => {}
        Ok(tags) => {
            let said = logical::within_limits(logical::said(&tags)).map_err(|fault| unread(path, fault));
            out.insert(source, SourceLook { sidecar: None, content: said });
        }
        Err(fault) => drop(out.insert(source, SourceLook::unread(unread(path, fault)))),
    }
}

fn unread(path: &Path, fault: Fault) -> Unread {
    match fault {
        Fault::Io(error) => Unread::Refused(explain("read the metadata in", path, &error)),
        Fault::Damaged { .. } | Fault::Limit { .. } => Unread::Damaged(fault.to_string()),
    }
}

/// What the extended attributes of a file say; nothing where there are none.
pub(super) fn of_attributes(path: &Path, read: io::Result<Vec<(String, Vec<u8>)>>) -> Option<SourceLook> {
    match read {
        Ok(attributes) if attributes.is_empty() => None,
        Ok(attributes) => Some(SourceLook::read(xattr::metadata(attributes))),
        Err(error) => Some(SourceLook::unread(Unread::Refused(attributes_unread(path, &error)))),
    }
}

/// Why extended attributes could not be read, for people.
pub(super) fn attributes_unread(path: &Path, error: &io::Error) -> String {
    explain("read the extended attributes of", path, error)
}

/// Adds what the sidecars of a file say: of each kind the first that is there.
///
/// `is_ignored` says which names are not looked at. `now` is what a sidecar's age is judged by: where nobody can say
/// whether somebody writes it, one that was changed just now and makes no sense is taken as one that is being written.
pub(super) fn of_sidecars(
    disk: &dyn Disk,
    path: &Path,
    name: &[u8],
    is_ignored: &dyn Fn(&[u8]) -> bool,
    now: Wall,
    seen: &mut BySource,
) {
    for candidate in sidecar::of_asset(name) {
        let source = Source::of_sidecar(candidate.kind);
        if seen.contains_key(&source) {
            continue;
        }
        let at = path.with_file_name(OsStr::from_bytes(&candidate.name));
        let look = match disk.stat(&at) {
            // Few names are those of files, and only for them the patterns are tried.
            Ok(stat) if stat.kind != Kind::File || is_ignored(&candidate.name) => continue,
            Ok(stat) => sidecar(disk, path, name, &at, candidate, stat, now),
            Err(error) if is_absence(&error) => continue,
            Err(error) => SourceLook::unread(Unread::Refused(explain("look at", &at, &error))),
        };
        seen.insert(source, look);
    }
}

/// What one sidecar says. `before` is what lstat(2) said of it.
fn sidecar(
    disk: &dyn Disk,
    asset: &Path,
    asset_name: &[u8],
    at: &Path,
    candidate: Candidate,
    before: DiskStat,
    now: Wall,
) -> SourceLook {
    let mut content = Err(Unread::Written);
    let is_json = matches!(candidate.kind, sidecar::Kind::Json);
    let probe = disk.probe(at, &mut |opened| {
        let said =
            opened.map_err(Fault::Io).and_then(|content| if is_json { of_json(content) } else { of_xmp(content) });
        content = said.map_err(|fault| unread(at, fault));
    });
    let is_written = probe.lease == Lease::Busy || !probe.after.is_ok_and(|after| is_same(&before, &after));
    let may_be_written = probe.lease == Lease::Unknown && matches!(content, Err(Unread::Damaged(_)));
    let age_ms = now.0.saturating_sub(before.mtime_ns.max(before.ctime_ns) / 1_000_000);
    if is_written || (may_be_written && age_ms < YOUNG_MS) {
        content = Err(Unread::Written);
    }
    if let (sidecar::Kind::StemXmp, Ok(said)) = (&candidate.kind, &content)
        && !applies(disk, asset, asset_name, said)
    {
        content = Ok(Said::default());
    }
    SourceLook { sidecar: Some(SidecarFile { name: candidate.name, stat: before.stat() }), content }
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

/// Whether a sidecar that is named for a stem is this asset's: of a raw photo and a JPEG that share a stem it is the
/// raw photo's, unless it says whose it is.
fn applies(disk: &dyn Disk, asset: &Path, name: &[u8], said: &Said) -> bool {
    const FOR: &str = "XMP-photoshop:SidecarForExtension";

    let extension = said.values.get(FOR).and_then(|values| values.first()).map(String::as_str);
    let is_there = |name: &[u8]| {
        let at = asset.with_file_name(OsStr::from_bytes(name));
        disk.stat(&at).is_ok_and(|stat| stat.kind == Kind::File)
    };
    sidecar::stem_applies_where(name, extension, is_there)
}

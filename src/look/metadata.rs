//! What a look reads of a file's metadata: the content of the file, its extended attributes, and its sidecars.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::{Disk, DiskStat};
use super::fault::explain;
use super::file::settled_ns;
use super::sidecars::Beside;
use crate::metadata::content::Content;
use crate::metadata::exiftool::Exiftool;
use crate::metadata::exiftool::pool::{Answer, OpenFile};
use crate::metadata::fault::Fault;
use crate::metadata::found::{Found, Part, Portion};
use crate::metadata::{logical, readers, xattr};
use crate::model::asset::Stat;
use crate::model::look::{SourceLook, Unread};
use crate::model::metadata::{Said, Source};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

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
        let asset = Beside { disk, path, name: name.as_bytes(), is_ignored: &|_| false, now: Wall(i64::MAX) };
        asset.read_sidecars(&mut out);
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

/// What `exiftool` says of a file as it is; `None` while that is not known yet.
///
/// `as_read` is the file of which the catalog has what it says.
pub(super) fn of_exiftool(
    exiftool: &Exiftool,
    (path, at): (&LogicalPath, &Path),
    before: &DiskStat,
    as_read: Option<&Stat>,
    (portion, file): (Portion, io::Result<File>),
) -> Option<Answer> {
    let stat = before.stat();
    if as_read == Some(&stat) {
        return Some(Answer { content: Err(Unread::AsKnown), racy: false });
    }
    let open = || Ok(OpenFile { file: file?, stat, settled_ns: settled_ns(before) });
    exiftool.read(path, portion, &stat, open).unwrap_or_else(|error| {
        let content = Err(unread(at, error.into()));
        Some(Answer { content, racy: false })
    })
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

pub(super) fn unread(path: &Path, fault: Fault) -> Unread {
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

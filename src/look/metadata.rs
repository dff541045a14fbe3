//! What a look reads of a file's metadata: the content of the file, its extended attributes, and its sidecars.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::disk::Disk;
use super::fault::explain;
use super::sidecars::Beside;
use crate::metadata::content::Content;
use crate::metadata::fault::Fault;
use crate::metadata::found::{Found, Part};
use crate::metadata::{logical, readers, xattr};
use crate::model::look::{SourceLook, Unread};
use crate::model::metadata::Source;
use crate::model::time::Wall;

/// What the look of a file read, by source.
pub type BySource = BTreeMap<Source, SourceLook>;

/// What every source on a disk says of a regular file: its attributes, its content, its sidecars.
#[must_use]
pub fn metadata_of(disk: &dyn Disk, path: &Path) -> BySource {
    let mut out = BySource::new();
    let probe = disk.probe(path, &mut |opened| out = of_content(path, opened));
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

/// What the content of a file says. What its readers do not find says nothing.
pub(super) fn of_content(path: &Path, opened: io::Result<&dyn Content>) -> BySource {
    let found = opened.map_err(Fault::Io).and_then(readers::read);
    let mut out = BySource::new();
    match found {
        Ok(found) => {
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
    out
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

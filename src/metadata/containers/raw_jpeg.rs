//! The JPEG that a raw file carries besides its image data, and whose metadata is the raw file's. Reads only what is
//! before the JPEG's own image data.

use std::collections::HashSet;

use crate::metadata::found::{Found, Part};
use crate::metadata::input::Input;

use super::jpeg;

/// How much of the JPEG is read: its metadata is at its beginning.
const HEAD_BYTES: usize = 1024 * 1024;

/// Reads the JPEG at an offset of a raw file. What the raw file says itself wins over it; if the JPEG cannot be read,
/// the raw file's own metadata counts alone.
pub fn read(input: &mut Input<'_>, at: u64, size: usize, found: &mut Found) {
    let budget = input.budget;
    let Ok(bytes) = input.at_most(at, size.min(HEAD_BYTES)) else {
        return;
    };
    let mut inner = Found::default();
    let is_read = Input::open(&bytes, budget).and_then(|mut input| jpeg::read(&mut input, &mut inner));
    if is_read.is_err() {
        return;
    }
    if let (Ok(tags), Ok(more)) = (&mut found.exif, inner.exif) {
        let known: HashSet<_> = tags.iter().map(|tag| (tag.group.clone(), tag.name.clone())).collect();
        tags.extend(more.into_iter().filter(|tag| !known.contains(&(tag.group.clone(), tag.name.clone()))));
    }
    let is_empty = |part: &Part| matches!(part, Ok(tags) if tags.is_empty());
    if is_empty(&found.xmp) && inner.xmp.is_ok() {
        found.xmp = inner.xmp;
    }
    if is_empty(&found.iptc) && inner.iptc.is_ok() {
        found.iptc = inner.iptc;
        found.iptc_is_newer = inner.iptc_is_newer;
    }
}

//! Whether the bytes of a file that is where it was may have changed.

use super::Heard;
use crate::model::asset::{Asset, Stat};
use crate::model::look::FileLook;

/// A date that is set on a file this soon after its last change belongs to the same save, nanoseconds: scp -p, rsync
/// and SMB clients write, close, and then set the mtime.
const DATE_SET_NS: i64 = 1_000_000_000;

/// Returns whether the bytes of the asset's own file may have changed.
pub(super) fn is_modified(asset: &Asset, look: &FileLook, heard: Heard) -> bool {
    let (was, is) = (&asset.stat, &look.stat);
    if heard.unwritten && is_date_set_after_save(was, is) {
        return false;
    }
    // The date may have been put back after the write, so that only the ctime shows it.
    let may_be_rewritten = asset.racy || was.ctime_ns != is.ctime_ns || heard.follows_change;
    (heard.wrote && may_be_rewritten) || (was.size, was.mtime_ns) != (is.size, is.mtime_ns)
}

/// Returns whether the file at an asset's path is a copy, on another filesystem, of the one that was known there: the
/// store was moved to another disk. A write that was heard counts as on one disk.
pub(super) fn is_copy(asset: &Asset, look: &FileLook, heard: Heard) -> bool {
    !heard.wrote && look.stat.is_copy_of(&asset.stat)
}

/// Returns whether a set date explains the difference. An mtime between the two ctimes may also be that of a write of
/// which no event was heard.
fn is_date_set_after_save(was: &Stat, is: &Stat) -> bool {
    let may_be_written = was.ctime_ns < is.mtime_ns && is.mtime_ns < is.ctime_ns;
    let is_other = was.mtime_ns != is.mtime_ns;
    is_other && was.size == is.size && (0..=DATE_SET_NS).contains(&(is.ctime_ns - was.ctime_ns)) && !may_be_written
}

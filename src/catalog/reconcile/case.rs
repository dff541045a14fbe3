//! Renames that change nothing but the case of a name, on a filesystem that ignores case (ext4 with casefold, vfat,
//! exFAT, NTFS, HFS+, APFS): the old name still leads to the file, so a look at it finds the file too.

use super::{Before, Candidate, Here, Place};
use crate::model::asset::Identity;
use crate::model::path::LogicalPath;

/// Takes the file away from an old name that differs from an arriving one only in case. One link cannot have two names,
/// so both are one. The new name counts where something was heard of the name itself; that a file was written, or its
/// attributes changed, may be heard by whatever name the writer used.
pub(super) fn vacate_old_names(places: &mut [Place], candidates: &[Candidate]) {
    let arrives = |place: &Place| match &place.here {
        Here::File(look) if place.known.is_none() && place.heard.named && look.stat.links == 1 => {
            Some((place.path.clone(), look.stat.identity))
        }
        _ => None,
    };
    let arriving: Vec<(LogicalPath, Identity)> = places.iter().filter_map(arrives).collect();
    for (path, identity) in arriving {
        let is_it = |c: &Candidate| c.before == Before::Elsewhere && c.identity == identity;
        for old in candidates.iter().filter(|c| is_it(c) && differ_only_in_case(&c.asset.path, &path)) {
            let shows_it = |place: &&mut Place| {
                place.path == old.asset.path && place.here.stat().is_some_and(|stat| stat.identity == identity)
            };
            if let Some(place) = places.iter_mut().find(shows_it) {
                place.here = Here::Nothing;
            }
        }
    }
}

/// Returns whether two paths are the same to a filesystem that ignores case.
#[must_use]
pub fn differ_only_in_case(a: &LogicalPath, b: &LogicalPath) -> bool {
    a != b
        && match (std::str::from_utf8(a.as_bytes()), std::str::from_utf8(b.as_bytes())) {
            (Ok(a), Ok(b)) => a.to_lowercase() == b.to_lowercase(),
            _ => a.as_bytes().eq_ignore_ascii_case(b.as_bytes()),
        }
}

#[cfg(test)]
mod tests {
    use super::differ_only_in_case;
    use crate::model::path::LogicalPath;

    #[test]
    fn names_are_compared_without_their_case() {
        let path = |bytes: &[u8]| LogicalPath::parse(bytes).expect("a path");
        for (a, b, expect) in [
            (&b"/a/Clip.mov"[..], &b"/a/clip.MOV"[..], true),
            ("/\u{c4}.mov".as_bytes(), "/\u{e4}.mov".as_bytes(), true),
            (b"/Dir/a", b"/dir/a", true),
            (b"/a", b"/a", false),
            (b"/a", b"/b", false),
            (b"/caf\xe9", b"/caf\xe8", false),
            (b"/CAF\xe9", b"/caf\xe9", true),
        ] {
            assert_eq!(differ_only_in_case(&path(a), &path(b)), expect, "{a:?} {b:?}");
        }
    }
}

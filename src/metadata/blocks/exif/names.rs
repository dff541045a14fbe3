//! Which name and which kind a number has.

use super::kind::{Entry, Kind};
use super::{tags_dng, tags_exif, tags_gps, tags_ifd0, tags_panasonic, tags_private};

/// The tables that a directory's numbers are looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// All directories that have no names of their own.
    Exif,
    /// The GPS directory.
    Gps,
    /// The first directory of a Panasonic raw file.
    Panasonic,
}

impl Names {
    /// The name and the kind of a number; `None` for one that is unknown, or noise.
    #[must_use]
    pub fn look_up(self, number: u16) -> Option<(&'static str, Kind)> {
        let table = match self {
            Self::Gps => tags_gps::TAGS,
            Self::Panasonic => tags_panasonic::TAGS,
            Self::Exif => match number {
                0..=0x7fff | 0x8298 => tags_ifd0::TAGS,
                0x829a | 0x829d | 0x8822..=0x9405 | 0xa000..=0xa500 => tags_exif::TAGS,
                0xc5e0..=0xcd4b => tags_dng::TAGS,
                _ => tags_private::TAGS,
            },
        };
        let at = table.binary_search_by_key(&number, |&(id, _, _): &Entry| id).ok()?;
        table.get(at).map(|&(_, name, kind)| (name, kind))
    }
}

/// Whether the name of a number is another number's name too: two of them can be in one directory.
#[must_use]
pub fn is_twin(number: u16) -> bool {
    // TIFF/EP's numbers at EXIF's, HD Photo's size, Photoshop's raw tags.
    matches!(number, 0xa20b..=0xa217 | 0xa430 | 0xa431 | 0xbc80 | 0xbc81 | 0xfde8..=0xfe58)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Names, is_twin};
    use crate::metadata::blocks::exif::{tags_dng, tags_exif, tags_gps, tags_ifd0, tags_panasonic, tags_private};

    #[test]
    fn every_row_can_be_found() {
        let check = |names: Names, table: &[Entry]| {
            assert!(table.is_sorted_by(|one, two| one.0 < two.0));
            for &(id, name, kind) in table {
                assert_eq!(names.look_up(id), Some((name, kind)), "{name}");
            }
        };
        for table in [tags_ifd0::TAGS, tags_exif::TAGS, tags_dng::TAGS, tags_private::TAGS] {
            check(Names::Exif, table);
        }
        check(Names::Gps, tags_gps::TAGS);
        check(Names::Panasonic, tags_panasonic::TAGS);
        assert_eq!(Names::Exif.look_up(0x927d), None, "it has no name");
    }

    #[test]
    fn twins_are_known() {
        let tables = [tags_ifd0::TAGS, tags_exif::TAGS, tags_dng::TAGS, tags_private::TAGS];
        let mut rows: Vec<&Entry> = tables.into_iter().flatten().collect();
        rows.sort_unstable_by_key(|row| (row.1, row.0));
        for pair in rows.windows(2) {
            if pair[0].1 == pair[1].1 {
                assert!(is_twin(pair[1].0), "{}: {:#06x} and {:#06x}", pair[0].1, pair[0].0, pair[1].0);
            }
        }
    }
}

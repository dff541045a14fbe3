//! Where a directory is in the structure, and the group that ExifTool gives its tags (family 1).

use crate::metadata::tag::Text;

use super::kind::Directory;
use super::names::Names;

/// The position of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the chain that the header begins, by its number.
    Main(u32),
    /// One of the further images of another directory, by its number.
    Sub(u32),
    /// A camera profile, by its number.
    Profile(u32),
    /// EXIF's directory.
    Exif,
    /// The GPS directory.
    Gps,
    /// The interoperability directory.
    Interop,
    /// TIFF-FX's global parameters.
    GlobalParameters,
}

/// How many directories have static names.
const STATIC: usize = 10;
const MAIN: [&str; STATIC] = ["IFD0", "IFD1", "IFD2", "IFD3", "IFD4", "IFD5", "IFD6", "IFD7", "IFD8", "IFD9"];
const SUB: [&str; STATIC] =
    ["SubIFD", "SubIFD1", "SubIFD2", "SubIFD3", "SubIFD4", "SubIFD5", "SubIFD6", "SubIFD7", "SubIFD8", "SubIFD9"];

impl Place {
    /// The place of a directory that a pointer leads to, by its index among the pointer's offsets.
    #[must_use]
    pub fn behind(directory: Directory, number: u32) -> Self {
        match directory {
            Directory::Exif => Self::Exif,
            Directory::Gps => Self::Gps,
            Directory::Interop => Self::Interop,
            Directory::GlobalParameters => Self::GlobalParameters,
            Directory::Sub => Self::Sub(number),
            Directory::Profile => Self::Profile(number),
        }
    }

    /// The place that the link at the end of a directory leads to; `None` where links are not followed, because
    /// the standard knows none there and cameras write anything.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Main(number) => Some(Self::Main(number.saturating_add(1))),
            Self::Sub(number) => Some(Self::Sub(number.saturating_add(1))),
            _ => None,
        }
    }

    /// ExifTool's name of the group.
    #[must_use]
    pub fn group(self) -> Text {
        let numbered = |names: &[&'static str], number: u32, name: &str| {
            let known = usize::try_from(number).ok().and_then(|number| names.get(number));
            known.map_or_else(|| Text::Owned(format!("{name}{number}")), |known| Text::Borrowed(known))
        };
        match self {
            Self::Main(number) => numbered(&MAIN, number, "IFD"),
            Self::Sub(number) => numbered(&SUB, number, "SubIFD"),
            Self::Profile(number) => numbered(&["ProfileIFD"], number, "ProfileIFD"),
            Self::Exif => "ExifIFD".into(),
            Self::Gps => "GPS".into(),
            Self::Interop => "InteropIFD".into(),
            Self::GlobalParameters => "GlobParamIFD".into(),
        }
    }

    /// The tables of its numbers, given those of the first directory.
    #[must_use]
    pub fn names(self, first: Names) -> Names {
        match self {
            Self::Gps => Names::Gps,
            Self::Main(0) => first,
            _ => Names::Exif,
        }
    }
}

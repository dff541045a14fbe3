//! What the readers have found in one file, by source.

use super::fault::Fault;
use super::tag::Tag;

/// What one source of a file says, or why it could not be read.
pub type Part = Result<Vec<Tag>, Fault>;

/// What the readers leave unread in a file, and `exiftool` may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// All of it: no reader knows the file.
    Whole,
    /// The maker note of a photograph.
    MakerNote,
}

/// What a file says, by source.
#[derive(Debug)]
pub struct Found {
    /// XMP inside the file.
    pub xmp: Part,
    /// IPTC-IIM inside the file.
    pub iptc: Part,
    /// EXIF, and the container's own tags.
    pub exif: Part,
    /// The file has a digest of its IIM that does not match it: a program that knows no XMP has changed the IIM since
    /// (Metadata Working Group, Guidelines for Handling Image Metadata 2.0, section 3.3.1).
    pub iptc_is_newer: bool,
    /// What is left unread.
    pub unread: Option<Portion>,
}

impl Default for Found {
    fn default() -> Self {
        Self { xmp: Ok(Vec::new()), iptc: Ok(Vec::new()), exif: Ok(Vec::new()), iptc_is_newer: false, unread: None }
    }
}

/// Adds what one more block says. A fault stays: part of a source is not the source.
pub fn add(part: &mut Part, block: Part) {
    match (part.as_mut(), block) {
        (Ok(tags), Ok(more)) => tags.extend(more),
        (Ok(_), Err(fault)) => *part = Err(fault),
        (Err(_), _) => {}
    }
}

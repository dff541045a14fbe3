//! What a file says, tag by tag, under the names that ExifTool gives (its families 0 and 1).

use std::borrow::Cow;

/// The standard or the container that a tag belongs to: ExifTool's family 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// EXIF, TIFF and DNG tags.
    Exif,
    /// IPTC-IIM datasets.
    Iptc,
    /// XMP properties.
    Xmp,
    /// Photoshop's image resources.
    Photoshop,
    /// ISO BMFF: QuickTime, MP4, HEIF.
    QuickTime,
    /// RIFF: WAV, WebP.
    Riff,
    /// PNG's text chunks.
    Png,
    /// What `exiftool` alone reads; the group is in [`Tag::group`].
    Other,
}

impl Family {
    /// ExifTool's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exif => "EXIF",
            Self::Iptc => "IPTC",
            Self::Xmp => "XMP",
            Self::Photoshop => "Photoshop",
            Self::QuickTime => "QuickTime",
            Self::Riff => "RIFF",
            Self::Png => "PNG",
            Self::Other => "",
        }
    }
}

/// A text of a tag: most names are in tables.
pub type Text = Cow<'static, str>;

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The standard.
    pub family: Family,
    /// ExifTool's family 1: `IFD0`, `ExifIFD`, `GPS`, `IPTC`, `XMP-photoshop`, `ItemList`.
    pub group: Text,
    /// ExifTool's name, without a language: `City`, `By-line`, `DateTimeOriginal`.
    pub name: Text,
    /// The language of a language alternative other than `x-default`, as the file writes it.
    pub language: Option<String>,
    /// What it says. Text is clean ([`super::text::clean`]), dates are ISO 8601, rationals decimals.
    pub value: TagValue,
}

/// What a tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagValue {
    /// One text or number. Several numbers of one EXIF tag are one text, with spaces between.
    Text(String),
    /// Values without an order (`rdf:Bag`, `rdf:Alt`, repeated IIM datasets).
    Bag(Vec<TagValue>),
    /// Values whose order means something (`rdf:Seq`).
    Seq(Vec<TagValue>),
    /// A structure: its fields by ExifTool's names, in the order of the file.
    Struct(Vec<(Text, TagValue)>),
}

impl Tag {
    /// A tag of one text.
    #[must_use]
    pub fn text(family: Family, group: impl Into<Text>, name: impl Into<Text>, text: impl Into<String>) -> Self {
        Self { family, group: group.into(), name: name.into(), language: None, value: TagValue::Text(text.into()) }
    }

    /// The name with its language: `Title`, `Title-de`.
    #[must_use]
    pub fn full_name(&self) -> Cow<'_, str> {
        match &self.language {
            Some(language) => Cow::Owned(format!("{}-{language}", self.name)),
            None => Cow::Borrowed(&*self.name),
        }
    }
}

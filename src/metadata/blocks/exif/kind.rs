//! What the tables say about a tag besides its name: how its value is read, or where it leads.

/// One row of a table: number, ExifTool's name, kind. Rows are sorted by number.
pub type Entry = (u16, &'static str, Kind);

/// How the value of a tag becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By the type that the file gives: text, or numbers with spaces between.
    Plain,
    /// Text, whatever type the file gives.
    Text,
    /// Text as in [`Kind::Text`]; nothing if it is empty.
    TextOrNone,
    /// Numbers or text, left out if they are longer than 64 characters: a table then.
    Short,
    /// A date, with or without a time.
    Date,
    /// UTF-16 in little-endian order, whatever the order of the file.
    Utf16,
    /// Text behind eight bytes that name its character set.
    Prefixed,
    /// A photographer's and an editor's copyright, each with a NUL behind.
    Copyright,
    /// `Label: text`, of which the text counts.
    Labelled,
    /// Single bytes as numbers.
    Bytes,
    /// 16-bit numbers.
    Words,
    /// Bytes as lower-case hexadecimal digits.
    HexLower,
    /// Bytes as upper-case hexadecimal digits.
    HexUpper,
    /// A rational that is signed, whatever type the file gives.
    SignedRational,
    /// An APEX time value, as seconds.
    ShutterSpeed,
    /// An APEX aperture value, as an F number.
    Aperture,
    /// Two 16-bit numbers, and a byte for each of their product.
    CfaPattern,
    /// Seven rationals, two 16-bit numbers, rationals.
    CompositeTimes,
    /// SMPTE time codes of eight bytes each.
    TimeCodes,
    /// A number for one of four arrangements of colours.
    Cr2Cfa,
    /// A GUID, of which the last byte counts when it is one of the HD Photo formats.
    PixelFormat,
    /// A number with eight binary places.
    Fixed8,
    /// Gamma in hundredths, in 256ths or in 1024ths, by its size (Panasonic).
    PanasonicGamma,
    /// Degrees, minutes and seconds, as degrees.
    Degrees,
    /// Hours, minutes and seconds, as a time of day.
    TimeOfDay,
    /// Nothing but that it is there: what it says is not read.
    Presence,
    /// A date without a time.
    GpsDate,
    /// The offset of another directory, or of several.
    Pointer(Directory),
    /// A block of another format.
    Block(Embedded),
}

/// Directories that tags lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// EXIF's own.
    Exif,
    /// GPS.
    Gps,
    /// Interoperability.
    Interop,
    /// Further images of the same picture.
    Sub,
    /// TIFF-FX's global parameters.
    GlobalParameters,
    /// A DNG camera profile.
    Profile,
}

/// Blocks of other formats that tags carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedded {
    /// An XMP packet.
    Xmp,
    /// IPTC-IIM datasets.
    Iim,
    /// Photoshop's image resources.
    Photoshop,
    /// A JPEG that a raw file carries, with metadata of its own.
    Jpeg,
}

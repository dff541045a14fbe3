//! What is known of single XMP properties: ExifTool's name, and what the text of the value is. Knows no namespace; the
//! tables are chosen by [`super::namespaces`].

pub mod industry;
pub mod standard;

/// A property: its own name; ExifTool's name, empty when it is the property's own name; and what the value is.
pub type Property = (&'static str, &'static str, Kind);

/// What the text of a property, or of a field of a structure, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, an integer, a boolean, or a real number: kept as the file writes it.
    Text,
    /// A text in several languages (ISO 16684-1, Language Alternative).
    Lang,
    /// A date (ISO 16684-1, Date).
    Date,
    /// A rational, `1/250`: becomes a decimal.
    Rational,
    /// Rationals in one text, `18/1 55/1 0/0 0/0`: become decimals.
    Rationals,
    /// An aperture as an APEX value: becomes the F number (Exif 3.0, annex C).
    Aperture,
    /// A shutter speed as an APEX value: becomes the time in seconds (Exif 3.0, annex C).
    Shutter,
    /// A term of a vocabulary, without the vocabulary's URI (PLUS) or the slash of a PDF name.
    Term,
    /// A time as IPTC-IIM has it, `HHMMSS+HHMM`: becomes `HH:MM:SS+HH:MM`.
    Time,
    /// A latitude or a longitude, `43,28.5N`: becomes signed decimal degrees.
    Gps,
    /// A thumbnail, a digest, a history, a binary blob: left out, whatever the value is.
    Noise,
}

/// Finds a property in a table by its own name.
#[must_use]
pub fn find(table: &'static [Property], id: &str) -> Option<&'static Property> {
    let at = table.binary_search_by(|(known, _, _)| (*known).cmp(id)).ok()?;
    table.get(at)
}

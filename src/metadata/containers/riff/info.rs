//! RIFF's texts: the list INFO (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", chapter 2,
//! "INFO List Chunk", and the chunks that later programs add) and the list of EXIF audio (EXIF 3.0, chapter 5, "Exif
//! Audio File Specification").

use super::walk::Walk;
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::text;

/// Chunks and the names of their texts, in the order of the chunks' bytes.
pub type Names = &'static [([u8; 4], &'static str)];

/// Reads a list of texts.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent, names: Names) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(chunk) = walk.chunk(at, content.end)? {
        at = chunk.next();
        let known = names.binary_search_by_key(&&chunk.kind, |(kind, _)| kind).ok().and_then(|at| names.get(at));
        let Some((_, name)) = known else { continue };
        if chunk.content.end > content.end || chunk.content.length() > VALUE_BYTES_MAX as u64 {
            continue;
        }
        let bytes = chunk.content.head(walk.input, VALUE_BYTES_MAX)?;
        let value = match bytes.iter().position(|&byte| byte == 0) {
            // EXIF audio's user comments begin with their character code.
            Some(_) if *name == "UserComment" => text::guessed(bytes.get(8..).unwrap_or_default()),
            Some(end) => text::guessed(bytes.get(..end).unwrap_or_default()),
            None => text::guessed(bytes),
        };
        let value = match *name {
            "DateCreated" | "DateTimeOriginal" => text::iso_date(&value).unwrap_or(value),
            _ => value,
        };
        walk.tag(name, value);
    }
    Ok(())
}

/// The list of EXIF audio, without makers' notes.
#[rustfmt::skip]
pub const EXIF: Names = &[
    (*b"ecor", "Make"),
    (*b"emdl", "Model"),
    (*b"erel", "RelatedImageFile"),
    (*b"etim", "TimeCreated"),
    (*b"eucm", "UserComment"),
    (*b"ever", "ExifVersion"),
];

/// The list INFO.
#[rustfmt::skip]
pub const INFO: Names = &[
    (*b"AGES", "Rated"),
    (*b"CMNT", "Comment"),
    (*b"CODE", "EncodedBy"),
    (*b"COMM", "Comments"),
    (*b"DIRC", "Directory"),
    (*b"DISP", "SoundSchemeTitle"),
    (*b"DTIM", "DateTimeOriginal"),
    (*b"GENR", "Genre"),
    (*b"IARL", "ArchivalLocation"),
    (*b"IART", "Artist"),
    (*b"IAS1", "FirstLanguage"),
    (*b"IAS2", "SecondLanguage"),
    (*b"IAS3", "ThirdLanguage"),
    (*b"IAS4", "FourthLanguage"),
    (*b"IAS5", "FifthLanguage"),
    (*b"IAS6", "SixthLanguage"),
    (*b"IAS7", "SeventhLanguage"),
    (*b"IAS8", "EighthLanguage"),
    (*b"IAS9", "NinthLanguage"),
    (*b"IBSU", "BaseURL"),
    (*b"ICAS", "DefaultAudioStream"),
    (*b"ICDS", "CostumeDesigner"),
    (*b"ICMS", "Commissioned"),
    (*b"ICMT", "Comment"),
    (*b"ICNM", "Cinematographer"),
    (*b"ICNT", "Country"),
    (*b"ICOP", "Copyright"),
    (*b"ICRD", "DateCreated"),
    (*b"ICRP", "Cropped"),
    (*b"IDIM", "Dimensions"),
    (*b"IDIT", "DateTimeOriginal"),
    (*b"IDPI", "DotsPerInch"),
    (*b"IDST", "DistributedBy"),
    (*b"IEDT", "EditedBy"),
    (*b"IENC", "EncodedBy"),
    (*b"IENG", "Engineer"),
    (*b"IGNR", "Genre"),
    (*b"IKEY", "Keywords"),
    (*b"ILGT", "Lightness"),
    (*b"ILGU", "LogoURL"),
    (*b"ILIU", "LogoIconURL"),
    (*b"ILNG", "Language"),
    (*b"IMBI", "MoreInfoBannerImage"),
    (*b"IMBU", "MoreInfoBannerURL"),
    (*b"IMED", "Medium"),
    (*b"IMIT", "MoreInfoText"),
    (*b"IMIU", "MoreInfoURL"),
    (*b"IMUS", "MusicBy"),
    (*b"INAM", "Title"),
    (*b"IPDS", "ProductionDesigner"),
    (*b"IPLT", "NumColors"),
    (*b"IPRD", "Product"),
    (*b"IPRO", "ProducedBy"),
    (*b"IRIP", "RippedBy"),
    (*b"IRTD", "Rating"),
    (*b"ISBJ", "Subject"),
    (*b"ISFT", "Software"),
    (*b"ISGN", "SecondaryGenre"),
    (*b"ISHP", "Sharpness"),
    (*b"ISMP", "TimeCode"),
    (*b"ISRC", "Source"),
    (*b"ISRF", "SourceForm"),
    (*b"ISTD", "ProductionStudio"),
    (*b"ISTR", "Starring"),
    (*b"ITCH", "Technician"),
    (*b"ITRK", "TrackNumber"),
    (*b"IWMU", "WatermarkURL"),
    (*b"IWRI", "WrittenBy"),
    (*b"LANG", "Language"),
    (*b"LOCA", "Location"),
    (*b"PRT1", "Part"),
    (*b"PRT2", "NumberOfParts"),
    (*b"RATE", "Rate"),
    (*b"STAR", "Starring"),
    (*b"STAT", "Statistics"),
    (*b"TAPE", "TapeName"),
    (*b"TCDO", "EndTimecode"),
    (*b"TCOD", "StartTimecode"),
    (*b"TITL", "Title"),
    (*b"TLEN", "Length"),
    (*b"TORG", "Organization"),
    (*b"TRCK", "TrackNumber"),
    (*b"TURL", "URL"),
    (*b"TVER", "Version"),
    (*b"VMAJ", "VegasVersionMajor"),
    (*b"VMIN", "VegasVersionMinor"),
    (*b"YEAR", "Year"),
];

#[cfg(test)]
mod tests {
    use super::{EXIF, INFO};

    #[test]
    fn the_tables_are_sorted() {
        assert!(INFO.is_sorted_by(|(one, _), (two, _)| one < two));
        assert!(EXIF.is_sorted_by(|(one, _), (two, _)| one < two));
    }
}

//! Tags that say nothing about an asset: pictures inside it, where its bytes are, who wrote the metadata last.
//!
//! Readers leave out what they can; this is what their sources still have in common.

use crate::metadata::tag::{Family, Tag};

/// Whether a tag is left out.
#[must_use]
pub fn is_noise(tag: &Tag) -> bool {
    let is_history = tag.family == Family::Xmp
        && tag.name == "History"
        && matches!(&*tag.group, "XMP-xmpMM" | "XMP-photoshop" | "XMP-darktable");
    is_history || is_noise_name(&tag.name)
}

/// Whether a tag of this name is left out, whatever its group.
#[must_use]
pub fn is_noise_name(name: &str) -> bool {
    matches!(
        name,
        "CurrentIPTCDigest"
            | "EmbeddedXMPDigest"
            | "FreeByteCounts"
            | "FreeOffsets"
            | "HasExtendedXMP"
            | "IPTCDigest"
            | "InstanceID"
            | "JpgFromRaw"
            | "JpgFromRawLength"
            | "JpgFromRawStart"
            | "LegacyIPTCDigest"
            | "MakerNote"
            | "MediaDataOffset"
            | "MediaDataSize"
            | "MetadataDate"
            | "NativeDigest"
            | "OtherImage"
            | "OtherImageLength"
            | "OtherImageStart"
            | "PageImage"
            | "PreviewImage"
            | "PreviewImageLength"
            | "PreviewImageStart"
            | "StripByteCounts"
            | "StripOffsets"
            | "ThumbnailImage"
            | "ThumbnailLength"
            | "ThumbnailOffset"
            | "ThumbnailTIFF"
            | "Thumbnails"
            | "TileByteCounts"
            | "TileOffsets"
            | "XMPToolkit"
    )
}

#[cfg(test)]
mod tests {
    use super::is_noise;
    use crate::metadata::tag::{Family, Tag};

    #[test]
    fn noise_is_known_by_its_name() {
        for (family, group, name, expect) in [
            (Family::Xmp, "XMP-x", "XMPToolkit", true),
            (Family::Xmp, "XMP-xmpMM", "InstanceID", true),
            (Family::Xmp, "XMP-xmpMM", "History", true),
            (Family::Xmp, "XMP-own", "History", false),
            (Family::Xmp, "XMP-xmpMM", "DocumentID", false),
            (Family::Exif, "IFD1", "ThumbnailOffset", true),
            (Family::Exif, "IFD0", "BaselineExposureOffset", false),
        ] {
            assert_eq!(is_noise(&Tag::text(family, group, name, "")), expect, "{group}:{name}");
        }
    }
}

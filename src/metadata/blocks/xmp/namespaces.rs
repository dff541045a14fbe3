//! The namespaces of XMP: which group a namespace has in ExifTool, and what is known of its properties. Knows no
//! document: prefixes that a document declares are resolved by [`super::document`].
//!
//! URIs are those that the specification or the program that writes a namespace publishes. Groups are ExifTool's
//! family 1, which is the usual prefix with few exceptions.

use std::sync::LazyLock;

use super::properties::{Property, industry, standard};

/// The namespace of RDF (W3C, RDF 1.1 XML Syntax).
pub const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// Bytes of a URI that may be another version of a known one. All known ones are shorter.
const URI_BYTES_MAX: usize = 100;

/// A namespace that is known.
#[derive(Debug)]
pub struct Schema {
    /// The URI.
    pub uri: &'static str,
    /// The prefix that documents usually give it.
    pub prefix: &'static str,
    /// ExifTool's family 1 group: `XMP-dc`.
    pub group: &'static str,
    /// The properties whose name or kind is special, sorted.
    pub properties: &'static [Property],
}

/// Finds a namespace by its URI. Another version of a known one (`basic/2.1/` for `basic/2.0/`), with or without the
/// slash at its end, is the known one, as for ExifTool.
#[must_use]
pub fn find(uri: &str) -> Option<&'static Schema> {
    if let Ok(at) = SCHEMAS.binary_search_by(|schema| schema.uri.cmp(uri)) {
        return SCHEMAS.get(at);
    }
    let key = without_version(uri)?;
    let at = BY_KEY.binary_search_by(|(known, _)| (**known).cmp(&key)).ok()?;
    BY_KEY.get(at).map(|(_, schema)| *schema)
}

/// Returns whether a known namespace usually has this prefix or gives this group its name.
#[must_use]
pub fn has_prefix(prefix: &str) -> bool {
    let is_group = |schema: &Schema| schema.group.strip_prefix("XMP-") == Some(prefix);
    SCHEMAS.iter().any(|schema| schema.prefix == prefix || is_group(schema))
}

/// The known namespaces by what is left of their URIs without the version.
static BY_KEY: LazyLock<Vec<(String, &'static Schema)>> = LazyLock::new(|| {
    let mut keys: Vec<_> = SCHEMAS.iter().filter_map(|schema| Some((without_version(schema.uri)?, schema))).collect();
    // Of several versions that are known, the first is the one that unknown versions belong to.
    keys.sort_by(|(a, _), (b, _)| a.cmp(b));
    keys.dedup_by(|(a, _), (b, _)| a == b);
    keys
});

/// A URI with `#` for its first version number (`1.0`) and without a slash at its end; `None` for one that is too long
/// to be a known one.
fn without_version(uri: &str) -> Option<String> {
    if uri.len() > URI_BYTES_MAX {
        return None;
    }
    let uri = uri.strip_suffix('/').unwrap_or(uri);
    let is_version = |part: &str| {
        part.split_once('.').is_some_and(|(major, minor)| {
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number(major) && is_number(minor)
        })
    };
    let mut out = String::with_capacity(uri.len());
    let mut has_version = false;
    for (at, part) in uri.split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        if !has_version && is_version(part) {
            has_version = true;
            out.push('#');
        } else {
            out.push_str(part);
        }
    }
    Some(out)
}

const fn ns(uri: &'static str, prefix: &'static str, group: &'static str, properties: &'static [Property]) -> Schema {
    Schema { uri, prefix, group, properties }
}

/// All that are known, sorted by URI.
static SCHEMAS: &[Schema] = &[
    ns("adobe:ns:meta/", "x", "XMP-x", standard::X),
    ns("http://cipa.jp/exif/1.0/", "exifEX", "XMP-exifEX", standard::EXIF_EX),
    ns("http://creativecommons.org/ns#", "cc", "XMP-cc", industry::CC),
    ns("http://developer.sonyericsson.com/cell/1.0/", "cell", "XMP-cell", industry::CELL),
    ns("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore", "XMP-iptcCore", industry::IPTC_CORE),
    ns("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt", "XMP-iptcExt", industry::IPTC_EXT),
    ns("http://ns.acdsee.com/iptc/1.0/", "acdsee", "XMP-acdsee", industry::ACDSEE),
    ns("http://ns.adobe.com/DICOM/", "DICOM", "XMP-DICOM", industry::DICOM),
    ns("http://ns.adobe.com/album/1.0/", "album", "XMP-album", &[]),
    ns("http://ns.adobe.com/camera-raw-defaults/1.0/", "crd", "XMP-crd", standard::CRS),
    ns("http://ns.adobe.com/camera-raw-embedded-lens-profile/1.0/", "crlcp", "XMP-crlcp", &[]),
    ns("http://ns.adobe.com/camera-raw-saved-settings/1.0/", "crss", "XMP-crss", &[]),
    ns("http://ns.adobe.com/camera-raw-settings/1.0/", "crs", "XMP-crs", standard::CRS),
    ns("http://ns.adobe.com/creatorAtom/1.0/", "creatorAtom", "XMP-creatorAtom", &[]),
    ns("http://ns.adobe.com/exif/1.0/", "exif", "XMP-exif", standard::EXIF),
    ns("http://ns.adobe.com/exif/1.0/aux/", "aux", "XMP-aux", standard::AUX),
    ns("http://ns.adobe.com/hdr-gain-map/1.0/", "hdrgm", "XMP-hdrgm", &[]),
    ns("http://ns.adobe.com/hdr-metadata/1.0/", "hdr_metadata", "XMP-hdr", industry::HDR),
    ns("http://ns.adobe.com/iX/1.0/", "iX", "XMP-iX", &[]),
    ns("http://ns.adobe.com/lightroom/1.0/", "lr", "XMP-lr", industry::LR),
    ns("http://ns.adobe.com/pdf/1.3/", "pdf", "XMP-pdf", standard::PDF),
    ns("http://ns.adobe.com/pdfx/1.3/", "pdfx", "XMP-pdfx", &[]),
    ns("http://ns.adobe.com/photoshop/1.0/", "photoshop", "XMP-photoshop", standard::PHOTOSHOP),
    ns("http://ns.adobe.com/photoshop/1.0/camera-profile", "stCamera", "XMP-stCamera", &[]),
    ns("http://ns.adobe.com/swf/1.0/", "swf", "XMP-swf", industry::SWF),
    ns("http://ns.adobe.com/tiff/1.0/", "tiff", "XMP-tiff", standard::TIFF),
    ns("http://ns.adobe.com/xap/1.0/", "xmp", "XMP-xmp", standard::XMP),
    ns("http://ns.adobe.com/xap/1.0/PLUS/", "xmpPLUS", "XMP-xmpPLUS", &[]),
    ns("http://ns.adobe.com/xap/1.0/bj/", "xmpBJ", "XMP-xmpBJ", standard::XMP_BJ),
    ns("http://ns.adobe.com/xap/1.0/g/", "xmpG", "XMP-xmpG", &[]),
    ns("http://ns.adobe.com/xap/1.0/g/img/", "xmpGImg", "XMP-xmpGImg", standard::XMP_GIMG),
    ns("http://ns.adobe.com/xap/1.0/mm/", "xmpMM", "XMP-xmpMM", standard::XMP_MM),
    ns("http://ns.adobe.com/xap/1.0/rights/", "xmpRights", "XMP-xmpRights", standard::XMP_RIGHTS),
    ns("http://ns.adobe.com/xap/1.0/sType/Dimensions#", "stDim", "XMP-stDim", &[]),
    ns("http://ns.adobe.com/xap/1.0/sType/Font#", "stFnt", "XMP-stFnt", &[]),
    ns("http://ns.adobe.com/xap/1.0/sType/Job#", "stJob", "XMP-stJob", &[]),
    ns("http://ns.adobe.com/xap/1.0/sType/ManifestItem#", "stMfs", "XMP-stMfs", &[]),
    ns("http://ns.adobe.com/xap/1.0/sType/ResourceEvent#", "stEvt", "XMP-stEvt", standard::ST_EVT),
    ns("http://ns.adobe.com/xap/1.0/sType/ResourceRef#", "stRef", "XMP-stRef", standard::ST_REF),
    ns("http://ns.adobe.com/xap/1.0/sType/Version#", "stVer", "XMP-stVer", standard::ST_VER),
    ns("http://ns.adobe.com/xap/1.0/t/pg/", "xmpTPg", "XMP-xmpTPg", standard::XMP_TPG),
    ns("http://ns.adobe.com/xmp/1.0/DynamicMedia/", "xmpDM", "XMP-xmpDM", standard::XMP_DM),
    ns("http://ns.adobe.com/xmp/Identifier/qual/1.0/", "xmpidq", "XMP-xmpidq", &[]),
    ns("http://ns.adobe.com/xmp/note/", "xmpNote", "XMP-xmpNote", standard::XMP_NOTE),
    ns("http://ns.adobe.com/xmp/sType/Area#", "stArea", "XMP-stArea", &[]),
    ns("http://ns.apple.com/adjustment-settings/1.0/", "aas", "XMP-aas", &[]),
    ns("http://ns.apple.com/faceinfo/1.0/", "apple-fi", "XMP-apple-fi", industry::APPLE_FI),
    ns("http://ns.camerabits.com/photomechanic/1.0/", "photomechanic", "XMP-photomech", industry::PHOTOMECH),
    ns("http://ns.exiftool.org/1.0/", "et", "XMP-et", &[]),
    ns("http://ns.extensis.com/extensis/1.0/", "extensis", "XMP-extensis", &[]),
    ns("http://ns.fastpictureviewer.com/fpv/1.0/", "fpv", "XMP-fpv", &[]),
    ns("http://ns.google.com/photos/1.0/audio/", "GAudio", "XMP-GAudio", industry::GAUDIO),
    ns("http://ns.google.com/photos/1.0/camera/", "GCamera", "XMP-GCamera", industry::GCAMERA),
    ns("http://ns.google.com/photos/1.0/container/", "Container", "XMP-Container", &[]),
    ns("http://ns.google.com/photos/1.0/container/item/", "Item", "XMP-Item", &[]),
    ns("http://ns.google.com/photos/1.0/creations/", "GCreations", "XMP-GCreations", &[]),
    ns("http://ns.google.com/photos/1.0/depthmap/", "GDepth", "XMP-GDepth", industry::GDEPTH),
    ns("http://ns.google.com/photos/1.0/focus/", "GFocus", "XMP-GFocus", &[]),
    ns("http://ns.google.com/photos/1.0/image/", "GImage", "XMP-GImage", industry::GIMAGE),
    ns("http://ns.google.com/photos/1.0/panorama/", "GPano", "XMP-GPano", industry::GPANO),
    ns("http://ns.google.com/photos/dd/1.0/device/", "Device", "XMP-Device", &[]),
    ns("http://ns.google.com/videos/1.0/spherical/", "GSpherical", "XMP-GSpherical", industry::GSPHERICAL),
    ns("http://ns.idimager.com/ics/1.0/", "ics", "XMP-ics", industry::ICS),
    ns("http://ns.iview-multimedia.com/mediapro/1.0/", "mediapro", "XMP-mediapro", &[]),
    ns("http://ns.leiainc.com/photos/1.0/image/", "LImage", "XMP-LImage", industry::LIMAGE),
    ns("http://ns.microsoft.com/expressionmedia/1.0/", "expressionmedia", "XMP-expressionmedia", &[]),
    ns("http://ns.microsoft.com/photo/1.0", "MicrosoftPhoto", "XMP-microsoft", industry::MICROSOFT),
    ns("http://ns.microsoft.com/photo/1.1", "MP1", "XMP-MP1", &[]),
    ns("http://ns.microsoft.com/photo/1.2/", "MP", "XMP-MP", industry::MP),
    ns("http://ns.microsoft.com/photo/1.2/t/Region#", "MPReg", "XMP-MPReg", &[]),
    ns("http://ns.microsoft.com/photo/1.2/t/RegionInfo#", "MPRI", "XMP-MPRI", industry::MPRI),
    ns("http://ns.nikon.com/asteroid/1.0/", "ast", "XMP-ast", &[]),
    ns("http://ns.nikon.com/nine/1.0/", "nine", "XMP-nine", &[]),
    ns("http://ns.nikon.com/sdc/1.0/", "sdc", "XMP-sdc", industry::SDC),
    ns("http://ns.optimasc.com/dex/1.0/", "dex", "XMP-dex", industry::DEX),
    ns("http://ns.useplus.org/ldf/xmp/1.0/", "plus", "XMP-plus", industry::PLUS),
    ns("http://prismstandard.org/namespaces/basic/2.0/", "prism", "XMP-prism", industry::PRISM),
    ns("http://prismstandard.org/namespaces/pmi/2.2/", "pmi", "XMP-pmi", &[]),
    ns("http://prismstandard.org/namespaces/prismusagerights/2.1/", "pur", "XMP-pur", industry::PUR),
    ns("http://prismstandard.org/namespaces/prl/2.1/", "prl", "XMP-prl", &[]),
    ns("http://prismstandard.org/namespaces/prm/3.0/", "prm", "XMP-prm", &[]),
    ns("http://purl.org/dc/elements/1.1/", "dc", "XMP-dc", standard::DC),
    ns("http://rs.tdwg.org/dwc/index.htm", "dwc", "XMP-dwc", industry::DWC),
    ns("http://web.resource.org/cc/", "cc", "XMP-cc", industry::CC),
    ns("http://www.digikam.org/ns/1.0/", "digiKam", "XMP-digiKam", industry::DIGI_KAM),
    ns("http://www.dji.com/drone-dji/1.0/", "drone-dji", "XMP-drone-dji", industry::DRONE_DJI),
    ns("http://www.metadataworkinggroup.com/schemas/collections/", "mwg-coll", "XMP-mwg-coll", &[]),
    ns("http://www.metadataworkinggroup.com/schemas/keywords/", "mwg-kw", "XMP-mwg-kw", industry::MWG_KEYWORDS),
    ns("http://www.metadataworkinggroup.com/schemas/regions/", "mwg-rs", "XMP-mwg-rs", industry::MWG_REGIONS),
    ns("http://www.w3.org/2000/01/rdf-schema#", "rdfs", "XMP-rdfs", &[]),
    ns("http://www.w3.org/2000/svg", "svg", "XMP-svg", &[]),
    ns("http://xmp.gettyimages.com/gift/1.0/", "GettyImagesGIFT", "XMP-getty", industry::GETTY),
];

#[cfg(test)]
mod tests {
    use super::super::properties::find as property;
    use super::{SCHEMAS, URI_BYTES_MAX, find, has_prefix};

    #[test]
    fn tables_are_sorted() {
        assert!(SCHEMAS.is_sorted_by(|a, b| a.uri < b.uri));
        for schema in SCHEMAS {
            assert!(schema.properties.is_sorted_by(|a, b| a.0 < b.0), "{}", schema.group);
            for (id, name, _) in schema.properties {
                assert!(!name.is_empty() || id.starts_with(|c: char| c.is_ascii_uppercase()), "{id}");
                assert_eq!(property(schema.properties, id).map(|found| found.0), Some(*id));
            }
        }
    }

    #[test]
    fn a_namespace_is_known_in_its_versions() {
        let group = |uri: &str| find(uri).map(|schema| schema.group);
        assert_eq!(group("http://purl.org/dc/elements/1.1/"), Some("XMP-dc"));
        assert_eq!(group("http://purl.org/dc/elements/1.0/"), Some("XMP-dc"));
        assert_eq!(group("http://ns.adobe.com/xap/1.0"), Some("XMP-xmp"));
        assert_eq!(group("http://prismstandard.org/namespaces/basic/3.0/"), Some("XMP-prism"));
        assert_eq!(group("http://ns.microsoft.com/photo/1.0"), Some("XMP-microsoft"));
        assert_eq!(group("http://ns.microsoft.com/photo/1.2/"), Some("XMP-MP"));
        assert_eq!(group("http://iptc.org/std/Iptc4xmpExt/2009-02-28/"), None);
        assert_eq!(group(&"x".repeat(10_000)), None);
        // Another version of a known namespace, with as many digits as the URI has room for.
        let long = |length: usize| format!("{:0<1$}", "http://ns.adobe.com/xap/1.", length);
        assert_eq!(group(&long(URI_BYTES_MAX)), Some("XMP-xmp"));
        assert_eq!(group(&long(URI_BYTES_MAX + 1)), None);
        assert!(SCHEMAS.iter().all(|schema| schema.uri.len() < URI_BYTES_MAX));
        assert!(has_prefix("Iptc4xmpCore") && has_prefix("iptcCore") && !has_prefix("other"));
    }
}

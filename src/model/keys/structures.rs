//! Names of a structure's fields when it is flattened: `LocationShown` with a field `City` is `LocationShownCity`.
//!
//! A field's name follows the structure's name, except where ExifTool has a shorter name, for example `ArtworkTitle`
//! for `AOTitle` in `ArtworkOrObject`. The structures are those of the IPTC Photo Metadata Standard 2023.2, PLUS LDF
//! 1.2.1, XMP Specification Parts 1 and 2, EXIF 3.0 metadata for XMP (CIPA DC-010), and the Metadata Working Group's
//! Guidelines 2.0. Camera Raw's local corrections (`crs`) are not here: their fields just follow the structure's name.

use std::borrow::Cow;

/// A namespace as ExifTool's group has it, the flattened name of a structure, a field, and the field's flattened name.
/// An empty field is every field of the structure that has no row: its name follows the last text.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// What does not just follow the structure's name, sorted.
const ROWS: &[Row] = &[
    ("MP", "RegionInfoMP", "", "RegionInfo"),
    ("MP", "RegionInfoRegions", "", "Region"),
    ("exif", "Opto-ElectricConvFactor", "", "OECF"),
    ("exifEX", "CompositeImageExposureTimes", "", "CompImage"),
    ("exifEX", "CompositeImageExposureTimes", "MaxExposureTimesOfAll", "CompImageMaxExposureAll"),
    ("exifEX", "CompositeImageExposureTimes", "MaxExposureTimesOfUsed", "CompImageMaxExposureUsed"),
    ("exifEX", "CompositeImageExposureTimes", "MinExposureTimesOfAll", "CompImageMinExposureAll"),
    ("exifEX", "CompositeImageExposureTimes", "MinExposureTimesOfUsed", "CompImageMinExposureUsed"),
    ("exifEX", "CompositeImageExposureTimes", "NumberOfImagesInSequences", "CompImageImagesPerSequence"),
    ("exifEX", "CompositeImageExposureTimes", "NumberOfSequences", "CompImageNumSequences"),
    ("exifEX", "CompositeImageExposureTimes", "SumOfExposureTimesOfAll", "CompImageSumExposureAll"),
    ("exifEX", "CompositeImageExposureTimes", "SumOfExposureTimesOfUsed", "CompImageSumExposureUsed"),
    ("iptcCore", "CreatorContactInfo", "CiAdrCity", "CreatorCity"),
    ("iptcCore", "CreatorContactInfo", "CiAdrCtry", "CreatorCountry"),
    ("iptcCore", "CreatorContactInfo", "CiAdrExtadr", "CreatorAddress"),
    ("iptcCore", "CreatorContactInfo", "CiAdrPcode", "CreatorPostalCode"),
    ("iptcCore", "CreatorContactInfo", "CiAdrRegion", "CreatorRegion"),
    ("iptcCore", "CreatorContactInfo", "CiEmailWork", "CreatorWorkEmail"),
    ("iptcCore", "CreatorContactInfo", "CiTelWork", "CreatorWorkTelephone"),
    ("iptcCore", "CreatorContactInfo", "CiUrlWork", "CreatorWorkURL"),
    ("iptcExt", "AboutCvTerm", "", "About"),
    ("iptcExt", "AboutCvTerm", "CvId", "AboutCvTermCvId"),
    ("iptcExt", "ArtworkOrObject", "AOCircaDateCreated", "ArtworkCircaDateCreated"),
    ("iptcExt", "ArtworkOrObject", "AOContentDescription", "ArtworkContentDescription"),
    ("iptcExt", "ArtworkOrObject", "AOContributionDescription", "ArtworkContributionDescription"),
    ("iptcExt", "ArtworkOrObject", "AOCopyrightNotice", "ArtworkCopyrightNotice"),
    ("iptcExt", "ArtworkOrObject", "AOCreator", "ArtworkCreator"),
    ("iptcExt", "ArtworkOrObject", "AOCreatorId", "ArtworkCreatorID"),
    ("iptcExt", "ArtworkOrObject", "AOCurrentCopyrightOwnerId", "ArtworkCopyrightOwnerID"),
    ("iptcExt", "ArtworkOrObject", "AOCurrentCopyrightOwnerName", "ArtworkCopyrightOwnerName"),
    ("iptcExt", "ArtworkOrObject", "AOCurrentLicensorId", "ArtworkLicensorID"),
    ("iptcExt", "ArtworkOrObject", "AOCurrentLicensorName", "ArtworkLicensorName"),
    ("iptcExt", "ArtworkOrObject", "AODateCreated", "ArtworkDateCreated"),
    ("iptcExt", "ArtworkOrObject", "AOPhysicalDescription", "ArtworkPhysicalDescription"),
    ("iptcExt", "ArtworkOrObject", "AOSource", "ArtworkSource"),
    ("iptcExt", "ArtworkOrObject", "AOSourceInvNo", "ArtworkSourceInventoryNo"),
    ("iptcExt", "ArtworkOrObject", "AOSourceInvURL", "ArtworkSourceInvURL"),
    ("iptcExt", "ArtworkOrObject", "AOStylePeriod", "ArtworkStylePeriod"),
    ("iptcExt", "ArtworkOrObject", "AOTitle", "ArtworkTitle"),
    ("iptcExt", "EmbdEncRightsExpr", "EncRightsExpr", "EmbeddedEncodedRightsExpr"),
    ("iptcExt", "EmbdEncRightsExpr", "RightsExprEncType", "EmbeddedEncodedRightsExprType"),
    ("iptcExt", "EmbdEncRightsExpr", "RightsExprLangId", "EmbeddedEncodedRightsExprLangID"),
    ("iptcExt", "ImageRegion", "RCtype", "ImageRegionCtype"),
    ("iptcExt", "ImageRegion", "RId", "ImageRegionID"),
    ("iptcExt", "ImageRegion", "RRole", "ImageRegionRole"),
    ("iptcExt", "ImageRegion", "RegionBoundary", "ImageRegionBoundary"),
    ("iptcExt", "ImageRegionBoundary", "RbH", "ImageRegionBoundaryH"),
    ("iptcExt", "ImageRegionBoundary", "RbRx", "ImageRegionBoundaryRx"),
    ("iptcExt", "ImageRegionBoundary", "RbShape", "ImageRegionBoundaryShape"),
    ("iptcExt", "ImageRegionBoundary", "RbUnit", "ImageRegionBoundaryUnit"),
    ("iptcExt", "ImageRegionBoundary", "RbVertices", "ImageRegionBoundaryVertices"),
    ("iptcExt", "ImageRegionBoundary", "RbW", "ImageRegionBoundaryW"),
    ("iptcExt", "ImageRegionBoundary", "RbX", "ImageRegionBoundaryX"),
    ("iptcExt", "ImageRegionBoundary", "RbY", "ImageRegionBoundaryY"),
    ("iptcExt", "ImageRegionBoundaryVertices", "RbX", "ImageRegionBoundaryVerticesX"),
    ("iptcExt", "ImageRegionBoundaryVertices", "RbY", "ImageRegionBoundaryVerticesY"),
    ("iptcExt", "LinkedEncRightsExpr", "LinkedRightsExpr", "LinkedEncodedRightsExpr"),
    ("iptcExt", "LinkedEncRightsExpr", "RightsExprEncType", "LinkedEncodedRightsExprType"),
    ("iptcExt", "LinkedEncRightsExpr", "RightsExprLangId", "LinkedEncodedRightsExprLangID"),
    ("iptcExt", "PersonInImageCharacteristic", "", "PersonInImage"),
    ("iptcExt", "PersonInImageCharacteristic", "CvId", "PersonInImageCvTermCvId"),
    ("iptcExt", "PersonInImageWDetails", "PersonCharacteristic", "PersonInImageCharacteristic"),
    ("iptcExt", "PersonInImageWDetails", "PersonDescription", "PersonInImageDescription"),
    ("iptcExt", "PersonInImageWDetails", "PersonId", "PersonInImageId"),
    ("iptcExt", "PersonInImageWDetails", "PersonName", "PersonInImageName"),
    ("iptcExt", "ProductInImage", "ProductDescription", "ProductInImageDescription"),
    ("iptcExt", "ProductInImage", "ProductGTIN", "ProductInImageGTIN"),
    ("iptcExt", "ProductInImage", "ProductName", "ProductInImageName"),
    ("iptcExt", "Rating", "", ""),
    ("iptcExt", "RegistryID", "RegEntryRole", "RegistryEntryRole"),
    ("iptcExt", "RegistryID", "RegItemId", "RegistryItemID"),
    ("iptcExt", "RegistryID", "RegOrgId", "RegistryOrganisationID"),
    ("iptcExt", "TemporalCoverage", "TempCoverageFrom", "TemporalCoverageFrom"),
    ("iptcExt", "TemporalCoverage", "TempCoverageTo", "TemporalCoverageTo"),
    ("mwg-coll", "Collections", "", ""),
    ("mwg-kw", "KeywordInfo", "Hierarchy", "HierarchicalKeywords"),
    ("mwg-rs", "RegionInfo", "AppliedToDimensions", "RegionAppliedToDimensions"),
    ("mwg-rs", "RegionInfo", "RegionList", "RegionList"),
    ("mwg-rs", "RegionList", "", "Region"),
    ("photoshop", "TextLayers", "", "Text"),
    ("plus", "CopyrightOwner", "", ""),
    ("plus", "EndUser", "", ""),
    ("plus", "ImageCreator", "", ""),
    ("plus", "ImageSupplier", "", ""),
    ("plus", "Licensee", "", ""),
    ("plus", "Licensor", "", ""),
    ("xmp", "PageInfo", "", "PageImage"),
    ("xmpTPg", "Colorants", "", "Colorant"),
    ("xmpTPg", "Fonts", "", ""),
    ("xmpTPg", "Fonts", "Composite", "FontComposite"),
    ("xmpTPg", "Fonts", "VersionString", "FontVersion"),
    ("xmpTPg", "SwatchGroups", "GroupName", "SwatchGroupName"),
    ("xmpTPg", "SwatchGroups", "GroupType", "SwatchGroupType"),
    ("xmpTPg", "SwatchGroupsColorants", "", "SwatchColorant"),
];

/// The flattened name of a structure's field. The group is `XMP-iptcExt`, the structure's name is flattened already.
#[must_use]
pub fn field_name(group: &str, structure: &str, field: &str) -> Cow<'static, str> {
    let namespace = group.strip_prefix("XMP-").unwrap_or(group);
    let row = |field: &str| {
        let key = (namespace, structure, field);
        let at = ROWS.binary_search_by(|&(namespace, structure, field, _)| (namespace, structure, field).cmp(&key));
        at.ok().and_then(|at| ROWS.get(at)).map(|row| row.3)
    };
    if let Some(name) = row(field) {
        return Cow::Borrowed(name);
    }
    if namespace == "mwg-kw"
        && let Some(level) = keyword_level(structure)
    {
        return Cow::Owned(match field {
            "Keyword" => format!("HierarchicalKeywords{level}"),
            _ => format!("HierarchicalKeywords{level}{}", capitalised(field)),
        });
    }
    Cow::Owned(format!("{}{}", row("").unwrap_or(structure), capitalised(field)))
}

/// How deep a structure of keywords is (Metadata Working Group, Guidelines 2.0, section 5.9): 1 for the roots.
fn keyword_level(structure: &str) -> Option<u8> {
    let rest = structure.strip_prefix("HierarchicalKeywords")?;
    if rest.is_empty() {
        return Some(1);
    }
    rest.strip_suffix("Children")?.parse::<u8>().ok()?.checked_add(1)
}

fn capitalised(field: &str) -> Cow<'_, str> {
    if !field.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Cow::Borrowed(field);
    }
    let mut out = field.to_owned();
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{ROWS, field_name};

    #[test]
    fn rows_are_sorted() {
        assert!(ROWS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn fields_have_the_names_that_exiftool_gives() {
        for (group, structure, field, expect) in [
            ("XMP-iptcExt", "LocationShown", "City", "LocationShownCity"),
            ("XMP-iptcExt", "LocationCreated", "GPSLatitude", "LocationCreatedGPSLatitude"),
            ("XMP-iptcExt", "ArtworkOrObject", "AOTitle", "ArtworkTitle"),
            ("XMP-iptcExt", "AboutCvTerm", "CvId", "AboutCvTermCvId"),
            ("XMP-iptcExt", "AboutCvTerm", "CvTermName", "AboutCvTermName"),
            ("XMP-iptcExt", "PersonInImageCharacteristic", "CvTermName", "PersonInImageCvTermName"),
            ("XMP-iptcExt", "ImageRegionBoundary", "RbUnit", "ImageRegionBoundaryUnit"),
            ("XMP-iptcExt", "ImageRegion", "PersonInImage", "ImageRegionPersonInImage"),
            ("XMP-iptcCore", "CreatorContactInfo", "CiEmailWork", "CreatorWorkEmail"),
            ("XMP-plus", "Licensor", "LicensorURL", "LicensorURL"),
            ("XMP-plus", "ImageSupplier", "ImageSupplierName", "ImageSupplierName"),
            ("XMP-exif", "Flash", "Fired", "FlashFired"),
            ("XMP-xmpMM", "DerivedFrom", "documentID", "DerivedFromDocumentID"),
            ("XMP-mwg-rs", "RegionInfo", "RegionList", "RegionList"),
            ("XMP-mwg-rs", "RegionList", "Name", "RegionName"),
            ("XMP-mwg-rs", "RegionArea", "X", "RegionAreaX"),
            ("XMP-mwg-kw", "KeywordInfo", "Hierarchy", "HierarchicalKeywords"),
            ("XMP-mwg-kw", "HierarchicalKeywords", "Keyword", "HierarchicalKeywords1"),
            ("XMP-mwg-kw", "HierarchicalKeywords", "Children", "HierarchicalKeywords1Children"),
            ("XMP-mwg-kw", "HierarchicalKeywords1Children", "Keyword", "HierarchicalKeywords2"),
            ("XMP-mwg-kw", "HierarchicalKeywords1Children", "Applied", "HierarchicalKeywords2Applied"),
            ("XMP-own", "Thing", "part", "ThingPart"),
            ("XMP-own", "Thing", "\u{e9}t\u{e9}", "Thing\u{e9}t\u{e9}"),
        ] {
            assert_eq!(field_name(group, structure, field), expect, "{group}:{structure}/{field}");
        }
    }
}

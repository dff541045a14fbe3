//! The properties of the IPTC Photo Metadata Standard, and which tags of XMP and of IIM carry them.
//!
//! Source: IPTC Photo Metadata Standard 2023.2, with the properties that 2025.1 adds; the mapping to IIM datasets is
//! that of its tables (IIM 4.2). Names are those of the standard without spaces, where the standard has a short one;
//! fields of structures have ExifTool's flattened names. IIM datasets that the standard has no property for keep
//! ExifTool's name, and so do the three that were properties before (`Category`, `SupplementalCategories`, `Urgency`).
//! What says how IIM itself is written (record versions, the character set) gives physical keys only.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Kind, Known};

macro_rules! properties {
    ($($name:literal $kind:ident $($source:literal)+,)*) => {
        &[$(Known { name: concat!("IPTC_", $name), kind: Kind::$kind, sources: &[$($source),+] }),*]
    };
}

/// The keys of properties, sorted.
#[rustfmt::skip]
pub const KEYS: &[Known] = properties! {
    "AIPromptInformation" Text "XMP-iptcExt:AIPromptInformation",
    "AIPromptWriterName" Text "XMP-iptcExt:AIPromptWriterName",
    "AISystemUsed" Text "XMP-iptcExt:AISystemUsed",
    "AISystemVersionUsed" Text "XMP-iptcExt:AISystemVersionUsed",
    "ARMIdentifier" Number "IPTC:ARMIdentifier",
    "ARMVersion" Number "IPTC:ARMVersion",
    "AboutCvTermCvId" List "XMP-iptcExt:AboutCvTermCvId",
    "AboutCvTermId" List "XMP-iptcExt:AboutCvTermId",
    "AboutCvTermName" List "XMP-iptcExt:AboutCvTermName",
    "AboutCvTermRefinedAbout" List "XMP-iptcExt:AboutCvTermRefinedAbout",
    "ActionAdvised" Text "IPTC:ActionAdvised",
    "AdditionalModelInformation" Text "XMP-iptcExt:AdditionalModelInformation",
    "AltTextAccessibility" LanguageText "XMP-iptcCore:AltTextAccessibility",
    "ArtworkCircaDateCreated" List "XMP-iptcExt:ArtworkCircaDateCreated",
    "ArtworkContentDescription" List "XMP-iptcExt:ArtworkContentDescription",
    "ArtworkContributionDescription" List "XMP-iptcExt:ArtworkContributionDescription",
    "ArtworkCopyrightNotice" List "XMP-iptcExt:ArtworkCopyrightNotice",
    "ArtworkCopyrightOwnerID" List "XMP-iptcExt:ArtworkCopyrightOwnerID",
    "ArtworkCopyrightOwnerName" List "XMP-iptcExt:ArtworkCopyrightOwnerName",
    "ArtworkCreator" OrderedList "XMP-iptcExt:ArtworkCreator",
    "ArtworkCreatorID" OrderedList "XMP-iptcExt:ArtworkCreatorID",
    "ArtworkDateCreated" List "XMP-iptcExt:ArtworkDateCreated",
    "ArtworkLicensorID" List "XMP-iptcExt:ArtworkLicensorID",
    "ArtworkLicensorName" List "XMP-iptcExt:ArtworkLicensorName",
    "ArtworkPhysicalDescription" List "XMP-iptcExt:ArtworkPhysicalDescription",
    "ArtworkSource" List "XMP-iptcExt:ArtworkSource",
    "ArtworkSourceInvURL" List "XMP-iptcExt:ArtworkSourceInvURL",
    "ArtworkSourceInventoryNo" List "XMP-iptcExt:ArtworkSourceInventoryNo",
    "ArtworkStylePeriod" List "XMP-iptcExt:ArtworkStylePeriod",
    "ArtworkTitle" List "XMP-iptcExt:ArtworkTitle",
    "AudioDuration" Text "IPTC:AudioDuration",
    "AudioOutcue" Text "IPTC:AudioOutcue",
    "AudioSamplingRate" Number "IPTC:AudioSamplingRate",
    "AudioSamplingResolution" Number "IPTC:AudioSamplingResolution",
    "AudioType" Text "IPTC:AudioType",
    "CatalogSets" List "IPTC:CatalogSets",
    "Category" Text "XMP-photoshop:Category" "IPTC:Category",
    "City" Text "XMP-photoshop:City" "IPTC:City",
    "ClassifyState" Text "IPTC:ClassifyState",
    "Contact" List "IPTC:Contact",
    "ContentLocationCode" List "IPTC:ContentLocationCode",
    "ContentLocationName" List "IPTC:ContentLocationName",
    "ContributorIdentifier" List "XMP-iptcExt:ContributorIdentifier",
    "ContributorName" List "XMP-iptcExt:ContributorName",
    "ContributorRole" List "XMP-iptcExt:ContributorRole",
    "ControlledVocabularyTerm" List "XMP-iptcExt:ControlledVocabularyTerm",
    "CopyrightNotice" LanguageText "XMP-dc:Rights" "IPTC:CopyrightNotice",
    "CopyrightOwnerID" OrderedList "XMP-plus:CopyrightOwnerID",
    "CopyrightOwnerName" OrderedList "XMP-plus:CopyrightOwnerName",
    "Country" Text "XMP-photoshop:Country" "IPTC:Country-PrimaryLocationName",
    "CountryCode" Text "XMP-iptcCore:CountryCode" "IPTC:Country-PrimaryLocationCode",
    "Creator" OrderedList "XMP-dc:Creator" "IPTC:By-line",
    "CreatorAddress" Text "XMP-iptcCore:CreatorAddress",
    "CreatorCity" Text "XMP-iptcCore:CreatorCity",
    "CreatorCountry" Text "XMP-iptcCore:CreatorCountry",
    "CreatorJobTitle" Text "XMP-photoshop:AuthorsPosition" "IPTC:By-lineTitle",
    "CreatorPostalCode" Text "XMP-iptcCore:CreatorPostalCode",
    "CreatorRegion" Text "XMP-iptcCore:CreatorRegion",
    "CreatorWorkEmail" Text "XMP-iptcCore:CreatorWorkEmail",
    "CreatorWorkTelephone" Text "XMP-iptcCore:CreatorWorkTelephone",
    "CreatorWorkURL" Text "XMP-iptcCore:CreatorWorkURL",
    "CreditLine" Text "XMP-photoshop:Credit" "IPTC:Credit",
    "DataMining" Text "XMP-plus:DataMining",
    "DateCreated" Date "XMP-photoshop:DateCreated" "IPTC:DateCreated" "IPTC:TimeCreated",
    "DateSent" Date "IPTC:DateSent" "IPTC:TimeSent",
    "Description" LanguageText "XMP-dc:Description" "IPTC:Caption-Abstract",
    "DescriptionWriter" Text "XMP-photoshop:CaptionWriter" "IPTC:Writer-Editor",
    "Destination" List "IPTC:Destination",
    "DigitalCreationDate" Date "IPTC:DigitalCreationDate" "IPTC:DigitalCreationTime",
    "DigitalImageGUID" Text "XMP-iptcExt:DigitalImageGUID",
    "DigitalSourceType" Text "XMP-iptcExt:DigitalSourceType",
    "DocumentHistory" Text "IPTC:DocumentHistory",
    "DocumentNotes" Text "IPTC:DocumentNotes",
    "EditStatus" Text "IPTC:EditStatus",
    "EditorialUpdate" Text "IPTC:EditorialUpdate",
    "EmbeddedEncodedRightsExpr" List "XMP-iptcExt:EmbeddedEncodedRightsExpr",
    "EmbeddedEncodedRightsExprLangID" List "XMP-iptcExt:EmbeddedEncodedRightsExprLangID",
    "EmbeddedEncodedRightsExprType" List "XMP-iptcExt:EmbeddedEncodedRightsExprType",
    "EnvelopeNumber" Number "IPTC:EnvelopeNumber",
    "EnvelopePriority" Number "IPTC:EnvelopePriority",
    "EventIdentifier" List "XMP-iptcExt:EventID",
    "EventName" LanguageText "XMP-iptcExt:Event",
    "ExifCameraInfo" Text "IPTC:ExifCameraInfo",
    "ExpirationDate" Date "IPTC:ExpirationDate" "IPTC:ExpirationTime",
    "ExtDescrAccessibility" LanguageText "XMP-iptcCore:ExtDescrAccessibility",
    "FileFormat" Number "IPTC:FileFormat",
    "FileVersion" Number "IPTC:FileVersion",
    "FixtureIdentifier" Text "IPTC:FixtureIdentifier",
    "GenreCvId" List "XMP-iptcExt:GenreCvId",
    "GenreCvTermId" List "XMP-iptcExt:GenreCvTermId",
    "GenreCvTermName" List "XMP-iptcExt:GenreCvTermName",
    "GenreCvTermRefinedAbout" List "XMP-iptcExt:GenreCvTermRefinedAbout",
    "Headline" Text "XMP-photoshop:Headline" "IPTC:Headline",
    "IPTCLastEdited" Date "XMP-iptcExt:IPTCLastEdited",
    "ImageCreatorID" OrderedList "XMP-plus:ImageCreatorID",
    "ImageCreatorImageID" Text "XMP-plus:ImageCreatorImageID",
    "ImageCreatorName" OrderedList "XMP-plus:ImageCreatorName",
    "ImageOrientation" Text "IPTC:ImageOrientation",
    "ImageRating" Number "XMP-xmp:Rating",
    "ImageRegionBoundaryH" List "XMP-iptcExt:ImageRegionBoundaryH",
    "ImageRegionBoundaryRx" List "XMP-iptcExt:ImageRegionBoundaryRx",
    "ImageRegionBoundaryShape" List "XMP-iptcExt:ImageRegionBoundaryShape",
    "ImageRegionBoundaryUnit" List "XMP-iptcExt:ImageRegionBoundaryUnit",
    "ImageRegionBoundaryVerticesX" OrderedList "XMP-iptcExt:ImageRegionBoundaryVerticesX",
    "ImageRegionBoundaryVerticesY" OrderedList "XMP-iptcExt:ImageRegionBoundaryVerticesY",
    "ImageRegionBoundaryW" List "XMP-iptcExt:ImageRegionBoundaryW",
    "ImageRegionBoundaryX" List "XMP-iptcExt:ImageRegionBoundaryX",
    "ImageRegionBoundaryY" List "XMP-iptcExt:ImageRegionBoundaryY",
    "ImageRegionCtypeIdentifier" List "XMP-iptcExt:ImageRegionCtypeIdentifier",
    "ImageRegionCtypeName" List "XMP-iptcExt:ImageRegionCtypeName",
    "ImageRegionID" List "XMP-iptcExt:ImageRegionID",
    "ImageRegionName" List "XMP-iptcExt:ImageRegionName",
    "ImageRegionRoleIdentifier" List "XMP-iptcExt:ImageRegionRoleIdentifier",
    "ImageRegionRoleName" List "XMP-iptcExt:ImageRegionRoleName",
    "ImageSupplierID" OrderedList "XMP-plus:ImageSupplierID",
    "ImageSupplierImageID" Text "XMP-plus:ImageSupplierImageID",
    "ImageSupplierName" OrderedList "XMP-plus:ImageSupplierName",
    "ImageType" Text "IPTC:ImageType",
    "Instructions" Text "XMP-photoshop:Instructions" "IPTC:SpecialInstructions",
    "IntellectualGenre" Text "XMP-iptcCore:IntellectualGenre" "IPTC:ObjectAttributeReference",
    "JobID" Text "IPTC:JobID",
    "JobIdentifier" Text "XMP-photoshop:TransmissionReference" "IPTC:OriginalTransmissionReference",
    "Keywords" List "XMP-dc:Subject" "IPTC:Keywords",
    "LanguageIdentifier" Text "IPTC:LanguageIdentifier",
    "LicensorCity" OrderedList "XMP-plus:LicensorCity",
    "LicensorCountry" OrderedList "XMP-plus:LicensorCountry",
    "LicensorEmail" OrderedList "XMP-plus:LicensorEmail",
    "LicensorExtendedAddress" OrderedList "XMP-plus:LicensorExtendedAddress",
    "LicensorID" OrderedList "XMP-plus:LicensorID",
    "LicensorName" OrderedList "XMP-plus:LicensorName",
    "LicensorPostalCode" OrderedList "XMP-plus:LicensorPostalCode",
    "LicensorRegion" OrderedList "XMP-plus:LicensorRegion",
    "LicensorStreetAddress" OrderedList "XMP-plus:LicensorStreetAddress",
    "LicensorTelephone1" OrderedList "XMP-plus:LicensorTelephone1",
    "LicensorTelephone2" OrderedList "XMP-plus:LicensorTelephone2",
    "LicensorTelephoneType1" OrderedList "XMP-plus:LicensorTelephoneType1",
    "LicensorTelephoneType2" OrderedList "XMP-plus:LicensorTelephoneType2",
    "LicensorURL" OrderedList "XMP-plus:LicensorURL",
    "LinkedEncodedRightsExpr" List "XMP-iptcExt:LinkedEncodedRightsExpr",
    "LinkedEncodedRightsExprLangID" List "XMP-iptcExt:LinkedEncodedRightsExprLangID",
    "LinkedEncodedRightsExprType" List "XMP-iptcExt:LinkedEncodedRightsExprType",
    "LocalCaption" Text "IPTC:LocalCaption",
    "LocationCreatedCity" List "XMP-iptcExt:LocationCreatedCity",
    "LocationCreatedCountryCode" List "XMP-iptcExt:LocationCreatedCountryCode",
    "LocationCreatedCountryName" List "XMP-iptcExt:LocationCreatedCountryName",
    "LocationCreatedGPSAltitude" List "XMP-iptcExt:LocationCreatedGPSAltitude",
    "LocationCreatedGPSLatitude" List "XMP-iptcExt:LocationCreatedGPSLatitude",
    "LocationCreatedGPSLongitude" List "XMP-iptcExt:LocationCreatedGPSLongitude",
    "LocationCreatedLocationId" List "XMP-iptcExt:LocationCreatedLocationId",
    "LocationCreatedLocationName" List "XMP-iptcExt:LocationCreatedLocationName",
    "LocationCreatedProvinceState" List "XMP-iptcExt:LocationCreatedProvinceState",
    "LocationCreatedSublocation" List "XMP-iptcExt:LocationCreatedSublocation",
    "LocationCreatedWorldRegion" List "XMP-iptcExt:LocationCreatedWorldRegion",
    "LocationShownCity" List "XMP-iptcExt:LocationShownCity",
    "LocationShownCountryCode" List "XMP-iptcExt:LocationShownCountryCode",
    "LocationShownCountryName" List "XMP-iptcExt:LocationShownCountryName",
    "LocationShownGPSAltitude" List "XMP-iptcExt:LocationShownGPSAltitude",
    "LocationShownGPSLatitude" List "XMP-iptcExt:LocationShownGPSLatitude",
    "LocationShownGPSLongitude" List "XMP-iptcExt:LocationShownGPSLongitude",
    "LocationShownLocationId" List "XMP-iptcExt:LocationShownLocationId",
    "LocationShownLocationName" List "XMP-iptcExt:LocationShownLocationName",
    "LocationShownProvinceState" List "XMP-iptcExt:LocationShownProvinceState",
    "LocationShownSublocation" List "XMP-iptcExt:LocationShownSublocation",
    "LocationShownWorldRegion" List "XMP-iptcExt:LocationShownWorldRegion",
    "MasterDocumentID" Text "IPTC:MasterDocumentID",
    "MaxAvailHeight" Number "XMP-iptcExt:MaxAvailHeight",
    "MaxAvailWidth" Number "XMP-iptcExt:MaxAvailWidth",
    "MinorModelAgeDisclosure" Text "XMP-plus:MinorModelAgeDisclosure",
    "ModelAge" List "XMP-iptcExt:ModelAge",
    "ModelReleaseID" List "XMP-plus:ModelReleaseID",
    "ModelReleaseStatus" Text "XMP-plus:ModelReleaseStatus",
    "ObjectCycle" Text "IPTC:ObjectCycle",
    "ObjectTypeReference" Text "IPTC:ObjectTypeReference",
    "OrganisationInImageCode" List "XMP-iptcExt:OrganisationInImageCode",
    "OrganisationInImageName" List "XMP-iptcExt:OrganisationInImageName",
    "OriginatingProgram" Text "IPTC:OriginatingProgram",
    "OtherConstraints" LanguageText "XMP-plus:OtherConstraints",
    "OwnerID" Text "IPTC:OwnerID",
    "PersonInImage" List "XMP-iptcExt:PersonInImage",
    "PersonInImageCvTermCvId" List "XMP-iptcExt:PersonInImageCvTermCvId",
    "PersonInImageCvTermId" List "XMP-iptcExt:PersonInImageCvTermId",
    "PersonInImageCvTermName" List "XMP-iptcExt:PersonInImageCvTermName",
    "PersonInImageCvTermRefinedAbout" List "XMP-iptcExt:PersonInImageCvTermRefinedAbout",
    "PersonInImageDescription" List "XMP-iptcExt:PersonInImageDescription",
    "PersonInImageId" List "XMP-iptcExt:PersonInImageId",
    "PersonInImageName" List "XMP-iptcExt:PersonInImageName",
    "ProductID" List "IPTC:ProductID",
    "ProductInImageDescription" List "XMP-iptcExt:ProductInImageDescription",
    "ProductInImageGTIN" List "XMP-iptcExt:ProductInImageGTIN",
    "ProductInImageName" List "XMP-iptcExt:ProductInImageName",
    "ProductInImageProductId" List "XMP-iptcExt:ProductInImageProductId",
    "ProgramVersion" Text "IPTC:ProgramVersion",
    "PropertyReleaseID" List "XMP-plus:PropertyReleaseID",
    "PropertyReleaseStatus" Text "XMP-plus:PropertyReleaseStatus",
    "ProvinceState" Text "XMP-photoshop:State" "IPTC:Province-State",
    "ReferenceDate" List "IPTC:ReferenceDate",
    "ReferenceNumber" List "IPTC:ReferenceNumber",
    "ReferenceService" List "IPTC:ReferenceService",
    "RegistryEntryRole" List "XMP-iptcExt:RegistryEntryRole",
    "RegistryItemID" List "XMP-iptcExt:RegistryItemID",
    "RegistryOrganisationID" List "XMP-iptcExt:RegistryOrganisationID",
    "ReleaseDate" Date "IPTC:ReleaseDate" "IPTC:ReleaseTime",
    "RightsUsageTerms" LanguageText "XMP-xmpRights:UsageTerms",
    "SceneCode" List "XMP-iptcCore:Scene",
    "ServiceIdentifier" Text "IPTC:ServiceIdentifier",
    "ShortDocumentID" Text "IPTC:ShortDocumentID",
    "SimilarityIndex" Text "IPTC:SimilarityIndex",
    "Source" Text "XMP-photoshop:Source" "IPTC:Source",
    "SubjectCode" List "XMP-iptcCore:SubjectCode" "IPTC:SubjectReference",
    "Sublocation" Text "XMP-iptcCore:Location" "IPTC:Sub-location",
    "SupplementalCategories" List "XMP-photoshop:SupplementalCategories" "IPTC:SupplementalCategories",
    "Title" LanguageText "XMP-dc:Title" "IPTC:ObjectName",
    "UniqueDocumentID" Text "IPTC:UniqueDocumentID",
    "UniqueObjectName" Text "IPTC:UniqueObjectName",
    "Urgency" Number "XMP-photoshop:Urgency" "IPTC:Urgency",
    "WebStatementOfRights" Text "XMP-xmpRights:WebStatement",
};

/// A date of IIM and the dataset that has its time of day (IIM 4.2, chapters 5 and 6).
pub const DATES: [(&str, &str); 5] = [
    ("DateCreated", "TimeCreated"),
    ("DateSent", "TimeSent"),
    ("DigitalCreationDate", "DigitalCreationTime"),
    ("ExpirationDate", "ExpirationTime"),
    ("ReleaseDate", "ReleaseTime"),
];

/// Other names that people know a property by, besides the names of its tags.
pub const ALIASES: &[(&str, &str)] = &[
    ("IPTC_AltText", "IPTC_AltTextAccessibility"),
    ("IPTC_Author", "IPTC_Creator"),
    ("IPTC_AuthorTitle", "IPTC_CreatorJobTitle"),
    ("IPTC_Byline", "IPTC_Creator"),
    ("IPTC_BylineTitle", "IPTC_CreatorJobTitle"),
    ("IPTC_Caption", "IPTC_Description"),
    ("IPTC_CaptionWriter", "IPTC_DescriptionWriter"),
    ("IPTC_Copyright", "IPTC_CopyrightNotice"),
    ("IPTC_CountryName", "IPTC_Country"),
    ("IPTC_CreatorsJobtitle", "IPTC_CreatorJobTitle"),
    ("IPTC_ExtendedDescription", "IPTC_ExtDescrAccessibility"),
    ("IPTC_JobId", "IPTC_JobIdentifier"),
    ("IPTC_Location", "IPTC_Sublocation"),
    ("IPTC_ProvinceOrState", "IPTC_ProvinceState"),
    ("IPTC_Rating", "IPTC_ImageRating"),
    ("IPTC_Scene", "IPTC_SceneCode"),
    ("IPTC_State", "IPTC_ProvinceState"),
    ("IPTC_TimeCreated", "IPTC_DateCreated"),
    ("IPTC_TransmissionReference", "IPTC_JobIdentifier"),
    ("IPTC_UsageTerms", "IPTC_RightsUsageTerms"),
    ("IPTC_WebStatement", "IPTC_WebStatementOfRights"),
];

static BY_SOURCE: LazyLock<HashMap<&'static str, &'static Known>> =
    LazyLock::new(|| KEYS.iter().flat_map(|known| known.sources.iter().map(move |&source| (source, known))).collect());

/// The property that a tag carries, by its physical key: `XMP-photoshop:City`, `IPTC:By-line`.
#[must_use]
pub fn of_source(physical: &str) -> Option<&'static Known> {
    BY_SOURCE.get(physical).copied()
}

/// What a dataset says, as its property writes it. Two datasets say more than the property: `IPTC:15000000:sport` is
/// the subject code `15000000` (IIM 4.2, dataset 2:12), and `010:Interview` is the genre `Interview` (dataset 2:04).
#[must_use]
pub fn value_of_iim<'v>(name: &str, value: &'v str) -> &'v str {
    let is_number = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    match name {
        "SubjectReference" => value.split(':').nth(1).filter(|code| is_number(code, 8)).unwrap_or(value),
        "ObjectAttributeReference" => match value.split_once(':') {
            Some((number, genre)) if is_number(number, 3) && !genre.is_empty() => genre,
            _ => value,
        },
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALIASES, BY_SOURCE, DATES, KEYS, of_source, value_of_iim};

    #[test]
    fn properties_are_sorted_and_no_tag_carries_two() {
        assert!(KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(BY_SOURCE.len(), KEYS.iter().map(|known| known.sources.len()).sum::<usize>());
        for (alias, name) in ALIASES {
            assert!(KEYS.iter().any(|known| known.name == *name), "{name}");
            assert!(KEYS.iter().all(|known| known.name != *alias), "{alias}");
        }
    }

    #[test]
    fn tags_of_xmp_and_of_iim_carry_one_property() {
        for (source, expect) in [
            ("XMP-photoshop:City", "IPTC_City"),
            ("IPTC:City", "IPTC_City"),
            ("IPTC:By-line", "IPTC_Creator"),
            ("IPTC:Caption-Abstract", "IPTC_Description"),
            ("XMP-iptcExt:LocationShownCity", "IPTC_LocationShownCity"),
            ("XMP-iptcExt:Event", "IPTC_EventName"),
        ] {
            assert_eq!(of_source(source).map(|known| known.name), Some(expect), "{source}");
        }
        assert!(of_source("XMP-dc:City").is_none() && of_source("IPTC2:City").is_none());
        assert!(DATES.iter().all(|(date, _)| of_source(&format!("IPTC:{date}")).is_some()));
    }

    #[test]
    fn datasets_that_say_more_give_what_the_property_says() {
        for (name, value, expect) in [
            ("SubjectReference", "IPTC:15000000:sport:soccer", "15000000"),
            ("SubjectReference", "IPTC:15000000", "15000000"),
            ("SubjectReference", "15000000", "15000000"),
            ("SubjectReference", "a:b", "a:b"),
            ("ObjectAttributeReference", "010:Interview", "Interview"),
            ("ObjectAttributeReference", "Interview: part 2", "Interview: part 2"),
            ("ObjectAttributeReference", "010:", "010:"),
            ("City", "010:Interview", "010:Interview"),
        ] {
            assert_eq!(value_of_iim(name, value), expect, "{name} {value}");
        }
    }
}

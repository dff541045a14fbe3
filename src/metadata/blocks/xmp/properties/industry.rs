//! Properties of the namespaces that standards bodies other than Adobe and makers of programs and cameras define. The
//! rules are those of [`super::standard`].

use super::Kind::{Date, Lang, Noise, Rational, Term, Text, Time};
use super::Property;

/// ACDSee.
pub const ACDSEE: &[Property] =
    &[("Snapshots", "", Noise), ("datetime", "DateTime", Date), ("dpp", "DPP", Noise), ("rpp", "RPP", Noise)];

/// Apple face information.
pub const APPLE_FI: &[Property] = &[("Timestamp", "TimeStamp", Text)];

/// Creative Commons rights expression.
pub const CC: &[Property] = &[("deprecatedOn", "DeprecatedOn", Date), ("legalcode", "LegalCode", Text)];

/// Sony Ericsson cell information.
pub const CELL: &[Property] = &[
    ("cellid", "CellTowerID", Text),
    ("cgi", "CellGlobalID", Text),
    ("lac", "LocationAreaCode", Text),
    ("mcc", "MobileCountryCode", Text),
    ("mnc", "MobileNetworkCode", Text),
    ("r", "CellR", Text),
];

/// OptimaSC DEX.
pub const DEX: &[Property] = &[
    ("crc32", "CRC32", Text),
    ("ffid", "FFID", Text),
    ("licensetype", "LicenseType", Text),
    ("os", "OS", Text),
    ("shortdescription", "ShortDescription", Lang),
];

/// TDWG, Darwin Core.
pub const DWC: &[Property] = &[
    ("DateIdentified", "", Date),
    ("EarliestDate", "", Date),
    ("Event", "DCEvent", Text),
    ("EventDate", "", Date),
    ("LatestDate", "", Date),
    ("dateIdentified", "DateIdentified", Date),
    ("dctermsLocation", "DCTermsLocation", Text),
    ("earliestDate", "EarliestDate", Date),
    ("eventDate", "EventDate", Date),
    ("latestDate", "LatestDate", Date),
    ("measurementDeterminedDate", "MeasurementDeterminedDate", Date),
    ("relationshipEstablishedDate", "RelationshipEstablishedDate", Date),
];

/// Adobe DICOM.
pub const DICOM: &[Property] =
    &[("PatientDOB", "PatientBirthDate", Date), ("SeriesDateTime", "", Date), ("StudyDateTime", "", Date)];

/// digiKam.
pub const DIGI_KAM: &[Property] = &[("CaptionsAuthorNames", "", Lang), ("CaptionsDateTimeStamps", "", Lang)];

/// DJI drones.
pub const DRONE_DJI: &[Property] = &[
    ("GpsLatitude", "GPSLatitude", Text),
    ("GpsLongitude", "GPSLongitude", Text),
    ("GpsLongtitude", "GPSLongtitude", Text),
];

/// Google, audio in photos.
pub const GAUDIO: &[Property] = &[("Data", "", Noise), ("Mime", "AudioMimeType", Text)];

/// Google Camera.
pub const GCAMERA: &[Property] = &[
    ("HdrPlusMakernote", "", Noise),
    ("PortraitRequest", "", Noise),
    ("hdrp_makernote", "Hdrp_makernote", Noise),
    ("shot_log_data", "Shot_log_data", Noise),
];

/// Google depth map metadata.
pub const GDEPTH: &[Property] = &[("Confidence", "", Noise), ("Data", "", Noise)];

/// Getty Images GIFT.
pub const GETTY: &[Property] = &[("OriginalCreateDateTime", "", Date), ("OriginalFilename", "OriginalFileName", Text)];

/// Google, image in photos.
pub const GIMAGE: &[Property] = &[("Data", "", Noise), ("Mime", "ImageMimeType", Text)];

/// Google Photo Sphere XMP metadata.
pub const GPANO: &[Property] = &[("FirstPhotoDate", "", Date), ("LastPhotoDate", "", Date)];

/// Google spherical video metadata.
pub const GSPHERICAL: &[Property] = &[("Timestamp", "TimeStamp", Text)];

/// Adobe HDR metadata.
pub const HDR: &[Property] = &[
    ("ccv_avg_luminance_nits", "CCVAvgLuminanceNits", Text),
    ("ccv_max_luminance_nits", "CCVMaxLuminanceNits", Text),
    ("ccv_min_luminance_nits", "CCVMinLuminanceNits", Text),
    ("ccv_primaries_xy", "CCVPrimariesXY", Text),
    ("ccv_white_xy", "CCVWhiteXY", Text),
    ("scene_referred", "SceneReferred", Text),
];

/// IDimager.
pub const ICS: &[Property] = &[("TimeStamp", "", Date)];

/// IPTC Photo Metadata Standard, IPTC Core.
pub const IPTC_CORE: &[Property] = &[
    ("AltTextAccessibility", "", Lang),
    ("CountryCode", "", Text),
    ("CreatorContactInfo", "", Text),
    ("ExtDescrAccessibility", "", Lang),
    ("IntellectualGenre", "", Text),
    ("Location", "", Text),
    ("Scene", "", Text),
    ("SubjectCode", "", Text),
];

/// IPTC Photo Metadata Standard, IPTC Extension; IPTC Video Metadata Hub.
pub const IPTC_EXT: &[Property] = &[
    ("AODateCreated", "", Date),
    ("AboutCvTerm", "", Text),
    ("AddlModelInfo", "AdditionalModelInformation", Text),
    ("ArtworkOrObject", "", Text),
    ("CVterm", "ControlledVocabularyTerm", Text),
    ("CircaDateCreated", "", Text),
    ("ContainerFormat", "", Text),
    ("Contributor", "", Text),
    ("CopyrightYear", "", Text),
    ("Creator", "", Text),
    ("DataOnScreen", "", Text),
    ("DigImageGUID", "DigitalImageGUID", Text),
    ("DigitalSourceType", "", Text),
    ("DigitalSourcefileType", "DigitalSourceFileType", Text),
    ("Dopesheet", "", Lang),
    ("DopesheetLink", "", Text),
    ("EmbdEncRightsExpr", "", Text),
    ("Episode", "", Text),
    ("Event", "", Lang),
    ("EventExt", "ShownEvent", Text),
    ("EventId", "EventID", Text),
    ("ExternalMetadataLink", "", Text),
    ("FeedIdentifier", "", Text),
    ("Genre", "", Text),
    ("Headline", "", Lang),
    ("ImageRegion", "", Text),
    ("IptcLastEdited", "IPTCLastEdited", Date),
    ("LinkedEncRightsExpr", "", Text),
    ("LocationCreated", "", Text),
    ("LocationShown", "", Text),
    ("MaxAvailHeight", "", Text),
    ("MaxAvailWidth", "", Text),
    ("ModelAge", "", Text),
    ("OrganisationInImageCode", "", Text),
    ("OrganisationInImageName", "", Text),
    ("PersonHeard", "", Text),
    ("PersonInImage", "", Text),
    ("PersonInImageWDetails", "", Text),
    ("PlanningRef", "", Text),
    ("ProductInImage", "", Text),
    ("PublicationEvent", "", Text),
    ("PublicationEventDate", "", Date),
    ("Rating", "", Text),
    ("RecDevice", "", Text),
    ("RegistryId", "RegistryID", Text),
    ("ReleaseReady", "", Text),
    ("Season", "", Text),
    ("Series", "", Text),
    ("SnapshotLink", "Snapshot", Text),
    ("StorylineIdentifier", "", Text),
    ("StreamReady", "", Text),
    ("StylePeriod", "", Text),
    ("SupplyChainSource", "", Text),
    ("TempCoverageFrom", "", Date),
    ("TempCoverageTo", "", Date),
    ("TemporalCoverage", "", Text),
    ("Transcript", "", Lang),
    ("TranscriptLink", "", Text),
    ("VideoShotType", "", Text),
    ("VisualColour", "VisualColor", Text),
    ("WorkflowTag", "", Text),
    ("audioBitRate", "AudioBitrate", Text),
    ("audioBitRateMode", "AudioBitrateMode", Text),
    ("audioBitsPerSample", "AudioBitsPerSample", Text),
    ("audioChannelCount", "AudioChannelCount", Text),
    ("metadataAuthority", "MetadataAuthority", Text),
    ("metadataLastEdited", "MetadataLastEdited", Date),
    ("metadataLastEditor", "MetadataLastEditor", Text),
    ("parentId", "ParentID", Text),
    ("videoBitRate", "VideoBitrate", Text),
    ("videoBitRateMode", "VideoBitrateMode", Text),
    ("videoDisplayAspectRatio", "VideoDisplayAspectRatio", Rational),
    ("videoEncodingProfile", "VideoEncodingProfile", Text),
    ("videoStreamsCount", "VideoStreamsCount", Text),
];

/// Adobe Lightroom.
pub const LR: &[Property] = &[
    ("hierarchicalSubject", "HierarchicalSubject", Text),
    ("privateRTKInfo", "PrivateRTKInfo", Text),
    ("weightedFlatSubject", "WeightedFlatSubject", Text),
];

/// Leia images.
pub const LIMAGE: &[Property] = &[("RightAlbedo", "", Noise)];

/// Microsoft Photo 1.0.
pub const MICROSOFT: &[Property] =
    &[("CreatorAppId", "CreatorAppID", Text), ("DateAcquired", "", Date), ("Rating", "RatingPercent", Text)];

/// Microsoft Photo 1.2, people tags.
pub const MP: &[Property] = &[("RegionInfo", "RegionInfoMP", Text)];

/// Microsoft Photo 1.2, RegionInfo structure.
pub const MPRI: &[Property] = &[("DateRegionsValid", "", Date)];

/// Metadata Working Group, Guidelines for Handling Image Metadata 2.0, hierarchical keywords.
pub const MWG_KEYWORDS: &[Property] = &[("Keywords", "KeywordInfo", Text)];

/// Metadata Working Group, Guidelines for Handling Image Metadata 2.0, image regions.
pub const MWG_REGIONS: &[Property] = &[("Regions", "RegionInfo", Text)];

/// Camera Bits Photo Mechanic.
pub const PHOTOMECH: &[Property] = &[
    ("ColorClass", "", Text),
    ("CountryCode", "", Text),
    ("EditStatus", "", Text),
    ("PMVersion", "", Text),
    ("Prefs", "", Text),
    ("Tagged", "", Text),
    ("TimeCreated", "", Time),
];

/// PLUS License Data Format.
pub const PLUS: &[Property] = &[
    ("AdultContentWarning", "", Term),
    ("CopyrightStatus", "", Term),
    ("CreditLineRequired", "", Term),
    ("Custom1", "", Lang),
    ("Custom10", "", Lang),
    ("Custom2", "", Lang),
    ("Custom3", "", Lang),
    ("Custom4", "", Lang),
    ("Custom5", "", Lang),
    ("Custom6", "", Lang),
    ("Custom7", "", Lang),
    ("Custom8", "", Lang),
    ("Custom9", "", Lang),
    ("DataMining", "", Term),
    ("FirstPublicationDate", "", Date),
    ("ImageAlterationConstraints", "", Term),
    ("ImageDuplicationConstraints", "", Term),
    ("ImageFileConstraints", "", Term),
    ("ImageFileFormatAsDelivered", "", Term),
    ("ImageFileSizeAsDelivered", "", Term),
    ("ImageType", "", Term),
    ("LicenseEndDate", "", Date),
    ("LicenseStartDate", "", Date),
    ("LicenseTransactionDate", "", Date),
    ("LicenseeImageNotes", "", Lang),
    ("LicensorNotes", "", Lang),
    ("MediaConstraints", "", Lang),
    ("MinorModelAgeDisclosure", "", Term),
    ("ModelReleaseStatus", "", Term),
    ("OtherConditions", "", Lang),
    ("OtherConstraints", "", Lang),
    ("OtherImageInfo", "", Lang),
    ("OtherLicenseInfo", "", Lang),
    ("OtherLicenseRequirements", "", Lang),
    ("ProductOrServiceConstraints", "", Lang),
    ("PropertyReleaseStatus", "", Term),
    ("RegionConstraints", "", Lang),
    ("Reuse", "", Term),
    ("TermsAndConditionsText", "", Lang),
    ("Version", "PLUSVersion", Text),
];

/// PRISM Basic Metadata.
pub const PRISM: &[Property] = &[
    ("coverDate", "CoverDate", Date),
    ("creationDate", "CreationDate", Date),
    ("date", "Date", Date),
    ("dateRecieved", "DateRecieved", Date),
    ("doi", "DOI", Text),
    ("isbn", "ISBN", Text),
    ("issn", "ISSN", Text),
    ("modificationDate", "ModificationDate", Date),
    ("url", "URL", Text),
];

/// PRISM Usage Rights.
pub const PUR: &[Property] = &[
    ("copyright", "Copyright", Lang),
    ("embargoDate", "EmbargoDate", Date),
    ("exclusivityEndDate", "ExclusivityEndDate", Date),
    ("expirationDate", "ExpirationDate", Date),
    ("optionEndDate", "OptionEndDate", Date),
];

/// Nikon SDC.
pub const SDC: &[Property] = &[("appname", "AppName", Text), ("appversion", "AppVersion", Text)];

/// Adobe SWF.
pub const SWF: &[Property] =
    &[("bgalpha", "BackgroundAlpha", Text), ("forwardlock", "ForwardLock", Text), ("maxstorage", "MaxStorage", Text)];

//! Properties of the namespaces that the XMP specification and the Exif standard define. Only a property that needs it
//! is here: its ExifTool name is not its own name with a capital, its text is more than text, or it is so common that
//! a name without an allocation pays. Each table is sorted by the property's own name in bytes.
//!
//! Names and types come from the specification that each table names; the tag names are those that `exiftool -listx`
//! lists.

use super::Kind::{Aperture, Date, Gps, Lang, Noise, Rational, Rationals, Shutter, Term, Text};
use super::Property;

/// Dublin Core: ISO 16684-1 (XMP part 1), Dublin Core namespace.
pub const DC: &[Property] = &[
    ("contributor", "Contributor", Text),
    ("coverage", "Coverage", Text),
    ("creator", "Creator", Text),
    ("date", "Date", Date),
    ("description", "Description", Lang),
    ("format", "Format", Text),
    ("identifier", "Identifier", Text),
    ("language", "Language", Text),
    ("publisher", "Publisher", Text),
    ("relation", "Relation", Text),
    ("rights", "Rights", Lang),
    ("source", "Source", Text),
    ("subject", "Subject", Text),
    ("title", "Title", Lang),
    ("type", "Type", Text),
];

/// ISO 16684-1 (XMP part 1), XMP namespace.
pub const XMP: &[Property] = &[
    ("Advisory", "", Text),
    ("Author", "", Text),
    ("BaseURL", "", Text),
    ("CreateDate", "", Date),
    ("CreatorTool", "", Text),
    ("Description", "", Lang),
    ("Format", "", Text),
    ("Identifier", "", Text),
    ("Keywords", "", Text),
    ("Label", "", Text),
    ("MetadataDate", "", Noise),
    ("ModifyDate", "", Date),
    ("Nickname", "", Text),
    ("PageInfo", "", Text),
    ("Rating", "", Text),
    ("RatingPercent", "", Text),
    ("Thumbnails", "", Noise),
    ("Title", "", Lang),
];

/// ISO 16684-1 (XMP part 1), XMP Rights Management namespace.
pub const XMP_RIGHTS: &[Property] = &[
    ("Certificate", "", Text),
    ("Marked", "", Text),
    ("Owner", "", Text),
    ("UsageTerms", "", Lang),
    ("WebStatement", "", Text),
];

/// ISO 16684-1 (XMP part 1), XMP Media Management namespace.
pub const XMP_MM: &[Property] = &[
    ("DerivedFrom", "", Text),
    ("DocumentID", "", Text),
    ("History", "", Noise),
    ("Ingredients", "", Text),
    ("InstanceID", "", Noise),
    ("LastURL", "", Text),
    ("ManageTo", "", Text),
    ("ManageUI", "", Text),
    ("ManagedFrom", "", Text),
    ("Manager", "", Text),
    ("ManagerVariant", "", Text),
    ("Manifest", "", Text),
    ("OriginalDocumentID", "", Text),
    ("Pantry", "", Text),
    ("PreservedFileName", "", Text),
    ("RenditionClass", "", Text),
    ("RenditionOf", "", Text),
    ("RenditionParams", "", Text),
    ("SaveID", "", Text),
    ("VersionID", "", Text),
    ("Versions", "", Text),
    ("subject", "Subject", Text),
];

/// ISO 16684-1 (XMP part 1), ResourceRef structure.
pub const ST_REF: &[Property] = &[("lastModifyDate", "LastModifyDate", Date)];

/// ISO 16684-1 (XMP part 1), ResourceEvent structure.
pub const ST_EVT: &[Property] = &[("when", "When", Date)];

/// ISO 16684-1 (XMP part 1), Version structure.
pub const ST_VER: &[Property] = &[("modifyDate", "ModifyDate", Date)];

/// ISO 16684-1 (XMP part 1), Thumbnail structure.
pub const XMP_GIMG: &[Property] = &[("image", "Image", Noise)];

/// ISO 16684-1 (XMP part 1), the `x:xmpmeta` element.
pub const X: &[Property] = &[("xmptk", "XMPToolkit", Text)];

/// XMP specification part 3, Extended XMP in JPEG.
pub const XMP_NOTE: &[Property] = &[("HasExtendedXMP", "", Text)];

/// XMP specification part 2, XMP Basic Job Ticket namespace.
pub const XMP_BJ: &[Property] = &[("JobRef", "", Text)];

/// XMP specification part 2, XMP Paged-Text namespace.
pub const XMP_TPG: &[Property] = &[
    ("Colorants", "", Text),
    ("Fonts", "", Text),
    ("HasVisibleOverprint", "", Text),
    ("HasVisibleTransparency", "", Text),
    ("MaxPageSize", "", Text),
    ("NPages", "", Text),
    ("PlateNames", "", Text),
    ("SwatchGroups", "", Text),
];

/// XMP specification part 2, XMP Dynamic Media namespace.
pub const XMP_DM: &[Property] = &[
    ("audioModDate", "AudioModDate", Date),
    ("comment", "DMComment", Text),
    ("fileDataRate", "FileDataRate", Rational),
    ("metadataModDate", "MetadataModDate", Date),
    ("releaseDate", "ReleaseDate", Date),
    ("scale", "Scale", Rational),
    ("shotDate", "ShotDate", Date),
    ("videoModDate", "VideoModDate", Date),
    ("videoPixelAspectRatio", "VideoPixelAspectRatio", Rational),
];

/// XMP specification part 2, Adobe PDF namespace.
pub const PDF: &[Property] = &[
    ("Author", "", Text),
    ("Copyright", "", Text),
    ("CreationDate", "", Date),
    ("Creator", "", Text),
    ("Keywords", "", Text),
    ("Marked", "", Text),
    ("ModDate", "", Date),
    ("PDFVersion", "", Text),
    ("Producer", "", Text),
    ("Subject", "", Text),
    ("Title", "", Text),
    ("Trapped", "", Term),
];

/// XMP specification part 2, Photoshop namespace.
pub const PHOTOSHOP: &[Property] = &[
    ("AuthorsPosition", "", Text),
    ("CameraProfiles", "", Text),
    ("CaptionWriter", "", Text),
    ("Category", "", Text),
    ("City", "", Text),
    ("ColorMode", "", Text),
    ("Country", "", Text),
    ("Credit", "", Text),
    ("DateCreated", "", Date),
    ("DocumentAncestors", "", Text),
    ("EmbeddedXMPDigest", "", Noise),
    ("Headline", "", Text),
    ("History", "", Noise),
    ("ICCProfile", "ICCProfileName", Text),
    ("Instructions", "", Text),
    ("LegacyIPTCDigest", "", Noise),
    ("SidecarForExtension", "", Text),
    ("Source", "", Text),
    ("State", "", Text),
    ("SupplementalCategories", "", Text),
    ("TextLayers", "", Text),
    ("TransmissionReference", "", Text),
    ("Urgency", "", Text),
];

/// XMP specification part 2, Camera Raw namespace.
pub const CRS: &[Property] = &[
    ("Description", "", Lang),
    ("Group", "", Lang),
    ("Name", "", Lang),
    ("RangeMaskMapInfo", "RangeMask", Text),
    ("ShortName", "", Lang),
    ("SortName", "", Lang),
    ("Temperature", "ColorTemperature", Text),
    ("UUID", "", Text),
];

/// XMP specification part 2, EXIF schema for TIFF properties.
pub const TIFF: &[Property] = &[
    ("Artist", "", Text),
    ("BitsPerSample", "", Text),
    ("Compression", "", Text),
    ("Copyright", "", Lang),
    ("DateTime", "", Date),
    ("ImageDescription", "", Lang),
    ("ImageLength", "ImageHeight", Text),
    ("ImageWidth", "", Text),
    ("Make", "", Text),
    ("Model", "", Text),
    ("NativeDigest", "", Text),
    ("Orientation", "", Text),
    ("PhotometricInterpretation", "", Text),
    ("PlanarConfiguration", "", Text),
    ("PrimaryChromaticities", "", Rational),
    ("ReferenceBlackWhite", "", Rational),
    ("ResolutionUnit", "", Text),
    ("SamplesPerPixel", "", Text),
    ("Software", "", Text),
    ("TransferFunction", "", Text),
    ("WhitePoint", "", Rational),
    ("XResolution", "", Rational),
    ("YCbCrCoefficients", "", Rational),
    ("YCbCrPositioning", "", Text),
    ("YCbCrSubSampling", "", Text),
    ("YResolution", "", Rational),
];

/// XMP specification part 2, EXIF schema; CIPA DC-010 (Exif metadata for XMP).
pub const EXIF: &[Property] = &[
    ("ApertureValue", "", Aperture),
    ("BrightnessValue", "", Rational),
    ("CFAPattern", "", Text),
    ("ColorSpace", "", Text),
    ("ComponentsConfiguration", "", Text),
    ("CompressedBitsPerPixel", "", Rational),
    ("Contrast", "", Text),
    ("CustomRendered", "", Text),
    ("DateTimeDigitized", "", Date),
    ("DateTimeOriginal", "", Date),
    ("DeviceSettingDescription", "", Text),
    ("DigitalZoomRatio", "", Rational),
    ("ExifVersion", "", Text),
    ("ExposureBiasValue", "ExposureCompensation", Rational),
    ("ExposureIndex", "", Rational),
    ("ExposureMode", "", Text),
    ("ExposureProgram", "", Text),
    ("ExposureTime", "", Rational),
    ("FNumber", "", Rational),
    ("FileSource", "", Text),
    ("Flash", "", Text),
    ("FlashEnergy", "", Rational),
    ("FlashpixVersion", "", Text),
    ("FocalLength", "", Rational),
    ("FocalLengthIn35mmFilm", "FocalLengthIn35mmFormat", Text),
    ("FocalPlaneResolutionUnit", "", Text),
    ("FocalPlaneXResolution", "", Rational),
    ("FocalPlaneYResolution", "", Rational),
    ("GPSAltitude", "", Rational),
    ("GPSAltitudeRef", "", Text),
    ("GPSAreaInformation", "", Text),
    ("GPSDOP", "", Rational),
    ("GPSDestBearing", "", Rational),
    ("GPSDestBearingRef", "", Text),
    ("GPSDestDistance", "", Rational),
    ("GPSDestDistanceRef", "", Text),
    ("GPSDestLatitude", "", Gps),
    ("GPSDestLongitude", "", Gps),
    ("GPSDifferential", "", Text),
    ("GPSHPositioningError", "", Rational),
    ("GPSImgDirection", "", Rational),
    ("GPSImgDirectionRef", "", Text),
    ("GPSLatitude", "", Gps),
    ("GPSLongitude", "", Gps),
    ("GPSMapDatum", "", Text),
    ("GPSMeasureMode", "", Text),
    ("GPSProcessingMethod", "", Text),
    ("GPSSatellites", "", Text),
    ("GPSSpeed", "", Rational),
    ("GPSSpeedRef", "", Text),
    ("GPSStatus", "", Text),
    ("GPSTimeStamp", "GPSDateTime", Date),
    ("GPSTrack", "", Rational),
    ("GPSTrackRef", "", Text),
    ("GPSVersionID", "", Text),
    ("GainControl", "", Text),
    ("ISOSpeedRatings", "ISO", Text),
    ("ImageUniqueID", "", Text),
    ("LightSource", "", Text),
    ("MakerNote", "", Noise),
    ("MaxApertureValue", "", Aperture),
    ("MeteringMode", "", Text),
    ("NativeDigest", "", Text),
    ("OECF", "Opto-ElectricConvFactor", Text),
    ("PixelXDimension", "ExifImageWidth", Text),
    ("PixelYDimension", "ExifImageHeight", Text),
    ("RelatedSoundFile", "", Text),
    ("Saturation", "", Text),
    ("SceneCaptureType", "", Text),
    ("SceneType", "", Text),
    ("SensingMethod", "", Text),
    ("Sharpness", "", Text),
    ("ShutterSpeedValue", "", Shutter),
    ("SpatialFrequencyResponse", "", Text),
    ("SpectralSensitivity", "", Text),
    ("SubjectArea", "", Text),
    ("SubjectDistance", "", Rational),
    ("SubjectDistanceRange", "", Text),
    ("SubjectLocation", "", Text),
    ("UserComment", "", Lang),
    ("Values", "", Rational),
    ("WhiteBalance", "", Text),
];

/// CIPA DC-010 (Exif metadata for XMP), the properties of Exif 2.3 and later.
pub const EXIF_EX: &[Property] = &[
    ("Acceleration", "", Rational),
    ("BodySerialNumber", "SerialNumber", Text),
    ("CameraElevationAngle", "", Rational),
    ("CameraOwnerName", "OwnerName", Text),
    ("Gamma", "", Rational),
    ("Humidity", "", Rational),
    ("InteroperabilityIndex", "InteropIndex", Text),
    ("LensSpecification", "LensInfo", Rational),
    ("MaxExposureTimesOfAll", "", Rational),
    ("MaxExposureTimesOfUsed", "", Rational),
    ("MinExposureTimesOfAll", "", Rational),
    ("MinExposureTimesOfUsed", "", Rational),
    ("Pressure", "", Rational),
    ("SumOfExposureTimesOfAll", "", Rational),
    ("SumOfExposureTimesOfUsed", "", Rational),
    ("Temperature", "AmbientTemperature", Rational),
    ("TotalExposurePeriod", "", Rational),
    ("Values", "", Rational),
    ("WaterDepth", "", Rational),
];

/// XMP specification part 2, EXIF schema for additional EXIF properties.
pub const AUX: &[Property] = &[
    ("ApproximateFocusDistance", "", Rational),
    ("DistortionCorrectionAlreadyApplied", "", Text),
    ("EnhanceDetailsAlreadyApplied", "", Text),
    ("EnhanceDetailsVersion", "", Text),
    ("EnhanceSuperResolutionAlreadyApplied", "", Text),
    ("EnhanceSuperResolutionScale", "", Rational),
    ("EnhanceSuperResolutionVersion", "", Text),
    ("Firmware", "", Text),
    ("FlashCompensation", "", Rational),
    ("ImageNumber", "", Text),
    ("IsMergedHDR", "", Text),
    ("IsMergedPanorama", "", Text),
    ("LateralChromaticAberrationCorrectionAlreadyApplied", "", Text),
    ("Lens", "", Text),
    ("LensDistortInfo", "", Text),
    ("LensID", "", Text),
    ("LensInfo", "", Rationals),
    ("LensSerialNumber", "", Text),
    ("NeutralDensityFactor", "", Text),
    ("OwnerName", "", Text),
    ("SerialNumber", "", Text),
    ("VignetteCorrectionAlreadyApplied", "", Text),
];

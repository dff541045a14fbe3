//! EXIF's tags as keys: `EXIF_` for an image's tags, `GPS_` for positions.
//!
//! Names are ExifTool's, so the EXIF names `DateTimeDigitized` and `DateTime` are `CreateDate` and `ModifyDate`. A date
//! is one key: its fraction of a second and its zone, which are tags of their own in the file, are joined to it.
//! Sources: TIFF 6.0; TIFF/EP (ISO 12234-2); EXIF 3.0 (JEITA CP-3451F), tables 4 to 16; DNG 1.7; the TIFF tag reference
//! of LibTIFF. The directories of a thumbnail, of a preview and of raw data give physical keys only.

use super::{Kind, Known};

/// A date, the fraction of its second and its zone, each `(group, name)` (EXIF 3.0, sections 4.6.5 and 4.6.6).
#[derive(Debug)]
pub struct DateParts {
    /// ExifTool's name of the date, which is its logical name too.
    pub date: &'static str,
    /// The tag of the digits behind the decimal point.
    pub fraction: &'static str,
    /// The tag of the zone.
    pub zone: &'static str,
}

/// The dates that have parts.
pub const DATES: [DateParts; 3] = [
    DateParts { date: "DateTimeOriginal", fraction: "SubSecTimeOriginal", zone: "OffsetTimeOriginal" },
    DateParts { date: "CreateDate", fraction: "SubSecTimeDigitized", zone: "OffsetTimeDigitized" },
    DateParts { date: "ModifyDate", fraction: "SubSecTime", zone: "OffsetTime" },
];

/// Other names that people know a tag by, and its key. Most are the names that EXIF itself gives.
pub const ALIASES: &[(&str, &str)] = &[
    ("EXIF_CameraOwnerName", "EXIF_OwnerName"),
    ("EXIF_BodySerialNumber", "EXIF_SerialNumber"),
    ("EXIF_DateTime", "EXIF_ModifyDate"),
    ("EXIF_DateTimeDigitized", "EXIF_CreateDate"),
    ("EXIF_ExposureBiasValue", "EXIF_ExposureCompensation"),
    ("EXIF_FocalLengthIn35mmFilm", "EXIF_FocalLengthIn35mmFormat"),
    ("EXIF_ISOSpeedRatings", "EXIF_ISO"),
    ("EXIF_ImageLength", "EXIF_ImageHeight"),
    ("EXIF_LensSpecification", "EXIF_LensInfo"),
    ("EXIF_OffsetTime", "EXIF_ModifyDate"),
    ("EXIF_OffsetTimeDigitized", "EXIF_CreateDate"),
    ("EXIF_OffsetTimeOriginal", "EXIF_DateTimeOriginal"),
    ("EXIF_PhotographicSensitivity", "EXIF_ISO"),
    ("EXIF_PixelXDimension", "EXIF_ExifImageWidth"),
    ("EXIF_PixelYDimension", "EXIF_ExifImageHeight"),
    ("EXIF_SubSecTime", "EXIF_ModifyDate"),
    ("EXIF_SubSecTimeDigitized", "EXIF_CreateDate"),
    ("EXIF_SubSecTimeOriginal", "EXIF_DateTimeOriginal"),
    ("GPS_DateStamp", "GPS_DateTime"),
    ("GPS_TimeStamp", "GPS_DateTime"),
];

macro_rules! tags {
    ($($name:literal $kind:ident $group:literal,)*) => {
        &[$(Known {
            name: concat!("EXIF_", $name),
            kind: Kind::$kind,
            sources: &[concat!($group, ":", $name)],
        }),*]
    };
}

macro_rules! gps {
    ($($name:literal $kind:ident,)*) => {
        &[$(Known {
            name: concat!("GPS_", $name),
            kind: Kind::$kind,
            sources: &[concat!("GPS:GPS", $name)],
        }),*]
    };
}

/// The keys of an image's tags, sorted. The source is the directory that the specification puts the tag in; `IFD0`,
/// `ExifIFD` and `InteropIFD` are looked through in this order for any of them.
#[rustfmt::skip]
pub const KEYS: &[Known] = tags! {
    "Acceleration" Number "ExifIFD", "AdventRevision" Text "IFD0", "AdventScale" Text "IFD0",
    "AffineTransformMat" Text "IFD0", "AliasLayerMetadata" Text "IFD0", "AlphaDataDiscard" Text "IFD0",
    "AmbientTemperature" Number "ExifIFD", "AnalogBalance" Text "IFD0", "ApertureValue" Number "ExifIFD",
    "Artist" Text "IFD0", "AsShotNeutral" Text "IFD0", "AsShotPreProfileMatrix" Text "IFD0",
    "AsShotProfileName" Text "IFD0", "AsShotWhiteXY" Text "IFD0", "BackgroundColorIndicator" Text "IFD0",
    "BackgroundColorValue" Text "IFD0", "BadFaxLines" Text "IFD0", "BaselineExposure" Number "IFD0",
    "BaselineNoise" Number "IFD0", "BaselineSharpness" Number "IFD0", "BatteryLevel" Text "IFD0",
    "BitsPerExtendedRunLength" Text "IFD0", "BitsPerRunLength" Text "IFD0", "BitsPerSample" Text "IFD0",
    "BlackLevelBlue" Text "IFD0", "BlackLevelGreen" Text "IFD0", "BlackLevelRed" Text "IFD0",
    "BlueBalance" Text "IFD0", "Brightness" Text "ExifIFD", "BrightnessValue" Number "ExifIFD",
    "CFALayout" Text "IFD0", "CFAPattern" Text "ExifIFD", "CFAPlaneColor" Text "IFD0", "CIP3DataFile" Text "IFD0",
    "CIP3Sheet" Text "IFD0", "CIP3Side" Text "IFD0", "CMYKEquivalent" Text "IFD0", "CR2CFAPattern" Text "IFD0",
    "CalibrationIlluminant1" Number "IFD0", "CalibrationIlluminant2" Number "IFD0",
    "CalibrationIlluminant3" Number "IFD0", "CameraCalibration1" Text "IFD0", "CameraCalibration2" Text "IFD0",
    "CameraCalibration3" Text "IFD0", "CameraCalibrationSig" Text "IFD0", "CameraElevationAngle" Number "ExifIFD",
    "CameraFirmware" Text "ExifIFD", "CameraLabel" Text "IFD0", "CameraSerialNumber" Text "IFD0",
    "CellLength" Number "IFD0", "CellWidth" Number "IFD0", "CleanFaxData" Text "IFD0", "ClipPath" Text "IFD0",
    "CodingMethods" Text "IFD0", "ColorCharacterization" Text "IFD0", "ColorMatrix1" Text "IFD0",
    "ColorMatrix2" Text "IFD0", "ColorMatrix3" Text "IFD0", "ColorResponseUnit" Text "IFD0",
    "ColorSequence" Text "IFD0", "ColorSpace" Number "ExifIFD", "ColorTable" Text "IFD0",
    "ColorimetricReference" Number "IFD0", "ColumnInterleaveFactor" Text "IFD0",
    "ComponentsConfiguration" Text "ExifIFD", "CompositeImage" Number "ExifIFD", "CompositeImageCount" Text "ExifIFD",
    "CompositeImageExposureTimes" Text "ExifIFD", "CompressedBitsPerPixel" Number "ExifIFD",
    "Compression" Number "IFD0", "ConsecutiveBadFaxLines" Text "IFD0", "Contrast" Number "ExifIFD",
    "Converter" Text "ExifIFD", "Copyright" Text "IFD0", "CreateDate" Date "ExifIFD", "CropBottom" Text "IFD0",
    "CropLeft" Text "IFD0", "CropRight" Text "IFD0", "CropTop" Text "IFD0", "CurrentPreProfileMatrix" Text "IFD0",
    "CustomRendered" Number "ExifIFD", "DNGBackwardVersion" Text "IFD0", "DNGLensInfo" Text "IFD0",
    "DNGVersion" Text "IFD0", "DataType" Text "IFD0", "DateTimeOriginal" Date "ExifIFD", "Decode" Text "IFD0",
    "DefaultBlackRender" Number "IFD0", "DefaultImageColor" Text "IFD0", "DepthFar" Number "IFD0",
    "DepthFormat" Number "IFD0", "DepthMeasureType" Number "IFD0", "DepthNear" Number "IFD0",
    "DepthUnits" Number "IFD0", "DigitalZoomRatio" Number "ExifIFD", "DocumentName" Text "IFD0",
    "DotRange" Text "IFD0", "EnhanceParams" Text "IFD0", "ExifImageHeight" Number "ExifIFD",
    "ExifImageWidth" Number "ExifIFD", "ExifVersion" Text "ExifIFD", "ExpandFilm" Text "IFD0",
    "ExpandFilterLens" Text "IFD0", "ExpandFlashLamp" Text "IFD0", "ExpandLens" Text "IFD0",
    "ExpandScanner" Text "IFD0", "ExpandSoftware" Text "IFD0", "Exposure" Text "ExifIFD",
    "ExposureCompensation" Number "ExifIFD", "ExposureIndex" Number "ExifIFD", "ExposureMode" Number "ExifIFD",
    "ExposureProgram" Number "ExifIFD", "ExposureTime" Number "ExifIFD", "ExtraSamples" Text "IFD0",
    "FNumber" Number "ExifIFD", "FaxProfile" Text "IFD0", "FaxRecvParams" Text "IFD0", "FaxRecvTime" Text "IFD0",
    "FaxSubAddress" Text "IFD0", "FedexEDR" Text "IFD0", "FileSource" Text "ExifIFD", "FillOrder" Number "IFD0",
    "Flash" Number "ExifIFD", "FlashEnergy" Number "ExifIFD", "FlashpixVersion" Text "ExifIFD",
    "FocalLength" Number "ExifIFD", "FocalLengthIn35mmFormat" Number "ExifIFD",
    "FocalPlaneResolutionUnit" Number "ExifIFD", "FocalPlaneXResolution" Number "ExifIFD",
    "FocalPlaneYResolution" Number "ExifIFD", "ForwardMatrix1" Text "IFD0", "ForwardMatrix2" Text "IFD0",
    "ForwardMatrix3" Text "IFD0", "FovCot" Text "IFD0", "FrameRate" Number "IFD0", "GDALMetadata" Text "IFD0",
    "GDALNoData" Text "IFD0", "GainControl" Number "ExifIFD", "Gamma" Number "ExifIFD",
    "GooglePlusUploadCode" Text "ExifIFD", "GrayResponseUnit" Number "IFD0", "HCUsage" Text "IFD0",
    "HalftoneHints" Text "IFD0", "HeightResolution" Text "IFD0", "HighISOMultiplierBlue" Text "IFD0",
    "HighISOMultiplierGreen" Text "IFD0", "HighISOMultiplierRed" Text "IFD0", "HostComputer" Text "IFD0",
    "Humidity" Number "ExifIFD", "INGRReserved" Text "IFD0", "ISO" Text "ExifIFD", "ISOSpeed" Number "ExifIFD",
    "ISOSpeedLatitudeyyy" Number "ExifIFD", "ISOSpeedLatitudezzz" Number "ExifIFD", "IT8Header" Text "IFD0",
    "ImageColorIndicator" Text "IFD0", "ImageColorValue" Text "IFD0", "ImageDataDiscard" Text "IFD0",
    "ImageDepth" Text "IFD0", "ImageDescription" Text "IFD0", "ImageEditingSoftware" Text "ExifIFD",
    "ImageEditor" Text "ExifIFD", "ImageFullHeight" Text "IFD0", "ImageFullWidth" Text "IFD0",
    "ImageHeight" Number "IFD0", "ImageHistory" Text "ExifIFD", "ImageID" Text "IFD0", "ImageLayer" Text "IFD0",
    "ImageNumber" Number "ExifIFD", "ImageReferencePoints" Text "IFD0", "ImageSequenceInfo" Text "IFD0",
    "ImageTitle" Text "ExifIFD", "ImageType" Text "IFD0", "ImageUniqueID" Text "ExifIFD", "ImageWidth" Number "IFD0",
    "Indexed" Text "IFD0", "InkNames" Text "IFD0", "InkSet" Number "IFD0", "IntergraphFlagRegisters" Text "IFD0",
    "IntergraphMatrix" Text "IFD0", "IntergraphPacketData" Text "IFD0", "Interlace" Text "IFD0",
    "InteropIndex" Text "InteropIFD", "InteropVersion" Text "InteropIFD", "JBIGOptions" Text "IFD0",
    "JPEGLosslessPredictors" Text "IFD0", "JPEGPointTransforms" Text "IFD0", "JPEGProc" Text "IFD0",
    "JPEGRestartInterval" Text "IFD0", "JXLDecodeSpeed" Text "IFD0", "JXLDistance" Text "IFD0",
    "JXLEffort" Text "IFD0", "Lens" Text "ExifIFD", "LensInfo" Text "ExifIFD", "LensMake" Text "ExifIFD",
    "LensModel" Text "ExifIFD", "LensSerialNumber" Text "ExifIFD", "LightSource" Number "ExifIFD",
    "LinearResponseLimit" Number "IFD0", "LinearityLimitBlue" Text "IFD0", "LinearityLimitGreen" Text "IFD0",
    "LinearityLimitRed" Text "IFD0", "LocalizedCameraModel" Text "IFD0", "MDColorTable" Text "IFD0",
    "MDFileTag" Text "IFD0", "MDFileUnits" Text "IFD0", "MDLabName" Text "IFD0", "MDPrepDate" Text "IFD0",
    "MDPrepTime" Text "IFD0", "MDSampleInfo" Text "IFD0", "MDScalePixel" Text "IFD0", "MSDocumentText" Text "IFD0",
    "Make" Text "IFD0", "MaskSubArea" Text "IFD0", "MatrixWorldToCamera" Text "IFD0",
    "MatrixWorldToScreen" Text "IFD0", "Matteing" Text "IFD0", "MaxApertureValue" Number "ExifIFD",
    "MaxSampleValue" Number "IFD0", "MetadataEditingSoftware" Text "ExifIFD", "MeteringMode" Number "ExifIFD",
    "MinSampleValue" Number "IFD0", "ModeNumber" Text "IFD0", "Model" Text "IFD0", "Model2" Text "IFD0",
    "ModelTiePoint" Text "IFD0", "ModelTransform" Text "IFD0", "ModifyDate" Date "IFD0", "MoireFilter" Text "ExifIFD",
    "MultiProfiles" Text "IFD0", "Multishot" Text "IFD0", "Noise" Text "IFD0", "NoiseReductionParams" Text "IFD0",
    "NumberofInks" Text "IFD0", "OPIProxy" Text "IFD0", "OceApplicationSelector" Text "IFD0",
    "OceIDNumber" Text "IFD0", "OceImageLogic" Text "IFD0", "OceScanjobDesc" Text "IFD0",
    "OldSubfileType" Number "IFD0", "Orientation" Number "IFD0", "OriginalBestQualitySize" Text "IFD0",
    "OriginalDefaultCropSize" Text "IFD0", "OriginalDefaultFinalSize" Text "IFD0", "OriginalFileName" Text "IFD0",
    "OriginalRawFileName" Text "IFD0", "OwnerName" Text "ExifIFD", "PageName" Text "IFD0", "PageNumber" Text "IFD0",
    "PanasonicRawVersion" Text "IFD0", "PanasonicTitle" Text "IFD0", "PanasonicTitle2" Text "IFD0",
    "Photographer" Text "ExifIFD", "PhotometricInterpretation" Number "IFD0", "PixelFormat" Text "IFD0",
    "PixelIntensityRange" Text "IFD0", "PixelMagicJBIGOptions" Text "IFD0", "PixelScale" Text "IFD0",
    "PlanarConfiguration" Number "IFD0", "Predictor" Number "IFD0", "Pressure" Number "ExifIFD",
    "PreviewApplicationName" Text "IFD0", "PreviewApplicationVersion" Text "IFD0", "PreviewColorSpace" Number "IFD0",
    "PreviewDateTime" Date "IFD0", "PreviewSettingsName" Text "IFD0", "PrimaryChromaticities" Text "IFD0",
    "ProcessingSoftware" Text "IFD0", "ProfileCalibrationSig" Text "IFD0", "ProfileCopyright" Text "IFD0",
    "ProfileEmbedPolicy" Number "IFD0", "ProfileGroupName" Text "IFD0", "ProfileHueSatMapDims" Text "IFD0",
    "ProfileHueSatMapEncoding" Number "IFD0", "ProfileLookTableDims" Text "IFD0",
    "ProfileLookTableEncoding" Number "IFD0", "ProfileName" Text "IFD0", "ProfileType" Text "IFD0",
    "RAWDevelopingSoftware" Text "ExifIFD", "Rating" Number "IFD0", "RatingPercent" Number "IFD0",
    "RawDataUniqueID" Text "IFD0", "RawFile" Text "ExifIFD", "RawFormat" Text "IFD0",
    "RawImageSegmentation" Text "IFD0", "RawToPreviewGain" Number "IFD0", "RecommendedExposureIndex" Number "ExifIFD",
    "RedBalance" Text "IFD0", "ReductionMatrix1" Text "IFD0", "ReductionMatrix2" Text "IFD0",
    "ReductionMatrix3" Text "IFD0", "ReelName" Text "IFD0", "ReferenceBlackWhite" Text "IFD0",
    "RegionXformTackPoint" Text "IFD0", "RelatedImageFileFormat" Text "InteropIFD",
    "RelatedImageHeight" Number "InteropIFD", "RelatedImageWidth" Number "InteropIFD",
    "RelatedSoundFile" Text "ExifIFD", "ResolutionUnit" Number "IFD0", "RowInterleaveFactor" Text "IFD0",
    "RowsPerStrip" Number "IFD0", "SEMInfo" Text "IFD0", "SMaxSampleValue" Text "IFD0", "SMinSampleValue" Text "IFD0",
    "SRawType" Text "IFD0", "SampleFormat" Text "IFD0", "SamplesPerPixel" Number "IFD0",
    "SamsungRawByteOrder" Text "IFD0", "Saturation" Number "ExifIFD", "SceneCaptureType" Number "ExifIFD",
    "SceneType" Text "ExifIFD", "SecurityClassification" Text "ExifIFD", "SelfTimerMode" Number "ExifIFD",
    "SemanticInstanceID" Text "IFD0", "SemanticName" Text "IFD0", "SensingMethod" Number "ExifIFD",
    "SensitivityType" Number "ExifIFD", "SensorBottomBorder" Text "IFD0", "SensorHeight" Text "IFD0",
    "SensorLeftBorder" Text "IFD0", "SensorRightBorder" Text "IFD0", "SensorTopBorder" Text "IFD0",
    "SensorWidth" Text "IFD0", "SerialNumber" Text "ExifIFD", "ShadowScale" Number "IFD0", "Shadows" Text "ExifIFD",
    "Sharpness" Number "ExifIFD", "ShutterSpeedValue" Number "ExifIFD", "Site" Text "IFD0",
    "Smoothness" Text "ExifIFD", "Software" Text "IFD0", "SpatialFrequencyResponse" Text "ExifIFD",
    "SpectralSensitivity" Text "ExifIFD", "StandardOutputSensitivity" Number "ExifIFD", "StoNits" Text "IFD0",
    "SubTileBlockSize" Text "IFD0", "SubfileType" Number "IFD0", "SubjectArea" Text "ExifIFD",
    "SubjectDistance" Number "ExifIFD", "SubjectDistanceRange" Number "ExifIFD", "SubjectLocation" Text "ExifIFD",
    "T4Options" Text "IFD0", "T6Options" Text "IFD0", "T82Options" Text "IFD0", "T88Options" Text "IFD0",
    "TIFF-EPStandardID" Text "IFD0", "TIFF_FXExtensions" Text "IFD0", "TStop" Text "IFD0", "TargetPrinter" Text "IFD0",
    "TextureFormat" Text "IFD0", "Thresholding" Number "IFD0", "TileDepth" Text "IFD0", "TileLength" Number "IFD0",
    "TileWidth" Number "IFD0", "TimeCodes" Text "IFD0", "TimeZoneOffset" Text "ExifIFD", "TransferRange" Text "IFD0",
    "Transformation" Text "IFD0", "TransparencyIndicator" Text "IFD0", "TrapIndicator" Text "IFD0",
    "USPTOMiscellaneous" Text "IFD0", "USPTOOriginalContentType" Text "IFD0", "Uncompressed" Text "IFD0",
    "UniqueCameraModel" Text "IFD0", "UserComment" Text "ExifIFD", "VersionYear" Text "IFD0",
    "WBBlueLevel" Text "IFD0", "WBGreenLevel" Text "IFD0", "WBRedLevel" Text "IFD0", "WB_GRGBLevels" Text "IFD0",
    "WarpQuadrilateral" Text "IFD0", "WaterDepth" Number "ExifIFD", "WhiteBalance" Number "ExifIFD",
    "WhitePoint" Text "IFD0", "WidthResolution" Text "IFD0", "WrapModes" Text "IFD0", "XClipPathUnits" Text "IFD0",
    "XPAuthor" Text "IFD0", "XPComment" Text "IFD0", "XPKeywords" Text "IFD0", "XPSubject" Text "IFD0",
    "XPTitle" Text "IFD0", "XPosition" Number "IFD0", "XResolution" Number "IFD0", "YCbCrCoefficients" Text "IFD0",
    "YCbCrPositioning" Number "IFD0", "YCbCrSubSampling" Text "IFD0", "YClipPathUnits" Text "IFD0",
    "YPosition" Number "IFD0", "YResolution" Number "IFD0",
};

/// The keys of positions, sorted. References (`N`, `W`) are part of the signed value.
#[rustfmt::skip]
pub const GPS_KEYS: &[Known] = gps! {
    "Altitude" Number, "AreaInformation" Text, "DOP" Number, "DestBearing" Number, "DestBearingRef" Text,
    "DestDistance" Number, "DestDistanceRef" Text, "DestLatitude" Number, "DestLongitude" Number,
    "Differential" Number, "HPositioningError" Number, "ImgDirection" Number, "ImgDirectionRef" Text,
    "Latitude" Number, "Longitude" Number, "MapDatum" Text, "MeasureMode" Text, "ProcessingMethod" Text,
    "Satellites" Text, "Speed" Number, "SpeedRef" Text, "Status" Text, "Track" Number, "TrackRef" Text,
    "VersionID" Text,
};

/// The moment of a position, in UTC: [`GPS_DATE`] and [`GPS_TIME`] in one.
pub const GPS_DATE_TIME: Known =
    Known { name: "GPS_DateTime", kind: Kind::Date, sources: &["GPS:GPSDateStamp", "GPS:GPSTimeStamp"] };
/// The date of a position.
pub const GPS_DATE: &str = "GPSDateStamp";
/// The time of day of a position.
pub const GPS_TIME: &str = "GPSTimeStamp";

/// The place of a directory among those that decide a tag, or none if it gives physical keys only.
#[must_use]
pub fn rank(group: &str) -> Option<u16> {
    match group {
        "IFD0" => Some(0),
        "ExifIFD" => Some(1),
        "InteropIFD" => Some(2),
        _ => None,
    }
}

/// The group of the tag of this name (`ExifIFD`), as far as the name is known.
#[must_use]
pub fn group_of(name: &str) -> Option<&'static str> {
    if name.starts_with("GPS") && !name.starts_with("GPSInfo") {
        return Some("GPS");
    }
    for parts in &DATES {
        if name == parts.fraction || name == parts.zone {
            return Some("ExifIFD");
        }
    }
    let at = KEYS.binary_search_by(|known| known.name.get(5..).unwrap_or_default().cmp(name)).ok()?;
    KEYS.get(at)?.sources.first()?.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::{DATES, GPS_KEYS, KEYS, group_of};

    #[test]
    fn tags_are_sorted() {
        assert!(KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(GPS_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn a_tag_has_the_group_of_its_specification() {
        for (name, expect) in [
            ("Make", Some("IFD0")),
            ("ModifyDate", Some("IFD0")),
            ("DateTimeOriginal", Some("ExifIFD")),
            ("OffsetTimeOriginal", Some("ExifIFD")),
            ("FocalPlaneXResolution", Some("ExifIFD")),
            ("InteropIndex", Some("InteropIFD")),
            ("GPSLatitude", Some("GPS")),
            ("GPSLatitudeRef", Some("GPS")),
            ("Nothing", None),
        ] {
            assert_eq!(group_of(name), expect, "{name}");
        }
        assert!(DATES.iter().all(|parts| group_of(parts.date).is_some()));
    }
}

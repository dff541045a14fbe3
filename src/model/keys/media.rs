//! Tags of the containers of films, sound and graphics as keys.
//!
//! Sources: QuickTime File Format, chapters "Movie atoms", "User data" and "Metadata"; ISO/IEC 14496-12; ISO/IEC
//! 23008-12; iTunes' item list as ExifTool names it; Microsoft's RIFF MCI, "INFO list chunk"; EBU Tech 3285 (`bext`);
//! iXML Specification 3.01; PNG 3rd edition, section 11.3. Files may have items, elements and texts of any other name:
//! they give keys too, which are not known here.

use super::{Kind, Known};

macro_rules! tags {
    ($prefix:literal: $($name:literal $kind:ident $($group:literal)+,)*) => {
        &[$(Known {
            name: concat!($prefix, $name),
            kind: Kind::$kind,
            sources: &[$(concat!($group, ":", $name)),+],
        }),*]
    };
}

/// QuickTime, MP4 and HEIF. `Track1` is any track.
#[rustfmt::skip]
pub const QUICKTIME_KEYS: &[Known] = tags! { "QuickTime_":
    "Album" Text "ItemList" "Keys" "UserData", "AlbumArtist" Text "ItemList" "UserData",
    "AlbumTitleID" Text "ItemList", "AndroidCaptureFps" Text "Keys", "AndroidVersion" Text "Keys",
    "ApplePhotosVariationIdentifier" Text "Keys", "AppleStoreAccount" Text "ItemList",
    "AppleStoreAccountType" Text "ItemList", "AppleStoreCatalogID" Text "ItemList",
    "AppleStoreCountry" Number "ItemList", "Arranger" Text "ItemList" "UserData", "ArrangerKeywords" Text "UserData",
    "ArtDirector" Text "ItemList", "Artist" Text "ItemList" "Keys" "UserData", "AudioBitsPerSample" Number "Track1",
    "AudioChannels" Number "Track1", "AudioFormat" Text "Track1", "AudioGain" Text "Keys",
    "AudioSampleRate" Number "Track1", "Author" Text "ItemList" "Keys" "UserData", "Balance" Text "Keys",
    "Bass" Text "Keys", "BeatsPerMinute" Number "ItemList", "BitDepth" Number "Track1", "Brightness" Text "Keys",
    "CameraAngle" Text "UserData", "CameraDirection" Text "Keys", "CameraID" Text "UserData",
    "CameraIdentifier" Text "Keys", "CameraMotion" Text "Keys", "CameraPitch" Text "UserData",
    "CameraRoll" Number "UserData", "CameraYaw" Number "UserData", "CaptureMode" Text "Keys",
    "CatalogNumber" Number "ItemList", "Category" Text "ItemList", "Classification" Text "UserData",
    "ClipFileName" Text "UserData", "ClipID" Text "UserData", "CodeVersion" Text "UserData",
    "CollectionName" Text "UserData", "Color" Text "Keys", "Comment" Text "ItemList" "Keys" "UserData",
    "CompatibleBrands" List "QuickTime", "Compilation" Text "ItemList", "Composer" Text "ItemList" "UserData",
    "ComposerKeywords" Text "UserData", "CompressorID" Text "Track1", "CompressorName" Text "Track1",
    "Conductor" Text "ItemList", "ContentCreateDate" Date "ItemList" "UserData",
    "ContentDistributorID" Text "UserData", "ContentID" Text "UserData", "ContentIdentifier" Text "Keys",
    "ContentRating" Text "ItemList", "Contrast" Text "Keys", "Copyright" Text "ItemList" "Keys" "UserData",
    "CoverURI" Text "UserData", "CreateDate" Date "QuickTime", "CreationDate" Date "Keys",
    "DateTimeOriginal" Date "UserData", "Description" Text "ItemList" "Keys" "UserData",
    "DetectedFaceBounds" Text "Keys", "DetectedFaceID" Text "Keys", "DetectedFaceRollAngle" Number "Keys",
    "DetectedFaceYawAngle" Number "Keys", "Director" Text "ItemList" "Keys" "UserData", "DiscNumber" Number "ItemList",
    "DiskNumber" Text "ItemList", "DisplayName" Text "Keys", "Duration" Number "QuickTime",
    "DynamicRange" Text "ItemList", "Edit1" Text "UserData", "Edit2" Text "UserData", "Edit3" Text "UserData",
    "Edit4" Text "UserData", "Edit5" Text "UserData", "Edit6" Text "UserData", "Edit7" Text "UserData",
    "Edit8" Text "UserData", "Edit9" Text "UserData", "EncodedBy" Text "ItemList", "EncodedWith" Text "Keys",
    "Encoder" Text "ItemList" "UserData", "EncoderID" Text "UserData", "EpisodeGlobalUniqueID" Text "ItemList",
    "ExecutiveProducer" Text "ItemList", "FieldOfView" Text "UserData", "FirmwareVersion" Text "UserData",
    "Format" Text "UserData", "FrameReadoutTime" Text "Keys", "GPSCoordinates" Text "ItemList" "Keys" "UserData",
    "GUID" Text "ItemList", "Genre" Text "ItemList" "Keys" "UserData", "GenreID" Text "ItemList",
    "Grouping" Text "ItemList" "UserData", "HDVideo" Text "ItemList", "HandlerClass" Text "Track1",
    "HandlerDescription" Text "Track1", "HandlerType" Text "Meta" "Track1", "HandlerVendorID" Text "Track1",
    "HintVersion" Text "UserData", "ISRCCode" Text "UserData", "IconURI" Text "UserData",
    "ImageHeight" Number "Track1", "ImagePixelDepth" Number "Meta", "ImageSpatialExtent" Text "Meta",
    "ImageWidth" Number "Track1", "InfoURL" Text "UserData", "Information" Text "Keys" "UserData",
    "InitialKey" Text "ItemList", "Keyword" Text "ItemList", "Keywords" Text "Keys" "UserData",
    "Label" Text "ItemList", "LensSerialNumber" Number "UserData", "LivePhotoAuto" Text "Keys",
    "LivePhotoInfo" Text "Keys", "LivePhotoVitalityScore" Text "Keys", "LivePhotoVitalityScoringVersion" Text "Keys",
    "LocationAccuracyHorizontal" Text "Keys", "LocationBody" Text "Keys", "LocationDate" Date "Keys",
    "LocationInformation" Text "UserData", "LocationName" Text "Keys", "LocationNote" Text "Keys",
    "LocationRole" Text "Keys", "LongDescription" Text "ItemList", "LoopStyle" Text "UserData",
    "Lyrics" Text "ItemList" "UserData", "LyricsURI" Text "UserData", "MajorBrand" Text "QuickTime",
    "Make" Text "Keys" "UserData", "MakerURL" Text "UserData", "MediaCreateDate" Date "Track1",
    "MediaDuration" Number "Track1", "MediaLanguageCode" Text "Track1", "MediaModifyDate" Date "Track1",
    "MediaTimeScale" Number "Track1", "MediaType" Text "ItemList", "MetaFormat" Text "Track1",
    "MinorVersion" Text "QuickTime", "Model" Text "Keys" "UserData", "ModifyDate" Date "QuickTime",
    "MovementCount" Number "ItemList", "MovementName" Text "ItemList", "MovementNumber" Number "ItemList",
    "Mute" Text "Keys", "Name" Text "UserData", "Narrator" Text "ItemList", "OriginalArtist" Text "ItemList",
    "OriginalDate" Date "ItemList", "OriginalYear" Number "ItemList", "OtherFormat" Text "Track1",
    "ParentProductID" Text "ItemList", "ParentShortTitle" Text "ItemList", "ParentTitle" Text "ItemList",
    "Performer" Text "ItemList" "UserData", "PerformerKeywords" Text "UserData", "PerformerURL" Text "UserData",
    "Performers" Text "UserData", "Pitch" Number "UserData", "PitchShift" Number "Keys",
    "PlayAllFrames" Text "UserData", "PlayGap" Text "ItemList", "PlayListID" Text "ItemList",
    "PlayMode" Text "UserData", "PlaySelection" Text "UserData", "PlayerVersion" Text "Keys",
    "Podcast" Text "ItemList", "PodcastURL" Text "ItemList", "PrimaryItemReference" Text "Meta",
    "Producer" Text "ItemList" "Keys" "UserData", "ProducerKeywords" Text "UserData", "ProductID" Text "ItemList",
    "ProductVersion" Text "ItemList", "Publisher" Text "ItemList" "Keys", "PurchaseDate" Date "ItemList",
    "Rating" Text "ItemList" "UserData", "RatingPercent" Text "ItemList", "RecordLabelName" Text "UserData",
    "RecordLabelURL" Text "UserData", "RecordingCopyright" Text "UserData", "ReelName" Text "UserData",
    "ReleaseDate" Date "ItemList", "ReplayTrackGain" Text "ItemList", "ReplayTrackPeak" Text "ItemList",
    "ReplayVolumeLevel" Number "ItemList", "Requirements" Text "UserData", "Roll" Number "UserData",
    "Rotation" Text "Track1", "Scene" Text "UserData", "SerialNumber" Text "UserData", "ShortTitle" Text "ItemList",
    "ShotName" Text "UserData", "ShowMovement" Text "ItemList", "Software" Text "Keys",
    "SoftwareVersion" Text "UserData", "Soloist" Text "ItemList", "SongWriter" Text "UserData",
    "SongWriterKeywords" Text "UserData", "SortAlbum" Text "ItemList", "SortAlbumArtist" Text "ItemList",
    "SortArtist" Text "ItemList", "SortComposer" Text "ItemList", "SortName" Text "ItemList",
    "SortShow" Text "ItemList", "SoundEngineer" Text "ItemList", "SourceCredits" Text "UserData",
    "SourceImageHeight" Number "Track1", "SourceImageWidth" Number "Track1", "SpeedX" Number "UserData",
    "SpeedY" Number "UserData", "SpeedZ" Number "UserData", "StartTimeSampleSize" Number "UserData",
    "StartTimeScale" Number "UserData", "StartTimecode" Text "UserData", "StillImageTime" Text "Keys",
    "StoreDescription" Text "ItemList", "Subtitle" Text "ItemList" "UserData", "SubtitleKeywords" Text "UserData",
    "TVEpisode" Text "ItemList", "TVEpisodeID" Text "ItemList", "TVNetworkName" Text "ItemList",
    "TVSeason" Text "ItemList", "TVShow" Text "ItemList", "TimeScale" Number "QuickTime", "Tint" Text "Keys",
    "Title" Text "ItemList" "Keys" "UserData", "Track" Text "ItemList" "UserData", "TrackCreateDate" Date "Track1",
    "TrackDuration" Number "Track1", "TrackID" Number "Track1", "TrackModifyDate" Date "Track1",
    "TrackNumber" Text "ItemList", "TrackType" Text "UserData", "Treble" Text "Keys", "UserCollection" Text "Keys",
    "UserRating" Text "Keys" "UserData", "Vendor" Text "UserData", "VendorID" Text "Track1", "Version" Text "Keys",
    "VideoFrameRate" Number "Track1", "VideoOrientation" Text "Keys", "VolumeNormalization" Text "ItemList",
    "WindowLocation" Text "UserData", "Work" Text "ItemList", "XResolution" Number "Track1",
    "YResolution" Number "Track1", "Yaw" Number "UserData", "Year" Date "ItemList" "Keys" "UserData",
};

/// WAV, AVI and WebP.
#[rustfmt::skip]
pub const RIFF_KEYS: &[Known] = tags! { "RIFF_":
    "ArchivalLocation" Text "RIFF", "Artist" Text "RIFF", "AudioCodec" Text "RIFF", "AudioSampleCount" Number "RIFF",
    "AudioSampleRate" Number "RIFF", "AvgBytesPerSec" Number "RIFF", "BWFVersion" Text "RIFF", "BWF_UMID" Text "RIFF",
    "BaseURL" Text "RIFF", "BitsPerSample" Number "RIFF", "Cinematographer" Text "RIFF", "CodingHistory" Text "RIFF",
    "Comment" Text "RIFF", "Comments" Text "RIFF", "Commissioned" Text "RIFF", "Copyright" Text "RIFF",
    "CostumeDesigner" Text "RIFF", "Country" Number "RIFF", "Cropped" Text "RIFF", "DateCreated" Date "RIFF",
    "DateTimeOriginal" Date "RIFF", "DefaultAudioStream" Text "RIFF", "Description" Text "RIFF",
    "Dimensions" Text "RIFF", "Directory" Text "RIFF", "DistributedBy" Text "RIFF", "DotsPerInch" Text "RIFF",
    "EditedBy" Text "RIFF", "EighthLanguage" Text "RIFF", "EncodedBy" Text "RIFF", "Encoding" Text "RIFF",
    "EndTimecode" Text "RIFF", "Engineer" Text "RIFF", "ExifVersion" Text "RIFF", "FifthLanguage" Text "RIFF",
    "FirstLanguage" Text "RIFF", "FourthLanguage" Text "RIFF", "FrameCount" Number "RIFF", "FrameRate" Number "RIFF",
    "Genre" Text "RIFF", "ImageHeight" Number "RIFF", "ImageWidth" Number "RIFF", "Keywords" Text "RIFF",
    "Language" Text "RIFF", "Length" Text "RIFF", "Lightness" Text "RIFF", "Location" Text "RIFF",
    "LogoIconURL" Text "RIFF", "LogoURL" Text "RIFF", "LoudnessRange" Number "RIFF", "LoudnessValue" Number "RIFF",
    "Make" Text "RIFF", "MaxDataRate" Number "RIFF", "MaxMomentaryLoudness" Number "RIFF",
    "MaxShortTermLoudness" Number "RIFF", "MaxTruePeakLevel" Number "RIFF", "Medium" Text "RIFF", "Model" Text "RIFF",
    "MoreInfoBannerImage" Text "RIFF", "MoreInfoBannerURL" Text "RIFF", "MoreInfoText" Text "RIFF",
    "MoreInfoURL" Text "RIFF", "MusicBy" Text "RIFF", "NinthLanguage" Text "RIFF", "NumChannels" Number "RIFF",
    "NumColors" Number "RIFF", "NumberOfParts" Number "RIFF", "Organization" Text "RIFF", "Originator" Text "RIFF",
    "OriginatorReference" Text "RIFF", "Part" Text "RIFF", "ProducedBy" Text "RIFF", "Product" Text "RIFF",
    "ProductionDesigner" Text "RIFF", "ProductionStudio" Text "RIFF", "Rate" Text "RIFF", "Rated" Number "RIFF",
    "Rating" Text "RIFF", "RelatedImageFile" Text "RIFF", "RippedBy" Text "RIFF", "SampleRate" Number "RIFF",
    "SampleSize" Number "RIFF", "SecondLanguage" Text "RIFF", "SecondaryGenre" Text "RIFF",
    "SeventhLanguage" Text "RIFF", "Sharpness" Text "RIFF", "SixthLanguage" Text "RIFF", "Software" Text "RIFF",
    "SoundSchemeTitle" Text "RIFF", "Source" Text "RIFF", "SourceForm" Text "RIFF", "Starring" Text "RIFF",
    "StartTimecode" Text "RIFF", "Statistics" Text "RIFF", "StreamCount" Number "RIFF", "StreamType" Text "RIFF",
    "Subject" Text "RIFF", "TapeName" Text "RIFF", "Technician" Text "RIFF", "ThirdLanguage" Text "RIFF",
    "TimeCode" Text "RIFF", "TimeCreated" Text "RIFF", "TimeReference" Number "RIFF", "Title" Text "RIFF",
    "TrackNumber" Text "RIFF", "URL" Text "RIFF", "UserComment" Text "RIFF", "VegasVersionMajor" Text "RIFF",
    "VegasVersionMinor" Text "RIFF", "Version" Text "RIFF", "VideoCodec" Text "RIFF", "VideoFrameCount" Number "RIFF",
    "VideoFrameRate" Number "RIFF", "WatermarkURL" Text "RIFF", "WrittenBy" Text "RIFF", "Year" Date "RIFF",
};

/// The iXML of sound recorders.
#[rustfmt::skip]
pub const IXML_KEYS: &[Known] = tags! { "IXML_":
    "BwfBwfCodingHistory" Text "iXML", "BwfBwfDescription" Text "iXML", "BwfBwfOriginationDate" Text "iXML",
    "BwfBwfOriginationTime" Text "iXML", "BwfBwfOriginator" Text "iXML", "BwfBwfOriginatorReference" Text "iXML",
    "BwfBwfTimeReferenceHigh" Text "iXML", "BwfBwfTimeReferenceLow" Text "iXML", "BwfBwfUmid" Text "iXML",
    "Circled" Text "iXML", "FileSetFamilyName" Text "iXML", "FileSetFamilyUid" Text "iXML",
    "FileSetFileSetIndex" Text "iXML", "FileSetTotalFiles" Text "iXML", "FileUid" Text "iXML",
    "IxmlVersion" Text "iXML", "LocationLocationGps" Text "iXML", "LocationLocationName" Text "iXML",
    "LocationLocationTime" Text "iXML", "LocationLocationType" Text "iXML", "NoGood" Text "iXML", "Note" Text "iXML",
    "Project" Text "iXML", "Scene" Text "iXML", "SpeedAudioBitDepth" Text "iXML", "SpeedCurrentSpeed" Text "iXML",
    "SpeedDigitizerSampleRate" Text "iXML", "SpeedFileSampleRate" Text "iXML", "SpeedMasterSpeed" Text "iXML",
    "SpeedNote" Text "iXML", "SpeedTimecodeFlag" Text "iXML", "SpeedTimecodeRate" Text "iXML",
    "SpeedTimestampSampleRate" Text "iXML", "SpeedTimestampSamplesSinceMidnightHi" Text "iXML",
    "SpeedTimestampSamplesSinceMidnightLo" Text "iXML", "Take" Text "iXML", "TakeType" Text "iXML", "Tape" Text "iXML",
    "TrackListTrackChannelIndex" OrderedList "iXML", "TrackListTrackCount" Text "iXML",
    "TrackListTrackFunction" OrderedList "iXML", "TrackListTrackInterleaveIndex" OrderedList "iXML",
    "TrackListTrackName" OrderedList "iXML", "Ubits" Text "iXML", "UserDirector" Text "iXML",
    "UserFullTitle" Text "iXML", "UserProductionName" Text "iXML", "WildTrack" Text "iXML",
};

/// PNG's texts.
#[rustfmt::skip]
pub const PNG_KEYS: &[Known] = tags! { "PNG_":
    "AnimationFrames" Text "PNG", "AnimationPlays" Text "PNG", "Artist" Text "PNG", "Author" Text "PNG",
    "BackgroundColor" Text "PNG", "BitDepth" Number "PNG", "BlueX" Text "PNG", "BlueY" Text "PNG",
    "Collection" Text "PNG", "ColorType" Text "PNG", "Comment" Text "PNG", "Compression" Text "PNG",
    "Copyright" Text "PNG", "CreateDate" Date "PNG", "CreationTime" Date "PNG", "Description" Text "PNG",
    "Disclaimer" Text "PNG", "Document" Text "PNG", "Filter" Text "PNG", "Gamma" Text "PNG", "GreenX" Text "PNG",
    "GreenY" Text "PNG", "ImageHeight" Number "PNG", "ImageWidth" Number "PNG", "Interlace" Text "PNG",
    "Label" Text "PNG", "Make" Text "PNG", "ModDate" Date "PNG", "Model" Text "PNG", "ModifyDate" Date "PNG",
    "PixelUnits" Text "PNG-pHYs", "PixelsPerUnitX" Text "PNG-pHYs", "PixelsPerUnitY" Text "PNG-pHYs",
    "ProfileName" Text "PNG", "RedX" Text "PNG", "RedY" Text "PNG", "SRGBRendering" Text "PNG", "Software" Text "PNG",
    "Source" Text "PNG", "TimeStamp" Text "PNG", "Title" Text "PNG", "URL" Text "PNG", "WhitePointX" Text "PNG",
    "WhitePointY" Text "PNG",
};

/// The place of a group of QuickTime tags among those that decide a key: what is said of the whole movie goes before
/// what is said of a track.
#[must_use]
pub fn quicktime_rank(group: &str) -> u16 {
    match group {
        "QuickTime" => 0,
        "ItemList" => 1,
        "Keys" => 2,
        "UserData" => 3,
        _ => match group.strip_prefix("Track") {
            Some(number) => number.parse::<u16>().map_or(u16::MAX, |number| number.saturating_add(100)),
            None => 4,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{IXML_KEYS, PNG_KEYS, QUICKTIME_KEYS, RIFF_KEYS, quicktime_rank};

    #[test]
    fn tags_are_sorted() {
        for keys in [QUICKTIME_KEYS, RIFF_KEYS, IXML_KEYS, PNG_KEYS] {
            assert!(keys.windows(2).all(|pair| pair[0].name < pair[1].name));
        }
    }

    #[test]
    fn the_movie_goes_before_its_tracks() {
        let groups = ["QuickTime", "ItemList", "Keys", "UserData", "Meta", "Track1", "Track2", "Track10", "TrackX"];
        assert!(groups.windows(2).all(|pair| quicktime_rank(pair[0]) < quicktime_rank(pair[1])));
    }
}

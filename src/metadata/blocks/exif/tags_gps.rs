//! Names of the tags of the GPS directory.
//!
//! Source: EXIF 3.0 (CIPA DC-008-2023), table 15.

use super::kind::{Entry, Kind};

/// Names of the GPS directory, by number.
pub const TAGS: &[Entry] = &[
    (0x0000, "GPSVersionID", Kind::Plain),
    (0x0001, "GPSLatitudeRef", Kind::Plain),
    (0x0002, "GPSLatitude", Kind::Degrees),
    (0x0003, "GPSLongitudeRef", Kind::Plain),
    (0x0004, "GPSLongitude", Kind::Degrees),
    (0x0005, "GPSAltitudeRef", Kind::Plain),
    (0x0006, "GPSAltitude", Kind::Plain),
    (0x0007, "GPSTimeStamp", Kind::TimeOfDay),
    (0x0008, "GPSSatellites", Kind::Plain),
    (0x0009, "GPSStatus", Kind::Plain),
    (0x000a, "GPSMeasureMode", Kind::Plain),
    (0x000b, "GPSDOP", Kind::Plain),
    (0x000c, "GPSSpeedRef", Kind::Plain),
    (0x000d, "GPSSpeed", Kind::Plain),
    (0x000e, "GPSTrackRef", Kind::Plain),
    (0x000f, "GPSTrack", Kind::Plain),
    (0x0010, "GPSImgDirectionRef", Kind::Plain),
    (0x0011, "GPSImgDirection", Kind::Plain),
    (0x0012, "GPSMapDatum", Kind::Plain),
    (0x0013, "GPSDestLatitudeRef", Kind::Plain),
    (0x0014, "GPSDestLatitude", Kind::Degrees),
    (0x0015, "GPSDestLongitudeRef", Kind::Plain),
    (0x0016, "GPSDestLongitude", Kind::Degrees),
    (0x0017, "GPSDestBearingRef", Kind::Plain),
    (0x0018, "GPSDestBearing", Kind::Plain),
    (0x0019, "GPSDestDistanceRef", Kind::Plain),
    (0x001a, "GPSDestDistance", Kind::Plain),
    (0x001b, "GPSProcessingMethod", Kind::Prefixed),
    (0x001c, "GPSAreaInformation", Kind::Prefixed),
    (0x001d, "GPSDateStamp", Kind::GpsDate),
    (0x001e, "GPSDifferential", Kind::Plain),
    (0x001f, "GPSHPositioningError", Kind::Plain),
];

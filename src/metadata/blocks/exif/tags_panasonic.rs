//! Names of the tags of the first directory of a Panasonic raw file (RW2, RWL, RAW), which has numbers of its own.
//!
//! Panasonic has not published them: the names are those that ExifTool documents (`PanasonicRaw Tags`). Pointers and
//! blocks have the numbers that TIFF gives them.

use super::kind::{Directory, Embedded, Entry, Kind};

/// Names of a Panasonic raw file's first directory, by number.
pub const TAGS: &[Entry] = &[
    (0x0001, "PanasonicRawVersion", Kind::Plain),
    (0x0002, "SensorWidth", Kind::Plain),
    (0x0003, "SensorHeight", Kind::Plain),
    (0x0004, "SensorTopBorder", Kind::Plain),
    (0x0005, "SensorLeftBorder", Kind::Plain),
    (0x0006, "SensorBottomBorder", Kind::Plain),
    (0x0007, "SensorRightBorder", Kind::Plain),
    (0x0008, "SamplesPerPixel", Kind::Plain),
    (0x0009, "CFAPattern", Kind::Plain),
    (0x000a, "BitsPerSample", Kind::Plain),
    (0x000b, "Compression", Kind::Plain),
    (0x000e, "LinearityLimitRed", Kind::Plain),
    (0x000f, "LinearityLimitGreen", Kind::Plain),
    (0x0010, "LinearityLimitBlue", Kind::Plain),
    (0x0011, "RedBalance", Kind::Fixed8),
    (0x0012, "BlueBalance", Kind::Fixed8),
    (0x0017, "ISO", Kind::Plain),
    (0x0018, "HighISOMultiplierRed", Kind::Fixed8),
    (0x0019, "HighISOMultiplierGreen", Kind::Fixed8),
    (0x001a, "HighISOMultiplierBlue", Kind::Fixed8),
    (0x001b, "NoiseReductionParams", Kind::Words),
    (0x001c, "BlackLevelRed", Kind::Plain),
    (0x001d, "BlackLevelGreen", Kind::Plain),
    (0x001e, "BlackLevelBlue", Kind::Plain),
    (0x0024, "WBRedLevel", Kind::Plain),
    (0x0025, "WBGreenLevel", Kind::Plain),
    (0x0026, "WBBlueLevel", Kind::Plain),
    (0x002d, "RawFormat", Kind::Plain),
    (0x002e, "JpgFromRaw", Kind::Block(Embedded::Jpeg)),
    (0x002f, "CropTop", Kind::Plain),
    (0x0030, "CropLeft", Kind::Plain),
    (0x0031, "CropBottom", Kind::Plain),
    (0x0032, "CropRight", Kind::Plain),
    (0x010f, "Make", Kind::Plain),
    (0x0110, "Model", Kind::Plain),
    (0x0112, "Orientation", Kind::Plain),
    (0x0116, "RowsPerStrip", Kind::Plain),
    (0x011c, "Gamma", Kind::PanasonicGamma),
    (0x0121, "Multishot", Kind::Plain),
    (0x02bc, "ApplicationNotes", Kind::Block(Embedded::Xmp)),
    (0x83bb, "IPTC-NAA", Kind::Block(Embedded::Iim)),
    (0x8769, "ExifOffset", Kind::Pointer(Directory::Exif)),
    (0x8825, "GPSInfo", Kind::Pointer(Directory::Gps)),
];

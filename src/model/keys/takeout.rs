//! What Google Takeout's JSON files say, as keys.
//!
//! Google publishes no specification; the fields are those that exports have had. Some say what standard properties
//! say: `description` also feeds `IPTC_Description`, `people` `IPTC_PersonInImage`, `photoTakenTime`
//! `EXIF_DateTimeOriginal`, and `geoData` feeds `GPS_Latitude`, `GPS_Longitude` and `GPS_Altitude` alone. As the JSON
//! sidecar is the last source of an asset, they count only where the asset itself says nothing. Fields that are not
//! here give `Takeout_` and the field's name with a capital letter.

use super::{Kind, Known};

macro_rules! fields {
    ($($name:literal $kind:ident $source:literal,)*) => {
        &[$(Known { name: concat!("Takeout_", $name), kind: Kind::$kind, sources: &[$source] }),*]
    };
}

/// The keys, sorted; the source is the field in the JSON file.
pub const KEYS: &[Known] = fields! {
    "Archived" Boolean "archived",
    "CreationTime" Date "creationTime",
    "Description" Text "description",
    "Favorited" Boolean "favorited",
    "GooglePhotosOrigin" Text "googlePhotosOrigin",
    "People" List "people",
    "PhotoLastModifiedTime" Date "photoLastModifiedTime",
    "PhotoTakenTime" Date "photoTakenTime",
    "Title" Text "title",
    "Trashed" Boolean "trashed",
    "URL" Text "url",
};

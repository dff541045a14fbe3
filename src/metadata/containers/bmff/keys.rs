//! QuickTime's metadata with keys (QuickTime File Format, "Metadata Item Keys Atom" and "QuickTime Metadata Keys").

use std::borrow::Cow;

use super::boxes::Walk;
use super::ilst::{self, Form};
use super::names;
use crate::metadata::containers::endian::be32;
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::limits::KEYS_MAX;
use crate::metadata::tag::Text;

const GROUP: Text = Cow::Borrowed("Keys");

/// Bytes of a key; one that is longer has no name.
pub(super) const KEY_BYTES_MAX: usize = 256;

/// The names that items refer to by their index, from 1 on; the name of a key that gives none is empty.
///
/// # Errors
/// As the walk says.
pub fn names(walk: &mut Walk<'_, '_>, content: Extent) -> Result<Vec<Text>, Fault> {
    let mut names = Vec::new();
    // A version with flags and the number of keys come first. What counts is the keys that are there.
    let mut at = content.begin.saturating_add(8);
    while at < content.end && names.len() < KEYS_MAX {
        walk.input.budget.step()?;
        let entry = Extent { begin: at, end: content.end }.head(walk.input, 8 + KEY_BYTES_MAX)?;
        let Some(size) = be32(entry, 0).filter(|&size| size >= 8) else { break };
        let key = usize::try_from(size).ok().and_then(|size| entry.get(8..size));
        names.push(key.and_then(|key| std::str::from_utf8(key).ok()).and_then(name).unwrap_or_default());
        at = at.saturating_add(u64::from(size));
    }
    Ok(names)
}

fn name(key: &str) -> Option<Text> {
    let key = key.trim_end_matches('\0');
    let short = key.strip_prefix("com.apple.quicktime.").unwrap_or(key);
    match KEYS.binary_search_by_key(&short, |(key, _)| key) {
        Ok(at) => KEYS.get(at).map(|(_, name)| Cow::Borrowed(*name)).filter(|name| !name.is_empty()),
        Err(_) => names::key_name(short).map(Cow::Owned),
    }
}

/// Reads the items of these keys.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent, names: &[Text]) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(item) = walk.child(at, content)? {
        at = item.content.end;
        let index = usize::try_from(u32::from_be_bytes(item.kind)).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(name) = names.get(index).filter(|name| !name.is_empty()) else { continue };
        let form = match &**name {
            "CreationDate" | "LocationDate" | "ContentCreateDate" => Form::Date,
            "GPSCoordinates" => Form::Place,
            _ => Form::Text,
        };
        ilst::values(walk, item.content, &GROUP, name, form)?;
    }
    Ok(())
}

/// Keys below `com.apple.quicktime.` and others whose names do not follow from them, sorted; without a name, noise.
#[rustfmt::skip]
const KEYS: &[(&str, &str)] = &[
    ("apple.photos.variation-identifier", "ApplePhotosVariationIdentifier"),
    ("artwork", ""),
    ("camera.framereadouttimeinmicroseconds", "FrameReadoutTime"),
    ("collection.user", "UserCollection"),
    ("com.apple.photos.captureMode", "CaptureMode"),
    ("creationdate", "CreationDate"),
    ("detected-face.bounds", "DetectedFaceBounds"),
    ("detected-face.face-id", "DetectedFaceID"),
    ("detected-face.roll-angle", "DetectedFaceRollAngle"),
    ("detected-face.yaw-angle", "DetectedFaceYawAngle"),
    ("direction.facing", "CameraDirection"),
    ("direction.motion", "CameraMotion"),
    ("displayname", "DisplayName"),
    ("live-photo-info", "LivePhotoInfo"),
    ("live-photo.auto", "LivePhotoAuto"),
    ("live-photo.vitality-score", "LivePhotoVitalityScore"),
    ("live-photo.vitality-scoring-version", "LivePhotoVitalityScoringVersion"),
    ("location.ISO6709", "GPSCoordinates"),
    ("player.movie.audio.balance", "Balance"),
    ("player.movie.audio.bass", "Bass"),
    ("player.movie.audio.gain", "AudioGain"),
    ("player.movie.audio.mute", "Mute"),
    ("player.movie.audio.pitchshift", "PitchShift"),
    ("player.movie.audio.treble", "Treble"),
    ("player.movie.visual.brightness", "Brightness"),
    ("player.movie.visual.color", "Color"),
    ("player.movie.visual.contrast", "Contrast"),
    ("player.movie.visual.tint", "Tint"),
    ("rating.user", "UserRating"),
    ("still-image-time", "StillImageTime"),
    ("video-orientation", "VideoOrientation"),
];

#[cfg(test)]
mod tests {
    use super::{KEYS, name};

    #[test]
    fn keys_have_names() {
        assert!(KEYS.is_sorted_by(|(one, _), (two, _)| one < two));
        for (key, expect) in [
            ("com.apple.quicktime.location.ISO6709", Some("GPSCoordinates")),
            ("com.apple.quicktime.creationdate", Some("CreationDate")),
            ("com.apple.quicktime.title", Some("Title")),
            ("com.apple.quicktime.artwork", None),
            ("com.android.version", Some("AndroidVersion")),
            ("com.android.capture.fps", Some("AndroidCaptureFps")),
            ("creationdate\0", Some("CreationDate")),
            ("", None),
        ] {
            assert_eq!(name(key).as_deref(), expect, "{key}");
        }
    }
}

//! One track of a movie: size, times, handler, the first sample description (ISO/IEC 14496-12, sections 8.3 to 8.6 and
//! 12; QuickTime File Format, "Track Atoms" and "Sample Description Atoms"). Reads no other table of samples, and no
//! samples.

use std::borrow::Cow;

use super::boxes::Walk;
use super::{locale, movie, userdata, values};
use crate::metadata::containers::endian::{be16, be32, be64, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::tag::Text;
use crate::metadata::text;

/// Entries of a table of frame durations that are read: one is enough for a constant rate.
pub(super) const DURATIONS_MAX: usize = 512;

/// What is known of a track on the way through it.
#[derive(Default)]
struct Track {
    group: Text,
    handler: [u8; 4],
    time_scale: u32,
}

/// Reads a track; `number` counts from 1, in the order of the file.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent, number: usize, movie_scale: u32) -> Result<(), Fault> {
    let mut track = Track { group: Cow::Owned(format!("Track{number}")), ..Track::default() };
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"tkhd" => header(walk, child.content, &track.group, movie_scale)?,
            b"mdia" => media(walk, child.content, &mut track)?,
            b"udta" => userdata::name_of_track(walk, child.content, &track.group)?,
            _ => {}
        }
        at = child.content.end;
    }
    Ok(())
}

fn header(walk: &mut Walk<'_, '_>, content: Extent, group: &Text, movie_scale: u32) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 96)?;
    // Two times, the track, four bytes of nothing, the duration; 52 bytes on, the size.
    let is_long = bytes.first() == Some(&1);
    let end = if is_long { 36 } else { 24 };
    let (created, modified, id, duration) = if is_long {
        (be64(bytes, 4), be64(bytes, 12), be32(bytes, 20), be64(bytes, 28))
    } else {
        let wide = |at| be32(bytes, at).map(u64::from);
        (wide(4), wide(8), be32(bytes, 12), wide(20))
    };
    let (width, height) = (be32(bytes, end + 52), be32(bytes, end + 56));
    movie::time(walk, group, "TrackCreateDate", created.unwrap_or(0));
    movie::time(walk, group, "TrackModifyDate", modified.unwrap_or(0));
    if let Some(id) = id {
        walk.tag(group, "TrackID", id.to_string());
    }
    if let Some(duration) = duration.and_then(|duration| values::duration(duration, movie_scale)) {
        walk.tag(group, "TrackDuration", duration);
    }
    for (name, pixels) in [("ImageWidth", width), ("ImageHeight", height)] {
        // Fixed-point with 16 bits behind the point, though some programs write whole pixels.
        match pixels {
            None | Some(0) => {}
            Some(pixels) if pixels < 0x10_0000 => walk.tag(group, name, pixels.to_string()),
            Some(pixels) => walk.tag(group, name, (pixels >> 16).to_string()),
        }
    }
    Ok(())
}

fn media(walk: &mut Walk<'_, '_>, content: Extent, track: &mut Track) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"mdhd" => media_header(walk, child.content, track)?,
            b"hdlr" => {
                track.handler = code(child.content.head(walk.input, 12)?, 8).unwrap_or_default();
                handler(walk, child.content, &track.group)?;
            }
            b"minf" => media_information(walk, child.content, track)?,
            _ => {}
        }
        at = child.content.end;
    }
    Ok(())
}

fn media_header(walk: &mut Walk<'_, '_>, content: Extent, track: &mut Track) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 36)?;
    let Some(times) = movie::times(bytes) else { return Ok(()) };
    let language = be16(bytes, times.rest).and_then(locale::letters);
    track.time_scale = times.scale;
    movie::time(walk, &track.group, "MediaCreateDate", times.created);
    movie::time(walk, &track.group, "MediaModifyDate", times.modified);
    walk.tag(&track.group, "MediaTimeScale", times.scale.to_string());
    if let Some(duration) = values::duration(times.duration, times.scale) {
        walk.tag(&track.group, "MediaDuration", duration);
    }
    if let Some(language) = language {
        walk.tag(&track.group, "MediaLanguageCode", language);
    }
    Ok(())
}

/// Reads what a medium or a metadata box is handled by.
///
/// # Errors
/// As the disk says.
pub fn handler(walk: &mut Walk<'_, '_>, content: Extent, group: &Text) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 24 + 256)?;
    let part = |at| code(bytes, at).filter(|code| code != &[0; 4]).map(|code| text::guessed(&code));
    let (class, kind, vendor) = (part(4), part(8), part(12));
    let name = bytes.get(24..).unwrap_or_default();
    // A C string, in QuickTime a Pascal string.
    let name = match name {
        [length, rest @ ..] if usize::from(*length) < 0x20 && usize::from(*length) <= rest.len() => {
            rest.get(..usize::from(*length)).unwrap_or_default()
        }
        name => name,
    };
    let description = text::guessed(locale::split_nul(name).0);
    for (name, value) in [("HandlerClass", class), ("HandlerType", kind), ("HandlerVendorID", vendor)] {
        if let Some(value) = value {
            walk.tag(group, name, value);
        }
    }
    if !description.is_empty() {
        walk.tag(group, "HandlerDescription", description);
    }
    Ok(())
}

/// Finds the sample table's first boxes.
fn media_information(walk: &mut Walk<'_, '_>, content: Extent, track: &Track) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        if &child.kind == b"stbl" {
            return sample_table(walk, child.content, track);
        }
        at = child.content.end;
    }
    Ok(())
}

fn sample_table(walk: &mut Walk<'_, '_>, content: Extent, track: &Track) -> Result<(), Fault> {
    let mut has_description = false;
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"stsd" => {
                sample_description(walk, child.content, track)?;
                has_description = true;
            }
            b"stts" if &track.handler == b"vide" => frame_rate(walk, child.content, track)?,
            // The tables behind are large, and each would cost a read.
            b"stsc" | b"stsz" | b"stz2" | b"stco" | b"co64" | b"stss" | b"ctts" if has_description => return Ok(()),
            _ => {}
        }
        at = child.content.end;
    }
    Ok(())
}

/// Reads the first sample description. Offsets count from its size.
fn sample_description(walk: &mut Walk<'_, '_>, content: Extent, track: &Track) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 8 + 96)?;
    let entry = bytes.get(8..).unwrap_or_default();
    let length = be32(entry, 0).and_then(|length| usize::try_from(length).ok()).unwrap_or(0).min(entry.len());
    let entry = entry.get(..length).unwrap_or_default();
    let Some(format) = code(entry, 4) else { return Ok(()) };
    let format = text::guessed(&format);
    match &track.handler {
        b"vide" => {
            let vendor = code(entry, 20).filter(|code| code != &[0; 4]).map(|code| text::guessed(&code));
            let (width, height) = (be16(entry, 32), be16(entry, 34));
            let (x, y, depth) = (be32(entry, 36), be32(entry, 40), be16(entry, 82));
            let name = entry.get(50..82).and_then(|name| match name {
                [length @ 1..=31, rest @ ..] => rest.get(..usize::from(*length)),
                [0, ..] => None,
                name => Some(name),
            });
            let name = name.map(|name| text::guessed(locale::split_nul(name).0)).filter(|name| !name.is_empty());
            walk.tag(&track.group, "CompressorID", format);
            let fixed = |number: u32| text::decimal(f64::from(number) / 65_536.0);
            for (tag, value) in [
                ("VendorID", vendor),
                ("SourceImageWidth", width.map(|pixels| pixels.to_string())),
                ("SourceImageHeight", height.map(|pixels| pixels.to_string())),
                ("XResolution", x.map(fixed)),
                ("YResolution", y.map(fixed)),
                ("CompressorName", name),
                ("BitDepth", depth.map(|bits| bits.to_string())),
            ] {
                if let Some(value) = value {
                    walk.tag(&track.group, tag, value);
                }
            }
        }
        b"soun" => {
            let (channels, bits, rate) = (be16(entry, 24), be16(entry, 26), be32(entry, 32));
            walk.tag(&track.group, "AudioFormat", format);
            for (tag, value) in [
                ("AudioChannels", channels.map(|count| count.to_string())),
                ("AudioBitsPerSample", bits.map(|bits| bits.to_string())),
                ("AudioSampleRate", rate.map(|rate| text::decimal(f64::from(rate) / 65_536.0))),
            ] {
                if let Some(value) = value {
                    walk.tag(&track.group, tag, value);
                }
            }
        }
        b"meta" => walk.tag(&track.group, "MetaFormat", format),
        b"hint" | [0, 0, 0, 0] => {}
        _ => walk.tag(&track.group, "OtherFormat", format),
    }
    Ok(())
}

/// The frames in a second, from a table of how many frames last how long.
fn frame_rate(walk: &mut Walk<'_, '_>, content: Extent, track: &Track) -> Result<(), Fault> {
    if content.length() > 8 + 8 * DURATIONS_MAX as u64 {
        return Ok(());
    }
    let bytes = content.head(walk.input, 8 + 8 * DURATIONS_MAX)?;
    let entries = bytes.get(8..).unwrap_or_default().as_chunks::<8>().0;
    let (mut frames, mut units) = (0_u64, 0_u64);
    for entry in entries {
        let (count, length) = (be32(entry, 0).unwrap_or(0), be32(entry, 4).unwrap_or(0));
        frames = frames.saturating_add(count.into());
        units = units.saturating_add(u64::from(count).saturating_mul(length.into()));
    }
    if frames > 0 && units > 0 && track.time_scale > 0 {
        let rate = frames as f64 * f64::from(track.time_scale) / units as f64;
        walk.tag(&track.group, "VideoFrameRate", text::decimal(rate));
    }
    Ok(())
}

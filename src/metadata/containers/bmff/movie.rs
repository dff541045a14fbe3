//! The movie box: its header, its tracks, its metadata (ISO/IEC 14496-12, section 8.2; QuickTime File Format, "Movie
//! Atoms").

use super::boxes::Walk;
use super::{meta, track, userdata, uuid, values};
use crate::metadata::containers::endian::{be32, be64};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::tag::Text;

/// Tracks that tags are read of. Recordings with dozens of audio tracks say the same of each.
pub(super) const TRACKS_MAX: usize = 16;

/// Bytes of a movie box that is read at once.
const SMALL_BYTES: u64 = 48 * 1024;

/// Reads a movie box.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    // One read for a small movie box, wherever it is, instead of one for each of its tracks.
    if content.length() <= SMALL_BYTES {
        content.head(walk.input, SMALL_BYTES as usize)?;
    }
    let (mut time_scale, mut tracks) = (0, 0);
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"mvhd" => time_scale = header(walk, child.content)?,
            b"trak" => {
                tracks += 1;
                if tracks <= TRACKS_MAX {
                    track::read(walk, child.content, tracks, time_scale)?;
                }
            }
            b"udta" => userdata::read(walk, child.content)?,
            b"meta" => meta::read(walk, child.content)?,
            b"uuid" => uuid(walk, &child)?,
            _ => {}
        }
        at = child.content.end;
    }
    Ok(())
}

/// The times and the duration that a header begins with: those of a movie and of a medium are alike.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it was made, in seconds since 1904.
    pub created: u64,
    /// When it was changed, in seconds since 1904.
    pub modified: u64,
    /// Units of a second.
    pub scale: u32,
    /// Units that it lasts.
    pub duration: u64,
    /// Where the rest of the header begins.
    pub rest: usize,
}

/// Reads them; `None` when the header is too short.
#[must_use]
pub fn times(bytes: &[u8]) -> Option<Times> {
    Some(if bytes.first()? == &1 {
        let (created, modified) = (be64(bytes, 4)?, be64(bytes, 12)?);
        Times { created, modified, scale: be32(bytes, 20)?, duration: be64(bytes, 24)?, rest: 32 }
    } else {
        let (created, modified) = (be32(bytes, 4)?.into(), be32(bytes, 8)?.into());
        Times { created, modified, scale: be32(bytes, 12)?, duration: be32(bytes, 16)?.into(), rest: 20 }
    })
}

/// Reads the movie's header; returns its units of a second.
fn header(walk: &mut Walk<'_, '_>, content: Extent) -> Result<u32, Fault> {
    let bytes = content.head(walk.input, 32)?;
    let Some(times) = times(bytes) else { return Ok(0) };
    let group = values::QUICK_TIME;
    time(walk, &group, "CreateDate", times.created);
    time(walk, &group, "ModifyDate", times.modified);
    walk.tag(&group, "TimeScale", times.scale.to_string());
    if let Some(duration) = values::duration(times.duration, times.scale) {
        walk.tag(&group, "Duration", duration);
    }
    Ok(times.scale)
}

/// Adds a time, unless it is not set.
pub fn time(walk: &mut Walk<'_, '_>, group: &Text, name: &'static str, seconds: u64) {
    if let Some(mut time) = values::time(seconds) {
        if walk.has_utc {
            time.push_str("+00:00");
        }
        walk.tag(group, name, time);
    }
}

#[cfg(test)]
mod tests {
    use super::times;

    #[test]
    fn times_are_of_32_or_64_bits() {
        let mut short = vec![0; 20];
        (short[7], short[11], short[14], short[19]) = (1, 2, 3, 4);
        let read = times(&short).expect("times");
        assert_eq!((read.created, read.modified, read.scale, read.duration, read.rest), (1, 2, 768, 4, 20));
        let mut long = vec![0; 32];
        (long[0], long[11], long[19], long[22], long[31]) = (1, 1, 2, 3, 4);
        let read = times(&long).expect("times");
        assert_eq!((read.created, read.modified, read.scale, read.duration, read.rest), (1, 2, 768, 4, 32));
        assert!(times(&long[..31]).is_none());
    }
}

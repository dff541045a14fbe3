//! WAV's own chunk: the format of its audio (Microsoft, "Multiple Channel Audio Data and WAVE Files"). AVI describes
//! its audio streams alike.

use super::walk::Walk;
use crate::metadata::containers::endian::{le16, le32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;

/// Reads the format of audio.
///
/// # Errors
/// As the disk says.
pub fn format(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 16)?;
    let numbers = [
        ("Encoding", le16(bytes, 0).map(u32::from)),
        ("NumChannels", le16(bytes, 2).map(u32::from)),
        ("SampleRate", le32(bytes, 4)),
        ("AvgBytesPerSec", le32(bytes, 8)),
        ("BitsPerSample", le16(bytes, 14).map(u32::from)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            walk.tag(name, number.to_string());
        }
    }
    Ok(())
}

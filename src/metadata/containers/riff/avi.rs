//! AVI's headers: of the file and of its streams (Microsoft, "AVI RIFF File Reference", `AVIMAINHEADER` and
//! `AVISTREAMHEADER`).

use super::walk::Walk;
use super::wav;
use crate::metadata::containers::endian::{code, le32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::text;

/// Reads the list of headers.
///
/// # Errors
/// As the walk says.
pub fn headers(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut at = content.begin;
    while let Some(chunk) = walk.chunk(at, content.end)? {
        match &chunk.kind {
            b"avih" => file(walk, chunk.content)?,
            b"LIST" if code(chunk.content.head(walk.input, 4)?, 0) == Some(*b"strl") => {
                let begin = chunk.content.begin.saturating_add(4);
                stream(walk, Extent { begin, end: chunk.content.end.min(content.end) })?;
            }
            b"IDIT" => date(walk, chunk.content)?,
            _ => {}
        }
        at = chunk.next();
    }
    Ok(())
}

fn file(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let bytes = content.head(walk.input, 40)?;
    let frame_rate = le32(bytes, 0).and_then(|microseconds| text::decimal_of(1e6, microseconds.into()));
    let number = |at| le32(bytes, at).map(|number| number.to_string());
    let values = [
        ("FrameRate", frame_rate),
        ("MaxDataRate", number(4)),
        ("FrameCount", number(16)),
        ("StreamCount", number(24)),
        ("ImageWidth", number(32)),
        ("ImageHeight", number(36)),
    ];
    add(walk, values);
    Ok(())
}

fn stream(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let mut kind = None;
    let mut at = content.begin;
    while let Some(chunk) = walk.chunk(at, content.end)? {
        match &chunk.kind {
            b"strh" => {
                let bytes = chunk.content.head(walk.input, 48)?;
                kind = code(bytes, 0);
                let codec = code(bytes, 4).map(|code| text::guessed(&code));
                let rate = match (le32(bytes, 24), le32(bytes, 20)) {
                    (Some(rate), Some(scale)) => text::decimal_of(rate.into(), scale.into()),
                    _ => None,
                };
                let count = le32(bytes, 32).map(|count| count.to_string());
                let stream = kind.map(|kind| text::guessed(&kind));
                match kind.as_ref() {
                    Some(b"vids") => {
                        let names = ["StreamType", "VideoCodec", "VideoFrameRate", "VideoFrameCount"];
                        let [one, two, three, four] = names;
                        add(walk, [(one, stream), (two, codec), (three, rate), (four, count)]);
                    }
                    Some(b"auds") => {
                        let names = ["StreamType", "AudioCodec", "AudioSampleRate", "AudioSampleCount"];
                        let [one, two, three, four] = names;
                        add(walk, [(one, stream), (two, codec), (three, rate), (four, count)]);
                    }
                    _ => add(walk, [("StreamType", stream)]),
                }
            }
            b"strf" if kind == Some(*b"auds") => wav::format(walk, chunk.content)?,
            _ => {}
        }
        at = chunk.next();
    }
    Ok(())
}

fn add<const N: usize>(walk: &mut Walk<'_, '_>, values: [(&'static str, Option<String>); N]) {
    for (name, value) in values {
        if let Some(value) = value {
            walk.tag(name, value);
        }
    }
}

/// Reads when the file was digitised.
///
/// # Errors
/// As the disk says.
pub fn date(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let value = text::guessed(content.head(walk.input, 64)?);
    if !value.is_empty() {
        walk.tag("DateTimeOriginal", iso(&value).unwrap_or(value));
    }
    Ok(())
}

/// A date as `ctime` writes it (`Mon Mar 10 15:04:43 2003`), or in numbers, in ISO 8601.
fn iso(value: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let parts: Vec<&str> = value.split_ascii_whitespace().take(6).collect();
    if let [_, month, day, time, year] = parts[..]
        && let Some(month) = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))
    {
        let day: u8 = day.parse().ok()?;
        return text::iso_date(&format!("{year}:{:02}:{day:02} {time}", month + 1));
    }
    text::iso_date(&value.replace('/', ":"))
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn dates_become_iso_8601() {
        assert_eq!(iso("Mon Mar 10 15:04:43 2003").as_deref(), Some("2003-03-10T15:04:43"));
        assert_eq!(iso("WED OCT  7 05:04:43 2009").as_deref(), Some("2009-10-07T05:04:43"));
        assert_eq!(iso("2001/ 1/27  1:42PM"), None);
        assert_eq!(iso("2005:08:17 11:42:43").as_deref(), Some("2005-08-17T11:42:43"));
        assert_eq!(iso("2008/12/24 10:00:00").as_deref(), Some("2008-12-24T10:00:00"));
        assert_eq!(iso("Mon Xyz 10 15:04:43 2003"), None);
    }
}

//! The broadcast audio extension of WAV (EBU Tech 3285, version 2; Supplement 3 is not read).

use std::borrow::Cow;
use std::fmt::Write;

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::Part;
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::tag::{Family, Tag, Text};
use crate::metadata::text;

const GROUP: Text = Cow::Borrowed("RIFF");

/// Where each field is (EBU Tech 3285, section 2.3): texts, then date and time, a count of samples, a version, an UMID,
/// five loudness values, 180 reserved bytes, and the history of coding to the end.
const TEXTS: [(&str, usize, usize); 3] =
    [("Description", 0, 256), ("Originator", 256, 32), ("OriginatorReference", 288, 32)];
const DATE: usize = 320;
const TIME: usize = 330;
const TIME_REFERENCE: usize = 338;
const VERSION: usize = 346;
const UMID: usize = 348;
const UMID_BYTES: usize = 64;
const LOUDNESS: usize = 412;
const HISTORY: usize = 602;

/// The loudness values, each in hundredths, in the order of the block.
const LOUDNESS_NAMES: [&str; 5] =
    ["LoudnessValue", "LoudnessRange", "MaxTruePeakLevel", "MaxMomentaryLoudness", "MaxShortTermLoudness"];

/// What a value says that was not measured.
const LOUDNESS_UNKNOWN: i16 = i16::MAX;

/// Reads the block.
///
/// # Errors
/// When it is shorter than its fixed fields.
pub fn read(block: &[u8], _budget: &Budget) -> Part {
    let damaged = || Fault::damaged("bext", "it is shorter than its fields");
    let field = |at: usize, length: usize| block.get(at..at + length).ok_or_else(damaged);
    let mut tags = Vec::new();
    let mut tag = |name: &'static str, value: String| tags.push(Tag::text(Family::Riff, GROUP, name, value));
    // Bytes past the last field are the history's: a short block is one without it.
    field(VERSION, 2)?;
    for (name, at, length) in TEXTS {
        tag(name, string(field(at, length)?));
    }
    if let Some(date) = date(&string(field(DATE, 10)?), &string(field(TIME, 8)?)) {
        tag("DateTimeOriginal", date);
    }
    let reference = field(TIME_REFERENCE, 8)?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    tag("TimeReference", reference.to_string());
    let version = field(VERSION, 2)?.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
    tag("BWFVersion", version.to_string());
    if version >= 1
        && let Some(umid) = block.get(UMID..UMID + UMID_BYTES)
    {
        let mut hex = String::with_capacity(2 * UMID_BYTES);
        // The second half is zero in a basic UMID (SMPTE ST 330).
        let basic = umid.get(UMID_BYTES / 2..).filter(|half| half.iter().all(|&byte| byte == 0));
        for byte in umid.iter().take(if basic.is_some() { UMID_BYTES / 2 } else { UMID_BYTES }) {
            let _ = write!(hex, "{byte:02x}");
        }
        tag("BWF_UMID", hex);
    }
    if version >= 2 {
        for (index, name) in LOUDNESS_NAMES.into_iter().enumerate() {
            let bytes = block.get(LOUDNESS + 2 * index..).and_then(|rest| rest.first_chunk());
            match bytes.map(|bytes| i16::from_le_bytes(*bytes)) {
                None | Some(LOUDNESS_UNKNOWN) => {}
                Some(value) => tag(name, text::decimal(f64::from(value) / 100.0)),
            }
        }
    }
    let history = block.get(HISTORY..).unwrap_or_default();
    if history.len() <= VALUE_BYTES_MAX {
        let history = string(history);
        if !history.is_empty() {
            tag("CodingHistory", history);
        }
    }
    Ok(tags)
}

/// A text in ASCII that a NUL ends, if it is shorter than its field.
fn string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    text::guessed(bytes.get(..end).unwrap_or_default())
}

/// A date and a time, whose parts any of `-`, `_`, `:`, space and `.` may separate.
fn date(date: &str, time: &str) -> Option<String> {
    let separated = |text: &str| text.replace(['-', '_', ' ', '.', '/'], ":");
    text::iso_date(&format!("{} {}", separated(date), separated(time)))
}

#[cfg(test)]
mod tests {
    use super::{HISTORY, LOUDNESS, TIME_REFERENCE, UMID, VALUE_BYTES_MAX, VERSION, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::tag::TagValue;

    fn block() -> Vec<u8> {
        let mut block = vec![0; HISTORY];
        block[..4].copy_from_slice(b"Desc");
        block[256..264].copy_from_slice(b"Recorder");
        block[320..338].copy_from_slice(b"2026-05-0112:34:56");
        block[TIME_REFERENCE..TIME_REFERENCE + 8].copy_from_slice(&172_800_000_u64.to_le_bytes());
        block[VERSION] = 2;
        block[UMID..UMID + 2].copy_from_slice(b"\x06\x0a");
        block[LOUDNESS..LOUDNESS + 2].copy_from_slice(&(-2_305_i16).to_le_bytes());
        block[LOUDNESS + 2..LOUDNESS + 4].copy_from_slice(&i16::MAX.to_le_bytes());
        block.extend_from_slice(b"A=PCM,F=48000\r\n\0\0");
        block
    }

    #[test]
    fn fields_are_read() {
        let tags = read(&block(), &Budget::endless()).expect("tags");
        let value = |name: &str| tags.iter().find(|tag| tag.name == name).map(|tag| tag.value.clone());
        for (name, expect) in [
            ("Description", "Desc"),
            ("Originator", "Recorder"),
            ("OriginatorReference", ""),
            ("DateTimeOriginal", "2026-05-01T12:34:56"),
            ("TimeReference", "172800000"),
            ("BWFVersion", "2"),
            ("LoudnessValue", "-23.05"),
            ("MaxTruePeakLevel", "0"),
            ("CodingHistory", "A=PCM,F=48000"),
        ] {
            assert_eq!(value(name), Some(TagValue::Text(expect.to_owned())), "{name}");
        }
        assert_eq!(value("LoudnessRange"), None);
    }

    #[test]
    fn a_short_block_is_damaged_unless_only_late_fields_are_missing() {
        let block = block();
        for length in 0..block.len() {
            let part = read(&block[..length], &Budget::endless());
            assert_eq!(part.is_ok(), length >= VERSION + 2, "{length}");
            assert!(matches!(part, Ok(_) | Err(Fault::Damaged { .. })));
        }
    }

    #[test]
    fn a_history_that_is_too_long_is_left_out() {
        let names = |length: usize| {
            let mut block = block();
            block.truncate(HISTORY);
            block.resize(HISTORY + length, b'x');
            let tags = read(&block, &Budget::endless()).expect("tags");
            assert!(tags.iter().any(|tag| tag.name == "Description"));
            tags.iter().any(|tag| tag.name == "CodingHistory")
        };
        assert_eq!((names(VALUE_BYTES_MAX), names(VALUE_BYTES_MAX + 1)), (true, false));
    }
}

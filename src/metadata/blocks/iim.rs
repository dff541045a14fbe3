//! IPTC-IIM: the datasets of one block as tags. Does not know where the block comes from, and verifies no digest.
//!
//! Source: IPTC-NAA Information Interchange Model 4.2, chapter 3 (datasets and their lengths) and chapters 5 and 6 (the
//! records). Where files do not keep to it, the reader does what ExifTool does: when a dataset that does not repeat
//! occurs twice, the last one counts, and reading ends where no dataset begins or where one goes on past the block.

mod charset;
mod datasets;
mod iso_8859;

use std::borrow::Cow;

use self::charset::Charset;
use self::datasets::{COUNT, Dataset, Kind};
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Part};
use crate::metadata::limits::VALUE_BYTES_MAX;
use crate::metadata::tag::{Family, Tag, TagValue, Text};
use crate::metadata::text;

/// What each dataset begins with.
const MARKER: u8 = 0x1c;
/// Datasets of one block, and values of all blocks of a file.
pub const DATASETS_MAX: usize = 50_000;

/// The group of blocks that are not where the standards of their containers have them, or are there a second time.
pub const SECOND: &str = "IPTC2";

/// The tags of a block that is not a file's first one: their group is [`SECOND`].
#[must_use]
pub fn second(mut tags: Vec<Tag>) -> Vec<Tag> {
    tags.iter_mut().for_each(|tag| tag.group = SECOND.into());
    tags
}

/// Adds what a [second()] block says. One that cannot be read takes nothing away from what the first one says.
///
/// # Errors
/// When reading costs too much.
pub fn add_second(part: &mut Part, block: &[u8], budget: &Budget) -> Result<(), Fault> {
    match read(block, budget) {
        Ok(tags) => found::add(part, Ok(second(tags))),
        Err(Fault::Damaged { .. }) => {}
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// The tags of a block of datasets, all in the group `IPTC`, in the order of the file. Text is clean, dates and times
/// are ISO 8601, values of a dataset that repeats are a bag when there is more than one.
///
/// # Errors
/// When the block does not begin with a dataset, or costs too much.
pub fn read(block: &[u8], budget: &Budget) -> Part {
    let block = in_order(block);
    let mut rest = &*block;
    if rest.first().is_some_and(|&byte| byte != MARKER) && rest.iter().any(|&byte| byte != 0) {
        return Err(Fault::damaged("IPTC-IIM", "its first byte does not begin a dataset"));
    }
    let mut tags: Vec<Tag> = Vec::with_capacity(24);
    // The place in `tags` of each dataset of the table.
    let mut places: [Option<u8>; COUNT] = [None; COUNT];
    let mut charset = Charset::default();
    let mut count = 0;
    while let Some((record, number, bytes)) = next(&mut rest) {
        budget.step()?;
        count += 1;
        if count > DATASETS_MAX {
            return Err(too_many());
        }
        let Some((index, dataset)) = datasets::find(record, number) else { continue };
        if dataset.kind == Kind::Charset {
            charset = Charset::of(bytes);
        }
        let Some(value) = value(dataset, bytes, charset) else { continue };
        let Some(place) = places.get_mut(index) else { continue };
        if let Some(tag) = place.and_then(|place| tags.get_mut(usize::from(place))) {
            add(&mut tag.value, value, dataset.is_repeatable);
        } else {
            *place = u8::try_from(tags.len()).ok();
            tags.push(Tag::text(Family::Iptc, "IPTC", dataset.name, value));
        }
    }
    Ok(tags)
}

/// The fault of IIM that has more datasets than allowed.
#[must_use]
pub fn too_many() -> Fault {
    Fault::limit("IPTC-IIM has more datasets than allowed", format!("{DATASETS_MAX} datasets"))
}

/// The block with its bytes in order. Some programs declare IIM in TIFF as 32-bit numbers and swap it as such; that
/// shows by the first marker, which is the fourth byte then.
fn in_order(block: &[u8]) -> Cow<'_, [u8]> {
    match block {
        [first, _, _, MARKER, ..] if *first != MARKER => {
            let mut swapped = block.to_vec();
            swapped.chunks_exact_mut(4).for_each(<[u8]>::reverse);
            Cow::Owned(swapped)
        }
        _ => Cow::Borrowed(block),
    }
}

/// Takes the next dataset: its record, its number and its bytes.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u8, u8, &'a [u8])> {
    let [MARKER, record, number, high, low, after @ ..] = *rest else { return None };
    let length = u16::from_be_bytes([*high, *low]);
    // With the highest bit set, the others count the bytes of the length, which follows (section 1.5(b)).
    let (length, after) = if length & 0x8000 == 0 {
        (usize::from(length), after)
    } else {
        let (digits, after) = after.split_at_checked(usize::from(length & 0x7fff))?;
        (usize::try_from(number_of(digits)?).ok()?, after)
    };
    let (bytes, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((*record, *number, bytes))
}

/// What a dataset says; `None` when it says nothing, or more than a value may.
fn value(dataset: &Dataset, bytes: &[u8], charset: Charset) -> Option<String> {
    if bytes.len() > VALUE_BYTES_MAX {
        return None;
    }
    // The character set is that of records 2 to 6 (dataset 1:90).
    let charset = if dataset.record == 1 { Charset::Unsaid } else { charset };
    let text = match dataset.kind {
        Kind::Binary => return None,
        // Some programs write a text of their own where a number of one to four bytes belongs.
        Kind::Number if bytes.len() <= 8 => return number_of(bytes).map(|number| number.to_string()),
        Kind::Number | Kind::Text | Kind::Charset => charset.decode(bytes),
        Kind::Date => date(charset.decode(bytes))?,
        Kind::Time => time(charset.decode(bytes)),
    };
    (text.len() <= VALUE_BYTES_MAX).then_some(text)
}

/// A big-endian number, also one with more zeros before it than it needs; `None` when it is larger than 64 bits. No
/// bytes are 0.
fn number_of(bytes: &[u8]) -> Option<u64> {
    let begin = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(begin..).filter(|digits| digits.len() <= 8)?;
    Some(digits.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// A date as ISO 8601 with the precision that it has: unknown parts are zeros (dataset 2:55). A text that is no date
/// stays as it is; a date of which nothing is known is `None`.
fn date(text: String) -> Option<String> {
    if text.bytes().any(|byte| byte != b'0') || text.is_empty() {
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let iso = match (text.len(), text.bytes().all(|byte| byte.is_ascii_digit())) {
            (8, true) => text::iso_date(&format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8))),
            (6, true) => text::iso_date(&format!("{}-{}", part(0, 4), part(4, 6))),
            _ => text::iso_date(&text),
        };
        return Some(iso.unwrap_or(text));
    }
    None
}

/// A time of day as ISO 8601, with the zone that it has (dataset 2:60). A text that is no time stays as it is.
fn time(text: String) -> String {
    let at = text.find(['+', '-', 'Z', '.']).unwrap_or(text.len());
    let (clock, rest) = text.split_at(at);
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let fraction = rest.get(..rest.len() - zone.len()).unwrap_or_default();
    let (Some(clock), Some(zone)) = (with_colons(clock), zone_of(zone)) else { return text };
    format!("{clock}{fraction}{zone}")
}

/// `+0200` as `+02:00`; `None` when it is no zone.
fn zone_of(text: &str) -> Option<String> {
    match text.split_at_checked(1) {
        None | Some(("Z", "")) => Some(text.to_owned()),
        Some((sign @ ("+" | "-"), digits)) => {
            let offset = if digits.len() == 2 { digits.to_owned() } else { with_colons(digits)? };
            Some(format!("{sign}{offset}"))
        }
        Some(_) => None,
    }
}

/// `1234` as `12:34` and `123456` as `12:34:56`, also when the colons are there already.
fn with_colons(text: &str) -> Option<String> {
    let mut out = String::with_capacity(8);
    let pairs: Vec<&str> = match text.len() {
        4 | 6 => (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).unwrap_or_default()).collect(),
        _ => text.split(':').collect(),
    };
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&pairs.len()) || !pairs.iter().all(is_pair) {
        return None;
    }
    for pair in pairs {
        if !out.is_empty() {
            out.push(':');
        }
        out.push_str(pair);
    }
    Some(out)
}

/// Adds one more value of the same dataset.
fn add(value: &mut TagValue, more: String, is_repeatable: bool) {
    match value {
        TagValue::Bag(values) if is_repeatable => values.push(TagValue::Text(more)),
        TagValue::Text(first) if is_repeatable => {
            *value = TagValue::Bag(vec![TagValue::Text(std::mem::take(first)), TagValue::Text(more)]);
        }
        _ => *value = TagValue::Text(more),
    }
}

/// The group of the n-th block of a file (from 1): `IPTC`, `IPTC2`, `IPTC3`.
#[must_use]
pub fn group(block: usize) -> Text {
    if block <= 1 { Cow::Borrowed("IPTC") } else { Cow::Owned(format!("IPTC{block}")) }
}

#[cfg(test)]
mod tests {
    use super::{DATASETS_MAX, VALUE_BYTES_MAX, date, group, read, time};
    use crate::metadata::budget::Budget;
    use crate::metadata::tag::TagValue;

    fn dataset(record: u8, number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).expect("a short value").to_be_bytes();
        [&[0x1c, record, number], &length[..], bytes].concat()
    }

    fn lines(block: &[u8]) -> Vec<String> {
        let line = |value: &TagValue| match value {
            TagValue::Text(text) => text.clone(),
            TagValue::Bag(values) => format!("{values:?}").replace("Text(", "").replace(')', ""),
            other => format!("{other:?}"),
        };
        let tags = read(block, &Budget::endless()).expect("a block");
        assert!(tags.iter().all(|tag| tag.group == "IPTC" && tag.language.is_none()));
        tags.iter().map(|tag| format!("{}={}", tag.name, line(&tag.value))).collect()
    }

    #[test]
    fn a_block_is_read() {
        let block = [
            dataset(1, 90, b"\x1b%G"),
            dataset(2, 0, &[0, 4]),
            dataset(2, 25, b"one"),
            dataset(2, 90, b"Z\xc3\xbcrich\0"),
            dataset(2, 25, b"two"),
            dataset(2, 99, b"unknown"),
            dataset(2, 55, b"20260501"),
            dataset(2, 60, b"123456+0200"),
            dataset(2, 202, b"a preview"),
            dataset(4, 1, b"no record"),
            dataset(2, 10, b"5"),
            dataset(2, 80, b"single"),
            dataset(9, 10, &[0, 0, 1, 0]),
        ]
        .concat();
        let expect = [
            "CodedCharacterSet=\u{1b}%G",
            "ApplicationRecordVersion=4",
            "Keywords=[\"one\", \"two\"]",
            "City=Z\u{fc}rich",
            "DateCreated=2026-05-01",
            "TimeCreated=12:34:56+02:00",
            "Urgency=5",
            "By-line=single",
            "ConfirmedObjectSize=256",
        ];
        assert_eq!(lines(&block), expect);
        let mut swapped = [&block[..], &[0; 3]].concat();
        swapped.truncate(swapped.len() / 4 * 4);
        swapped.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        assert_eq!(lines(&swapped), expect);
    }

    #[test]
    fn lengths_may_be_extended() {
        let block = b"\x1c\x02\x5a\x80\x04\0\0\0\x01A\x1c\x02\x69\x80\0\x1c\x02\x6e\x80\x0a\0\0\0\0\0\0\0\0\0\x01B";
        assert_eq!(lines(block), ["City=A", "Headline=", "Credit=B"]);
        assert_eq!(lines(b"\x1c\x02\x5a\x80\x09\x01\0\0\0\0\0\0\0\0A"), [""; 0]);
    }

    #[test]
    fn the_last_of_two_counts_where_a_dataset_does_not_repeat() {
        assert_eq!(lines(&[dataset(2, 90, b"A"), dataset(2, 90, b"B")].concat()), ["City=B"]);
    }

    #[test]
    fn reading_ends_where_no_dataset_begins() {
        let (city, headline) = (dataset(2, 90, b"A"), dataset(2, 105, b"B"));
        assert_eq!(lines(&[&city[..], b"\0", &headline[..]].concat()), ["City=A"]);
        assert_eq!(lines(&[&city[..], &headline[..5]].concat()), ["City=A"]);
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(lines(&[0; 64]), [""; 0]);
        let error = read(b"nothing", &Budget::endless()).expect_err("no dataset");
        assert_eq!(error.to_string(), "IPTC-IIM is damaged: its first byte does not begin a dataset");
    }

    #[test]
    fn numbers_have_up_to_eight_bytes() {
        for (bytes, expect) in [
            (&[][..], "ApplicationRecordVersion=0"),
            (&[4], "ApplicationRecordVersion=4"),
            (&[0, 0, 0, 0, 0, 0, 4, 1], "ApplicationRecordVersion=1025"),
            (&[0xff; 8], "ApplicationRecordVersion=18446744073709551615"),
            (b"Custom field", "ApplicationRecordVersion=Custom field"),
        ] {
            assert_eq!(lines(&dataset(2, 0, bytes)), [expect]);
        }
    }

    #[test]
    fn dates_and_times_keep_their_precision() {
        for (text, expect) in [
            ("20260501", Some("2026-05-01")),
            ("20260500", Some("2026-05")),
            ("20260000", Some("2026")),
            ("202605", Some("2026-05")),
            ("2026", Some("2026")),
            ("2026:05:01", Some("2026-05-01")),
            ("2026-05-01", Some("2026-05-01")),
            ("spring", Some("spring")),
            ("", Some("")),
            ("00000000", None),
        ] {
            assert_eq!(date(text.to_owned()).as_deref(), expect, "{text:?}");
        }
        for (text, expect) in [
            ("123456+0200", "12:34:56+02:00"),
            ("123456-0730", "12:34:56-07:30"),
            ("123456+02", "12:34:56+02"),
            ("123456", "12:34:56"),
            ("1234", "12:34"),
            ("123456Z", "12:34:56Z"),
            ("123456.25+0200", "12:34:56.25+02:00"),
            ("12:34:56", "12:34:56"),
            ("12:34:56+02:00", "12:34:56+02:00"),
            ("", ""),
            ("noon", "noon"),
            ("12", "12"),
            ("123456 0200", "123456 0200"),
            ("123456\u{b1}0000", "123456\u{b1}0000"),
            ("+", "+"),
        ] {
            assert_eq!(time(text.to_owned()), expect, "{text:?}");
        }
    }

    #[test]
    fn values_and_datasets_have_limits() {
        let caption = |length: usize| {
            let mut block = [b"\x1c\x02\x78\x80\x04", &(length as u32).to_be_bytes()[..]].concat();
            block.resize(block.len() + length, b'x');
            lines(&[block, dataset(2, 90, b"A")].concat())
        };
        let longest = format!("Caption-Abstract={}", "x".repeat(VALUE_BYTES_MAX));
        assert_eq!(caption(VALUE_BYTES_MAX), [&*longest, "City=A"]);
        assert_eq!(caption(VALUE_BYTES_MAX + 1), ["City=A"]);
        // In UTF-8, the text is longer than the bytes.
        let mut umlauts = [b"\x1c\x02\x78\x80\x04", &(VALUE_BYTES_MAX as u32 / 2 + 1).to_be_bytes()[..]].concat();
        umlauts.resize(umlauts.len() + VALUE_BYTES_MAX / 2 + 1, 0xfc);
        assert_eq!(lines(&umlauts), [""; 0]);
        let many = |count| read(&dataset(2, 25, b"").repeat(count), &Budget::endless());
        assert!(many(DATASETS_MAX).is_ok());
        let fault = many(DATASETS_MAX + 1).expect_err("one dataset too many").to_string();
        assert_eq!(fault, "IPTC-IIM has more datasets than allowed (limit: 50000 datasets)");
    }

    #[test]
    fn groups_count_the_blocks() {
        assert_eq!((&*group(1), &*group(2), &*group(3)), ("IPTC", "IPTC2", "IPTC3"));
    }
}

//! Blocks from made-up bytes, read whole.

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::limits::{BLOCK_BYTES_MAX, IFD_ENTRIES_MAX, IFDS_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::TagValue;

use super::ifd::{DAMAGED_ENTRIES_MAX, SUBS_MAX};
use super::read;

/// Builds a block in big-endian order: directories one behind the other, values behind each.
struct Block(Vec<u8>);

/// Number, type, count, bytes of the value.
type Field<'a> = (u16, u16, u32, &'a [u8]);

impl Block {
    fn new() -> Self {
        Self(b"MM\0*\0\0\0\x08".to_vec())
    }

    /// Adds a directory and returns its offset.
    fn directory(&mut self, fields: &[Field<'_>], next: u32) -> u32 {
        let begin = self.0.len();
        let mut values = begin + 6 + fields.len() * 12;
        let mut behind = Vec::new();
        self.0.extend(u16::try_from(fields.len()).expect("few fields").to_be_bytes());
        for (number, kind, count, bytes) in fields {
            self.0.extend(number.to_be_bytes());
            self.0.extend(kind.to_be_bytes());
            self.0.extend(count.to_be_bytes());
            if bytes.len() <= 4 {
                let mut inline = bytes.to_vec();
                inline.resize(4, 0);
                self.0.extend(inline);
            } else {
                self.0.extend(u32::try_from(values).expect("a small block").to_be_bytes());
                values += bytes.len();
                behind.extend_from_slice(bytes);
            }
        }
        self.0.extend(next.to_be_bytes());
        self.0.extend(behind);
        u32::try_from(begin).expect("a small block")
    }
}

/// What a block says, `GROUP:Name=value`.
fn said(block: &[u8]) -> Vec<String> {
    let tags = read(block, &Budget::endless()).expect("an EXIF block");
    let text = |value: TagValue| match value {
        TagValue::Text(text) => text,
        value => format!("{value:?}"),
    };
    tags.into_iter().map(|tag| format!("{}:{}={}", tag.group, tag.name, text(tag.value))).collect()
}

#[test]
fn a_block_is_its_directories() {
    let mut block = Block::new();
    // The first directory has 5 entries and 5 bytes of values behind it.
    let exif: u32 = 8 + 6 + 5 * 12 + 5;
    let gps: u32 = exif + 6 + 2 * 12 + 20;
    let second = gps + 6 + 2 * 12 + 24;
    block.directory(
        &[
            (0x010f, 2, 5, b"Acme\0"),
            (0x0112, 3, 1, &[0, 6]),
            (0x927c, 7, 4, b"note"),
            (0x8769, 4, 1, &exif.to_be_bytes()),
            (0x8825, 4, 1, &gps.to_be_bytes()),
        ],
        second,
    );
    block.directory(&[(0x9000, 7, 4, b"0232"), (0x9003, 2, 20, b"2026:05:01 12:34:56\0")], 0xffff);
    let latitude = [0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 30, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    block.directory(&[(1, 2, 2, b"S\0"), (2, 5, 3, &latitude)], 0);
    block.directory(&[(0x0103, 3, 1, &[0, 6]), (0x0201, 4, 1, &[0, 0, 1, 0])], 8);
    let expect = [
        "IFD0:Make=Acme",
        "IFD0:Orientation=6",
        "IFD0:MakerNote=",
        "ExifIFD:ExifVersion=0232",
        "ExifIFD:DateTimeOriginal=2026-05-01T12:34:56",
        "GPS:GPSLatitudeRef=S",
        "GPS:GPSLatitude=-33.5",
        "IFD1:Compression=6",
    ];
    assert_eq!(said(&block.0), expect);
}

#[test]
fn further_images_are_numbered() {
    let mut block = Block::new();
    let first = 8 + 6 + 12 + 8;
    let second = first + 6 + 12;
    let offsets = [u32::to_be_bytes(first), u32::to_be_bytes(second)].concat();
    block.directory(&[(0x014a, 4, 2, &offsets)], 0);
    block.directory(&[(0x0100, 3, 1, &[0, 7])], 0);
    block.directory(&[(0x0100, 3, 1, &[0, 8])], 0);
    assert_eq!(said(&block.0), ["SubIFD:ImageWidth=7", "SubIFD1:ImageWidth=8"]);
}

#[test]
fn damaged_entries_are_skipped() {
    let mut block = Block::new();
    block.directory(
        &[
            (0x010f, 2, 4, b"Acme"),
            // A type that does not exist, a value outside the block, one in the directory, a pointer to nowhere.
            (0x0110, 99, 1, &[0; 4]),
            (0x0131, 2, 4_000, &[0, 0, 0, 100]),
            (0x013b, 2, 8, &[0, 0, 0, 12]),
            (0x8769, 4, 1, &[0x7f, 0, 0, 0]),
            (0x0112, 3, 1, &[0, 1]),
            (0x0112, 3, 1, &[0, 2]),
        ],
        0,
    );
    assert_eq!(said(&block.0), ["IFD0:Make=Acme", "IFD0:Orientation=2"]);
}

#[test]
fn damaged_blocks_are_faults() {
    let fault = |block: &[u8]| read(block, &Budget::endless()).expect_err("a damaged block").to_string();
    let header = "EXIF is damaged: it does not begin with a TIFF header";
    let directory = "EXIF is damaged: its first directory is not inside it";
    assert_eq!(fault(b""), header);
    assert_eq!(fault(b"JFIF\0\0\0\x08"), header);
    assert_eq!(fault(b"MM\0*\0\0\0\x08"), directory);
    assert_eq!(fault(b"MM\0*\0\0\0\x08\0\x02\x01\x0f"), directory);
}

#[test]
fn limits_are_named() {
    let limit = |block: &[u8]| match read(block, &Budget::endless()) {
        Err(Fault::Limit { what, limit }) => format!("{what}: {limit}"),
        other => format!("{other:?}"),
    };
    let chain = |directories: usize| {
        let mut block = Block::new();
        for _ in 1..directories {
            let next = u32::try_from(block.0.len() + 18).expect("a small block");
            block.directory(&[(0x0100, 3, 1, &[0, 7])], next);
        }
        block.directory(&[(0x0100, 3, 1, &[0, 7])], 0);
        block.0
    };
    assert_eq!(said(&chain(IFDS_MAX)).len(), IFDS_MAX);
    assert_eq!(limit(&chain(IFDS_MAX + 1)), "EXIF has more directories than allowed: 64 directories");
    let wide = |entries: usize| {
        let mut block = Block::new();
        block.directory(&vec![(0x0100, 3, 1, [0, 7].as_slice()); entries], 0);
        block.0
    };
    assert_eq!(said(&wide(IFD_ENTRIES_MAX)), ["IFD0:ImageWidth=7"]);
    assert_eq!(limit(&wide(IFD_ENTRIES_MAX + 1)), "an EXIF directory has more entries than allowed: 4096 entries");
    let long = |length: usize| {
        let mut block = Block::new();
        block.directory(&[(0x010e, 2, length as u32, &vec![b'x'; length])], 0);
        block.0
    };
    assert_eq!(said(&long(VALUE_BYTES_MAX)), [format!("IFD0:ImageDescription={}", "x".repeat(VALUE_BYTES_MAX))]);
    assert_eq!(limit(&long(VALUE_BYTES_MAX + 1)), "an EXIF value is longer than allowed: 65536 bytes");
    let mut ended = Block::new();
    ended.directory(&[(0x010e, 2, 70_000, &[b"x".as_slice(), &[0; 69_999]].concat())], 0);
    assert_eq!(said(&ended.0), ["IFD0:ImageDescription=x"]);
    let mut numbers = Block::new();
    numbers.directory(&[(0x9214, 3, 40_000, &[0; 80_000])], 0);
    assert_eq!(limit(&numbers.0), "an EXIF value is longer than allowed: 65536 bytes");
    let mut tiny = Block::new();
    tiny.directory(&[(0x9214, 12, 4_000, &[0, 0x10, 0, 0, 0, 0, 0, 0].repeat(4_000))], 0);
    assert_eq!(limit(&tiny.0), "an EXIF value is longer than allowed: 65536 bytes");
    let mut unknown = Block::new();
    unknown.directory(&[(0x7abc, 2, 70_000, &[b'x'; 70_000])], 0);
    assert!(said(&unknown.0).is_empty());
}

#[test]
fn text_of_all_values_is_limited() {
    let text = [b'x'; VALUE_BYTES_MAX];
    let mut fields = vec![(0x010e, 2, VALUE_BYTES_MAX as u32, text.as_slice()); BLOCK_BYTES_MAX / VALUE_BYTES_MAX];
    let block = |fields: &[Field<'_>]| {
        let mut block = Block::new();
        block.directory(fields, 0);
        read(&block.0, &Budget::endless())
    };
    assert_eq!(block(&fields).expect("an EXIF block").len(), 1);
    fields.push((0x010f, 2, 1, b"x"));
    let fault = block(&fields).expect_err("one byte too many").to_string();
    assert_eq!(fault, "EXIF has more text than allowed (limit: 16777216 bytes)");
}

#[test]
fn directories_past_the_limit_of_one_tag_are_left_out() {
    let subs = |count: usize| {
        let mut block = Block::new();
        let first = 8 + 6 + 12 + 4 * count;
        let offsets: Vec<u8> = (0..count).flat_map(|n| ((first + n * 18) as u32).to_be_bytes()).collect();
        block.directory(&[(0x014a, 4, count as u32, &offsets)], 0);
        for _ in 0..count {
            block.directory(&[(0x0100, 3, 1, &[0, 7])], 0);
        }
        said(&block.0)
    };
    assert_eq!(subs(SUBS_MAX).len(), SUBS_MAX);
    assert_eq!(subs(SUBS_MAX).last().map(String::as_str), Some("SubIFD9:ImageWidth=7"));
    assert_eq!(subs(SUBS_MAX + 1), subs(SUBS_MAX));
}

#[test]
fn a_directory_ends_where_too_many_entries_make_no_sense() {
    let damaged = |count: u32| {
        let mut fields: Vec<Field<'_>> = vec![(0x010f, 2, 4, b"Acme")];
        fields.extend((0..count).map(|_| (0x0110, 99, 1, [0; 4].as_slice())));
        fields.push((0x0112, 3, 1, &[0, 1]));
        let mut block = Block::new();
        block.directory(&fields, 0);
        said(&block.0)
    };
    assert_eq!(damaged(DAMAGED_ENTRIES_MAX), ["IFD0:Make=Acme", "IFD0:Orientation=1"]);
    assert_eq!(damaged(DAMAGED_ENTRIES_MAX + 1), ["IFD0:Make=Acme"]);
}

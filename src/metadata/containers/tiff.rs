//! TIFF, BigTIFF, and the raw formats that are TIFF inside: DNG, CR2, NEF, NRW, ARW, SR2, SRF, PEF, ORF, RW2, 3FR, IIQ,
//! DCR, KDC, ERF, MEF, MOS, RWL, SRW, and HD Photo.
//!
//! The file's directories are EXIF (`exif::ifd`); three tags carry XMP, IPTC-IIM and Photoshop's image resources.
//! Image data is never read, so a file's size does not matter. Maker notes are not read.
//!
//! Sources: TIFF 6.0; XMP Specification Part 3, section 1.1.3 (tag 700); TIFF/EP, section 5.2 (tag 33723); Adobe
//! Photoshop TIFF Technical Notes (tag 34377).

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use crate::metadata::blocks::exif::header::Header;
use crate::metadata::blocks::exif::ifd;
use crate::metadata::blocks::exif::kind::Embedded;
use crate::metadata::blocks::{iim, photoshop, xmp};
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::{Found, Part, add};
use crate::metadata::input::Input;

use super::raw_jpeg;

/// Whether a file that begins so is TIFF, or TIFF inside.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    Header::of_file(head).is_some()
}

/// Reads the directories of a file and the blocks in them.
///
/// # Errors
/// When the first directory cannot be read, at a limit of the directories, or as the disk says.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let Some(header) = Header::of_file(input.head()) else {
        return Err(Fault::damaged("TIFF", "it does not begin with a TIFF header"));
    };
    let structure = ifd::walk(input, header)?;
    add(&mut found.exif, Ok(structure.tags));
    // The first block of a kind is the main image's; further images can have more (the masks of a DNG have XMP).
    let block = |embedded| structure.blocks.iter().find(|block| block.0 == embedded).copied();
    let budget = input.budget;
    if let Some((_, at, size)) = block(Embedded::Xmp) {
        let part = bytes(input, at, size).and_then(|packet| xmp::read(packet, budget));
        add(&mut found.xmp, part);
    }
    let mut digest = None;
    if let Some((_, at, size)) = block(Embedded::Iim) {
        let part = bytes(input, at, size).and_then(|block| {
            let datasets = in_order(block);
            digest = Some(digests(&datasets));
            iim::read(&datasets, budget)
        });
        add(&mut found.iptc, part);
    }
    if let Some((_, at, size)) = block(Embedded::Photoshop) {
        match bytes(input, at, size) {
            Ok(resources) => read_resources(resources, digest, found, budget),
            Err(fault) => add(&mut found.iptc, Err(fault)),
        }
    }
    if let Some((_, at, size)) = block(Embedded::Jpeg) {
        raw_jpeg::read(input, at, size, found);
    }
    Ok(())
}

/// The bytes of a block.
fn bytes<'a>(input: &'a mut Input<'_>, at: u64, size: usize) -> Result<&'a [u8], Fault> {
    input.bytes(at, size)?.ok_or_else(|| Fault::damaged("TIFF", "a block is not inside the file"))
}

/// IIM datasets begin with the byte 0x1C. Where a program has declared them as 32-bit numbers, another may have changed
/// the order of their bytes.
fn in_order(block: &[u8]) -> Cow<'_, [u8]> {
    match block {
        [first, _, _, 0x1c, ..] if *first != 0x1c => {
            let reversed = |word: &[u8]| word.iter().rev().copied().collect::<Vec<_>>();
            block.chunks(4).flat_map(reversed).collect::<Vec<_>>().into()
        }
        _ => block.into(),
    }
}

/// The MD5 of IIM datasets, as they are and without the NULs that fill them up to whole 32-bit numbers.
fn digests(datasets: &[u8]) -> [[u8; 16]; 2] {
    let filled = datasets.iter().rev().take(3).take_while(|&&byte| byte == 0).count();
    let without = datasets.get(..datasets.len().saturating_sub(filled)).unwrap_or_default();
    [Md5::digest(datasets).into(), Md5::digest(without).into()]
}

/// Photoshop's resources repeat blocks that the file has tags for: a tag wins. The digest among them is of the IIM of
/// the tag, if there is one.
fn read_resources(resources: &[u8], digests: Option<[[u8; 16]; 2]>, found: &mut Found, budget: &Budget) {
    let mut inner = Found::default();
    photoshop::read(resources, &mut inner, budget);
    let is_empty = |part: &Part| matches!(part, Ok(tags) if tags.is_empty());
    if is_empty(&found.xmp) {
        found.xmp = inner.xmp;
    }
    match digests {
        None => {
            found.iptc = inner.iptc;
            found.iptc_is_newer = inner.iptc_is_newer;
        }
        Some(digests) => {
            found.iptc_is_newer = digest_in(resources).is_some_and(|digest| !digests.contains(&digest));
            if let Ok(tags) = inner.iptc {
                add(&mut found.iptc, Ok(iim::second(tags)));
            }
        }
    }
}

/// The digest among image resources: resource 1061 (Adobe Photoshop File Formats Specification, "Image Resource
/// Blocks"). A digest of zeros says that there was none to be made.
fn digest_in(mut resources: &[u8]) -> Option<[u8; 16]> {
    while let Some(rest) = resources.strip_prefix(b"8BIM") {
        let (id, rest) = rest.split_first_chunk::<2>()?;
        let name = usize::from(*rest.first()?) + 1;
        let (length, data) = rest.get(name + name % 2..)?.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        if u16::from_be_bytes(*id) == 1061 {
            return data.get(..length)?.try_into().ok().filter(|digest| *digest != [0; 16]);
        }
        resources = data.get(length.checked_add(length % 2)?..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use super::{digest_in, digests, in_order, knows, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::content::Content;
    use crate::metadata::found::Found;
    use crate::metadata::input::Input;
    use crate::metadata::tag::TagValue;

    /// A file whose directories are at the end of so many zeros.
    struct Sparse {
        size: u64,
        pieces: Vec<(u64, Vec<u8>)>,
        reads: RefCell<Vec<(u64, usize)>>,
    }

    impl Content for Sparse {
        fn size(&self) -> u64 {
            self.size
        }

        fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.reads.borrow_mut().push((at, buffer.len()));
            for (index, byte) in (at..).zip(buffer.iter_mut()) {
                let inside = |(begin, bytes): &(u64, Vec<u8>)| {
                    bytes.get(usize::try_from(index.checked_sub(*begin)?).ok()?).copied()
                };
                *byte = self.pieces.iter().find_map(inside).unwrap_or(0);
            }
            Ok(buffer.len())
        }
    }

    fn said(content: &dyn Content) -> Vec<String> {
        let (budget, mut found) = (Budget::endless(), Found::default());
        let mut input = Input::open(content, &budget).expect("an input");
        read(&mut input, &mut found).expect("a TIFF file");
        let tags = found.exif.expect("EXIF").into_iter();
        tags.map(|tag| match tag.value {
            TagValue::Text(text) => format!("{}:{}={text}", tag.group, tag.name),
            value => format!("{value:?}"),
        })
        .collect()
    }

    #[test]
    fn a_huge_file_costs_small_reads() {
        const AT: u64 = 100_000_000_000;
        let mut header = b"II+\0\x08\0\0\0".to_vec();
        header.extend(AT.to_le_bytes());
        let mut directory = 2_u64.to_le_bytes().to_vec();
        directory.extend(b"\x0f\x01\x02\0\x05\0\0\0\0\0\0\0Acme\0\0\0\0");
        directory.extend(b"\x31\x01\x02\0\x09\0\0\0\0\0\0\0");
        directory.extend((AT + 100).to_le_bytes());
        directory.resize(100, 0);
        directory.extend(b"Software\0");
        let size = AT + directory.len() as u64;
        let file = Sparse { size, pieces: vec![(0, header), (AT, directory)], reads: RefCell::default() };
        assert_eq!(said(&file), ["IFD0:Make=Acme", "IFD0:Software=Software"]);
        let reads = file.reads.into_inner();
        let bytes: usize = reads.iter().map(|read| read.1).sum();
        assert!(reads.len() <= 3 && bytes <= 128 * 1024, "{reads:?}");
    }

    #[test]
    fn panasonic_has_numbers_of_its_own() {
        let file = b"IIU\0\x08\0\0\0\x02\0\x02\0\x03\0\x01\0\0\0\x8c\x0e\0\0\x17\0\x03\0\x01\0\0\0\x50\0\0\0\0\0\0\0";
        assert!(knows(file));
        assert_eq!(said(&file.as_slice()), ["IFD0:SensorWidth=3724", "IFD0:ISO=80"]);
    }

    #[test]
    fn iim_may_be_numbers() {
        assert_eq!(*in_order(b"\x1c\x02\x05\0"), *b"\x1c\x02\x05\0");
        assert_eq!(*in_order(b"\0\x05\x02\x1c\0\0yx"), *b"\x1c\x02\x05\0xy\0\0");
        assert_eq!(*in_order(b""), *b"");
    }

    #[test]
    fn the_digest_is_of_the_datasets() {
        let datasets = b"\x1c\x02\x05\0\x02xy";
        let [whole, _] = digests(datasets);
        assert_eq!(digests(b"\x1c\x02\x05\0\x02xy\0")[1], whole);
        let mut resources = b"8BIM\x04\x04\x01n\0\0\0\x01x\08BIM\x04\x25\0\0\0\0\0\x10".to_vec();
        resources.extend(whole);
        assert_eq!(digest_in(&resources), Some(whole));
        assert_eq!(digest_in(resources.get(..30).expect("a part")), None);
        assert_eq!(digest_in(b"8BIM\x04\x25\0\0\xff\xff\xff\xff"), None);
    }
}

//! The segments of a JPEG up to its first scan: where the metadata is. Reads no metadata.
//!
//! Source: ITU-T T.81, annex B.1.1 and table B.1.

use crate::metadata::fault::Fault;
use crate::metadata::input::Input;
use crate::metadata::limits::{BOXES_MAX, HEAD_BYTES};

/// The marker of segments with EXIF or XMP.
const APP1: u8 = 0xe1;
/// The marker of segments with Photoshop's image resources.
const APP13: u8 = 0xed;
/// What an EXIF segment begins with (the byte behind it is 0; some programs write another one).
const EXIF: &[u8] = b"Exif\0";
/// What an XMP segment begins with.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// What a segment of extended XMP begins with; GUID, length and offset follow.
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// What segments of image resources begin with.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// What they begin with in old files; eight more bytes are before the first resource.
const PHOTOSHOP_2_5: &[u8] = b"Adobe_Photoshop2.5:";

/// Bytes of a marker, a length, and as much of a segment as says what it is.
const PEEK_BYTES: usize = 4 + 64;

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub at: u64,
    /// Its bytes.
    pub length: usize,
}

/// Where the metadata is, each in the order of the file. What identifies a segment is not in the spans.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// Blocks of EXIF, each of one segment or of several that continue it.
    pub exif: Vec<Vec<Span>>,
    /// Packets of XMP.
    pub xmp: Vec<Span>,
    /// Chunks of extended XMP, from their GUID on.
    pub extended: Vec<Span>,
    /// Image resources: all segments make one block.
    pub photoshop: Vec<Span>,
}

/// The segments before the first scan, and whether there is one: the fault of a file that ends before.
///
/// # Errors
/// When reading fails or costs too much.
pub fn walk(input: &mut Input<'_>) -> Result<(Segments, Result<(), Fault>), Fault> {
    let budget = input.budget;
    let mut segments = Segments::default();
    let (mut count, mut skipped) = (0_usize, 0_usize);
    let mut is_behind_exif = false;
    let mut at = 2;
    loop {
        budget.step()?;
        let size = input.size();
        let bytes = input.at_most(at, PEEK_BYTES)?;
        let (marker, length) = match *bytes {
            [] | [0xff] => return Ok((segments, Err(is_cut()))),
            // SOS and EOI.
            [0xff, 0xd9 | 0xda, ..] => return Ok((segments, Ok(()))),
            // TEM, RST0 to RST7 and SOI stand alone.
            [0xff, 0x01 | 0xd0..=0xd8, ..] => {
                at += 2;
                (0, 0)
            }
            [0xff, marker @ 0x02..=0xfe, high, low, ..] => (marker, usize::from(u16::from_be_bytes([high, low]))),
            [0xff, 0x02..=0xfe, ..] => return Ok((segments, Err(is_cut()))),
            // Fill bytes (0xFF before a marker), and what should not be between segments.
            [first, ref rest @ ..] => {
                let is_fill = first == 0xff && rest.first() == Some(&0xff);
                let skip = 1 + rest.iter().position(|&byte| (byte == 0xff) != is_fill).unwrap_or(rest.len());
                // The last fill byte is the first one of the marker.
                let skip = if is_fill { skip - 1 } else { skip };
                at = at.saturating_add(skip as u64);
                skipped += skip;
                if skipped > HEAD_BYTES {
                    return Ok((segments, Err(Fault::damaged("JPEG", "it has no segments where they should be"))));
                }
                continue;
            }
        };
        count += 1;
        if count > BOXES_MAX {
            return Err(Fault::limit("JPEG has more segments than allowed", format!("{BOXES_MAX} segments")));
        }
        if marker == 0 {
            continue;
        }
        if length < 2 {
            return Ok((segments, Err(Fault::damaged("JPEG", "a segment is shorter than its length"))));
        }
        // The length counts itself, and not the marker.
        let end = at.saturating_add(2).saturating_add(length as u64);
        if end > size {
            return Ok((segments, Err(is_cut())));
        }
        let peek = bytes.get(4..bytes.len().min(2 + length)).unwrap_or_default();
        let span = Span { at: at.saturating_add(4), length: length - 2 };
        is_behind_exif = segments.add(marker, peek, span, is_behind_exif);
        at = end;
    }
}

impl Segments {
    /// Adds a segment that has metadata. `peek` is what it begins with. Returns whether it has EXIF.
    fn add(&mut self, marker: u8, peek: &[u8], segment: Span, is_behind_exif: bool) -> bool {
        let after = |skip: usize| Span {
            at: segment.at.saturating_add(skip as u64),
            length: segment.length.saturating_sub(skip),
        };
        match marker {
            APP1 => {
                if let Some(begin) = exif_begin(peek) {
                    match self.exif.last_mut() {
                        Some(block) if is_behind_exif && !is_tiff(peek.get(begin..)) => block.push(after(begin)),
                        _ => self.exif.push(vec![after(begin)]),
                    }
                    return true;
                }
                if peek.starts_with(EXTENDED_XMP) {
                    self.extended.push(after(EXTENDED_XMP.len()));
                } else if let Some(begin) = xmp_begin(peek) {
                    self.xmp.push(after(begin));
                }
            }
            APP13 if peek.starts_with(PHOTOSHOP) => self.photoshop.push(after(PHOTOSHOP.len())),
            APP13 if peek.starts_with(PHOTOSHOP_2_5) => self.photoshop.push(after(PHOTOSHOP_2_5.len() + 8)),
            _ => {}
        }
        false
    }
}

/// The fault of a file that ends before its first scan.
pub fn is_cut() -> Fault {
    Fault::damaged("JPEG", "it ends before its image begins")
}

/// Where the EXIF of a segment begins. Case does not matter, and up to four bytes may be before the identifier.
fn exif_begin(segment: &[u8]) -> Option<usize> {
    let has_it = |from: usize| segment.get(from..from + EXIF.len()).is_some_and(|id| id.eq_ignore_ascii_case(EXIF));
    (0..=4).find(|&from| has_it(from)).map(|from| from + EXIF.len() + 1)
}

fn is_tiff(block: Option<&[u8]>) -> bool {
    block.is_some_and(|block| block.starts_with(b"II*\0") || block.starts_with(b"MM\0*"))
}

/// Where the XMP of a segment begins. Some programs write the identifier without its NUL, an older one, or none before
/// the header of the packet.
fn xmp_begin(segment: &[u8]) -> Option<usize> {
    if segment.starts_with(XMP) {
        return Some(XMP.len());
    }
    let is_xmp = [&b"http://ns.adobe.com/xap/"[..], b"XMP\0", b"<?xpacket"].iter().any(|id| segment.starts_with(id));
    segment.iter().position(|&byte| byte == b'<').filter(|_| is_xmp)
}

#[cfg(test)]
mod tests {
    use super::{BOXES_MAX, Segments, Span, walk};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::input::Input;

    fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
        let bytes = parts.concat();
        let length = u16::try_from(bytes.len() + 2).expect("a short segment").to_be_bytes();
        [&[0xff, marker], &length[..], &bytes].concat()
    }

    fn walked(parts: &[&[u8]]) -> (Segments, Result<(), Fault>) {
        let file = [&[0xff, 0xd8], &parts.concat()[..]].concat();
        let (file, budget) = (&file[..], Budget::endless());
        let mut input = Input::open(&file, &budget).expect("an input");
        walk(&mut input).expect("no limit")
    }

    fn span(at: u64, length: usize) -> Span {
        Span { at, length }
    }

    const SOS: &[u8] = &[0xff, 0xda, 0, 2];

    #[test]
    fn segments_are_found_in_any_order() {
        let (segments, end) = walked(&[
            &segment(0xed, &[b"Photoshop 3.0\0", b"one"]),
            &[0xff, 0xff, 0xff],
            &segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", b"<x/>"]),
            &[0xff, 0x01, 0xff, 0xd0],
            &segment(0xe1, &[b"http://ns.adobe.com/xmp/extension/\0", &[b'0'; 40], b"..."]),
            b"junk\xff\0",
            &segment(0xe1, &[b"Exif\0\0", b"II*\0"]),
            &segment(0xed, &[b"Photoshop 3.0\0", b"two"]),
            &segment(0xe1, &[b"XMP\0<?xpacket"]),
            &segment(0xe1, &[b"http://example.com/<"]),
            &segment(0xc0, &[b"Exif\0\0"]),
            SOS,
            &segment(0xe1, &[b"Exif\0\0", b"II*\0"]),
        ]);
        end.expect("a scan");
        assert_eq!(segments.photoshop, [span(20, 3), span(187, 3)]);
        assert_eq!(segments.xmp, [span(59, 4), span(198, 9)]);
        assert_eq!(segments.extended, [span(106, 43)]);
        assert_eq!(segments.exif, [[span(165, 4)]]);
    }

    #[test]
    fn exif_goes_on_in_the_next_segment() {
        let (first, more) = (segment(0xe1, &[b"Exif\0\0MM\0*...."]), segment(0xe1, &[b"Exif\0\0.........."]));
        let lengths = |parts: &[&[u8]]| -> Vec<Vec<usize>> {
            let (segments, _) = walked(parts);
            segments.exif.iter().map(|block| block.iter().map(|span| span.length).collect()).collect()
        };
        assert_eq!(lengths(&[&first, &more, &more, SOS]), [vec![8, 10, 10]]);
        assert_eq!(lengths(&[&first, &first, &more, SOS]), [vec![8], vec![8, 10]]);
        assert_eq!(lengths(&[&first, &segment(0xfe, &[b"comment"]), &more, SOS]), [vec![8], vec![10]]);
        assert_eq!(lengths(&[&segment(0xe1, &[b"??EXIF\0\x01MM\0*"]), SOS]), [vec![4]]);
    }

    #[test]
    fn what_is_complete_before_a_cut_is_found() {
        let (exif, xmp) = (segment(0xe1, &[b"Exif\0\0II*\0"]), segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0<x/>"]));
        let whole = [&exif[..], &xmp, &[0xff, 0xc0, 0, 2]].concat();
        for length in 0..=whole.len() {
            let (segments, end) = walked(&[&whole[..length]]);
            let counts = (usize::from(length >= exif.len()), usize::from(length >= exif.len() + xmp.len()));
            assert_eq!((segments.exif.len(), segments.xmp.len()), counts, "{length}");
            assert_eq!(end.expect_err("it is cut").to_string(), "JPEG is damaged: it ends before its image begins");
        }
        assert!(walked(&[&exif, &[0xff, 0xd9]]).1.is_ok());
        let fault = walked(&[&[0xff, 0xe1, 0, 1], SOS]).1.expect_err("a short length");
        assert_eq!(fault.to_string(), "JPEG is damaged: a segment is shorter than its length");
    }

    #[test]
    fn what_is_no_segment_has_limits() {
        for junk in [0, 0xff] {
            let fault = walked(&[&vec![junk; 70_000], SOS]).1.expect_err("no segments");
            assert_eq!(fault.to_string(), "JPEG is damaged: it has no segments where they should be");
            walked(&[&vec![junk; 60_000], SOS]).1.expect("a scan");
        }
        let many = segment(0xe2, &[]).repeat(BOXES_MAX);
        walked(&[&many, SOS]).1.expect("a scan");
        let file = [&[0xff, 0xd8], &many[..], &segment(0xe2, &[]), SOS].concat();
        let (file, budget) = (&file[..], Budget::endless());
        let fault = walk(&mut Input::open(&file, &budget).expect("an input")).expect_err("one segment too many");
        assert_eq!(fault.to_string(), "JPEG has more segments than allowed (limit: 4096 segments)");
    }
}

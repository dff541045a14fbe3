//! The first bytes of a TIFF structure: its order, its form, and where its first directory is.
//!
//! Sources: TIFF 6.0, section 2; BigTIFF, as LibTIFF documents it; the makers' own magic numbers, as LibRaw and
//! ExifTool document them.

use super::names::Names;
use super::raw::Order;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The order of the bytes of numbers.
    pub order: Order,
    /// BigTIFF: offsets and counts of 64 bits.
    pub is_big: bool,
    /// Where the first directory is.
    pub first: u64,
    /// What the numbers of the first directory mean.
    pub names: Names,
}

impl Header {
    /// The header of a block in some container. Cameras write odd magic numbers into it, so any is accepted.
    #[must_use]
    pub fn of_block(block: &[u8]) -> Option<Self> {
        let order = Order::of(block)?;
        let first = u64::from(order.u32(block, 4)?);
        (first >= 8).then_some(Self { order, is_big: false, first, names: Names::Exif })
    }

    /// The header of a file: TIFF, BigTIFF, HD Photo (`0x__bc`), Olympus (`RO`, `RS`), Panasonic (0x55), a DNG camera
    /// profile (`RC`).
    #[must_use]
    pub fn of_file(head: &[u8]) -> Option<Self> {
        let order = Order::of(head)?;
        let magic = order.u16(head, 2)?;
        match magic {
            0x2a | 0x4f52 | 0x5352 | 0x4352 => Self::of_block(head),
            0x01bc | 0x00bc if order == Order::Little => Self::of_block(head),
            0x55 if order == Order::Little => {
                Self::of_block(head).map(|header| Self { names: Names::Panasonic, ..header })
            }
            0x2b if order.u16(head, 4)? == 8 && order.u16(head, 6)? == 0 => {
                let first = order.u64(head, 8)?;
                (first >= 16).then_some(Self { order, is_big: true, first, names: Names::Exif })
            }
            _ => None,
        }
    }

    /// The header of a DNG camera profile inside a file: its offsets count from it.
    #[must_use]
    pub fn of_profile(bytes: &[u8]) -> Option<Self> {
        let header = Self::of_block(bytes)?;
        (header.order.u16(bytes, 2)? == 0x4352).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Names, Order};

    /// Order, whether it is BigTIFF, the first directory's offset, its names.
    type Expected = (Order, bool, u64, Names);

    #[test]
    fn files_are_known_by_their_magic_number() {
        let cases: &[(&[u8], Option<Expected>)] = &[
            (b"II*\0\x08\0\0\0", Some((Order::Little, false, 8, Names::Exif))),
            (b"MM\0*\0\0\0\x10", Some((Order::Big, false, 16, Names::Exif))),
            (b"IIRO\x08\0\0\0", Some((Order::Little, false, 8, Names::Exif))),
            (b"IIRS\x08\0\0\0", Some((Order::Little, false, 8, Names::Exif))),
            (b"MMOR\0\0\0\x08", Some((Order::Big, false, 8, Names::Exif))),
            (b"IIU\0\x18\0\0\0", Some((Order::Little, false, 24, Names::Panasonic))),
            (b"II\xbc\x01\x08\0\0\0", Some((Order::Little, false, 8, Names::Exif))),
            (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", Some((Order::Little, true, 16, Names::Exif))),
            (b"II+\0\x04\0\0\0\x10\0\0\0\0\0\0\0", None),
            (b"II*\0\x04\0\0\0", None),
            (b"II*\0\x08\0\0", None),
            (b"IIxx\x08\0\0\0", None),
            (b"IM*\0\x08\0\0\0", None),
            (b"", None),
        ];
        for &(head, expect) in cases {
            let found = Header::of_file(head).map(|found| (found.order, found.is_big, found.first, found.names));
            assert_eq!(found, expect, "{head:?}");
        }
        assert!(Header::of_block(b"IIxx\x08\0\0\0").is_some());
    }
}

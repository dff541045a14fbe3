//! Fujifilm's raw format, RAF: a header, a JPEG with all the metadata, and image data.
//!
//! Fujifilm has not published the format: the header is as LibRaw and ExifTool document it. Its own tags are not read.

use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::input::Input;

use super::raw_jpeg;

/// Whether a file that begins so is RAF.
#[must_use]
pub fn knows(head: &[u8]) -> bool {
    head.starts_with(b"FUJIFILMCCD-RAW ")
}

/// Reads the JPEG in the file.
///
/// # Errors
/// When the header is cut off, or as the disk says.
pub fn read(input: &mut Input<'_>, found: &mut Found) -> Result<(), Fault> {
    let number = |at: usize| {
        let bytes = input.head().get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let (Some(at), Some(size)) = (number(84), number(88)) else {
        return Err(Fault::damaged("RAF", "its header is cut off"));
    };
    raw_jpeg::read(input, at.into(), usize::try_from(size).unwrap_or(usize::MAX), found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Found, Input, knows, read};
    use crate::metadata::budget::Budget;

    /// A RAF file whose JPEG has a maker in its EXIF block.
    fn file() -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x04Acme\0\0\0\0".to_vec();
        let length = u16::try_from(exif.len() + 2).expect("a small block");
        let mut jpeg = b"\xff\xd8\xff\xe1".to_vec();
        jpeg.extend(length.to_be_bytes());
        jpeg.append(&mut exif);
        jpeg.extend(b"\xff\xd9");
        let mut file = b"FUJIFILMCCD-RAW ".to_vec();
        file.resize(84, 0);
        file.extend(100_u32.to_be_bytes());
        file.extend(u32::try_from(jpeg.len()).expect("a small file").to_be_bytes());
        file.resize(100, 0);
        file.extend(jpeg);
        file
    }

    #[test]
    fn the_jpeg_is_read() {
        let (file, budget, mut found) = (file(), Budget::endless(), Found::default());
        assert!(knows(&file));
        let content = file.as_slice();
        let mut input = Input::open(&content, &budget).expect("an input");
        read(&mut input, &mut found).expect("a RAF file");
        let tags = found.exif.expect("EXIF");
        assert_eq!(tags.iter().map(|tag| &*tag.name).collect::<Vec<_>>(), ["Make"]);
    }

    #[test]
    fn a_header_may_be_cut_off() {
        let (file, budget) = (file(), Budget::endless());
        for length in [0, 16, 91] {
            let content = file.get(..length).expect("a part");
            let mut input = Input::open(&content, &budget).expect("an input");
            let fault = read(&mut input, &mut Found::default()).expect_err("a fault");
            assert_eq!(fault.to_string(), "RAF is damaged: its header is cut off");
        }
    }
}

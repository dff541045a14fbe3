//! Which reader reads a file: by its content, never by its name.

use super::blocks::exif::MAKER_NOTE;
use super::budget::Budget;
use super::containers::{bmff, gif, jpeg, png, psd, raf, riff, tiff, xmp};
use super::content::Content;
use super::fault::Fault;
use super::found::{Found, Portion};
use super::input::Input;
use super::tag::{Family, Tag};

/// A reader of one container.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The container, for people.
    pub name: &'static str,
    /// Whether a file that begins so is one.
    pub knows: fn(&[u8]) -> bool,
    /// Reads it. What is found before a fault of the container does not count.
    pub read: fn(&mut Input<'_>, &mut Found) -> Result<(), Fault>,
}

/// All readers; the first that knows a file reads it.
pub const READERS: &[Reader] = &[
    Reader { name: "JPEG", knows: jpeg::knows, read: jpeg::read },
    Reader { name: "PNG", knows: png::knows, read: png::read },
    Reader { name: "ISO BMFF", knows: bmff::knows, read: bmff::read },
    Reader { name: "RIFF", knows: riff::knows, read: riff::read },
    Reader { name: "Photoshop", knows: psd::knows, read: psd::read },
    Reader { name: "GIF", knows: gif::knows, read: gif::read },
    Reader { name: "RAF", knows: raf::knows, read: raf::read },
    Reader { name: "TIFF", knows: tiff::knows, read: tiff::read },
    Reader { name: "XMP", knows: xmp::knows, read: xmp::read },
];

/// What a file says. One that no reader knows says nothing.
///
/// # Errors
/// When nothing of it can be read: the disk refuses, or the container is damaged or costs too much.
pub fn read(content: &dyn Content) -> Result<Found, Fault> {
    let budget = Budget::begin();
    let mut input = Input::open(content, &budget)?;
    let Some(reader) = READERS.iter().find(|reader| (reader.knows)(input.head())) else {
        let unread = (content.size() > 0).then_some(Portion::Whole);
        return Ok(Found { unread, ..Found::default() });
    };
    let mut found = Found::default();
    (reader.read)(&mut input, &mut found)?;
    if let Ok(tags) = &mut found.exif {
        let is_maker_note = |tag: &mut Tag| tag.family == Family::Exif && tag.name == MAKER_NOTE;
        if tags.extract_if(.., is_maker_note).count() > 0 {
            found.unread = Some(Portion::MakerNote);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Portion, read};

    #[test]
    fn what_is_left_unread_is_known() {
        let mut photo = b"II*\0\x08\0\0\0\x01\0".to_vec();
        let note = [0x7c, 0x92, 7, 0, 4, 0, 0, 0, b'n', b'o', b't', b'e'];
        photo.extend(note.into_iter().chain([0; 4]));
        let plain = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &[0, 1, 3, 0, 1, 0, 0, 0, 7, 0, 0, 0], &[0; 4]].concat();
        for (file, expect) in [
            (photo.as_slice(), Some(Portion::MakerNote)),
            (&plain, None),
            (b"", None),
            (b"%PDF-1.7", Some(Portion::Whole)),
        ] {
            let found = read(&file).expect("a file");
            assert_eq!(found.unread, expect);
            assert!(found.exif.expect("tags").iter().all(|tag| tag.name != "MakerNote"), "it is no tag of the readers");
        }
    }
}

//! Which reader reads a file: by its content, never by its name.

use super::budget::Budget;
use super::containers::{bmff, gif, jpeg, png, psd, raf, riff, tiff, xmp};
use super::content::Content;
use super::fault::Fault;
use super::found::Found;
use super::input::Input;

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
        return Ok(Found::default());
    };
    let mut found = Found::default();
    (reader.read)(&mut input, &mut found)?;
    Ok(found)
}

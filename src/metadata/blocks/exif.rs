//! EXIF blocks: a TIFF structure with a photograph's tags, as JPEG, PNG, WebP, HEIF and others carry it.
//!
//! [`ifd`] walks over the directories, in a block or in a file; [`names`] says what their numbers mean and [`values`]
//! makes text of their values. Of a maker note nothing is read but that it is there. Thumbnails, the places of image
//! data, and tables of binary data are not read, and neither is a tag that the tables do not name.
//!
//! Sources: EXIF 3.0 (CIPA DC-008-2023, JEITA CP-3451F), TIFF 6.0; each table names its own.

pub mod header;
pub mod ifd;
pub mod kind;
pub mod names;
pub mod raw;
pub mod values;

mod coded;
mod place;
mod places;
mod tags_dng;
mod tags_exif;
mod tags_gps;
mod tags_ifd0;
mod tags_panasonic;
mod tags_private;
#[cfg(test)]
mod tests;

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::Part;
use crate::metadata::input::Input;

use header::Header;
pub use tags_exif::MAKER_NOTE;

/// The tags of an EXIF block, from the order of its bytes (`II`, `MM`) on.
///
/// # Errors
/// When it does not begin as a TIFF structure, when its first directory is not inside it, or at a limit.
pub fn read(block: &[u8], budget: &Budget) -> Part {
    let Some(header) = Header::of_block(block) else {
        return Err(Fault::damaged("EXIF", "it does not begin with a TIFF header"));
    };
    let mut input = Input::of_block(&block, budget);
    Ok(ifd::walk(&mut input, header)?.tags)
}

//! What reading one file may cost. Past a limit the source that reached it is given up for this state of the file
//! ([`super::fault::Fault::Limit`]); the asset's other sources still count.

use std::time::Duration;

/// Bytes that the first read of a file asks for: most files have all their metadata in them.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Bytes of one block (an EXIF block, an XMP packet, a box), inflated or not.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deep XML elements nest.
pub const XML_DEPTH_MAX: usize = 32;
/// Elements and attributes of one XML document.
pub const XML_NODES_MAX: usize = 50_000;
/// Image file directories of one TIFF block.
pub const IFDS_MAX: usize = 64;
/// Entries of one image file directory.
pub const IFD_ENTRIES_MAX: usize = 4_096;
/// Boxes (ISO BMFF), chunks (RIFF, PNG), segments (JPEG), blocks (GIF) and resources (Photoshop) of one file.
pub const BOXES_MAX: usize = 4_096;
/// Bytes of one value as text. One that is longer is left out, and the source's other values count; in EXIF it gives
/// the source up.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Keys of one source.
pub const KEYS_MAX: usize = 512;
/// Processor time for one file.
pub const CPU_TIME_MAX: Duration = Duration::from_millis(200);

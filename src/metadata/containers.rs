//! The files that metadata is in, one module each. A container finds its blocks and knows what its own tags are.

pub mod bmff;
pub mod endian;
pub mod extent;
pub mod gif;
pub mod inflate;
pub mod jpeg;
pub mod png;
pub mod psd;
pub mod raf;
pub mod raw_jpeg;
pub mod riff;
#[cfg(test)]
pub mod sparse;
pub mod tiff;
pub mod xmp;

//! The blocks that carry metadata inside containers, one module each.

pub mod bext;
pub mod exif;
pub mod iim;
pub mod ixml;
pub mod photoshop;
pub mod xmp;

//! What a look reads besides lstat(2), as metadata. Knows no catalog and no rank of sources: each module turns the raw
//! content of one source into tags, or into keys and values.
//!
//! A file is read by the [reader](readers::READERS) that knows its first bytes. A [container](containers) finds the
//! [blocks] in it; a block gives [tags](tag::Tag) under ExifTool's names; [`logical`] makes keys and values of them.
//! Bytes come through an [input](input::Input), whose limits no reader can forget. What no reader knows,
//! [`exiftool`] may.

pub mod blocks;
pub mod budget;
pub mod containers;
pub mod content;
pub mod exiftool;
pub mod fault;
pub mod found;
pub mod input;
pub mod json;
pub mod limits;
pub mod logical;
pub mod readers;
pub mod tag;
pub mod text;
pub mod xattr;

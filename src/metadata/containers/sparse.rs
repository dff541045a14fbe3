//! A large file for tests, that is zeros but for a few pieces, and counts what is read of it.

use std::cell::Cell;

use crate::metadata::budget::Budget;
use crate::metadata::content::Content;
use crate::metadata::fault::Fault;
use crate::metadata::found::{Found, Part};
use crate::metadata::input::Input;
use crate::metadata::tag::TagValue;

/// A sparse file.
pub struct Sparse {
    size: u64,
    pieces: Vec<(u64, Vec<u8>)>,
    /// How many reads there were.
    pub reads: Cell<usize>,
    /// How many bytes they asked for.
    pub bytes: Cell<usize>,
}

impl Sparse {
    /// A file of a size with pieces at offsets.
    pub fn new(size: u64, pieces: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Self {
        Self { size, pieces: pieces.into_iter().collect(), reads: Cell::new(0), bytes: Cell::new(0) }
    }

    /// A file that is these bytes.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Self::new(bytes.len() as u64, [(0, bytes)])
    }
}

impl Content for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + buffer.len());
        buffer.fill(0);
        let end = at + buffer.len() as u64;
        for (begin, bytes) in &self.pieces {
            let (from, to) = (at.max(*begin), end.min(begin + bytes.len() as u64));
            if from < to {
                let piece = &bytes[(from - begin) as usize..(to - begin) as usize];
                buffer[(from - at) as usize..(to - at) as usize].copy_from_slice(piece);
            }
        }
        Ok(buffer.len())
    }
}

/// A reader of a container.
type Read = fn(&mut Input<'_>, &mut Found) -> Result<(), Fault>;

/// Reads a file with one container's reader.
pub fn read(content: &Sparse, read: Read) -> Result<Found, Fault> {
    let budget = Budget::endless();
    let mut input = Input::open(content, &budget)?;
    let mut found = Found::default();
    read(&mut input, &mut found).map(|()| found)
}

/// The value of a tag of a source as text, by its group and its full name; a list has `|` between.
pub fn value(part: &Part, group: &str, name: &str) -> Option<String> {
    let tags = part.as_ref().expect("the source has no fault");
    let tag = tags.iter().find(|tag| tag.group == group && tag.full_name() == name)?;
    fn text(value: &TagValue) -> String {
        match value {
            TagValue::Text(value) => value.clone(),
            TagValue::Bag(values) | TagValue::Seq(values) => values.iter().map(text).collect::<Vec<_>>().join("|"),
            TagValue::Struct(_) => panic!("no structure is expected"),
        }
    }
    Some(text(&tag.value))
}

/// An XMP packet that says a city.
pub fn xmp(city: &str) -> Vec<u8> {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:City='{city}'/></rdf:RDF>\
        </x:xmpmeta>"
    )
    .into_bytes()
}

/// An EXIF block that says a model, `Z9`.
pub const EXIF: &[u8] = b"II*\0\x08\0\0\0\x01\0\x10\x01\x02\0\x03\0\0\0Z9\0\0\0\0\0\0";

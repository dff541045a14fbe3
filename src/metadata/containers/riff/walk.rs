//! The chunks of a RIFF file, one after the other.

use std::borrow::Cow;

use crate::metadata::containers::endian::{code, le32};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::input::Input;
use crate::metadata::limits::{BOXES_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::{Family, Tag, Text};

const GROUP: Text = Cow::Borrowed("RIFF");

/// A chunk.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// Its four-character code.
    pub kind: [u8; 4],
    /// Its content, which may end behind the file.
    pub content: Extent,
}

impl Chunk {
    /// Where the next chunk begins: chunks begin at even offsets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.content.end.saturating_add(self.content.length() & 1)
    }
}

/// The walk through the chunks of one file, and what it has found.
pub struct Walk<'w, 'a> {
    /// The file.
    pub input: &'w mut Input<'a>,
    /// The sources that blocks belong to.
    pub found: &'w mut Found,
    /// The container's own tags.
    pub tags: Vec<Tag>,
    chunks: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    /// A walk that has not begun.
    pub fn new(input: &'w mut Input<'a>, found: &'w mut Found) -> Self {
        Self { input, found, tags: Vec::new(), chunks: 0 }
    }

    /// The chunk at an offset; `None` when fewer than 8 bytes are left.
    ///
    /// # Errors
    /// As the disk says, or when the file has more chunks than allowed.
    pub fn chunk(&mut self, at: u64, end: u64) -> Result<Option<Chunk>, Fault> {
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        self.input.budget.step()?;
        self.chunks += 1;
        if self.chunks > BOXES_MAX {
            return Err(Fault::limit("a file has more chunks than allowed", format!("{BOXES_MAX} chunks")));
        }
        let head = self.input.at_most(at, 8)?;
        let (Some(kind), Some(size)) = (code(head, 0), le32(head, 4)) else { return Ok(None) };
        let begin = at.saturating_add(8);
        Ok(Some(Chunk { kind, content: Extent { begin, end: begin.saturating_add(size.into()) } }))
    }

    /// Adds a tag, unless there is one of its name: the first stream of a file counts. An overlong value is left out.
    pub fn tag(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if value.len() <= VALUE_BYTES_MAX && self.tags.iter().all(|tag| tag.name != name) {
            self.tags.push(Tag::text(Family::Riff, GROUP, name, value));
        }
    }
}

//! The boxes of ISO BMFF, one after the other (ISO/IEC 14496-12, section 4.2; QuickTime File Format, "Atoms").
//!
//! Goes from header to header and reads nothing between. Does not descend by itself: a reader that knows that a box
//! contains boxes walks its extent, so boxes nest as deep as the code does (at most seven levels; the limit is eight).

use crate::metadata::containers::endian::{be32, be64, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::input::Input;
use crate::metadata::limits::{BOXES_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::{Family, Tag, Text};

/// A box.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Its four-character code.
    pub kind: [u8; 4],
    /// Its content. `u64::MAX` is the end of a box whose size cannot be true.
    pub content: Extent,
}

/// The walk through the boxes of one file, and what it has found.
pub struct Walk<'w, 'a> {
    /// The file.
    pub input: &'w mut Input<'a>,
    /// The sources that blocks belong to.
    pub found: &'w mut Found,
    /// The container's own tags.
    pub tags: Vec<Tag>,
    /// Whether times say their zone, which is UTC: Canon's CR3 keeps to the specification, most movies do not.
    pub has_utc: bool,
    boxes: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    /// A walk that has not begun.
    pub fn new(input: &'w mut Input<'a>, found: &'w mut Found) -> Self {
        Self { input, found, tags: Vec::new(), has_utc: false, boxes: 0 }
    }

    /// The box at an offset, which may end anywhere; `None` when fewer than 8 bytes are left, or a box of size 0 says
    /// that it ends inside another box (QuickTime ends user data so).
    ///
    /// # Errors
    /// As the disk says, or when the file has more boxes than allowed.
    pub fn header(&mut self, at: u64, end: u64) -> Result<Option<Header>, Fault> {
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        self.count()?;
        let is_top = end == self.input.size();
        let head = self.input.at_most(at, 16)?;
        let (Some(size), Some(kind)) = (be32(head, 0), code(head, 4)) else { return Ok(None) };
        let (size, header_size) = match size {
            0 if is_top => (end - at, 8),
            0 => return Ok(None),
            1 => (be64(head, 8).unwrap_or(0), 16),
            size => (u64::from(size), 8),
        };
        let box_end = if size < header_size { u64::MAX } else { at.saturating_add(size) };
        Ok(Some(Header { kind, content: Extent { begin: at.saturating_add(header_size), end: box_end } }))
    }

    /// The box at an offset inside another one; `None` when that has no more that end inside it.
    ///
    /// # Errors
    /// As the disk says, or when the file has more boxes than allowed.
    pub fn child(&mut self, at: u64, parent: Extent) -> Result<Option<Header>, Fault> {
        Ok(self.header(at, parent.end)?.filter(|child| child.content.end <= parent.end))
    }

    /// Counts one more box, or something as large as one.
    ///
    /// # Errors
    /// When that is one too many.
    pub fn count(&mut self) -> Result<(), Fault> {
        self.input.budget.step()?;
        self.boxes += 1;
        if self.boxes > BOXES_MAX {
            return Err(Fault::limit("a file has more boxes than allowed", format!("{BOXES_MAX} boxes")));
        }
        Ok(())
    }

    /// Adds a tag of the container. An overlong value is left out.
    pub fn tag(&mut self, group: &Text, name: impl Into<Text>, value: impl Into<String>) {
        let value = value.into();
        if value.len() <= VALUE_BYTES_MAX {
            self.tags.push(Tag::text(Family::QuickTime, group.clone(), name, value));
        }
    }
}

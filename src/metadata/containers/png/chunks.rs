//! The chunks of a PNG file, one after the other (PNG, section 5.3).

use crate::metadata::containers::endian::{be32, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;
use crate::metadata::input::Input;
use crate::metadata::limits::BOXES_MAX;

/// Bytes of a chunk around its content: length, type, CRC.
const FRAME_BYTES: u64 = 12;

/// A chunk.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// Its type.
    pub kind: [u8; 4],
    /// Its content.
    pub content: Extent,
}

impl Chunk {
    /// Where the next chunk begins: behind the CRC.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.content.end.saturating_add(4)
    }
}

/// The walk through the chunks of one file.
#[derive(Debug, Default)]
pub struct Chunks {
    chunks: usize,
}

impl Chunks {
    /// The chunk at an offset; `None` when the file ends within it.
    ///
    /// # Errors
    /// As the disk says, or when the file has more chunks than allowed, or other bytes are where a chunk begins.
    pub fn next(&mut self, input: &mut Input<'_>, at: u64) -> Result<Option<Chunk>, Fault> {
        input.budget.step()?;
        self.chunks += 1;
        if self.chunks > BOXES_MAX {
            return Err(Fault::limit("a file has more chunks than allowed", format!("{BOXES_MAX} chunks")));
        }
        let size = input.size();
        let head = input.at_most(at, 8)?;
        let (Some(length), Some(kind)) = (be32(head, 0), code(head, 4)) else { return Ok(None) };
        if !kind.iter().all(u8::is_ascii_alphabetic) || length > i32::MAX.cast_unsigned() {
            return Err(Fault::damaged(super::FORMAT, "other bytes are where a chunk begins"));
        }
        let begin = at.saturating_add(8);
        let chunk = Chunk { kind, content: Extent { begin, end: begin.saturating_add(length.into()) } };
        Ok((chunk.next() <= size).then_some(chunk))
    }

    /// Where the run of image data ends that begins with this chunk.
    ///
    /// Encoders cut image data into pieces of one size, often 8 KiB: one by one, an image of 40 MB would cost 5,000
    /// reads. So the end of the pieces of that size is searched by halves. Image data that looks like the beginning of
    /// such a piece, at the very place, would have to be made so; all that it can do is hide chunks of its own file.
    ///
    /// # Errors
    /// As the disk says, or when the file's time is used up.
    pub fn past_run(&mut self, input: &mut Input<'_>, first: &Chunk) -> Result<u64, Fault> {
        let length = first.content.length();
        let stride = length + FRAME_BYTES;
        let begin = first.content.begin.saturating_sub(8);
        let place = |index: u64| stride.checked_mul(index).and_then(|offset| begin.checked_add(offset));
        let is_piece = |input: &mut Input<'_>, index: u64| -> Result<bool, Fault> {
            input.budget.step()?;
            let Some(at) = place(index) else { return Ok(false) };
            let head = input.at_most(at, 8)?;
            Ok(be32(head, 0).is_some_and(|other| u64::from(other) == length) && code(head, 4) == Some(*b"IDAT"))
        };
        // The pieces up to `last` are of the run; that at `beyond` is not.
        let (mut last, mut beyond) = (0, 1);
        while is_piece(input, beyond)? {
            last = beyond;
            beyond = beyond.saturating_mul(2);
        }
        while beyond - last > 1 {
            let middle = last + (beyond - last) / 2;
            if is_piece(input, middle)? {
                last = middle;
            } else {
                beyond = middle;
            }
        }
        Ok(place(last + 1).unwrap_or(u64::MAX))
    }
}

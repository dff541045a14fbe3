//! Reading a file's bytes, with a head that is read once and limits that no reader can forget.

use std::borrow::Cow;

use super::budget::Budget;
use super::content::Content;
use super::fault::Fault;
use super::limits::{BLOCK_BYTES_MAX, HEAD_BYTES};

/// Bytes that a read past the head asks for at least, so that small neighbours cost one read.
const READ_BYTES: usize = 4 * 1024;

/// A file, or a part of one, as readers see it: offsets count from where it begins.
///
/// The first 64 KiB are read at once and kept, and so is the last piece that was read past them, so that a reader asks
/// for what it needs, as small as it is, and the disk sees few reads.
pub struct Input<'a> {
    content: &'a dyn Content,
    size: u64,
    head: Cow<'a, [u8]>,
    piece: (u64, Vec<u8>),
    /// What is left of the file's time.
    pub budget: &'a Budget,
}

impl<'a> Input<'a> {
    /// Opens a content: reads its head.
    ///
    /// # Errors
    /// As the disk says.
    pub fn open(content: &'a dyn Content, budget: &'a Budget) -> Result<Self, Fault> {
        let mut input = Self { content, size: content.size(), head: Cow::default(), piece: (0, Vec::new()), budget };
        input.head = Cow::Owned(input.read(0, HEAD_BYTES)?);
        Ok(input)
    }

    /// Opens a block that is in memory, without a copy: all of it is the head.
    #[must_use]
    pub fn of_block(block: &'a &'a [u8], budget: &'a Budget) -> Self {
        Self { content: block, size: block.size(), head: Cow::Borrowed(block), piece: (0, Vec::new()), budget }
    }

    /// Bytes in all.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first bytes: of a file at most 64 KiB, of a block all. Readers know a format by them.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Exactly these bytes; `None` when the content ends before.
    ///
    /// # Errors
    /// As the disk says, or when more than a block's bytes are asked for.
    pub fn bytes(&mut self, at: u64, length: usize) -> Result<Option<&[u8]>, Fault> {
        let bytes = self.at_most(at, length)?;
        Ok((bytes.len() == length).then_some(bytes))
    }

    /// These bytes, as far as the content goes.
    ///
    /// # Errors
    /// As the disk says, or when more than a block's bytes are asked for.
    pub fn at_most(&mut self, at: u64, length: usize) -> Result<&[u8], Fault> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = length.min(left);
        if length > BLOCK_BYTES_MAX {
            return Err(Fault::limit("a block is larger than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
        }
        let inside = |begin: u64, bytes: &[u8]| {
            let skip = usize::try_from(at.checked_sub(begin)?).ok()?;
            bytes.get(skip..skip.checked_add(length)?).map(|_| skip..skip + length)
        };
        if let Some(range) = inside(0, &self.head) {
            return Ok(&self.head[range]);
        }
        if let Some(range) = inside(self.piece.0, &self.piece.1) {
            return Ok(&self.piece.1[range]);
        }
        self.piece = (at, self.read(at, length.max(READ_BYTES))?);
        let length = length.min(self.piece.1.len());
        Ok(&self.piece.1[..length])
    }

    fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, Fault> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; length.min(left)];
        let mut filled = 0;
        while filled < buffer.len() {
            match self.content.read_at(at + filled as u64, &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        buffer.truncate(filled);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use super::{Budget, Content, Input};

    struct Counted(Vec<u8>, RefCell<Vec<(u64, usize)>>);

    impl Content for Counted {
        fn size(&self) -> u64 {
            self.0.as_slice().size()
        }

        fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.borrow_mut().push((at, buffer.len()));
            // One at a time is enough of an answer.
            let length = buffer.len().min(50_000);
            self.0.as_slice().read_at(at, &mut buffer[..length])
        }
    }

    #[test]
    fn few_reads_give_any_bytes() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let (counted, budget) = (Counted(bytes.clone(), RefCell::default()), Budget::endless());
        let mut input = Input::open(&counted, &budget).expect("an input");
        assert_eq!(input.head(), &bytes[..65_536]);
        for (at, length) in [(0, 10), (65_530, 6), (65_530, 7), (65_540, 3), (100_000, 4_000), (104_000, 96)] {
            assert_eq!(input.bytes(at, length).expect("bytes"), Some(&bytes[at as usize..at as usize + length]));
        }
        assert_eq!(input.bytes(199_999, 2).expect("no fault"), None);
        assert_eq!(input.at_most(199_999, 2).expect("bytes"), &bytes[199_999..]);
        assert_eq!(input.bytes(u64::MAX, 1).expect("no fault"), None);
        let reads = [(0, 65_536), (50_000, 15_536), (65_530, 4_096), (100_000, 4_096), (199_999, 1)];
        assert_eq!(*counted.1.borrow(), reads);
    }
}

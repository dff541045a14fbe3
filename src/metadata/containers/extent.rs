//! The part of a file that a box or a chunk covers. Knows no format.

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Part};
use crate::metadata::input::Input;

/// Where the content of a box or a chunk is, without its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Offset of its first byte.
    pub begin: u64,
    /// Offset behind its last byte.
    pub end: u64,
}

impl Extent {
    /// Its bytes.
    #[must_use]
    pub fn length(self) -> u64 {
        self.end.saturating_sub(self.begin)
    }

    /// Its first bytes: as many as it has, at most `length_max`.
    ///
    /// # Errors
    /// As the disk says.
    pub fn head<'i>(self, input: &'i mut Input<'_>, length_max: usize) -> Result<&'i [u8], Fault> {
        input.at_most(self.begin, usize::try_from(self.length()).unwrap_or(usize::MAX).min(length_max))
    }

    /// Reads it as one block and adds what the block says to a source. A block that is too large, or that the file
    /// ends within, is a fault of that source.
    ///
    /// # Errors
    /// As the disk says.
    pub fn add_block(
        self,
        input: &mut Input<'_>,
        part: &mut Part,
        read: impl FnOnce(&[u8], &Budget) -> Part,
    ) -> Result<(), Fault> {
        let budget = input.budget;
        let block = match input.bytes(self.begin, usize::try_from(self.length()).unwrap_or(usize::MAX)) {
            Ok(Some(bytes)) => read(bytes, budget),
            Ok(None) => Err(Fault::damaged("a block of metadata", "the file ends within it")),
            Err(Fault::Io(error)) => return Err(error.into()),
            Err(fault) => Err(fault),
        };
        found::add(part, block);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Extent, Fault, Input};
    use crate::metadata::content::Content;
    use crate::metadata::limits::BLOCK_BYTES_MAX;
    use crate::metadata::tag::{Family, Tag};

    struct Zeros(u64);

    impl Content for Zeros {
        fn size(&self) -> u64 {
            self.0
        }

        fn read_at(&self, _: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_block_that_is_too_large_is_a_fault_of_its_source() {
        let (content, budget) = (Zeros(1 << 30), Budget::endless());
        let mut input = Input::open(&content, &budget).expect("an input");
        let mut part = Ok(Vec::new());
        let largest = Extent { begin: 100, end: 100 + BLOCK_BYTES_MAX as u64 };
        let read = |block: &[u8], _: &Budget| match block.len() {
            BLOCK_BYTES_MAX => Ok(vec![Tag::text(Family::Exif, "IFD0", "Make", "Acme")]),
            length => panic!("{length} bytes"),
        };
        largest.add_block(&mut input, &mut part, read).expect("the container is usable");
        assert_eq!(part.expect("a block").len(), 1);
        let mut part = Ok(Vec::new());
        let large = Extent { begin: 100, end: 101 + BLOCK_BYTES_MAX as u64 };
        large.add_block(&mut input, &mut part, |_, _| panic!("it is not read")).expect("the container is usable");
        let fault = part.expect_err("one byte too many").to_string();
        assert_eq!(fault, "a block is larger than allowed (limit: 16777216 bytes)");
        let mut part = Ok(Vec::new());
        let beyond = Extent { begin: (1 << 30) - 1, end: (1 << 30) + 1 };
        beyond.add_block(&mut input, &mut part, |_, _| panic!("it is not read")).expect("the container is usable");
        assert!(matches!(part, Err(Fault::Damaged { .. })));
        assert_eq!(Extent { begin: 7, end: 12 }.head(&mut input, 3).expect("bytes").len(), 3);
        assert_eq!(Extent { begin: 7, end: 9 }.head(&mut input, 3).expect("bytes").len(), 2);
    }
}

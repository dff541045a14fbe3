//! Lines and columns of byte offsets. The table is built once for a file, so that a large file with many faults costs
//! its size and not their product.

use std::ops::Range;

/// Where the lines of one text begin.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

/// A place as people count: both from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters; each byte sequence that is not UTF-8 counts as one.
    pub column: usize,
}

impl<'a> LineIndex<'a> {
    /// Reads the text once.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        let after_newlines = text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The line (from 0) that holds an offset.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line (from 0) without its end.
    #[must_use]
    pub fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let mut end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        if end > start && self.text[end - 1] == b'\r' {
            end -= 1;
        }
        start..end
    }

    /// Line and column of an offset; past the end counts as the end.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.line(offset);
        let before = &self.text[self.starts[line]..offset];
        Place { line: line + 1, column: String::from_utf8_lossy(before).chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::{LineIndex, Place};

    #[test]
    fn places_count_from_one_and_in_characters() {
        let text = "a\r\nb\u{e9}c\n".as_bytes();
        let index = LineIndex::new(text);
        for (offset, line, column) in [(0, 1, 1), (1, 1, 2), (3, 2, 1), (6, 2, 3), (8, 3, 1), (99, 3, 1)] {
            assert_eq!(index.place(offset), Place { line, column }, "{offset}");
        }
        assert_eq!(index.range(0), 0..1);
        assert_eq!(index.range(1), 3..7);
        assert_eq!(index.range(2), 8..8);
    }
}

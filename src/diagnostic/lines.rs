//! Lines and columns of byte offsets. The table is built once for a file, so that a large file with many faults costs
//! its size and not their product, also where all of it is one line.

use std::ops::Range;

/// Where the lines of one text begin.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
    /// Of long lines, characters some [`COUNTED_MAX`] bytes apart: where each begins, and its column.
    columns: Vec<(usize, usize)>,
}

/// Bytes, at most, that are counted anew for each place, give or take a character: in longer lines the column of a
/// character each so many bytes is kept.
const COUNTED_MAX: usize = 1_024;

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
        let starts: Vec<usize> = std::iter::once(0).chain(after_newlines).collect();
        let mut columns = Vec::new();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        for (&start, end) in starts.iter().zip(ends).filter(|(start, end)| end - *start > COUNTED_MAX) {
            let (mut at, mut counted) = (start, start);
            for (length, column) in characters(&text[start..end]).zip(1..) {
                if at - counted >= COUNTED_MAX {
                    columns.push((at, column));
                    counted = at;
                }
                at += length;
            }
        }
        Self { text, starts, columns }
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
        let start = self.starts[line];
        let known = self.columns[..self.columns.partition_point(|(at, _)| *at <= offset)].last();
        let (from, column) = known.copied().filter(|(at, _)| *at >= start).unwrap_or((start, 1));
        Place { line: line + 1, column: column + characters(&self.text[from..offset]).count() }
    }
}

/// The length of each character in bytes; what is not UTF-8 counts as one.
fn characters(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = Some(chunk.invalid().len()).filter(|length| *length > 0);
        chunk.valid().chars().map(char::len_utf8).chain(invalid)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "it measures how long counting takes")]

    use std::time::Duration;

    use proptest::prelude::*;

    use super::{COUNTED_MAX, LineIndex, Place};
    use crate::cpu_time::cpu_time_of;

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

    #[test]
    fn a_line_past_the_limit_is_counted_from_the_middle_and_to_the_same_column() {
        for (length, kept) in [(COUNTED_MAX, 0), (COUNTED_MAX + 1, 1), (2 * COUNTED_MAX, 1), (2 * COUNTED_MAX + 1, 2)] {
            let text = "a".repeat(length);
            let index = LineIndex::new(text.as_bytes());
            assert_eq!(index.columns.len(), kept, "{length}");
            for offset in [0, COUNTED_MAX - 1, COUNTED_MAX, length] {
                assert_eq!(index.place(offset), Place { line: 1, column: offset + 1 }, "{length}");
            }
        }
    }

    proptest! {
        #[test]
        fn long_lines_are_counted_as_if_from_their_beginning(
            pieces in prop::collection::vec((prop::sample::select(vec!["a", "\u{e9}", "\u{1f3ac}", "\n"]), 1_usize..1_500), 1..5),
            odd in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            offsets in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        ) {
            let mut text: Vec<u8> = pieces.iter().flat_map(|(piece, times)| piece.repeat(*times).into_bytes()).collect();
            for (at, byte) in odd {
                let at = at.index(text.len());
                text[at] = byte;
            }
            let index = LineIndex::new(&text);
            for offset in offsets.iter().map(|offset| offset.index(text.len() + 1)) {
                let start = text[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let column = String::from_utf8_lossy(&text[start..offset]).chars().count() + 1;
                prop_assert_eq!(index.place(offset).column, column);
            }
        }
    }

    #[test]
    fn many_places_in_one_long_line_cost_little() {
        let text = "a".repeat(1_000 * COUNTED_MAX);
        let ((), took) = cpu_time_of(|| {
            let index = LineIndex::new(text.as_bytes());
            for offset in (0..text.len()).step_by(101) {
                assert_eq!(index.place(offset), Place { line: 1, column: offset + 1 });
            }
        });
        // Without optimisation.
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

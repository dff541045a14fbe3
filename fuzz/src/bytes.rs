//! Bytes as choices: each decides something small, so that a fuzzer which changes one byte changes one thing.

use arbitrary::Unstructured;

/// Choices that are left, and texts that were chosen and may be chosen again.
pub struct Bytes<'a> {
    rest: Unstructured<'a>,
    values: Vec<String>,
}

/// So many values are remembered.
const REMEMBERED_MAX: usize = 64;

impl<'a> Bytes<'a> {
    /// All of them are left.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: Unstructured::new(bytes), values: Vec::new() }
    }

    /// Whether none is left: whatever is chosen from now on is the first of its kind.
    #[must_use]
    pub fn are_used_up(&self) -> bool {
        self.rest.is_empty()
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        self.rest.arbitrary::<u8>().map_or(0, |byte| usize::from(byte) % end)
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Yes, once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// Up to `max` of these, side by side.
    pub fn joined(&mut self, pieces: &[&str], max: usize) -> String {
        (0..self.below(max + 1)).map(|_| self.one(pieces)).collect()
    }

    /// Remembers a value, so that rules and changes speak of the same.
    pub fn remember(&mut self, value: &str) {
        if self.values.len() < REMEMBERED_MAX {
            self.values.push(value.to_owned());
        }
    }

    /// A value that was chosen before.
    pub fn remembered(&mut self) -> Option<String> {
        let at = self.below(self.values.len().max(1));
        self.values.get(at).cloned()
    }
}

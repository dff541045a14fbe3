//! Texts that several things share: each is kept once, with a number, and goes when nobody uses it any more.

use super::hash::Hashing;
use super::prefetch::prefetch;
use super::slab::{NONE, Slab};
use super::table::Table;

/// The longest text that needs no memory of its own.
const INLINE: usize = 22;

/// All texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    places: Slab<Entry>,
    table: Table,
}

// Two lie in a cache line, and none across two of them.
#[derive(Debug, Clone)]
#[repr(align(32))]
struct Entry {
    bytes: Bytes,
    uses: u32,
    /// Another whose hash is the same.
    next: u32,
}

#[derive(Debug, Clone)]
enum Bytes {
    Inline(u8, [u8; INLINE]),
    Heap(Box<[u8]>),
}

impl Default for Entry {
    fn default() -> Self {
        Self { bytes: Bytes::Inline(0, [0; INLINE]), uses: 0, next: NONE }
    }
}

impl Bytes {
    fn new(text: &[u8]) -> Self {
        match u8::try_from(text.len()) {
            Ok(len) if text.len() <= INLINE => {
                let mut bytes = [0; INLINE];
                bytes[..text.len()].copy_from_slice(text);
                Self::Inline(len, bytes)
            }
            _ => Self::Heap(text.into()),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline(len, bytes) => &bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }
}

impl Texts {
    /// The text of a number.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.places.get(number).bytes.as_slice()
    }

    /// A text will be needed soon, if the number is one's: it may be of something else whose hash is the same.
    #[inline]
    pub(super) fn prefetch(&self, number: u32) {
        if let Some(entry) = self.places.at(number) {
            prefetch(entry);
        }
    }

    /// The number of a text that somebody uses.
    #[inline]
    pub(super) fn find(&self, hash: u64, text: &[u8]) -> Option<u32> {
        let mut at = self.table.get(hash);
        while at != NONE {
            let entry = self.places.get(at);
            if entry.bytes.as_slice() == text {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }

    /// The number of a text, which is used once more from now on.
    pub(super) fn take(&mut self, hashing: &Hashing, text: &[u8]) -> u32 {
        let hash = hashing.text(0, text);
        if let Some(number) = self.find(hash, text) {
            self.places.get_mut(number).uses += 1;
            return number;
        }
        let next = self.table.get(hash);
        let number = self.places.insert(Entry { bytes: Bytes::new(text), uses: 1, next });
        self.table.set(hash, number);
        number
    }

    /// A text is used once less.
    pub(super) fn give_back(&mut self, hashing: &Hashing, number: u32) {
        let entry = self.places.get_mut(number);
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let Entry { bytes, next, .. } = self.places.remove(number);
        let hash = hashing.text(0, bytes.as_slice());
        self.table.take_out(hash, (number, next), &mut self.places, |entry| &mut entry.next);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

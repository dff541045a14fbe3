//! Numbered places that are given back and used again. They are kept in chunks, so that one more never moves the others:
//! with a million of them a move would be a pause.

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Places in a chunk.
const CHUNK: usize = 1 << 12;

/// Things by number.
#[derive(Debug, Clone)]
pub(super) struct Slab<T> {
    chunks: Vec<Box<[T]>>,
    len: usize,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0, free: Vec::new() }
    }
}

impl<T: Default> Slab<T> {
    /// Puts a thing in; gives its number.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        if let Some(number) = self.free.pop() {
            *self.get_mut(number) = thing;
            return number;
        }
        if self.len == self.chunks.len() * CHUNK {
            self.chunks.push((0..CHUNK).map(|_| T::default()).collect());
        }
        let number = self.len as u32;
        self.len += 1;
        *self.get_mut(number) = thing;
        number
    }

    /// Gives a place back; gives what was there.
    pub(super) fn remove(&mut self, number: u32) -> T {
        self.free.push(number);
        std::mem::take(self.get_mut(number))
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> &T {
        let number = number as usize;
        &self.chunks[number / CHUNK][number % CHUNK]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> &mut T {
        let number = number as usize;
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }

    /// One more than the highest number that was ever given.
    pub(super) fn places(&self) -> usize {
        self.len
    }

    /// How many are in use.
    pub(super) fn len(&self) -> usize {
        self.len - self.free.len()
    }
}

//! Numbered places that are given back and used again.

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Things by number.
#[derive(Debug, Clone)]
pub(super) struct Slab<T> {
    places: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T: Default> Slab<T> {
    /// Puts a thing in; gives its number.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.places[number as usize] = thing;
            return number;
        }
        self.places.push(thing);
        self.places.len() as u32 - 1
    }

    /// Gives a place back; gives what was there.
    pub(super) fn remove(&mut self, number: u32) -> T {
        self.free.push(number);
        std::mem::take(self.get_mut(number))
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> &T {
        &self.places[number as usize]
    }

    /// What is at a number, if anything ever was.
    #[inline]
    pub(super) fn at(&self, number: u32) -> Option<&T> {
        self.places.get(number as usize)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> &mut T {
        &mut self.places[number as usize]
    }

    /// One more than the highest number that was ever given.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// How many are in use.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

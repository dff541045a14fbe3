//! From hashes to the heads of lists: one open-addressing table in 256 shards, so that growing is a short step and
//! never a pause.
//!
//! A slot keeps 32 bits of the hash. Two things whose hashes agree in those share a slot and so a list: whoever walks a
//! list compares what stands in it.

use super::prefetch::prefetch;
use super::slab::{NONE, Slab};

const SHARDS: usize = 256;
/// Slots of a shard that holds anything.
const SLOTS_MIN: usize = 4;

/// Heads of lists by hash.
#[derive(Debug, Clone)]
pub(super) struct Table {
    shards: Box<[Shard]>,
}

#[derive(Debug, Clone, Default)]
struct Shard {
    /// A power of two, at most 3/4 of them taken; none while it is empty.
    slots: Box<[Slot]>,
    taken: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    /// [`NONE`]: the slot is free.
    head: u32,
}

const FREE: Slot = Slot { tag: 0, head: NONE };

impl Default for Table {
    fn default() -> Self {
        Self { shards: vec![Shard::default(); SHARDS].into() }
    }
}

impl Table {
    /// The head of the list; [`NONE`] when there is none.
    #[inline]
    pub(super) fn get(&self, hash: u64) -> u32 {
        let shard = &self.shards[shard_of(hash)];
        shard.find(hash as u32).map_or(NONE, |at| shard.slots[at].head)
    }

    /// A list will be asked for soon.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        let slots = &self.shards[shard_of(hash)].slots;
        if let Some(slot) = slots.get(hash as u32 as usize & slots.len().wrapping_sub(1)) {
            prefetch(slot);
        }
    }

    /// Makes a list begin elsewhere; with [`NONE`] there is none any more.
    pub(super) fn set(&mut self, hash: u64, head: u32) {
        let shard = &mut self.shards[shard_of(hash)];
        match (shard.find(hash as u32), head) {
            (Some(at), NONE) => shard.remove(at),
            (Some(at), head) => shard.slots[at].head = head,
            (None, NONE) => {}
            (None, head) => shard.insert(Slot { tag: hash as u32, head }),
        }
    }

    /// Takes a thing out of the list of its hash. `after` is what came behind it, `next` where a thing says that.
    pub(super) fn take_out<T: Default>(
        &mut self,
        hash: u64,
        (gone, after): (u32, u32),
        things: &mut Slab<T>,
        next: impl Fn(&mut T) -> &mut u32,
    ) {
        let mut at = self.get(hash);
        if at == gone {
            return self.set(hash, after);
        }
        while at != NONE {
            let link = next(things.get_mut(at));
            if *link == gone {
                *link = after;
                return;
            }
            at = *link;
        }
    }
}

#[inline]
fn shard_of(hash: u64) -> usize {
    (hash >> 56) as usize
}

impl Shard {
    #[inline]
    fn find(&self, tag: u32) -> Option<usize> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.head == NONE {
                return None;
            }
            if slot.tag == tag {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, slot: Slot) {
        if (self.taken as usize + 1) * 4 > self.slots.len() * 3 {
            let double = vec![FREE; (self.slots.len() * 2).max(SLOTS_MIN)];
            let old = std::mem::replace(&mut self.slots, double.into());
            for slot in old.into_iter().filter(|slot| slot.head != NONE) {
                self.place(slot);
            }
        }
        self.place(slot);
        self.taken += 1;
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.tag as usize & mask;
        while self.slots[at].head != NONE {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// Frees a slot, and moves those back that only stood behind it.
    fn remove(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        self.taken -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots[at];
            if slot.head == NONE {
                break;
            }
            let home = slot.tag as usize & mask;
            // It may move into the hole if its home is not between the hole and where it stands.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = FREE;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::{NONE, Table};

    proptest! {
        #[test]
        fn a_table_is_a_map(steps in prop::collection::vec((0_u64..40, prop::option::of(0_u32..100)), 0..400)) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (hash, head) in steps {
                // Few shards and few homes.
                let hash = (hash % 2) << 56 | hash;
                match head {
                    Some(head) => drop(map.insert(hash, head)),
                    None => drop(map.remove(&hash)),
                }
                table.set(hash, head.unwrap_or(NONE));
                for hash in (0..40).map(|hash| (hash % 2) << 56 | hash) {
                    prop_assert_eq!(table.get(hash), map.get(&hash).copied().unwrap_or(NONE));
                }
            }
        }
    }
}

//! A map by small numbers of which a copy costs nothing: a copy and its original share what is the same in both. So
//! somebody may read a hundred thousand values as they were at one point in time, while single ones come and go.

use std::array;
use std::sync::Arc;

/// Bits of a number that one level of the tree decides.
const BITS: u32 = 5;
const WIDTH: usize = 1 << BITS;

/// Values by number, in order.
#[derive(Debug, Clone)]
pub struct ByNumber<V> {
    root: Option<Arc<Node<V>>>,
    /// Levels above the leaves.
    height: u32,
    len: usize,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "values are pointers, so both are of one size")]
enum Node<V> {
    Inner([Option<Arc<Node<V>>>; WIDTH]),
    Leaf([Option<V>; WIDTH]),
}

impl<V> Default for ByNumber<V> {
    fn default() -> Self {
        Self { root: None, height: 0, len: 0 }
    }
}

impl<V: Clone> ByNumber<V> {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&V> {
        let mut node = self.root.as_deref().filter(|_| covers(self.height, number))?;
        let mut level = self.height;
        loop {
            match node {
                Node::Inner(below) => node = below[slot(level, number)].as_deref()?,
                Node::Leaf(values) => return values[slot(0, number)].as_ref(),
            }
            level -= 1;
        }
    }

    /// Sets the value of a number; returns the one before.
    pub fn insert(&mut self, number: u64, value: V) -> Option<V> {
        while !covers(self.height, number) {
            let below = self.root.take();
            self.height += 1;
            let mut node = Node::empty(self.height);
            if let Node::Inner(slots) = &mut node {
                slots[0] = below;
            }
            self.root = Some(Arc::new(node));
        }
        let height = self.height;
        let root = self.root.get_or_insert_with(|| Arc::new(Node::empty(height)));
        let before = Arc::make_mut(root).insert(height, number, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Removes the value of a number; returns it.
    pub fn remove(&mut self, number: u64) -> Option<V> {
        self.get(number)?;
        let root = self.root.as_mut()?;
        let removed = Arc::make_mut(root).remove(self.height, number);
        self.len -= usize::from(removed.is_some());
        if self.len == 0 {
            (self.root, self.height) = (None, 0);
        }
        removed
    }

    /// All values with their numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        let mut path: Vec<(&Node<V>, usize, u64)> = self.root.iter().map(|root| (&**root, 0, 0)).collect();
        std::iter::from_fn(move || {
            loop {
                let (node, at, before) = path.pop()?;
                if at == WIDTH {
                    continue;
                }
                path.push((node, at + 1, before));
                let number = (before << BITS) | at as u64;
                match node {
                    Node::Inner(below) => path.extend(below[at].iter().map(|node| (&**node, 0, number))),
                    Node::Leaf(values) => {
                        if let Some(value) = &values[at] {
                            return Some((number, value));
                        }
                    }
                }
            }
        })
    }
}

impl<V: Clone> Node<V> {
    fn empty(level: u32) -> Self {
        match level {
            0 => Self::Leaf(array::from_fn(|_| None)),
            _ => Self::Inner(array::from_fn(|_| None)),
        }
    }

    fn insert(&mut self, level: u32, number: u64, value: V) -> Option<V> {
        match self {
            Self::Inner(below) => {
                let below = below[slot(level, number)].get_or_insert_with(|| Arc::new(Self::empty(level - 1)));
                Arc::make_mut(below).insert(level - 1, number, value)
            }
            Self::Leaf(values) => values[slot(0, number)].replace(value),
        }
    }

    /// Removes the value of a number that there is. What is empty then goes: numbers are given once, so nothing would
    /// ever fill it again.
    fn remove(&mut self, level: u32, number: u64) -> Option<V> {
        match self {
            Self::Inner(below) => {
                let slot = &mut below[slot(level, number)];
                let node = Arc::make_mut(slot.as_mut()?);
                let removed = node.remove(level - 1, number);
                if node.is_empty() {
                    *slot = None;
                }
                removed
            }
            Self::Leaf(values) => values[slot(0, number)].take(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Inner(below) => below.iter().all(Option::is_none),
            Self::Leaf(values) => values.iter().all(Option::is_none),
        }
    }
}

/// Returns whether a tree of such a height has a place for a number.
fn covers(height: u32, number: u64) -> bool {
    number.checked_shr(BITS * (height + 1)).unwrap_or(0) == 0
}

fn slot(level: u32, number: u64) -> usize {
    (number >> (BITS * level)) as usize & (WIDTH - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::ByNumber;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![4 => 0_u64..100, 2 => 0_u64..100_000, 1 => any::<u64>()]
    }

    proptest! {
        #[test]
        fn it_holds_what_an_ordered_map_holds_and_a_copy_what_it_held_then(
            steps in prop::collection::vec((number(), any::<bool>()), 0..200),
        ) {
            let (mut map, mut expect) = (ByNumber::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (step, (number, is_insert)) in steps.into_iter().enumerate() {
                if step % 20 == 0 {
                    copies.push((map.clone(), expect.clone()));
                }
                match is_insert {
                    true => prop_assert_eq!(map.insert(number, step), expect.insert(number, step)),
                    false => prop_assert_eq!(map.remove(number), expect.remove(&number)),
                }
                prop_assert_eq!(map.get(number), expect.get(&number));
            }
            copies.push((map, expect));
            for (map, expect) in copies {
                prop_assert_eq!((map.len(), map.is_empty()), (expect.len(), expect.is_empty()));
                let all: Vec<_> = map.iter().map(|(number, value)| (number, *value)).collect();
                prop_assert_eq!(all, expect.into_iter().collect::<Vec<_>>());
            }
        }
    }
}

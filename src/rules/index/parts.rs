//! What is asked of parts of a key's values below one directory: which lengths of beginnings and ends, and the ends of
//! ranges in order.

use std::collections::BTreeMap;

use super::anchors::AFFIX_MAX;
use super::slab::NONE;
use crate::rules::condition::{Comparison, Relation};
use crate::rules::value::{Ordered, Scale};

/// Where a bound stands among the others: numbers and dates apart, in their order, and at one value those that it meets
/// itself beside those that it does not.
type Place = (u8, Ordered, u8);

/// What is asked of parts of the values of one key below one directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    /// How many postings need it.
    pub uses: u32,
    /// A bit for each length of a beginning that is asked for. Bits stay until nothing is asked any more.
    pub prefixes: u64,
    /// The same of ends.
    pub suffixes: u64,
    /// Whether three bytes somewhere in a value are asked for.
    pub grams: bool,
    /// The first posting of each list of `>` and `>=`.
    above: BTreeMap<Place, u32>,
    /// The first posting of each list of `<` and `<=`.
    below: BTreeMap<Place, u32>,
}

/// The comparison of one posting.
#[derive(Debug, Clone, Default)]
pub(super) struct Bound {
    pub parts: u32,
    pub comparison: Option<Comparison>,
}

impl Parts {
    /// Whether any comparison is asked.
    pub(super) fn compares(&self) -> bool {
        !self.above.is_empty() || !self.below.is_empty()
    }

    /// The first posting of the list of a comparison.
    pub(super) fn head(&self, comparison: &Comparison) -> u32 {
        let (lists, place) = match side(comparison) {
            (true, place) => (&self.above, place),
            (false, place) => (&self.below, place),
        };
        lists.get(&place).copied().unwrap_or(NONE)
    }

    /// Makes the list of a comparison begin elsewhere.
    pub(super) fn set_head(&mut self, comparison: &Comparison, head: u32) {
        let (lists, place) = match side(comparison) {
            (true, place) => (&mut self.above, place),
            (false, place) => (&mut self.below, place),
        };
        match head {
            NONE => drop(lists.remove(&place)),
            head => drop(lists.insert(place, head)),
        }
    }

    /// The lists of all comparisons that a value passes.
    pub(super) fn passed<'a>(&'a self, scale: Scale, value: &Ordered) -> impl Iterator<Item = u32> + use<'a> {
        let scale = scale as u8;
        let lowest = Scale::Number.least();
        // Above: bounds below the value, and those at it that it meets.
        let above = self.above.range((scale, lowest.clone(), 0)..=(scale, value.clone(), 0));
        let below = self.below.range((scale, value.clone(), 1)..(scale + 1, lowest, 0));
        above.chain(below).map(|(_, head)| *head)
    }
}

/// Which side a comparison is filed on (`true` for `>` and `>=`), and where there.
fn side(comparison: &Comparison) -> (bool, Place) {
    let Comparison { relation, scale, bound } = comparison;
    let (above, rank) = match relation {
        Relation::AtLeast => (true, 0),
        Relation::More => (true, 1),
        Relation::Less => (false, 0),
        Relation::AtMost => (false, 1),
    };
    (above, (*scale as u8, bound.clone(), rank))
}

/// The bit of a length.
pub(super) fn length_bit(length: usize) -> u64 {
    debug_assert!((1..=AFFIX_MAX).contains(&length), "anchors cut what is longer");
    1 << length
}

/// The lengths in a mask that are not longer than a text, rising.
pub(super) fn lengths(mask: u64, longest: usize) -> impl Iterator<Item = usize> {
    let mut rest = if longest < AFFIX_MAX { mask & (length_bit(longest + 1) - 1) } else { mask };
    std::iter::from_fn(move || {
        let length = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
        rest &= rest - 1;
        Some(length)
    })
}

//! Which part of a split delivery: `0` is its first half, `1` its second, `0.1` the second half of the first.

use std::fmt;

use super::ids::{DeliveryNo, NodeId};

/// A part of a delivery, or the whole of it. Parts are ordered as their entries are; a part and the halves that
/// replaced it never exist at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Part {
    /// The halves chosen, the first in the highest bit.
    path: u16,
    /// How many halves were chosen.
    depth: u8,
}

impl Part {
    /// The whole delivery.
    pub const WHOLE: Self = Self { path: 0, depth: 0 };
    /// How often a delivery can be split: 10,000 entries are single ones after 14 splits.
    pub const DEPTH_MAX: u8 = 16;
    /// What the ledger keeps of the depth.
    const DEPTH_BITS: u32 = 5;

    /// Its two halves, in order; `None` when it was split too often.
    #[must_use]
    pub fn halves(self) -> Option<[Self; 2]> {
        if self.depth >= Self::DEPTH_MAX {
            return None;
        }
        let depth = self.depth + 1;
        let second = self.path | (1 << (Self::DEPTH_MAX - depth));
        Some([Self { path: self.path, depth }, Self { path: second, depth }])
    }

    /// Returns whether it is the whole delivery.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.depth == 0
    }

    /// The number that the ledger keeps for it. Numbers are ordered as parts are.
    #[must_use]
    pub fn code(self) -> i64 {
        (i64::from(self.path) << Self::DEPTH_BITS) | i64::from(self.depth)
    }

    /// The part of a [`Self::code`].
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        let path = u16::try_from(code >> Self::DEPTH_BITS).ok()?;
        let depth = u8::try_from(code & ((1 << Self::DEPTH_BITS) - 1)).ok()?;
        let rest = u16::MAX.checked_shr(depth.into()).unwrap_or(0);
        (depth <= Self::DEPTH_MAX && path & rest == 0).then_some(Self { path, depth })
    }

    /// The part that [`fmt::Display`] wrote, without its leading dot; empty for the whole.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut part = Self::WHOLE;
        for half in text.split('.').filter(|_| !text.is_empty()) {
            let halves = part.halves()?;
            part = halves[["0", "1"].iter().position(|known| *known == half)?];
        }
        Some(part)
    }
}

impl fmt::Display for Part {
    /// A dot and a digit for each half; nothing for the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.depth).try_for_each(|at| write!(f, ".{}", (self.path >> (15 - at)) & 1))
    }
}

/// What a delivery is known by in its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// Its number.
    pub number: DeliveryNo,
    /// The whole, or a part of it.
    pub part: Part,
}

impl DeliveryKey {
    /// A delivery that was not split.
    #[must_use]
    pub fn whole(number: DeliveryNo) -> Self {
        Self { number, part: Part::WHOLE }
    }
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.part)
    }
}

/// A delivery's id as receivers see it: the `webhook-id` header, the same on every attempt.
///
/// Written `NODE-NUMBER`, and for a part `NODE-NUMBER.0`: the ledger's [`NodeId`] in 16 hex digits, a dash, the
/// [`DeliveryNo`] in decimal, and the halves that lead to the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    /// The ledger that cut the delivery.
    pub node: NodeId,
    /// What it is known by there.
    pub key: DeliveryKey,
}

impl DeliveryId {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (node, rest) = text.split_once('-')?;
        let (number, part) = rest.split_once('.').unwrap_or((rest, ""));
        let id = Self {
            node: NodeId(u64::from_str_radix(node, 16).ok()?),
            key: DeliveryKey { number: DeliveryNo(number.parse().ok()?), part: Part::parse(part)? },
        };
        // One text an id: no leading zeros or signs, no capitals.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryId, Part};

    #[test]
    fn parts_are_ordered_as_their_entries_and_so_are_their_codes() {
        let mut parts = vec![Part::WHOLE];
        // Split the first part, then the last, and so on.
        for turn in 0..40 {
            let at = if turn % 2 == 0 { 0 } else { parts.len() - 1 };
            let Some(halves) = parts[at].halves() else { continue };
            parts.splice(at..=at, halves);
        }
        assert!(parts.is_sorted() && parts.iter().map(|part| part.code()).is_sorted());
        for part in parts {
            assert_eq!(Part::from_code(part.code()), Some(part));
            assert_eq!(Part::parse(part.to_string().trim_start_matches('.')), Some(part));
        }
    }

    #[test]
    fn a_part_is_split_up_to_the_limit() {
        let mut part = Part::WHOLE;
        for _ in 0..Part::DEPTH_MAX {
            part = part.halves().expect("fewer than the limit")[1];
        }
        assert_eq!(part.halves(), None);
        assert_eq!(Part::from_code(part.code()), Some(part));
        assert_eq!(Part::from_code(1), Part::WHOLE.halves().map(|halves| halves[0]));
        for bad in [-1, 17, 32, i64::MAX] {
            assert_eq!(Part::from_code(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in ["00000000000000a1-7", "00000000000000a1-7.0", "00000000000000a1-7.0.1"] {
            assert_eq!(DeliveryId::parse(text).expect(text).to_string(), text);
        }
        for text in
            ["", "a1-7", "00000000000000A1-7", "00000000000000a1-07", "00000000000000a1-7.", "00000000000000a1-7.2"]
        {
            assert_eq!(DeliveryId::parse(text), None, "{text}");
        }
    }
}

//! How much is asked of what is rarely asked: nobody looks up what no rule asks for.

use super::parts::length_bit;
use super::postings::Kind;
use crate::rules::condition::TextFact;

/// How many postings ask a thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub uses: u32,
    /// Of postings that ask for a beginning or an end, a bit for each length of one. Bits stay until nothing is asked
    /// any more.
    pub lengths: u64,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Metadata as it stands, of keys that are named.
    pub held: Count,
    /// The same whatever the key.
    pub held_some: Count,
    pub some_values: Count,
    pub key_prefixes: Count,
    pub key_suffixes: Count,
    pub facts: [FactCounts; TextFact::ALL.len()],
}

/// Those of one fact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FactCounts {
    pub whole: Count,
    pub prefixes: Count,
    pub suffixes: Count,
}

impl FactCounts {
    pub(super) fn uses(&self) -> u32 {
        self.whole.uses + self.prefixes.uses + self.suffixes.uses
    }
}

impl Tally {
    /// One more posting of a kind, whose text has a length.
    pub(super) fn note(&mut self, kind: Kind, length: usize) {
        let Some(count) = self.of(kind) else { return };
        count.uses += 1;
        if kind.is_part() {
            count.lengths |= length_bit(length);
        }
    }

    /// One posting less.
    pub(super) fn forget(&mut self, kind: Kind) {
        let Some(count) = self.of(kind) else { return };
        count.uses -= 1;
        if count.uses == 0 {
            count.lengths = 0;
        }
    }

    fn of(&mut self, kind: Kind) -> Option<&mut Count> {
        Some(match kind {
            Kind::HeldValue | Kind::HeldKey => &mut self.held,
            Kind::HeldSome => &mut self.held_some,
            Kind::SomeValue => &mut self.some_values,
            Kind::KeyPrefix => &mut self.key_prefixes,
            Kind::KeySuffix => &mut self.key_suffixes,
            Kind::Fact(fact) => &mut self.facts[fact as usize].whole,
            Kind::FactPrefix(fact) => &mut self.facts[fact as usize].prefixes,
            Kind::FactSuffix(fact) => &mut self.facts[fact as usize].suffixes,
            _ => return None,
        })
    }
}

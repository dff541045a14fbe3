//! Postings: one rule under one anchor. Those under the same anchor are a list.

use super::parts::{Bound, Parts, length_bit};
use super::slab::NONE;
use super::{Index, hash::Hashing, texts::Texts};
use crate::rules::condition::TextFact;

/// One rule under one anchor, in 32 bytes.
#[derive(Debug, Clone)]
pub(super) struct Posting {
    /// The next of its list.
    pub next: u32,
    /// The one before it; [`NONE`] for the first.
    pub prev: u32,
    /// The rule; [`NONE`] in the posting that says where the parts of a key's values are kept.
    pub rule: u32,
    /// The rule's next posting.
    pub sibling: u32,
    pub dir: u32,
    /// The key's text.
    pub key: u32,
    /// The value's text, or what [`Kind`] says.
    pub value: u32,
    pub kind: Kind,
    /// A bit for each action.
    pub actions: u8,
    pub flags: Flags,
}

/// What a posting asks beside directory and action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Touch,
    Value,
    Given,
    Without,
    Removed,
    Touched,
    Prefix,
    Suffix,
    Gram,
    /// `value` is the number of a [`Bound`].
    Compare,
    /// No rule's: `value` is the number of the [`Parts`] of its key below its directory.
    Parts,
    HeldValue,
    HeldKey,
    PathSuffix,
    Fact(TextFact),
}

impl Kind {
    /// Parts of several values may each find it.
    pub(super) fn is_found_by_parts(self) -> bool {
        matches!(self, Self::Prefix | Self::Suffix | Self::Gram | Self::Compare)
    }

    /// Whether it stands in the list of its key.
    pub(super) fn is_of_key(self) -> bool {
        matches!(self, Self::Given | Self::Without | Self::Removed | Self::Touched)
    }
}

/// How a posting is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    /// The path itself does not count, only what is below it.
    pub below_only: bool,
    /// The rule's expression has to be asked.
    pub check: bool,
    /// The rule may be found more than once.
    pub several: bool,
}

impl Default for Posting {
    fn default() -> Self {
        Self {
            next: NONE,
            prev: NONE,
            rule: NONE,
            sibling: NONE,
            dir: NONE,
            key: NONE,
            value: NONE,
            kind: Kind::Any,
            actions: 0,
            flags: Flags::default(),
        }
    }
}

/// Hashes of what is asked, whatever the directory.
impl Hashing {
    /// Of a key by its text's number.
    #[inline]
    pub(super) fn key(&self, key: u32) -> u64 {
        self.pair(1, u64::from(key))
    }

    /// Of what is asked of a key or a part of its values; `key` is [`Self::key`].
    #[inline]
    pub(super) fn of_key(&self, kind: Kind, key: u64, value: &[u8]) -> u64 {
        match kind {
            Kind::Value => self.text(key, value),
            Kind::Prefix => self.text(self.pair(key, 2), value),
            Kind::Suffix => self.text(self.pair(key, 3), value),
            Kind::Gram => self.text(self.pair(key, 4), value),
            Kind::Parts => self.pair(key, 5),
            Kind::HeldValue => self.text(self.pair(key, 6), value),
            Kind::HeldKey => self.pair(key, 7),
            _ => key,
        }
    }

    #[inline]
    pub(super) fn path_suffix(&self, suffix: &[u8]) -> u64 {
        self.text(8, suffix)
    }

    #[inline]
    pub(super) fn fact(&self, fact: TextFact, value: &[u8]) -> u64 {
        self.text(16 + fact as u64, value)
    }

    /// Of what is asked below a directory.
    #[inline]
    pub(super) fn below(&self, dir: u32, asked: u64) -> u64 {
        self.pair(asked, u64::from(dir))
    }

    /// Of what a posting asks; `None` where it stands in no list of the table.
    fn asked(&self, texts: &Texts, posting: &Posting) -> Option<u64> {
        let value = || if posting.value == NONE { &[][..] } else { texts.get(posting.value) };
        match posting.kind {
            Kind::Any | Kind::Touch | Kind::Compare => None,
            Kind::PathSuffix => Some(self.path_suffix(value())),
            Kind::Fact(fact) => Some(self.fact(fact, value())),
            Kind::Parts => Some(self.of_key(Kind::Parts, self.key(posting.key), &[])),
            kind if kind.is_of_key() => Some(self.key(posting.key)),
            kind => Some(self.of_key(kind, self.key(posting.key), value())),
        }
    }
}

impl Index {
    /// The parts of a key's values below a directory, used once more from now on.
    pub(super) fn parts_of(&mut self, dir: u32, key: u32) -> u32 {
        if let Some(parts) = self.find_parts(dir, key, self.hashing.key(key)) {
            self.parts.get_mut(parts).uses += 1;
            return parts;
        }
        let mut new = Parts::default();
        new.uses = 1;
        let parts = self.parts.insert(new);
        let posting = Posting { dir, key, value: parts, kind: Kind::Parts, ..Posting::default() };
        let number = self.postings.insert(posting);
        self.link(number);
        parts
    }

    /// The parts of a key's values below a directory, if any are asked for; `hash` is the key's.
    pub(super) fn find_parts(&self, dir: u32, key: u32, hash: u64) -> Option<u32> {
        let asked = self.hashing.of_key(Kind::Parts, hash, &[]);
        self.find_parts_posting(dir, key, asked).map(|number| self.postings.get(number).value)
    }

    fn find_parts_posting(&self, dir: u32, key: u32, asked: u64) -> Option<u32> {
        let mut at = self.table.get(self.hashing.below(dir, asked));
        while at != NONE {
            let posting = self.postings.get(at);
            if posting.kind == Kind::Parts && posting.dir == dir && posting.key == key {
                return Some(at);
            }
            at = posting.next;
        }
        None
    }

    /// Parts are used once less; without a use they go.
    fn give_parts_back(&mut self, dir: u32, key: u32, parts: u32) {
        let entry = self.parts.get_mut(parts);
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let asked = self.hashing.of_key(Kind::Parts, self.hashing.key(key), &[]);
        if let Some(number) = self.find_parts_posting(dir, key, asked) {
            self.unlink(number);
            self.postings.remove(number);
        }
        self.parts.remove(parts);
    }

    /// Puts a posting at the head of its list.
    pub(super) fn link(&mut self, number: u32) {
        let posting = self.postings.get(number);
        let (dir, key, kind) = (posting.dir, posting.key, posting.kind);
        let asked = self.hashing.asked(&self.texts, posting);
        if matches!(kind, Kind::Prefix | Kind::Suffix | Kind::Gram) {
            let length = self.texts.get(posting.value).len();
            let parts = self.parts_of(dir, key);
            let parts = self.parts.get_mut(parts);
            match kind {
                Kind::Prefix => parts.prefixes |= length_bit(length),
                Kind::Suffix => parts.suffixes |= length_bit(length),
                _ => parts.grams = true,
            }
        }
        if kind == Kind::PathSuffix {
            let length = self.texts.get(self.postings.get(number).value).len();
            self.dirs.get_mut(dir).suffixes |= length_bit(length);
        }
        let head = self.head(number, asked);
        if head != NONE {
            self.postings.get_mut(head).prev = number;
        }
        self.postings.get_mut(number).next = head;
        self.set_head(number, asked, number);
        if let Some(asked) = asked {
            let Self { hashing, postings, texts, dirs, .. } = self;
            let hash_of = |member: u32| {
                let posting = postings.get(member);
                (posting.dir == dir).then(|| hashing.asked(texts, posting)).flatten()
            };
            dirs.get_mut(dir).note(number, asked, hash_of);
        }
    }

    /// Takes a posting out of its list.
    fn unlink(&mut self, number: u32) {
        let posting = self.postings.get(number);
        let (prev, next) = (posting.prev, posting.next);
        if next != NONE {
            self.postings.get_mut(next).prev = prev;
        }
        if prev != NONE {
            self.postings.get_mut(prev).next = next;
        } else {
            let asked = self.hashing.asked(&self.texts, self.postings.get(number));
            self.set_head(number, asked, next);
        }
    }

    /// Takes a posting out, and gives back what it used.
    pub(super) fn unfile(&mut self, number: u32) {
        self.unlink(number);
        let Posting { dir, key, value, kind, .. } = self.postings.remove(number);
        match kind {
            Kind::HeldValue | Kind::HeldKey => self.held -= 1,
            Kind::Fact(fact) => self.facts[fact as usize] -= 1,
            Kind::Prefix | Kind::Suffix | Kind::Gram => {
                if let Some(parts) = self.find_parts(dir, key, self.hashing.key(key)) {
                    self.give_parts_back(dir, key, parts);
                }
            }
            _ => {}
        }
        if kind == Kind::Compare {
            let Bound { parts, .. } = self.bounds.remove(value);
            self.give_parts_back(dir, key, parts);
        } else if value != NONE {
            self.texts.give_back(&self.hashing, value);
        }
        if key != NONE {
            self.texts.give_back(&self.hashing, key);
        }
        self.dirs.give_back(&self.hashing, &mut self.texts, dir);
    }

    /// The first of the list that a posting stands in.
    fn head(&self, number: u32, asked: Option<u64>) -> u32 {
        let posting = self.postings.get(number);
        match (asked, posting.kind) {
            (Some(asked), _) => self.table.get(self.hashing.below(posting.dir, asked)),
            (None, Kind::Touch) => self.dirs.get(posting.dir).touch,
            (None, Kind::Compare) => {
                let Bound { parts, comparison } = self.bounds.get(posting.value);
                comparison.as_ref().map_or(NONE, |comparison| self.parts.get(*parts).head(comparison))
            }
            (None, _) => self.dirs.get(posting.dir).any,
        }
    }

    fn set_head(&mut self, number: u32, asked: Option<u64>, head: u32) {
        let posting = self.postings.get(number);
        match (asked, posting.kind) {
            (Some(asked), _) => self.table.set(self.hashing.below(posting.dir, asked), head),
            (None, Kind::Touch) => self.dirs.get_mut(posting.dir).touch = head,
            (None, Kind::Compare) => {
                let Bound { parts, comparison } = self.bounds.get(posting.value);
                if let Some(comparison) = comparison {
                    self.parts.get_mut(*parts).set_head(comparison, head);
                }
            }
            (None, _) => self.dirs.get_mut(posting.dir).any = head,
        }
    }
}

//! Postings: one rule under one anchor. Those under the same anchor are a list.

use super::parts::{Bound, Parts, length_bit};
use super::slab::NONE;
use super::{Index, hash::Hashing, texts::Texts};
use crate::rules::condition::TextFact;

/// What is asked below one directory, and by whom, in 32 bytes.
#[derive(Debug, Clone)]
#[repr(align(32))]
pub(super) struct Posting {
    /// The next of its list.
    pub next: u32,
    /// The one before it; [`NONE`] for the first.
    pub prev: u32,
    /// The rule that asks it, by its member; of a crowd, that many ask the same, its number. [`NONE`] in the posting
    /// that says where the parts of a key's values are kept.
    pub who: u32,
    /// The rule.
    pub rule: u32,
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
    /// From here on no key is named whole.
    HeldSome,
    SomeValue,
    KeyPrefix,
    KeySuffix,
    PathSuffix,
    Fact(TextFact),
    FactPrefix(TextFact),
    FactSuffix(TextFact),
}

impl Kind {
    /// Parts of several values may each find it.
    pub(super) fn is_found_by_parts(self) -> bool {
        matches!(self, Self::Prefix | Self::Suffix | Self::Gram | Self::Compare)
    }

    /// Whether it asks for a beginning or an end of something other than a value or a path.
    pub(super) fn is_part(self) -> bool {
        matches!(self, Self::KeyPrefix | Self::KeySuffix | Self::FactPrefix(_) | Self::FactSuffix(_))
    }

    /// Behind what its text is hashed, where it is asked for by that alone.
    fn salt(self) -> Option<u64> {
        Some(match self {
            Self::PathSuffix => 8,
            Self::HeldSome => 9,
            Self::SomeValue => 10,
            Self::KeyPrefix => 11,
            Self::KeySuffix => 12,
            Self::Fact(fact) => 16 + fact as u64,
            Self::FactPrefix(fact) => 32 + fact as u64,
            Self::FactSuffix(fact) => 48 + fact as u64,
            _ => return None,
        })
    }

    /// Whether it stands in the list of its key.
    pub(super) fn is_of_key(self) -> bool {
        matches!(self, Self::Given | Self::Without | Self::Removed | Self::Touched)
    }
}

/// How a posting is to be taken: a bit for each of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    /// The path itself does not count, only what is below it.
    pub(super) const BELOW_ONLY: Self = Self(1);
    /// The rule's expression has to be asked.
    pub(super) const CHECK: Self = Self(2);
    /// The rule may be found more than once.
    pub(super) const SEVERAL: Self = Self(4);
    /// Many ask the same.
    pub(super) const CROWD: Self = Self(8);

    /// This one too, if so.
    #[must_use]
    pub(super) fn with(self, other: Self, if_so: bool) -> Self {
        if if_so { Self(self.0 | other.0) } else { Self(self.0 & !other.0) }
    }

    #[inline]
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

// What a probe reads lies in half a cache line.
const _: () = assert!(size_of::<Posting>() == 32);

/// One rule at one of its postings.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    pub posting: u32,
    /// Where it stands in the crowd there.
    pub place: u32,
    /// The rule's next.
    pub sibling: u32,
}

/// Rules that ask the very same below the same directory, side by side, so that thousands that all match cost little
/// more than writing them down.
pub(super) type Crowd = Vec<InCrowd>;

/// One of a crowd.
#[derive(Debug, Clone, Copy)]
pub(super) struct InCrowd {
    pub rule: u32,
    pub member: u32,
}

/// Postings at the head of a list, at most, that are looked at for one that asks the same, so that adding a rule does
/// not take longer the longer the list is. Past it a rule is filed by itself.
pub(super) const ALIKE_MAX: usize = 4;

impl Default for Posting {
    fn default() -> Self {
        Self {
            next: NONE,
            prev: NONE,
            who: NONE,
            rule: NONE,
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
    /// Of a key.
    #[inline]
    pub(super) fn key(&self, key: &[u8]) -> u64 {
        self.text(1, key)
    }

    /// Of a value that a key is asked for.
    #[inline]
    pub(super) fn value(&self, key: u64, value: &[u8]) -> u64 {
        self.text(key, value)
    }

    /// Of what is asked of a key or a part of its values; `key` is [`Self::key`].
    #[inline]
    pub(super) fn of_key(&self, kind: Kind, key: u64, value: &[u8]) -> u64 {
        match kind {
            Kind::Value => self.value(key, value),
            Kind::Prefix => self.text(self.pair(key, 2), value),
            Kind::Suffix => self.text(self.pair(key, 3), value),
            Kind::Gram => self.text(self.pair(key, 4), value),
            Kind::Parts => self.pair(key, 5),
            Kind::HeldValue => self.text(self.pair(key, 6), value),
            Kind::HeldKey => self.pair(key, 7),
            _ => key,
        }
    }

    /// Of a text that is asked for whatever the key; `None` for kinds that name one.
    #[inline]
    pub(super) fn keyless(&self, kind: Kind, text: &[u8]) -> Option<u64> {
        kind.salt().map(|salt| self.text(salt, text))
    }

    /// Of what is asked below a directory.
    #[inline]
    pub(super) fn below(&self, dir: u32, asked: u64) -> u64 {
        self.pair(asked, u64::from(dir))
    }

    /// Of what a posting asks; `None` where it stands in no list of the table.
    fn asked(&self, texts: &Texts, posting: &Posting) -> Option<u64> {
        let value = || if posting.value == NONE { &[][..] } else { texts.get(posting.value) };
        let key = || self.key(texts.get(posting.key));
        match posting.kind {
            Kind::Any | Kind::Touch | Kind::Compare => None,
            Kind::Parts => Some(self.of_key(Kind::Parts, key(), &[])),
            kind if kind.is_of_key() => Some(key()),
            kind => self.keyless(kind, value()).or_else(|| Some(self.of_key(kind, key(), value()))),
        }
    }
}

impl Index {
    /// The parts of a key's values below a directory, used once more from now on.
    pub(super) fn parts_of(&mut self, dir: u32, key: u32) -> u32 {
        if let Some(parts) = self.find_parts(dir, self.texts.get(key)) {
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

    /// The parts of a key's values below a directory, if any are asked for.
    pub(super) fn find_parts(&self, dir: u32, key: &[u8]) -> Option<u32> {
        self.find_parts_posting(dir, key).map(|number| self.postings.get(number).value)
    }

    fn find_parts_posting(&self, dir: u32, key: &[u8]) -> Option<u32> {
        let asked = self.hashing.of_key(Kind::Parts, self.hashing.key(key), &[]);
        let mut at = self.table.get(self.hashing.below(dir, asked));
        while at != NONE {
            let posting = self.postings.get(at);
            if posting.kind == Kind::Parts && posting.dir == dir && self.texts.get(posting.key) == key {
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
        if let Some(number) = self.find_parts_posting(dir, self.texts.get(key)) {
            self.unlink(number);
            self.postings.remove(number);
        }
        self.parts.remove(parts);
    }

    /// Files a rule under a posting: its own, or a crowd's that asks the same.
    pub(super) fn join(&mut self, rule: u32, posting: Posting) {
        let sibling = self.rules.get(rule).first;
        let member = self.members.insert(Member { posting: NONE, place: 0, sibling });
        self.rules.get_mut(rule).first = member;
        let number = match self.find_alike(&posting) {
            Some(number) => {
                self.give_asked_back(&posting);
                let other = self.postings.get_mut(number);
                if !other.flags.has(Flags::CROWD) {
                    let first = InCrowd { rule: other.rule, member: other.who };
                    other.flags = other.flags.with(Flags::CROWD, true);
                    other.who = self.crowds.insert(vec![first]);
                }
                let crowd = self.crowds.get_mut(other.who);
                self.members.get_mut(member).place = crowd.len() as u32;
                crowd.push(InCrowd { rule, member });
                number
            }
            None => {
                let number = self.postings.insert(Posting { who: member, rule, ..posting });
                self.link(number);
                number
            }
        };
        self.members.get_mut(member).posting = number;
    }

    /// Takes a rule out of one of its postings; gives its next.
    pub(super) fn leave(&mut self, member: u32) -> u32 {
        let Member { posting: number, place, sibling } = self.members.remove(member);
        let posting = self.postings.get(number);
        if posting.flags.has(Flags::CROWD) {
            let who = posting.who;
            let crowd = self.crowds.get_mut(who);
            crowd.swap_remove(place as usize);
            if let Some(moved) = crowd.get(place as usize) {
                self.members.get_mut(moved.member).place = place;
            }
            if !crowd.is_empty() {
                return sibling;
            }
            self.crowds.remove(who);
        }
        self.unfile(number);
        sibling
    }

    /// A posting that asks the same, among the first of its list.
    fn find_alike(&self, posting: &Posting) -> Option<u32> {
        let mut at = self.head(posting, self.hashing.asked(&self.texts, posting));
        for _ in 0..ALIKE_MAX {
            if at == NONE {
                return None;
            }
            let other = self.postings.get(at);
            let is_alike = other.dir == posting.dir
                && other.kind == posting.kind
                && other.key == posting.key
                && (other.value == posting.value || self.is_same_bound(other, posting))
                && other.actions == posting.actions
                && other.flags.with(Flags::CROWD, false) == posting.flags;
            if is_alike {
                return Some(at);
            }
            at = other.next;
        }
        None
    }

    fn is_same_bound(&self, a: &Posting, b: &Posting) -> bool {
        a.kind == Kind::Compare && self.bounds.get(a.value).comparison == self.bounds.get(b.value).comparison
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
        let head = self.head(self.postings.get(number), asked);
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
    fn unfile(&mut self, number: u32) {
        self.unlink(number);
        let posting = self.postings.remove(number);
        let Posting { dir, key, kind, .. } = posting;
        if let Kind::Prefix | Kind::Suffix | Kind::Gram = kind
            && let Some(parts) = self.find_parts(dir, self.texts.get(key))
        {
            self.give_parts_back(dir, key, parts);
        }
        self.give_asked_back(&posting);
    }

    /// Gives back what [`Index::asked`] took into use, and the directory.
    fn give_asked_back(&mut self, posting: &Posting) {
        let Posting { dir, key, value, kind, .. } = *posting;
        self.tally.forget(kind);
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
    fn head(&self, posting: &Posting, asked: Option<u64>) -> u32 {
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

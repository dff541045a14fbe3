//! Which rules a change may fire, found without trying those that it does not.
//!
//! Each rule is filed under a few anchors (`anchors`): a directory together with a key and a value, a key, an action,
//! and so on. A change has few of them: the directories above its path, times the keys that it touched. So matching
//! costs the same beside a thousand rules as beside a million, and what a rule asks beyond its anchor is asked of the
//! rules that were found.
//!
//! In the way of a probe stand, cheapest first: is the key named by any rule at all (`texts`); a Bloom filter for each
//! directory (`dirs`); one hash table for all anchors (`table`); then the strings themselves, always. Values are filed
//! by what they are asked: whole, by their beginning or end, by three bytes of them, or sorted, for comparisons
//! (`parts`).
//!
//! Adding and removing one rule touches what it is filed under and nothing else; nothing here ever moves all rules at
//! once.

mod anchors;
mod dirs;
mod found;
mod hash;
mod parts;
mod postings;
mod prefetch;
mod probe;
mod slab;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod texts;

pub use probe::Scratch;

use super::condition::{Condition, Expr};
use anchors::{Anchor, What, anchors};
use dirs::Dirs;
use hash::Hashing;
use parts::{Bound, Parts};
use postings::{Crowd, Flags, Kind, Member, Posting};
use slab::{NONE, Slab};
use table::Table;
use tally::Tally;
use texts::Texts;

/// A set of conditions, each with a number, that says which of them a change fires.
#[derive(Debug, Clone)]
pub struct Index {
    hashing: Hashing,
    rules: Slab<RuleEntry>,
    members: Slab<Member>,
    postings: Slab<Posting>,
    crowds: Slab<Crowd>,
    /// By directory and what is asked, the first posting of each list.
    table: Table,
    texts: Texts,
    dirs: Dirs,
    /// What is asked of parts of values, for each directory and key.
    parts: Slab<Parts>,
    /// Of comparisons.
    bounds: Slab<Bound>,
    tally: Tally,
}

/// One rule.
#[derive(Debug, Clone, Default)]
struct RuleEntry {
    /// The first of its members; the others follow as siblings.
    first: u32,
    /// What it asks, where some anchor does not say all of it.
    expr: Option<Box<Expr>>,
}

impl Index {
    /// An empty index. `seed` is to be random: it keeps strangers from choosing rules whose hashes collide.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(Hashing::new(seed))
    }

    fn with(hashing: Hashing) -> Self {
        Self {
            hashing,
            rules: Slab::default(),
            members: Slab::default(),
            postings: Slab::default(),
            crowds: Slab::default(),
            table: Table::default(),
            texts: Texts::default(),
            dirs: Dirs::default(),
            parts: Slab::default(),
            bounds: Slab::default(),
            tally: Tally::default(),
        }
    }

    /// How many conditions are filed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Files a condition, for the changes of one tenant or for all; gives its number. Numbers begin at 0 and rise by
    /// one until one is removed; those are given again.
    pub fn add(&mut self, tenant: Option<&str>, condition: &Condition) -> u32 {
        let expr = condition.expr();
        let filed = anchors(&expr);
        let rule = self.rules.insert(RuleEntry { first: NONE, expr: None });
        let is_one_of_several = filed.len() > 1;
        for anchor in &filed {
            self.file(rule, tenant, anchor, is_one_of_several);
        }
        if filed.iter().any(|anchor| !anchor.exact) {
            self.rules.get_mut(rule).expr = Some(Box::new(expr.into_owned()));
        }
        rule
    }

    /// Removes a condition by its number.
    pub fn remove(&mut self, rule: u32) {
        let entry = self.rules.remove(rule);
        let mut at = entry.first;
        while at != NONE {
            at = self.leave(at);
        }
    }

    fn file(&mut self, rule: u32, tenant: Option<&str>, anchor: &Anchor<'_>, is_one_of_several: bool) {
        let (path, itself) = anchor.dir.map_or((&b"/"[..], false), |dir| (dir.path, dir.itself));
        let dir = self.dirs.take(&self.hashing, &mut self.texts, tenant, path);
        let (kind, key, value) = self.asked(dir, &anchor.what);
        let flags = Flags::default()
            .with(Flags::BELOW_ONLY, !itself)
            .with(Flags::CHECK, !anchor.exact)
            // Several values of one key may each find it.
            .with(Flags::SEVERAL, is_one_of_several || kind.is_found_by_parts());
        self.tally.note(kind, if kind.is_part() { self.texts.get(value).len() } else { 0 });
        self.join(rule, Posting { dir, key, value, kind, actions: anchor.actions, flags, ..Posting::default() });
    }

    /// What a posting says, with its texts taken into use.
    fn asked(&mut self, dir: u32, what: &What<'_>) -> (Kind, u32, u32) {
        use anchors::KeyTest;
        let hashing = self.hashing;
        let mut text = |text: &[u8]| self.texts.take(&hashing, text);
        match *what {
            What::Any => (Kind::Any, NONE, NONE),
            What::Touch => (Kind::Touch, NONE, NONE),
            What::HeldValue(key, value) => (Kind::HeldValue, text(key.as_bytes()), text(value.as_bytes())),
            What::HeldKey(key) => (Kind::HeldKey, text(key.as_bytes()), NONE),
            What::HeldSome(value) => (Kind::HeldSome, NONE, text(value.as_bytes())),
            What::SomeValue(value) => (Kind::SomeValue, NONE, text(value.as_bytes())),
            What::KeyPrefix(prefix) => (Kind::KeyPrefix, NONE, text(prefix)),
            What::KeySuffix(suffix) => (Kind::KeySuffix, NONE, text(suffix)),
            What::PathSuffix(suffix) => (Kind::PathSuffix, NONE, text(suffix)),
            What::Fact(fact, value) => (Kind::Fact(fact), NONE, text(value.as_bytes())),
            What::FactPrefix(fact, prefix) => (Kind::FactPrefix(fact), NONE, text(prefix)),
            What::FactSuffix(fact, suffix) => (Kind::FactSuffix(fact), NONE, text(suffix)),
            What::Key(key, test) => {
                let key = text(key.as_bytes());
                match test {
                    KeyTest::Value(value) => (Kind::Value, key, text(value.as_bytes())),
                    KeyTest::Without(value) => (Kind::Without, key, text(value.as_bytes())),
                    KeyTest::Given => (Kind::Given, key, NONE),
                    KeyTest::Removed => (Kind::Removed, key, NONE),
                    KeyTest::Touched => (Kind::Touched, key, NONE),
                    KeyTest::Prefix(prefix) => (Kind::Prefix, key, text(prefix)),
                    KeyTest::Suffix(suffix) => (Kind::Suffix, key, text(suffix)),
                    KeyTest::Gram(gram) => (Kind::Gram, key, text(gram)),
                    KeyTest::Compare(comparison) => {
                        let parts = self.parts_of(dir, key);
                        (Kind::Compare, key, self.bounds.insert(Bound { parts, comparison: Some(comparison.clone()) }))
                    }
                }
            }
        }
    }
}

//! Walking the lists that a probe has found: what stands there is compared, and the rules that fire are written down,
//! each once.

use super::Index;
use super::dirs::Above;
use super::postings::{Flags, Posting};
use super::slab::NONE;
use super::texts::Texts;
use crate::rules::eval::Subject;

/// A text that interned ones are compared with, once each.
pub(super) struct Same<'a> {
    text: &'a [u8],
    /// The number of the one that is the same, once it was met.
    number: u32,
}

impl<'a> Same<'a> {
    pub(super) fn to(text: &'a [u8]) -> Self {
        Self { text, number: NONE }
    }

    #[inline]
    pub(super) fn is(&mut self, texts: &Texts, number: u32) -> bool {
        if self.number == NONE && number != NONE && texts.get(number) == self.text {
            self.number = number;
        }
        number == self.number && number != NONE
    }
}

/// What was found so far.
pub(super) struct Found<'a, 's> {
    pub index: &'a Index,
    pub subject: &'a Subject<'s>,
    /// The bit of the change's action.
    pub action: u8,
    /// A bit for each rule that was found and may be found again.
    pub seen: &'a mut Vec<u64>,
    pub out: &'a mut Vec<u32>,
}

impl Found<'_, '_> {
    /// Takes those postings of a list that are of the directory and ask what the change has. Other things may stand in
    /// the list whose hash is the same.
    #[inline]
    pub(super) fn walk(&mut self, head: u32, above: Above, is_asked: impl FnMut(&Posting) -> bool) {
        self.walk_again(head, above, false, is_asked);
    }

    /// The same; `again` says that the list may be walked more than once for one change.
    #[inline]
    pub(super) fn walk_again(
        &mut self,
        head: u32,
        above: Above,
        again: bool,
        mut is_asked: impl FnMut(&Posting) -> bool,
    ) {
        let mut at = head;
        while at != NONE {
            let posting = self.index.postings.get(at);
            at = posting.next;
            let fits = posting.actions & self.action != 0
                && posting.dir == above.dir
                && !(above.itself && posting.flags.has(Flags::BELOW_ONLY))
                && is_asked(posting);
            if fits {
                self.take(posting, again);
            }
        }
    }

    #[inline]
    fn take(&mut self, posting: &Posting, again: bool) {
        let is_plain = !(again || posting.flags.has(Flags::SEVERAL) || posting.flags.has(Flags::CHECK));
        match (posting.flags.has(Flags::CROWD), is_plain) {
            (false, true) => self.out.push(posting.rule),
            (false, false) => self.take_once(posting.rule, posting.flags.has(Flags::CHECK)),
            (true, true) => self.out.extend(self.index.crowds.get(posting.who).iter().map(|one| one.rule)),
            (true, false) => {
                for one in self.index.crowds.get(posting.who) {
                    self.take_once(one.rule, posting.flags.has(Flags::CHECK));
                }
            }
        }
    }

    /// Takes a rule that may have been taken before; where its expression has to be asked, only if that is true.
    fn take_once(&mut self, rule: u32, check: bool) {
        let Some(word) = self.seen.get_mut(rule as usize / 64) else { return };
        let bit = 1 << (rule % 64);
        if *word & bit != 0 {
            return;
        }
        if check {
            let expr = self.index.rules.get(rule).expr.as_ref();
            if !expr.is_some_and(|expr| self.subject.fires(expr)) {
                return;
            }
        }
        *word |= bit;
        self.out.push(rule);
    }
}

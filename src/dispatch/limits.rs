//! Slots: how many attempts may be under way, in all and to one target.

use std::collections::HashMap;

/// Attempts under way in all, at most.
pub(super) const ATTEMPTS_MAX: usize = 256;
/// Attempts under way to one host and port, at most.
pub(super) const PER_TARGET_MAX: usize = 8;

/// The slots that are taken.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: usize,
    by_authority: HashMap<String, usize>,
}

impl Slots {
    /// Whether all slots are taken.
    pub(super) fn full(&self) -> bool {
        self.taken >= ATTEMPTS_MAX
    }

    /// Takes a slot, if there is one for that target.
    pub(super) fn take(&mut self, authority: &str) -> bool {
        let there = self.by_authority.get(authority).copied().unwrap_or(0);
        if self.full() || there >= PER_TARGET_MAX {
            return false;
        }
        self.taken += 1;
        self.by_authority.insert(authority.to_owned(), there + 1);
        true
    }

    /// Gives a slot back.
    pub(super) fn give_back(&mut self, authority: &str) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(there) = self.by_authority.get_mut(authority) {
            *there -= 1;
            if *there == 0 {
                self.by_authority.remove(authority);
            }
        }
    }
}

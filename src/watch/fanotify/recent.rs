//! Handles about which a question was answered lately: that a directory lies in no mount, that a file has one name. A
//! flood of events elsewhere on the disk costs a question for each handle, and a look-up for each event.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::handle::DirHandle;

/// Handles that are kept, in both halves: 6.5 MB at some 100 bytes each, enough for a flood elsewhere on the disk.
const KEPT_MAX: usize = 65_536;
/// An answer is believed for this long, and for twice as long at most. A rename or a new link, which change the answer,
/// are heard and take it out; this is for what is not heard.
const BELIEVED_FOR: Duration = Duration::from_secs(5);

/// The handles, in two halves: when the younger one is full, or old enough, the older one goes.
pub(super) struct Recent {
    young: HashSet<DirHandle>,
    old: HashSet<DirHandle>,
    turned: Instant,
}

impl Default for Recent {
    fn default() -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), turned: Instant::now() }
    }
}

impl Recent {
    /// Returns whether the answer holds for this handle.
    pub(super) fn holds(&self, handle: &[u8]) -> bool {
        self.young.contains(handle) || self.old.contains(handle)
    }

    /// Notes that it holds.
    pub(super) fn insert(&mut self, handle: DirHandle) {
        if self.young.len() >= KEPT_MAX / 2 {
            self.turn();
        }
        self.young.insert(handle);
    }

    /// It may not hold any more.
    pub(super) fn remove(&mut self, handle: &[u8]) {
        // Either may be empty, which saves hashing.
        if !self.young.is_empty() {
            self.young.remove(handle);
        }
        if !self.old.is_empty() {
            self.old.remove(handle);
        }
    }

    /// Lets go of what is too old.
    pub(super) fn age(&mut self, now: Instant) {
        if now.saturating_duration_since(self.turned) >= BELIEVED_FOR {
            self.turn();
            self.turned = now;
        }
    }

    fn turn(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{BELIEVED_FOR, KEPT_MAX, Recent};
    use crate::watch::fanotify::handle::DirHandle;

    fn handle(n: usize) -> DirHandle {
        DirHandle::read(&n.to_ne_bytes())
    }

    #[test]
    fn an_answer_is_believed_for_a_while_and_until_it_is_taken_back() {
        let mut recent = Recent::default();
        recent.insert(handle(1));
        recent.insert(handle(2));
        recent.remove(handle(2).as_bytes());
        let mut now = Instant::now();
        assert!(recent.holds(handle(1).as_bytes()) && !recent.holds(handle(2).as_bytes()));
        now += BELIEVED_FOR;
        recent.age(now);
        assert!(recent.holds(handle(1).as_bytes()), "not yet twice as long");
        now += BELIEVED_FOR;
        recent.age(now);
        assert!(!recent.holds(handle(1).as_bytes()));
    }

    #[test]
    fn a_flood_of_handles_is_bounded_and_keeps_the_newest() {
        let mut recent = Recent::default();
        (0..KEPT_MAX).for_each(|n| recent.insert(handle(n)));
        assert!((0..KEPT_MAX).all(|n| recent.holds(handle(n).as_bytes())), "at the limit all are kept");
        recent.insert(handle(KEPT_MAX));
        let first_kept = (0..=KEPT_MAX).find(|n| recent.holds(handle(*n).as_bytes()));
        assert_eq!(first_kept, Some(KEPT_MAX / 2), "past it the older half goes");
        for n in KEPT_MAX + 1..3 * KEPT_MAX {
            recent.insert(handle(n));
        }
        assert!(recent.young.len() + recent.old.len() <= KEPT_MAX);
        assert!(recent.holds(handle(3 * KEPT_MAX - 1).as_bytes()));
        assert!(recent.holds(handle(3 * KEPT_MAX - KEPT_MAX / 4).as_bytes()));
    }
}

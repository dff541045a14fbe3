//! Slots: how many attempts may be under way, in all, to one target, and to targets that have not shown that they
//! answer. Three hundred targets that accept a connection and never answer hold no more than their share of the slots,
//! so those that answer never wait for them.

use std::collections::HashMap;

use crate::model::slot_limits::SlotLimits;

/// What is known of a lane's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It accepted the last delivery.
    Proven,
    /// Nothing was sent to it yet.
    New,
    /// The last attempt failed.
    Failing,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Proven, Self::New, Self::Failing];
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The target has all that it may have.
    Target,
    /// All are taken, or all that this class may take.
    Full,
}

/// The slots that are taken.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    per_target: usize,
    taken: [usize; 3],
    by_authority: HashMap<String, usize>,
}

impl Default for Slots {
    fn default() -> Self {
        let SlotLimits { in_flight, per_target } = SlotLimits::default();
        Self::new(in_flight, per_target)
    }
}

impl Slots {
    /// So many slots in all, and for one target.
    pub(super) fn new(max: usize, per_target: usize) -> Self {
        Self { max, per_target, taken: [0; 3], by_authority: HashMap::new() }
    }

    /// Has other limits from now on. What is taken beyond them is given back in its own time.
    pub(super) fn limit(&mut self, limits: SlotLimits) {
        (self.max, self.per_target) = (limits.in_flight, limits.per_target);
    }

    /// How many attempts may be under way at once, at most.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Returns whether a class has no slot left.
    pub(super) fn is_full(&self, class: Class) -> bool {
        let [_, new, failing] = self.taken;
        let is_over = match class {
            Class::Proven => false,
            // A quarter is left to those that have shown that they answer.
            Class::New => new + failing >= (3 * self.max / 4).max(1),
            Class::Failing => failing >= (self.max / 2).max(1) || new + failing >= (3 * self.max / 4).max(1),
        };
        is_over || self.taken.iter().sum::<usize>() >= self.max
    }

    /// How many more attempts may be under way to a target.
    pub(super) fn room_at(&self, authority: &str) -> usize {
        self.per_target.saturating_sub(self.by_authority.get(authority).copied().unwrap_or(0))
    }

    /// Takes a slot, if there is one.
    pub(super) fn take(&mut self, class: Class, authority: &str) -> Result<(), Refusal> {
        if self.is_full(class) {
            return Err(Refusal::Full);
        }
        if self.by_authority.get(authority).is_some_and(|there| *there >= self.per_target) {
            return Err(Refusal::Target);
        }
        self.take_back(class, authority);
        Ok(())
    }

    /// Counts an attempt that is under way already.
    pub(super) fn take_back(&mut self, class: Class, authority: &str) {
        self.taken[class as usize] += 1;
        *self.by_authority.entry(authority.to_owned()).or_default() += 1;
    }

    /// Gives a slot back.
    pub(super) fn give_back(&mut self, class: Class, authority: &str) {
        self.taken[class as usize] = self.taken[class as usize].saturating_sub(1);
        if let Some(there) = self.by_authority.get_mut(authority) {
            *there -= 1;
            if *there == 0 {
                self.by_authority.remove(authority);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Refusal, Slots};
    use crate::model::slot_limits::SlotLimits;

    fn take(slots: &mut Slots, class: Class, most: usize) -> usize {
        (0..most).take_while(|n| slots.take(class, &format!("{class:?}{n}")).is_ok()).count()
    }

    #[test]
    fn targets_that_fail_take_half_of_the_slots_and_leave_a_quarter_with_the_new_ones() {
        let mut slots = Slots::new(16, 4);
        assert_eq!(take(&mut slots, Class::Failing, 100), 8);
        assert_eq!(take(&mut slots, Class::New, 100), 4);
        assert_eq!(take(&mut slots, Class::Proven, 100), 4);
        slots.give_back(Class::Proven, "Proven0");
        assert!(slots.is_full(Class::Failing) && slots.is_full(Class::New) && !slots.is_full(Class::Proven));
    }

    #[test]
    fn slots_are_taken_up_to_the_limits_that_hold_now() {
        let mut slots = Slots::new(16, 4);
        assert_eq!(take(&mut slots, Class::Proven, 3), 3);
        slots.limit(SlotLimits { in_flight: 2, per_target: 1 });
        slots.give_back(Class::Proven, "Proven0");
        assert_eq!(slots.take(Class::Proven, "a"), Err(Refusal::Full));
        slots.give_back(Class::Proven, "Proven1");
        assert_eq!(slots.take(Class::Proven, "Proven2"), Err(Refusal::Target));
        assert_eq!(slots.take(Class::Proven, "a"), Ok(()));
    }

    #[test]
    fn one_target_takes_no_more_than_its_own() {
        let mut slots = Slots::new(16, 2);
        assert_eq!(slots.take(Class::Proven, "a"), Ok(()));
        assert_eq!(slots.take(Class::Failing, "a"), Ok(()));
        assert_eq!(slots.take(Class::Proven, "a"), Err(Refusal::Target));
        slots.give_back(Class::Failing, "a");
        assert_eq!(slots.take(Class::Proven, "a"), Ok(()));
    }
}

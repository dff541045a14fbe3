//! Whose name is looked up next, and how many are at once. It looks nothing up.
//!
//! A look-up that hangs holds its place until the system gives up, which may take half a minute. So names whose last
//! look-up failed or was slow get half of the places, and with the names that are new three quarters of them: however
//! many hang, a name that was looked up quickly before finds a place, and a new one does once the others are known.

use std::collections::VecDeque;
use std::sync::Arc;

/// Look-ups at once, at most.
const LOOKUPS_MAX: usize = 32;
/// Look-ups at once of names that are not known to be good, at most.
const UNPROVEN_MAX: usize = 24;
/// Look-ups at once of names whose last one failed or was slow, at most.
const SUSPECTS_MAX: usize = 16;

/// What the last look-up of a name says of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It gave an answer, and soon.
    Good,
    /// There was none.
    New,
    /// It failed or was slow.
    Suspect,
}

/// The names that wait, and the number of those that are looked up.
#[derive(Debug, Default)]
pub(super) struct Turns {
    good: Lane,
    new: Lane,
    suspect: Lane,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Arc<str>>,
    running: usize,
}

impl Turns {
    /// Queues a name.
    pub(super) fn wait(&mut self, name: Arc<str>, standing: Standing) {
        self.lane(standing).waiting.push_back(name);
    }

    /// Takes a place for the next name, if there is one for any.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, Standing)> {
        let unproven = self.new.running + self.suspect.running;
        let all = self.good.running + unproven;
        let is_free = |standing| match standing {
            Standing::Good => all < LOOKUPS_MAX,
            Standing::New => all < LOOKUPS_MAX && unproven < UNPROVEN_MAX,
            Standing::Suspect => all < LOOKUPS_MAX && unproven < UNPROVEN_MAX && self.suspect.running < SUSPECTS_MAX,
        };
        let free = [Standing::Good, Standing::New, Standing::Suspect].map(|standing| (standing, is_free(standing)));
        for (standing, _) in free.into_iter().filter(|(_, is_free)| *is_free) {
            let lane = self.lane(standing);
            if let Some(name) = lane.waiting.pop_front() {
                lane.running += 1;
                return Some((name, standing));
            }
        }
        None
    }

    /// Gives back a place that was taken under a standing.
    pub(super) fn end(&mut self, standing: Standing) {
        self.lane(standing).running -= 1;
    }

    /// Lets only these names wait.
    pub(super) fn retain(&mut self, waits: impl Fn(&Arc<str>) -> bool) {
        for lane in [&mut self.good, &mut self.new, &mut self.suspect] {
            lane.waiting.retain(&waits);
        }
    }

    fn lane(&mut self, standing: Standing) -> &mut Lane {
        match standing {
            Standing::Good => &mut self.good,
            Standing::New => &mut self.new,
            Standing::Suspect => &mut self.suspect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{self, Good, New, Suspect};
    use super::{LOOKUPS_MAX, SUSPECTS_MAX, Turns, UNPROVEN_MAX};

    /// Queues so many more names of a standing; returns how many of those that wait are let in.
    fn let_in(turns: &mut Turns, count: usize, standing: Standing) -> usize {
        (0..count).for_each(|n| turns.wait(n.to_string().into(), standing));
        std::iter::from_fn(|| turns.take()).count()
    }

    #[test]
    fn suspects_get_half_of_the_places_and_with_new_names_three_quarters() {
        let mut turns = Turns::default();
        assert_eq!(let_in(&mut turns, 100, Suspect), SUSPECTS_MAX);
        assert_eq!(let_in(&mut turns, 100, New), UNPROVEN_MAX - SUSPECTS_MAX);
        assert_eq!(let_in(&mut turns, 100, Good), LOOKUPS_MAX - UNPROVEN_MAX);
    }

    #[test]
    fn new_names_go_before_suspects_and_good_ones_may_take_all_places() {
        let mut turns = Turns::default();
        assert_eq!(let_in(&mut turns, 100, Good), LOOKUPS_MAX);
        assert_eq!(let_in(&mut turns, 1, Suspect) + let_in(&mut turns, 1, New), 0);
        turns.end(Good);
        assert_eq!(turns.take().map(|(_, standing)| standing), Some(Good));
        let mut turns = Turns::default();
        assert_eq!(let_in(&mut turns, 100, New), UNPROVEN_MAX);
        assert_eq!(let_in(&mut turns, 1, Suspect), 0);
        turns.end(New);
        assert_eq!(turns.take().map(|(_, standing)| standing), Some(New));
    }

    #[test]
    fn names_of_one_standing_wait_in_line() {
        let mut turns = Turns::default();
        for name in ["a", "b", "c"] {
            turns.wait(name.into(), New);
        }
        let order: Vec<_> = std::iter::from_fn(|| turns.take()).map(|(name, _)| name.to_string()).collect();
        assert_eq!(order, ["a", "b", "c"]);
    }
}

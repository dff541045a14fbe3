//! Slows guessing down: counts wrong credentials by address. It knows no tokens, no requests and no clock.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use tokio::time::Instant;

use super::limits::{WRONG_ADDRESSES_MAX, WRONG_CREDENTIALS_MAX, WRONG_CREDENTIALS_WINDOW};

/// Who showed wrong credentials in the last second.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// When each address did, oldest first, at most [`WRONG_CREDENTIALS_MAX`] of them. `None` stands for all the
    /// addresses that found the table full: many addresses together get no further than one.
    recent: HashMap<Option<IpAddr>, VecDeque<Instant>>,
}

impl Throttle {
    /// Counts wrong credentials. False when there were too many already; those that are refused do not count, so
    /// whoever stops for a second starts afresh.
    pub(super) fn allows_wrong(&mut self, address: IpAddr, now: Instant) -> bool {
        let address = Some(address.to_canonical());
        if !self.recent.contains_key(&address) && self.recent.len() >= WRONG_ADDRESSES_MAX {
            self.recent.retain(|_, times| times.back().is_some_and(|&last| is_recent(last, now)));
        }
        let full = self.recent.len() >= WRONG_ADDRESSES_MAX;
        let address = if full && !self.recent.contains_key(&address) { None } else { address };
        let times = self.recent.entry(address).or_default();
        while times.front().is_some_and(|&first| !is_recent(first, now)) {
            times.pop_front();
        }
        if times.len() >= WRONG_CREDENTIALS_MAX {
            return false;
        }
        times.push_back(now);
        true
    }
}

fn is_recent(then: Instant, now: Instant) -> bool {
    now.saturating_duration_since(then) < WRONG_CREDENTIALS_WINDOW
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::{Throttle, WRONG_ADDRESSES_MAX, WRONG_CREDENTIALS_MAX};

    fn address(n: u32) -> IpAddr {
        Ipv4Addr::from(n).into()
    }

    #[test]
    fn five_a_second_and_address_and_a_second_later_five_again() {
        let start = tokio::time::Instant::now();
        let mut throttle = Throttle::default();
        let mut at = |ms: u64, who: u32| throttle.allows_wrong(address(who), start + Duration::from_millis(ms));
        let first: Vec<bool> = [0, 100, 200, 300, 400, 500, 999].map(|ms| at(ms, 1)).to_vec();
        assert_eq!(first, [true, true, true, true, true, false, false]);
        assert!(at(999, 2), "another address is not meant");
        assert!(at(1_000, 1), "the first of the five is a second ago");
        assert!(!at(1_001, 1), "and no other is");
    }

    #[test]
    fn many_addresses_get_no_further_than_one_once_the_table_is_full() {
        let start = tokio::time::Instant::now();
        let mut throttle = Throttle::default();
        let many = u32::try_from(WRONG_ADDRESSES_MAX).expect("small");
        for n in 0..many {
            assert!(throttle.allows_wrong(address(n), start));
        }
        let more = (many..many + 100).filter(|&n| throttle.allows_wrong(address(n), start)).count();
        assert_eq!(more, WRONG_CREDENTIALS_MAX);
        assert!(throttle.recent.len() <= WRONG_ADDRESSES_MAX + 1);
        let later = start + Duration::from_secs(2);
        assert!(throttle.allows_wrong(address(many), later), "old addresses make room");
        assert!(throttle.recent.len() < 10);
    }
}

//! Where everything that was matched for a subscription has come to: owed, on its way, accepted or given up, each in
//! one place; and whether each attempt had its turn and its time.

use std::collections::{BTreeMap, BTreeSet};

use ringback::model::attempt::{Answer, Attempted, Reply, RetryAfter};
use ringback::model::delivery::SendRequest;
use ringback::model::part::DeliveryKey;
use ringback::model::retry::RetrySchedule;
use ringback::model::subscription::Order;
use ringback::model::time::Now;

use super::ages::Ages;
use super::journal::Journal;
use super::ledger::{Reader, Wait};
use super::receiver::Receivers;

/// The longest that a `Retry-After` postpones an attempt.
const RETRY_AFTER_MS_MAX: u64 = 24 * 3_600_000;
/// Deliveries that a parallel subscription has frozen at most. A part of one that was split counts as the whole.
const PARALLEL_MAX: usize = 64;

/// A delivery that waits for its next attempt.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    since_ms: u64,
    delay_ms: u64,
}

/// The books, cumulative: what retention has forgotten is still in them.
#[derive(Debug, Default)]
pub struct Books {
    /// Whose each delivery was that is accepted or given up, and what it told.
    ended: BTreeMap<DeliveryKey, (String, BTreeSet<i64>)>,
    accepted: BTreeSet<DeliveryKey>,
    dead: BTreeSet<DeliveryKey>,
    /// By subscription, what has ended.
    settled: BTreeMap<String, BTreeMap<i64, DeliveryKey>>,
    waiting: BTreeMap<DeliveryKey, Waiting>,
    /// When something was accepted last, by target.
    accepted_at: BTreeMap<String, u64>,
    /// When each subscription was resumed last.
    pub resumed_at: BTreeMap<String, u64>,
    /// Schedule, target and delay so far of each delivery that was sent.
    schedules: BTreeMap<DeliveryKey, Tried>,
    /// What was sent while its subscription was parallel. It may be serial by now: a registration is replaced.
    sent_in_parallel: BTreeSet<DeliveryKey>,
}

#[derive(Debug, Clone)]
struct Tried {
    schedule: RetrySchedule,
    subscription: String,
    authority: String,
    /// What the attempts took and the delays between them, where nothing cut a delay short.
    waited_ms: u64,
}

impl Books {
    /// Takes what a group has ended.
    ///
    /// # Errors
    /// A broken promise.
    pub fn take(&mut self, ledger: &Reader, receivers: &Receivers) -> Result<(), String> {
        // A subscription may be dropped in the group that ends its last delivery.
        let known = |name: String, key| match name.as_str() {
            "" => receivers.sent.get(&key).map(|sent| sent.subscription.clone()).unwrap_or_default(),
            _ => name,
        };
        for (key, (name, seqs)) in ledger.history() {
            if !self.accepted.insert(key) {
                continue;
            }
            if !receivers.taken.contains(&key) {
                return Err(format!("{key} of {name} is accepted, and nobody has taken it"));
            }
            let mut told: Vec<i64> = receivers.sent[&key].seqs.iter().flatten().copied().collect();
            told.sort_unstable();
            if told != seqs {
                return Err(format!("{key} of {name} has told {told:?}, and the history says {seqs:?}"));
            }
            self.end(key, known(name, key), seqs)?;
        }
        for (key, (name, told)) in ledger.told_in("dead") {
            if self.dead.insert(key) {
                self.end(key, known(name, key), told.into_iter().flatten())?;
            }
        }
        Ok(())
    }

    fn end(&mut self, key: DeliveryKey, name: String, seqs: impl IntoIterator<Item = i64>) -> Result<(), String> {
        let seqs: BTreeSet<i64> = seqs.into_iter().collect();
        let settled = self.settled.entry(name.clone()).or_default();
        for seq in &seqs {
            if let Some(before) = settled.insert(*seq, key) {
                return Err(format!("{name}: change {seq} is in the delivery {before} and in {key}"));
            }
        }
        match self.ended.insert(key, (name, seqs)) {
            Some(_) => Err(format!("{key} is accepted, and given up")),
            None => Ok(()),
        }
    }

    /// Power went: what the ledger does not know any more has not ended.
    pub fn power_cut(&mut self, ledger: &Reader) {
        let (accepted, dead) = (ledger.history(), ledger.told_in("dead"));
        self.accepted.retain(|key| accepted.contains_key(key));
        self.dead.retain(|key| dead.contains_key(key));
        let (accepted, dead) = (&self.accepted, &self.dead);
        self.ended.retain(|key, _| accepted.contains(key) || dead.contains(key));
        let ended = &self.ended;
        for settled in self.settled.values_mut() {
            settled.retain(|_, key| ended.contains_key(key));
        }
        self.schedules.clear();
        self.waiting.clear();
    }

    /// The process has ended: what it waited for is counted anew, from what the ledger holds.
    pub fn crash(&mut self) {
        self.waiting.clear();
        self.schedules.clear();
    }

    /// Everything that was matched is in one place, and nothing else is.
    ///
    /// # Errors
    /// A broken promise.
    pub fn balance(&self, ledger: &Reader, journal: &Journal, ages: &Ages) -> Result<(), String> {
        let mut places: BTreeMap<(String, i64), String> = BTreeMap::new();
        let hot = ledger.told_in("deliveries");
        let hot = hot.into_iter().flat_map(|(key, (name, told))| {
            told.into_iter().flatten().map(move |seq| (name.clone(), seq, format!("delivery {key}")))
        });
        let owed = ledger.owed_to().into_iter().map(|(name, seq)| (name, seq, "what is owed".to_owned()));
        let ended = self.settled.iter().flat_map(|(name, settled)| {
            settled.iter().map(move |(seq, key)| (name.clone(), *seq, format!("ended delivery {key}")))
        });
        for (name, seq, place) in ended.chain(hot).chain(owed) {
            if let Some(other) = places.insert((name.clone(), seq), place.clone()) {
                return Err(format!("{name}: change {seq} is in {other} and in {place}"));
            }
        }
        let matched: BTreeSet<_> =
            journal.expected.iter().map(|expected| (expected.subscription.clone(), expected.seq)).collect();
        if let Some(((name, seq), place)) = places.iter().find(|(whose, _)| !matched.contains(whose)) {
            return Err(format!("{name}: change {seq} was not matched, and is in {place}"));
        }
        let is_lost = |whose: &&(String, i64)| {
            let (name, seq) = whose;
            !places.contains_key(*whose) && !ages.is_dropped(name, *seq) && !ledger.lane(name).is_cancelled
        };
        match matched.iter().find(is_lost) {
            Some((name, seq)) => Err(format!("{name}: change {seq} was matched, and is nowhere")),
            None => Ok(()),
        }
    }

    /// An attempt goes out: it is its turn, and its time has come.
    ///
    /// # Errors
    /// A broken promise.
    pub fn check_turn(&self, request: &SendRequest, now: Now, ledger: &Reader, jumps: bool) -> Result<(), String> {
        let (key, subscription) = (request.id.key, &request.subscription);
        let name = subscription.name.as_str();
        let lane = ledger.lane(name);
        if lane.is_paused || lane.is_cancelled {
            return Err(format!("{key} is sent to {name}: {lane:?}"));
        }
        if let Some((whose, _)) = self.ended.get(&key) {
            return Err(format!("{key} of {whose} has ended, and is sent"));
        }
        let queue = ledger.queue(name);
        match subscription.order {
            Order::Serial => {
                if queue.first() != Some(&key) {
                    return Err(format!("{key} of {name} overtakes {:?}", queue.first()));
                }
                let is_serial = |later: &DeliveryKey| !self.sent_in_parallel.contains(later);
                let is_later = |later: &DeliveryKey, whose: &str| whose == name && *later > key && is_serial(later);
                if let Some((later, _)) = self.ended.iter().find(|(later, (whose, _))| is_later(later, whose)) {
                    return Err(format!("{key} of {name} comes after {later}"));
                }
            }
            Order::Parallel => {
                let numbers: BTreeSet<_> = queue.iter().map(|key| key.number).collect();
                if numbers.len() > PARALLEL_MAX {
                    return Err(format!("{name} has {} deliveries on their way", numbers.len()));
                }
            }
        }
        let since = |times: &BTreeMap<String, u64>, key: &str, at: u64| times.get(key).is_some_and(|time| *time >= at);
        if let Some(Waiting { since_ms, delay_ms }) = self.waiting.get(&key) {
            let waited = now.mono.0 - since_ms;
            let is_hurried =
                subscription.retry.is_default && since(&self.accepted_at, &subscription.target.authority(), *since_ms);
            if waited < *delay_ms && !is_hurried && !since(&self.resumed_at, name, *since_ms) && !jumps {
                return Err(format!("{key} of {name} is to wait {delay_ms} ms, and is sent after {waited}"));
            }
        }
        Ok(())
    }

    /// An attempt has gone out.
    pub fn sent(&mut self, request: &SendRequest, ledger: &Reader) {
        let key = request.id.key;
        self.waiting.remove(&key);
        let waited_ms = ledger.wait(key).map_or(0, |wait| wait.waited_ms);
        let subscription = &request.subscription;
        if subscription.order == Order::Parallel {
            self.sent_in_parallel.insert(key);
        }
        self.schedules.insert(
            key,
            Tried {
                schedule: RetrySchedule::clone(&subscription.retry),
                subscription: subscription.name.to_string(),
                authority: subscription.target.authority(),
                waited_ms,
            },
        );
    }

    /// What came of an attempt has been through a group: the delay that was chosen is the schedule's, or the longer one
    /// that the target asked for.
    ///
    /// # Errors
    /// A broken promise.
    pub fn attempted(
        &mut self,
        attempted: &Attempted,
        now: Now,
        ledger: &Reader,
        has_rule: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        let key = attempted.key;
        let Some(tried) = self.schedules.get(&key).filter(|tried| has_rule(&tried.subscription)) else { return Ok(()) };
        if self.accepted.contains(&key) {
            self.accepted_at.insert(tried.authority.clone(), now.mono.0);
            return Ok(());
        }
        let Some(Wait { attempts, delay_ms, waited_ms }) = ledger.wait(key).filter(|wait| {
            // A group that was lost has recorded nothing, and 410 has no delay.
            wait.attempts == attempted.attempt && attempted.reply.status() != Some(410)
        }) else {
            return Ok(());
        };
        let Tried { schedule, subscription, waited_ms: before_ms, .. } = tried;
        let last = schedule.delays_ms.len() - 1;
        let of_schedule = schedule.delays_ms[(attempts as usize - 1).min(last)];
        let tried_ms = waited_ms - delay_ms;
        // What cut a wait short is not in the ledger, and makes it less.
        let may_be_less = schedule.is_default || self.resumed_at.contains_key(subscription);
        let expect_ms = before_ms + attempted.duration_ms;
        if tried_ms > expect_ms || (tried_ms < expect_ms && !may_be_less) {
            return Err(format!("{key} of {subscription} was tried for {before_ms} ms before, and for {tried_ms} now"));
        }
        let left_ms = schedule.for_ms.map_or(u64::MAX, |for_ms| for_ms.saturating_sub(tried_ms));
        let least = of_schedule.min(left_ms);
        let most = if schedule.is_default { least + least / 10 } else { least };
        let asked = match &attempted.reply {
            Reply::Answered(Answer { status: 429 | 503, retry_after: Some(after), .. }) => match after {
                RetryAfter::Seconds(seconds) => seconds.saturating_mul(1_000),
                RetryAfter::At(at) => (at.0 - now.wall.0).max(0).cast_unsigned(),
            },
            _ => 0,
        };
        let asked = asked.min(RETRY_AFTER_MS_MAX);
        if !(least.max(asked)..=most.max(asked)).contains(&delay_ms) || left_ms == 0 {
            return Err(format!(
                "{key} of {subscription} waits {delay_ms} ms: its schedule says {least} to {most}, its target {asked}, \
                 and {left_ms} are left"
            ));
        }
        self.waiting.insert(key, Waiting { since_ms: now.mono.0, delay_ms });
        Ok(())
    }

    /// Whether a delivery is neither accepted nor given up, and the ledger has it.
    pub fn is_under_way(&self, key: DeliveryKey, ledger: &Reader) -> bool {
        !self.ended.contains_key(&key) && ledger.wait(key).is_some()
    }

    /// A subscription that lives until its first delivery has accepted one at most. A notice that entries were lost
    /// has none, and is not that delivery.
    ///
    /// # Errors
    /// A broken promise.
    pub fn check_once(&self, name: &str, receivers: &Receivers) -> Result<(), String> {
        let has_entries = |key: &DeliveryKey| !receivers.sent[key].entries.is_empty();
        let of_it = self.accepted.iter().filter(|key| self.ended[key].0 == name);
        match of_it.filter(|key| has_entries(key)).count() {
            0 | 1 => Ok(()),
            accepted => Err(format!("{name} lives once, and has accepted {accepted} deliveries")),
        }
    }

    /// Whether a change is in a dead letter of a subscription, sent or not.
    pub fn is_given_up(&self, name: &str, seq: i64) -> bool {
        self.settled.get(name).and_then(|settled| settled.get(&seq)).is_some_and(|key| self.dead.contains(key))
    }

    /// A delivery that was split: everything that it told has come to an end in its parts.
    pub fn is_split(&self, key: DeliveryKey, seqs: &[Vec<i64>]) -> bool {
        let mut parts = self.ended.iter().filter(|(part, _)| part.number == key.number && **part != key);
        let told: BTreeSet<i64> = parts.by_ref().flat_map(|(_, (_, seqs))| seqs.iter().copied()).collect();
        seqs.iter().flatten().all(|seq| told.contains(seq))
    }
}

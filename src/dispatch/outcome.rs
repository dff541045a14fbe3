//! What becomes of a delivery after an attempt. It is written down first, whole or not at all, and then applied to
//! memory.

use super::lane::{Head, HeadState};
use super::notes::{Note, NoteKind, said};
use super::{Dispatch, InFlight, Lane};
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::{Accepted, Body, Delivery};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::lane::{AcceptedSize, Failing, LanePolicy, Pause};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::retry::Accepts;
use crate::model::subscription::{Lifetime, Subscription};
use crate::model::task::TaskState;
use crate::model::time::{Now, Wall};
use crate::outbox::split::split;
use crate::outbox::verdict::{Tried, Verdict, verdict};
use crate::store::{DispatchTables, HotDelivery, StoreError};

/// After so many parts of one batch were refused in a row, each a single entry, the rest of it is given up too: the
/// target does not refuse an entry, it refuses everything.
const REFUSED_MAX: u32 = 8;
/// A lane to which nothing was delivered for this long, milliseconds, is paused: nobody misses what it is sent.
const FAILING_MS_MAX: i64 = 5 * 24 * 3_600_000;
/// The time of the last success is written down this often, milliseconds, and no more: it is for people, and for a
/// start to know which targets answer.
const SUCCESS_MS: i64 = 3_600_000;
/// A size that a target took after it had refused larger batches is kept this long, milliseconds; then larger ones are
/// tried again.
const ACCEPTED_SIZE_MS: i64 = 24 * 3_600_000;

/// What a verdict did in the ledger.
struct Recorded {
    change: Change,
    /// What the lane remembers from here on, where that is something else.
    policy: Option<LanePolicy>,
    /// When the oldest change of a delivery that was accepted was recorded, where that is known.
    recorded: Option<Wall>,
}

/// What becomes of the lane's queue.
enum Change {
    /// The delivery is off it, and so are these.
    Ended { others: Vec<DeliveryKey>, given_up: u64 },
    /// It waits.
    Waits { delay_ms: u64, waited_ms: u64 },
    /// It stays at its place until the lane is resumed.
    Stays { waited_ms: u64 },
    /// Two others stand for it.
    Split(Halves),
}

/// The halves of a delivery: key, entries and body of each.
type Halves = [(DeliveryKey, usize, Body); 2];

impl Dispatch {
    /// Takes what came of an attempt. One whose lane is gone (its subscription was dropped) gives its slot back and
    /// changes nothing else. What is written is part of the group.
    ///
    /// # Errors
    /// When the ledger refuses: the group is lost then.
    pub fn attempted(&mut self, now: Now, attempted: &Attempted, ledger: DispatchTables<'_>) -> Result<(), StoreError> {
        let Some(InFlight { lane: id, class, authority }) = self.in_flight.remove(&attempted.key) else {
            return Ok(());
        };
        let before = self.share(id);
        let accepted = self.account_for(now, id, attempted, ledger);
        self.account(id, before);
        // Afterwards, so that the next one of this lane takes its turn as what the lane is now.
        self.give_back(class, &authority);
        if accepted? {
            self.hurry(now.mono, &authority);
        }
        Ok(())
    }

    /// Returns whether the delivery was accepted.
    fn account_for(
        &mut self,
        now: Now,
        id: SubscriptionId,
        attempted: &Attempted,
        ledger: DispatchTables<'_>,
    ) -> Result<bool, StoreError> {
        let Some(lane) = self.lanes.get(&id) else { return Ok(false) };
        let Some(head) = lane.queue.get(&attempted.key) else { return Ok(false) };
        self.to_cut.insert(id);
        let verdict = judge(lane, head, attempted, now.wall);
        match ledger.guarded(|| self.record(now, id, attempted, verdict, ledger)) {
            Ok(recorded) => {
                self.note(id, attempted, verdict, &recorded, ledger);
                self.count(now, id, attempted, verdict, &recorded);
                self.apply(now, id, attempted, recorded);
            }
            Err(error) => {
                // It was sent, and nothing can be written of it: it goes out again under its id, once it can.
                self.rest_delivery(now, id, attempted.key, error)?;
            }
        }
        Ok(verdict == Verdict::Accepted)
    }

    /// Writes down what a verdict does. Memory is as it was.
    fn record(
        &self,
        now: Now,
        id: SubscriptionId,
        attempted: &Attempted,
        verdict: Verdict,
        ledger: DispatchTables<'_>,
    ) -> Result<Recorded, StoreError> {
        let Attempted { key, attempt, duration_ms, .. } = *attempted;
        let (Some(lane), policy) = (self.lanes.get(&id), self.policy_after(now, id, attempted, verdict)) else {
            return Ok(Recorded::nothing());
        };
        let Some(head) = lane.queue.get(&key) else { return Ok(Recorded::nothing()) };
        let mut policy = policy.filter(|policy| policy != lane.policy());
        let waited_ms = head.waited_ms.saturating_add(duration_ms);
        let (entries, replayed_after, created) = (head.entries, head.replayed_after, head.cut_at);
        let numbers = |delay_ms, waited_ms, due| HotDelivery {
            key,
            attempts: attempt,
            delay_ms,
            waited_ms,
            due,
            entries,
            replayed_after,
            created,
        };
        let mut recorded = None;
        let change = match verdict {
            Verdict::Accepted => {
                let (others, since) = self.record_accepted(now, id, lane, attempted, policy.as_ref(), ledger)?;
                recorded = since;
                Change::Ended { others, given_up: 0 }
            }
            Verdict::Retry { delay_ms } => {
                ledger.add_attempt(attempted, now.wall)?;
                let due = Wall(now.wall.0.saturating_add_unsigned(delay_ms));
                let waited_ms = waited_ms.saturating_add(delay_ms);
                ledger.postpone_delivery(id, &numbers(delay_ms, waited_ms, due))?;
                Change::Waits { delay_ms, waited_ms }
            }
            Verdict::Pause => {
                ledger.add_attempt(attempted, now.wall)?;
                ledger.postpone_delivery(id, &numbers(0, waited_ms, now.wall))?;
                Change::Stays { waited_ms }
            }
            Verdict::Split => match self.record_split(now, id, key, ledger)? {
                Some(halves) => Change::Split(halves),
                // What cannot be split is refused as it is.
                None => self.record_given_up(now, id, lane, attempted, false, ledger)?,
            },
            Verdict::Refused => {
                let counted = policy.as_mut().filter(|policy| policy.refused >= REFUSED_MAX);
                let is_all = counted.map(|policy| (policy.refused, policy.refused_of) = (0, None)).is_some();
                self.record_given_up(now, id, lane, attempted, is_all, ledger)?
            }
            Verdict::Dead => self.record_given_up(now, id, lane, attempted, false, ledger)?,
        };
        let is_cancelled = policy.as_ref().is_some_and(|policy| policy.cancelled_at.is_some());
        if let Change::Ended { others, .. } = &change
            && lane.lag.is_some()
            && lane.queue.len() == 1 + others.len()
            && lane.fresh.is_empty()
            && lane.policy().untold.is_none()
            && (lane.backfill.is_none() || is_cancelled)
            && (lane.owed == 0 || is_cancelled)
        {
            ledger.note_level(id)?;
        }
        if let Some(policy) = &policy
            && verdict != Verdict::Accepted
        {
            ledger.put_lane(id, policy)?;
            if policy.paused.is_some() && lane.policy().paused.is_none() {
                self.tell_paused(now, id, policy, ledger)?;
            }
        }
        Ok(Recorded { change, policy, recorded })
    }

    /// The delivery is accepted: that alone has to be written. What is kept of it besides, for people, is written where
    /// it can be; it never has a delivery sent again. Returns what else is off the queue, and when its oldest change
    /// was recorded.
    fn record_accepted(
        &self,
        now: Now,
        id: SubscriptionId,
        lane: &Lane,
        attempted: &Attempted,
        policy: Option<&LanePolicy>,
        ledger: DispatchTables<'_>,
    ) -> Result<(Vec<DeliveryKey>, Option<Wall>), StoreError> {
        let key = attempted.key;
        let row = ledger.finish_delivery(id, key, attempted.attempt.saturating_sub(1))?;
        let others = match policy.is_some_and(|policy| policy.cancelled_at.is_some()) {
            true => {
                ledger.promise();
                ledger.drop_owed(id)?;
                let others: Vec<_> = lane.queue.keys().copied().filter(|other| *other != key).collect();
                for other in &others {
                    ledger.finish_delivery(id, *other, 1)?;
                }
                let backfill = lane.backfill.as_ref().map(|filling| filling.backfill.task);
                for task in lane.replay.as_ref().map(|replay| replay.task).into_iter().chain(backfill) {
                    ledger.end_task(task, TaskState::Failed, Some("its subscription was for once"), now.wall)?;
                }
                others
            }
            false => Vec::new(),
        };
        if let Some(policy) = policy {
            ledger.put_lane(id, policy)?;
        }
        let Some(row) = row else { return Ok((others, None)) };
        let seqs = row.seqs();
        let first = seqs.first().copied();
        let accepted = Accepted {
            key,
            subscription: id,
            entries: row.entries,
            seqs,
            created: row.created,
            at: now.wall,
            attempts: attempted.attempt,
            status: attempted.reply.status(),
            duration_ms: attempted.duration_ms,
        };
        // One statement, which is whole or not at all by itself.
        if let Err(error) = ledger.add_accepted(&accepted) {
            if error.disk().is_some() {
                return Err(error);
            }
            self.unread.borrow_mut().push(error);
        }
        let is_first_time = lane.queue.get(&key).is_some_and(|head| head.replayed_after.is_none());
        let recorded = match first.filter(|_| is_first_time).map(|first| self.recorded_at(first, ledger)).transpose() {
            Ok(recorded) => recorded.flatten(),
            Err(error) if error.disk().is_some() => return Err(error),
            Err(error) => {
                self.unread.borrow_mut().push(error);
                None
            }
        };
        Ok((others, recorded))
    }

    /// When a change was recorded, where the journal still has it.
    fn recorded_at(&self, seq: Seq, ledger: DispatchTables<'_>) -> Result<Option<Wall>, StoreError> {
        match self.tail.get(seq) {
            Some(entry) => Ok(Some(entry.time())),
            None => Ok(Some(ledger.recorded_at(seq)?).filter(|at| *at > Wall(0))),
        }
    }

    /// Counts an attempt whose outcome is written down, and what came of its delivery.
    fn count(&mut self, now: Now, id: SubscriptionId, attempted: &Attempted, verdict: Verdict, recorded: &Recorded) {
        let entries =
            self.lanes.get(&id).and_then(|lane| lane.queue.get(&attempted.key)).map_or(0, |head| head.entries);
        let counts = &mut self.counts;
        let outcome = if verdict == Verdict::Accepted { "succeeded" } else { attempted.reply.failure() };
        counts.attempted(outcome, attempted.duration_ms);
        if verdict == Verdict::Accepted {
            counts.delivered += 1;
            counts.entries += entries as u64;
        }
        if let Some(recorded) = recorded.recorded {
            counts.delivery.observe(u64::try_from(now.wall.0.saturating_sub(recorded.0)).unwrap_or(0));
        }
        if let Change::Ended { given_up, .. } = recorded.change {
            counts.dead += given_up;
        }
    }

    /// Replaces a delivery by its two halves; `None` where it cannot be split.
    fn record_split(
        &self,
        now: Now,
        id: SubscriptionId,
        key: DeliveryKey,
        ledger: DispatchTables<'_>,
    ) -> Result<Option<Halves>, StoreError> {
        let delivery = ledger.delivery(id, key)?;
        let Some(parts) = key.part.halves() else { return Ok(None) };
        let at = delivery.entries.div_ceil(2);
        let Some(bodies) = split(&delivery.body, at) else { return Ok(None) };
        ledger.finish_delivery(id, key, 1)?;
        let mut told = delivery.told.clone();
        let second = told.split_off(at.min(told.len()));
        let entries = [at, delivery.entries - at];
        let keys = parts.map(|part| DeliveryKey { part, ..key });
        for (n, (told, body)) in [told, second].into_iter().zip(&bodies).enumerate() {
            let part = Delivery {
                key: keys[n],
                entries: entries[n],
                told,
                body: body.clone(),
                attempts: 0,
                delay_ms: 0,
                waited_ms: 0,
                due: now.wall,
                replayed_after: delivery.replayed_after.map(|_| 0),
                ..delivery
            };
            ledger.add_delivery(&part)?;
        }
        let [first, second] = bodies;
        Ok(Some([(keys[0], entries[0], first), (keys[1], entries[1], second)]))
    }

    /// Turns a delivery into a dead letter, and where `is_all` the rest of its batch too.
    fn record_given_up(
        &self,
        now: Now,
        id: SubscriptionId,
        lane: &Lane,
        attempted: &Attempted,
        is_all: bool,
        ledger: DispatchTables<'_>,
    ) -> Result<Change, StoreError> {
        let key = attempted.key;
        ledger.add_attempt(attempted, now.wall)?;
        ledger.kill_delivery(id, key, now.wall)?;
        // What is on the wire has an outcome of its own to come, and a replay is of another time.
        let is_rest = |(other, head): &(&DeliveryKey, &Head)| {
            other.number == key.number
                && **other != key
                && head.state != HeadState::InFlight
                && head.replayed_after.is_none()
        };
        let rest = lane.queue.iter().filter(is_rest).map(|(other, _)| *other);
        let others: Vec<_> = rest.filter(|_| is_all).collect();
        for other in &others {
            ledger.kill_delivery(id, *other, now.wall)?;
        }
        let given_up = 1 + others.len() as u64;
        Ok(Change::Ended { others, given_up })
    }

    /// What the lane remembers after a verdict; `None` without a subscription or a lane.
    fn policy_after(
        &self,
        now: Now,
        id: SubscriptionId,
        attempted: &Attempted,
        verdict: Verdict,
    ) -> Option<LanePolicy> {
        let lane = self.lanes.get(&id)?;
        let head = lane.queue.get(&attempted.key)?;
        let subscription = lane.subscription.as_ref()?;
        let mut policy = lane.policy().clone();
        let age_ms = |at: Wall| now.wall.0.saturating_sub(at.0);
        match verdict {
            Verdict::Accepted => {
                let was_failing = policy.failing.take().is_some();
                (policy.refused, policy.refused_of) = (0, None);
                if was_failing || policy.last_success.is_none_or(|at| !(0..SUCCESS_MS).contains(&age_ms(at))) {
                    policy.last_success = Some(now.wall);
                }
                let is_old = policy.accepted.is_some_and(|size| !(0..ACCEPTED_SIZE_MS).contains(&age_ms(size.at)));
                if head.replayed_after.is_some() {
                    // What a dead letter holds says nothing of what its target takes now.
                } else if !attempted.key.part.is_whole() {
                    // The largest: the last parts may be small because one entry among them is refused.
                    let entries = u32::try_from(head.entries).unwrap_or(u32::MAX);
                    let known = policy.accepted.filter(|_| !is_old).map_or(0, |size| size.entries);
                    policy.accepted = Some(AcceptedSize { entries: entries.max(known), at: now.wall });
                } else if is_old {
                    policy.accepted = None;
                }
                if subscription.lifetime == Lifetime::Once && !head.is_notice() {
                    policy.cancelled_at = Some(now.wall);
                }
            }
            // It answers, and takes less at a time.
            Verdict::Split => return None,
            Verdict::Refused if attempted.key.part.is_whole() || head.replayed_after.is_some() => return None,
            Verdict::Refused => {
                let number = Some(attempted.key.number);
                policy.refused = if policy.refused_of == number { policy.refused + 1 } else { 1 };
                policy.refused_of = number;
            }
            Verdict::Retry { .. } | Verdict::Dead | Verdict::Pause => {
                let since = policy.failing.as_ref().map_or(now.wall, |failing| failing.since);
                let (outcome, status) = (attempted.reply.failure().to_owned(), attempted.reply.status());
                policy.failing = Some(Failing { since, outcome, status });
                let pause = |by: &str, reason: &str| {
                    Some(Pause { at: now.wall, by: by.to_owned(), reason: Some(reason.to_owned()) })
                };
                if verdict == Verdict::Pause {
                    policy.paused = pause("target", "it answered 410 Gone");
                } else if self.clock_is_believed && age_ms(since) >= FAILING_MS_MAX {
                    policy.paused = pause("ringback", "nothing was accepted for 5 days");
                }
            }
        }
        Some(policy)
    }

    fn apply(&mut self, now: Now, id: SubscriptionId, attempted: &Attempted, recorded: Recorded) {
        let Attempted { key, attempt, .. } = *attempted;
        let Recorded { change, policy, .. } = recorded;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if let Some(policy) = policy {
            let is_cancelled = policy.cancelled_at.is_some();
            lane.set_policy(policy);
            if is_cancelled {
                self.groups.has_moved(id);
                (lane.owed, lane.oldest) = (0, None);
                lane.fresh.clear();
                (lane.replay, lane.backfill) = (None, None);
            }
        }
        match change {
            Change::Ended { others, given_up } => {
                for key in others.into_iter().chain([key]) {
                    lane.queue.remove(&key);
                }
                lane.end_lag();
                if given_up > 0 {
                    self.dead += given_up;
                    self.dead_since.get_or_insert(now.wall);
                }
            }
            Change::Waits { delay_ms, waited_ms } => {
                if let Some(head) = lane.queue.get_mut(&key) {
                    (head.attempts, head.delay_ms, head.waited_ms) = (attempt, delay_ms, waited_ms);
                    // Its row was written anew, whatever was damaged.
                    (head.is_unread, head.fault) = (false, None);
                    // What asked to be left alone for a time is.
                    head.is_hurried |=
                        matches!(&attempted.reply, Reply::Answered(answer) if answer.retry_after.is_some());
                }
                self.wait(id, key, now.mono.plus_ms(delay_ms));
            }
            Change::Stays { waited_ms } => {
                if let Some(head) = lane.queue.get_mut(&key) {
                    (head.attempts, head.waited_ms, head.is_unread) = (attempt, waited_ms, false);
                    (head.fault, head.state) = (None, HeadState::Queued);
                }
            }
            Change::Split(halves) => {
                let Some(whole) = lane.queue.remove(&key) else { return };
                let (replayed_after, cut_at) = (whole.replayed_after.map(|_| 0), whole.cut_at);
                // The first is about to go out; the body of the other one is in the ledger.
                let [(first, entries, body), (second, rest, _)] = halves;
                lane.queue.insert(first, Head { replayed_after, ..Head::new(cut_at, entries, Some(body)) });
                lane.queue.insert(second, Head { replayed_after, ..Head::new(cut_at, rest, None) });
            }
        }
        self.advance(id);
    }

    /// Notes what the log is to say.
    fn note(
        &mut self,
        id: SubscriptionId,
        attempted: &Attempted,
        verdict: Verdict,
        recorded: &Recorded,
        ledger: DispatchTables<'_>,
    ) {
        let Attempted { key, attempt, duration_ms, ref reply } = *attempted;
        let Some(lane) = self.lanes.get(&id) else { return };
        let was_failing = lane.policy().failing.is_some();
        let Some(subscription) = lane.subscription.clone() else { return };
        let said = || said(&subscription, reply, duration_ms);
        let outcome = reply.failure();
        let what = match verdict {
            Verdict::Accepted if was_failing => Some(NoteKind::Recovered),
            Verdict::Retry { delay_ms } if !was_failing => {
                Some(NoteKind::Failing { outcome, said: said(), next_ms: delay_ms })
            }
            Verdict::Dead | Verdict::Refused => Some(NoteKind::GivenUp { outcome, said: said(), attempts: attempt }),
            Verdict::Accepted | Verdict::Retry { .. } | Verdict::Pause | Verdict::Split => None,
        };
        let paused = recorded.policy.as_ref().and_then(|policy| policy.paused.as_ref());
        let paused = paused.filter(|_| lane.policy().paused.is_none());
        let paused = paused.map(|pause| NoteKind::Paused { reason: pause.reason.clone().unwrap_or_default() });
        let delivery = DeliveryId { node: ledger.node(), key };
        self.notes.extend(what.into_iter().chain(paused).map(|what| Note::new(&subscription, delivery, what)));
    }
}

impl Recorded {
    fn nothing() -> Self {
        Self { change: Change::Ended { others: Vec::new(), given_up: 0 }, policy: None, recorded: None }
    }
}

fn judge(lane: &Lane, head: &Head, attempted: &Attempted, now: Wall) -> Verdict {
    let Attempted { key, attempt, duration_ms, ref reply } = *attempted;
    let waited_ms = head.waited_ms.saturating_add(duration_ms);
    match lane.subscription.as_deref() {
        Some(Subscription { target, retry, .. }) => {
            // One that is sent again has its schedule anew.
            let attempts = attempt.saturating_sub(head.replayed_after.unwrap_or(0));
            let tried = Tried { number: key.number, attempts, entries: head.entries, waited_ms, reply };
            verdict(target, retry, tried, now)
        }
        // Without a rule nothing says what is accepted, but that a success is; there is no schedule either: it waits as
        // long as it last did, for the name's return.
        None if is_success(reply) => Verdict::Accepted,
        None => Verdict::Retry { delay_ms: head.delay_ms },
    }
}

fn is_success(reply: &Reply) -> bool {
    reply.status().is_some_and(|status| Accepts::AnySuccess.covers(status))
}

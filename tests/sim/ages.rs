//! What was forgotten, and whether it was old enough; what was dropped, and whether that was said.

use std::collections::{BTreeMap, BTreeSet};

use ringback::model::part::DeliveryKey;

use super::journal::Journal;
use super::ledger::Reader;

const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// The defaults of `[retention]`.
const JOURNAL_MS: i64 = 7 * DAY_MS;
const DEAD_MS: i64 = 30 * DAY_MS;

/// By the monotonic clock, which no step of the wall clock touches.
#[derive(Debug, Default)]
pub struct Ages {
    /// When each change that was kept was recorded.
    recorded: BTreeMap<i64, i64>,
    recorded_to: i64,
    /// When each dead letter was given up.
    died: BTreeMap<DeliveryKey, i64>,
    /// Every dead letter that there was.
    pub dead_ever: BTreeSet<DeliveryKey>,
    /// When the wall clock jumped, and how far.
    jumps: Vec<(i64, i64)>,
    events_to: i64,
    /// What was dropped and said: the subscription, and the journal's places from and to.
    pub dropped: Vec<(String, i64, i64)>,
}

impl Ages {
    pub fn jumped(&mut self, mono_ms: i64, by_ms: i64) {
        self.jumps.push((mono_ms, by_ms));
    }

    /// Power went: what was not synced is gone, and was not forgotten.
    pub fn power_cut(&mut self, ledger: &Reader, journal: &Journal) {
        let left: BTreeSet<i64> = journal.rows.iter().map(|row| row.seq.0).collect();
        self.recorded.retain(|seq, _| left.contains(seq));
        let (_, dead) = ledger.hot_and_dead();
        self.died.retain(|number, _| dead.contains(number));
    }

    /// Compares with the ledger after a group.
    ///
    /// # Errors
    /// A broken promise.
    pub fn check(&mut self, now_ms: i64, ledger: &Reader, journal: &Journal) -> Result<Vec<String>, String> {
        let new = journal.rows.iter().rev().take_while(|row| row.seq.0 > self.recorded_to);
        let new: Vec<i64> = new.map(|row| row.seq.0).collect();
        self.recorded_to = journal.newest().max(self.recorded_to);
        self.recorded.extend(new.into_iter().map(|seq| (seq, now_ms)));
        let (oldest, owed) = ledger.oldest();
        if owed < oldest.min(ledger.oldest_event()) {
            return Err(format!("change {owed} is owed and forgotten"));
        }
        let kept = self.recorded.split_off(&oldest);
        let forgotten = std::mem::replace(&mut self.recorded, kept);
        if let Some((seq, at)) = forgotten.last_key_value() {
            self.is_old("change", *seq, now_ms, *at, JOURNAL_MS)?;
        }
        let (_, dead) = ledger.hot_and_dead();
        for number in self.died.keys().filter(|number| !dead.contains(number)) {
            self.is_old("dead letter", number.number.0, now_ms, self.died[number], DEAD_MS)?;
        }
        self.died.retain(|number, _| dead.contains(number));
        for number in dead {
            self.died.entry(number).or_insert(now_ms);
            self.dead_ever.insert(number);
        }
        Ok(self.read_events(ledger))
    }

    /// Takes what was dropped and said; gives the subscriptions whose whole backlog was dropped.
    fn read_events(&mut self, ledger: &Reader) -> Vec<String> {
        let mut whole = Vec::new();
        for (seq, name, fields) in ledger.events_after(self.events_to) {
            self.events_to = seq;
            let place = |key: &str| fields[key].as_i64().expect("a number");
            let whose = || fields["subscription"].as_str().expect("a name").to_owned();
            match name.as_str() {
                "callback.lagged" => {
                    self.dropped.push((whose(), place("firstSeq"), place("lastSeq")));
                }
                "callback.dropped" => {
                    self.dropped.push((whose(), 0, seq));
                    whole.push(whose());
                }
                _ => {}
            }
        }
        whole
    }

    /// Whether it was said that a subscription is not notified of a change.
    pub fn is_dropped(&self, subscription: &str, seq: i64) -> bool {
        self.dropped.iter().any(|(whose, first, last)| whose == subscription && (*first..=*last).contains(&seq))
    }

    /// A clock that was ahead for over a day is believed: so much earlier a thing may look old.
    fn is_old(&self, what: &str, number: i64, now_ms: i64, since_ms: i64, kept_ms: i64) -> Result<(), String> {
        let counts = |at_ms: i64, by_ms: i64| by_ms <= HOUR_MS || now_ms - at_ms >= DAY_MS - HOUR_MS;
        let ahead: i64 = self.jumps.iter().filter(|(at, by)| *by > 0 && counts(*at, *by)).map(|(_, by)| *by).sum();
        let age_ms = now_ms - since_ms;
        if age_ms + ahead + HOUR_MS < kept_ms {
            return Err(format!(
                "{what} {number} is forgotten after {} h (the clock was {ahead} ms ahead)",
                age_ms / HOUR_MS
            ));
        }
        Ok(())
    }
}

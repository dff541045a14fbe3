//! Dispatching, case by case: scripts against a real ledger in memory.
//!
//! ```text
//! rule NAME [KEY=VALUE]...   a rule names the subscription: at= (target), max=, linger=, delays=1,2, retries=,
//!                          paused=1, format=, fields=a,b, order=, lifetime=,
//!                          schedule=default
//! unrule NAME                 no rule names it any more
//! T owe 1 2-5 to NAME...      these changes were recorded and are owed
//! T accept NO | T refuse NO   what came of the attempt at a delivery; NO.0 is a part of one that was split
//! T STATUS NO                 the same, by the status of the answer
//! T pause NAME | T resume NAME
//! T retry WHOSE STATE | T drop-chosen WHOSE STATE   of one subscription or of all: see `selection`
//! T count WHOSE STATE         the same as a retry, but nothing is done
//! T replay NAME SINCE         it is sent again what was told since a time
//! T stop                      the newest task is stopped
//! T tick                      time passes
//! T lost                      the group was lost: dispatch is loaded again, attempts are still under way
//! T drop NAME                 its rule went long ago: the ledger drops it
//! T restart [JUMP]            the process was killed and started; the wall clock jumped by JUMP milliseconds meanwhile
//! T restart-bare             the same, and no rule is known yet
//! ... -> SEND, ...            the attempts that go out: NAME NO/ATTEMPT [CHANGE ...], or nothing; `replay` before the
//!                             changes, where it was given up before
//! next -> T                   when something is due without an input, or never
//! status -> ...               owed entries, and deliveries by state
//! dead -> NO [CHANGE ...]     dead letters
//! tasks -> STATE DONE/TOTAL, ...   the tasks, the oldest first
//! ```
//!
//! Each timed line is a group of its own. The bytes of a delivery are the same wherever it shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Dispatch, UnderWay};
use crate::model::ask::{Answer, Bulk, Deed, Held, Selection};
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::{Mark, SendRequest};
use crate::model::entry::Owed;
use crate::model::ids::{NodeId, SubscriptionId, TaskNo};
use crate::model::lane::Pause;
use crate::model::listing::DeliveryState;
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::retention::Retention;
use crate::model::subscription::Subscription;
use crate::model::task::uuid;
use crate::model::time::{Mono, Now, Wall};
use crate::store::Ledger;

use catalog::{Catalog, record};
use shown::{changes, entries};

const NODE: u64 = 0xa1;
const WALL_MS: i64 = 1_800_000_000_000;

fn now_at(wall_ms: i64) -> Now {
    Now { mono: Mono(0), wall: Wall(wall_ms) }
}

mod again;
mod backfill;
mod bounds;
mod catalog;
mod chosen;
mod counts;
mod events;
mod formats;
mod groups;
mod late;
mod policies;
mod rule;
mod shown;

#[test]
fn an_idle_subscription_hears_of_a_change_at_once() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         5 accept 1 ->
         9 owe 2 to a -> a 2/1 [2]
         status -> owed 0, pending 0, in flight 1, waiting 0, dead 0",
    );
}

#[test]
fn what_gathers_while_one_is_in_flight_is_the_next_batch() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 owe 3 4 to a ->
         status -> owed 3, pending 0, in flight 1, waiting 0, dead 0
         3 accept 1 -> a 2/1 [2 3 4]
         4 accept 2 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 0",
    );
}

#[test]
fn one_change_is_owed_to_each_apart() {
    check(
        "rule a
         rule b
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 owe 2 to b a ->
         2 accept 2 -> b 3/1 [2]
         3 accept 1 -> a 4/1 [2]",
    );
}

#[test]
fn a_batch_has_at_most_max_entries() {
    check(
        "rule a max=2
         0 owe 1-5 to a -> a 1/1 [1 2]
         status -> owed 3, pending 0, in flight 1, waiting 0, dead 0
         1 accept 1 -> a 2/1 [3 4]
         2 owe 6 to a ->
         3 accept 2 -> a 3/1 [5 6]
         4 accept 3 ->",
    );
}

#[test]
fn lingering_gathers_until_the_first_entry_has_waited_long_enough() {
    check(
        "rule a linger=1000
         0 owe 1 to a ->
         400 owe 2 to a ->
         next -> 1000
         999 tick ->
         1000 tick -> a 1/1 [1 2]
         1001 accept 1 ->
         2500 owe 3 to a ->
         next -> 3500
         3500 tick -> a 2/1 [3]",
    );
}

#[test]
fn a_full_batch_does_not_linger() {
    check(
        "rule a linger=1000 max=2
         0 owe 1 to a ->
         10 owe 2 to a -> a 1/1 [1 2]
         20 accept 1 ->
         1000 tick ->
         2000 owe 3 to a ->
         next -> 3000
         3000 tick -> a 2/1 [3]",
    );
}

#[test]
fn an_entry_lingers_also_while_another_delivery_is_in_flight() {
    check(
        "rule a linger=1000
         0 owe 1 to a ->
         1000 tick -> a 1/1 [1]
         1500 owe 2 to a ->
         2000 owe 3 to a ->
         2400 accept 1 ->
         next -> 2500
         2500 tick -> a 2/1 [2 3]
         2600 owe 4 to a ->
         9000 accept 2 -> a 3/1 [4]",
    );
}

#[test]
fn what_a_full_batch_left_over_does_not_linger_anew() {
    check(
        "rule a linger=1000 max=2
         0 owe 1-3 to a -> a 1/1 [1 2]
         800 accept 1 ->
         next -> 1000
         1000 tick -> a 2/1 [3]",
    );
}

#[test]
fn a_refused_delivery_is_tried_by_the_schedule_and_then_given_up() {
    check(
        "rule a delays=1000,5000 retries=3
         0 owe 1 to a -> a 1/1 [1]
         100 refuse 1 ->
         next -> 1100
         1099 tick ->
         1100 tick -> a 1/2 [1]
         1200 refuse 1 ->
         status -> owed 0, pending 0, in flight 0, waiting 1, dead 0
         6200 tick -> a 1/3 [1]
         6300 refuse 1 ->
         11300 tick -> a 1/4 [1]
         11400 refuse 1 ->
         next -> never
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 1
         dead -> 1 [1]",
    );
}

#[test]
fn without_retries_the_first_failure_is_the_last() {
    check(
        "rule a retries=0
         0 owe 1 2 to a -> a 1/1 [1 2]
         1 owe 3 to a ->
         2 refuse 1 -> a 2/1 [3]
         dead -> 1 [1 2]",
    );
}

#[test]
fn the_next_delivery_waits_through_the_retries_of_the_one_before() {
    check(
        "rule a delays=1000 retries=1
         0 owe 1 to a -> a 1/1 [1]
         10 refuse 1 ->
         20 owe 2 to a ->
         500 owe 3 to a ->
         1010 tick -> a 1/2 [1]
         1020 owe 4 to a ->
         1030 refuse 1 -> a 2/1 [2 3 4]
         dead -> 1 [1]
         1040 refuse 2 ->
         2040 tick -> a 2/2 [2 3 4]
         2050 accept 2 ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 1",
    );
}

#[test]
fn a_waiting_retry_holds_nobody_else_up() {
    check(
        "rule a delays=1000
         rule b delays=300
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         10 refuse 1 ->
         20 refuse 2 ->
         next -> 320
         320 tick -> b 2/2 [1]
         330 accept 2 ->
         1010 tick -> a 1/2 [1]",
    );
}

#[test]
fn an_outcome_that_nobody_waits_for_changes_nothing() {
    check(
        "rule a delays=1000
         0 accept 77 ->
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 77 ->
         2 refuse 1 ->
         3 accept 1 ->
         status -> owed 0, pending 0, in flight 0, waiting 1, dead 0
         1002 tick -> a 1/2 [1]",
    );
}

#[test]
fn a_restart_keeps_numbers_bytes_attempts_and_order() {
    check(
        "rule a delays=1000,2000
         rule b
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         10 refuse 1 ->
         20 owe 2 3 to a b ->
         100 restart -> b 2/1 [1]
         status -> owed 4, pending 0, in flight 1, waiting 1, dead 0
         next -> 1010
         1010 tick -> a 1/2 [1]
         1020 refuse 1 ->
         1030 restart -> b 2/1 [1]
         3020 tick -> a 1/3 [1]
         3030 accept 1 -> a 131073/1 [2 3]
         3040 accept 2 -> b 131074/1 [2 3]
         dead ->",
    );
}

#[test]
fn a_restart_after_the_last_retry_leaves_the_dead_letter() {
    check(
        "rule a retries=0
         0 owe 1 2 to a -> a 1/1 [1 2]
         1 refuse 1 ->
         2 restart ->
         status -> owed 0, pending 0, in flight 0, waiting 0, dead 1
         dead -> 1 [1 2]",
    );
}

#[test]
fn a_clock_that_jumps_back_does_not_prolong_a_retry() {
    check(
        "rule a delays=1000
         0 owe 1 to a -> a 1/1 [1]
         10 refuse 1 ->
         100 restart -86400000 ->
         next -> 1100
         1100 tick -> a 1/2 [1]",
    );
}

#[test]
fn a_clock_that_jumps_forward_brings_a_retry_on() {
    check(
        "rule a delays=1000
         0 owe 1 to a -> a 1/1 [1]
         10 refuse 1 ->
         100 restart 86400000 -> a 1/2 [1]",
    );
}

#[test]
fn a_lost_group_makes_no_second_attempt_beside_one_under_way() {
    check(
        "rule a at=one delays=1000
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 lost ->
         status -> owed 1, pending 0, in flight 1, waiting 0, dead 0
         3 accept 1 -> a 2/1 [2]
         4 refuse 2 ->
         5 lost ->
         next -> 1004
         1004 tick -> a 2/2 [2]",
    );
}

#[test]
fn a_paused_subscription_gathers_and_goes_on_from_there() {
    check(
        "rule a delays=10
         rule b
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 rule a delays=10 paused=1 ->
         1 refuse 1 ->
         2 owe 2 3 to a b ->
         3 accept 2 -> b 3/1 [2 3]
         50 tick ->
         60 accept 3 ->
         status -> owed 2, pending 1, in flight 0, waiting 0, dead 0
         70 rule a delays=10 -> a 1/2 [1]
         80 accept 1 -> a 4/1 [2 3]",
    );
}

#[test]
fn a_removed_subscription_keeps_its_backlog_until_its_name_returns() {
    check(
        "rule a delays=1000 retries=1
         rule b
         0 owe 1 to a b -> a 1/1 [1], b 2/1 [1]
         1 owe 2 to a ->
         2 unrule a ->
         3 refuse 1 ->
         5000 tick ->
         status -> owed 1, pending 1, in flight 1, waiting 0, dead 0
         6000 restart -> b 2/1 [1]
         7000 tick ->
         status -> owed 1, pending 1, in flight 1, waiting 0, dead 0
         8000 rule a at=elsewhere -> a 1/2 [1]
         8001 accept 1 -> a 65537/1 [2]",
    );
}

#[test]
fn what_is_accepted_after_the_rule_went_is_accepted() {
    check(
        "rule a
         0 owe 1 to a -> a 1/1 [1]
         1 owe 2 to a ->
         2 unrule a ->
         3 accept 1 ->
         4 restart ->
         status -> owed 1, pending 0, in flight 0, waiting 0, dead 0
         5 rule a -> a 65537/1 [2]",
    );
}

#[test]
fn a_retry_goes_where_the_rule_says_by_then() {
    check(
        "rule a at=old delays=1000
         0 owe 1 to a -> a 1/1 [1]
         1 refuse 1 ->
         2 rule a at=new delays=1000 ->
         1001 tick -> a 1/2 [1]",
    );
    let mut run = Run::new();
    run.line("rule a at=old delays=1000");
    run.line("0 owe 1 to a");
    run.line("1 refuse 1");
    run.line("2 rule a at=new delays=1000");
    run.line("1001 tick");
    let targets: Vec<_> = run.sent.iter().map(|request| request.subscription.target.authority()).collect();
    assert_eq!(targets, ["old:80", "new:80"]);
}

#[test]
fn eight_attempts_at_most_go_to_one_target_and_the_next_keep_their_order() {
    let mut run = Run::new();
    for n in 10..21 {
        run.line(&format!("rule s{n} at=one"));
    }
    run.line("rule t1 at=two");
    let names = (10..21).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    run.line(&format!("0 owe 1 to {names} t1"));
    let sent = |run: &Run| run.sent.iter().map(|request| request.subscription.name.to_string()).collect::<Vec<_>>();
    assert_eq!(sent(&run), ["s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17", "t1"]);
    assert_eq!(run.shown("status"), "owed 0, pending 3, in flight 9, waiting 0, dead 0");
    assert_eq!(run.shown("1 accept 12"), "", "a slot at another target is none here");
    assert_eq!(run.shown("2 refuse 5"), "s18 9/1 [1]", "a waiting retry holds no slot");
    assert_eq!(run.shown("3 accept 1"), "s19 10/1 [1]");
    assert_eq!(run.shown("4 accept 9"), "s20 11/1 [1]");
    assert_eq!(run.shown("5 lost"), "");
    assert_eq!(run.shown("60002 tick"), "", "the slots of attempts under way are taken after a lost group too");
    assert_eq!(run.shown("60003 accept 2"), "s14 5/2 [1]");
}

#[test]
fn two_hundred_and_fifty_six_attempts_at_most_are_under_way() {
    let mut run = Run::new();
    let names: Vec<_> = (100..400).map(|n| format!("s{n}")).collect();
    for name in &names {
        run.line(&format!("rule {name} at={name}"));
    }
    run.line(&format!("0 owe 1 to {}", names.join(" ")));
    assert_eq!(run.sent.len(), 192, "a quarter of the slots is for targets that are known to answer");
    for number in 1..=300 {
        run.line(&format!("1 accept {number}"));
    }
    run.line(&format!("2 owe 2 to {}", names.join(" ")));
    assert_eq!(run.shown("status"), "owed 0, pending 44, in flight 256, waiting 0, dead 0");
    assert_eq!(run.shown("3 accept 307"), "s356 557/1 [2]");
    assert_eq!(run.shown("4 accept 308"), "s357 558/1 [2]");
}

/// Runs a script; every `->` must come true.
#[track_caller]
fn check(script: &str) {
    check_in(Run::new(), script);
}

/// The same, with what there is already; returns it.
#[track_caller]
fn check_in(mut run: Run, script: &str) -> Run {
    for line in script.lines() {
        match line.split_once("->") {
            Some((command, expect)) => assert_eq!(run.shown(command), expect.trim(), "{line}"),
            None => run.line(line),
        }
    }
    run
}

struct Run {
    /// Only without one while the ledger is opened anew.
    ledger: Option<Ledger>,
    retention: Retention,
    dispatch: Dispatch,
    rules: BTreeMap<String, Arc<Subscription>>,
    jump_ms: i64,
    sent: Vec<SendRequest>,
    under_way: UnderWay,
    bodies: BTreeMap<DeliveryKey, Vec<u8>>,
    catalog: Catalog,
    /// The newest task's UUID.
    task: String,
    /// Answers to asks that began nothing.
    refused: Vec<Answer>,
}

impl Run {
    fn new() -> Self {
        Self::bounded(Retention::default().owed)
    }

    /// A subscription may be owed so many entries.
    fn bounded(owed: u64) -> Self {
        let retention = Retention { owed, ..Retention::default() };
        let connection = Connection::open_in_memory().expect("SQLite");
        let ledger = Ledger::in_memory(connection, NODE).expect("a ledger");
        let dispatch =
            Dispatch::load(ledger.dispatch(), now_at(WALL_MS), &UnderWay::new(), &retention).expect("dispatch");
        Self {
            retention,
            ledger: Some(ledger),
            dispatch,
            rules: BTreeMap::new(),
            jump_ms: 0,
            sent: Vec::new(),
            under_way: UnderWay::new(),
            bodies: BTreeMap::new(),
            catalog: Catalog::default(),
            task: uuid(NodeId(NODE), TaskNo(1)),
            refused: Vec::new(),
        }
    }

    #[track_caller]
    fn line(&mut self, line: &str) {
        self.shown(line);
    }

    #[track_caller]
    fn shown(&mut self, line: &str) -> String {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["next"] => self.dispatch.deadline().map_or("never".to_owned(), |due| due.0.to_string()),
            ["status"] => self.status(),
            ["dead"] => self.dead(),
            ["tasks"] => self.tasks(),
            ["rule" | "unrule", ..] => self.group(0, &words),
            [at, ref command @ ..] => self.group(at.parse().expect("milliseconds"), command),
            [] => String::new(),
        }
    }

    /// Runs one group and shows what goes out.
    fn group(&mut self, at_ms: u64, command: &[&str]) -> String {
        if let ["restart" | "restart-bare", jump @ ..] = command {
            self.jump_ms += jump.first().map_or(0, |jump| jump.parse::<i64>().expect("milliseconds"));
            self.under_way.clear();
            let connection = self.ledger.take().expect("a ledger").into_connection();
            self.ledger = Some(Ledger::in_memory(connection, NODE).expect("a ledger"));
        }
        let wall = Wall(WALL_MS + at_ms.cast_signed() + self.jump_ms);
        let now = Now { mono: Mono(at_ms), wall };
        let ledger = self.ledger.as_ref().expect("a ledger");
        ledger.begin().expect("a group");
        match command {
            ["rule", name, settings @ ..] => {
                self.rules.insert((*name).to_owned(), Arc::new(rule::subscription(name, settings)));
                set(&mut self.dispatch, ledger, &self.rules);
            }
            ["unrule", name] => {
                self.rules.remove(*name).expect("a rule");
                set(&mut self.dispatch, ledger, &self.rules);
            }
            ["owe", words @ ..] => {
                let to = words.iter().position(|word| *word == "to").expect("to whom");
                for change in words[..to].iter().flat_map(|word| range(word)) {
                    let owed = record(ledger, change, wall, &words[to + 1..]);
                    self.catalog.take(&owed);
                    self.dispatch.owe(owed, ledger.dispatch());
                }
            }
            ["event", name, "to", to @ ..] => {
                let entry = events::happen(&self.catalog, wall, name, ledger);
                let owed = |name: &&str| Owed { subscription: enrolled(ledger, name), entry: Arc::clone(&entry) };
                self.dispatch.owe(to.iter().map(owed).collect(), ledger.dispatch());
            }
            ["tell", name, tenant @ ..] => events::tell(wall, name, tenant.first().copied(), ledger),
            [outcome, number] if ["accept", "refuse"].contains(outcome) || outcome.parse::<u16>().is_ok() => {
                let key = key(number);
                self.under_way.remove(&key);
                let attempts = self.sent.iter().rev().find(|request| request.id.key == key);
                let attempted = Attempted {
                    key,
                    attempt: attempts.map_or(1, |request| request.attempt),
                    duration_ms: 5,
                    reply: Reply::status_alone(match *outcome {
                        "accept" => 200,
                        "refuse" => 500,
                        status => status.parse().expect("a status"),
                    }),
                };
                self.dispatch.attempted(now, &attempted, ledger.dispatch()).expect("a step");
            }
            ["restart-bare"] => {
                self.dispatch =
                    Dispatch::load(ledger.dispatch(), now, &self.under_way, &self.retention).expect("dispatch");
                // As the engine does before the first group brings the rules.
                self.dispatch.set_subscriptions([]);
                self.rules.clear();
            }
            ["lost"] | ["restart", ..] => {
                self.dispatch =
                    Dispatch::load(ledger.dispatch(), now, &self.under_way, &self.retention).expect("dispatch");
                set(&mut self.dispatch, ledger, &self.rules);
            }
            ["drop", name] => {
                let id = enrolled(ledger, name);
                self.rules.remove(*name);
                ledger.remove_subscription(id, Wall(0)).expect("a row");
                self.dispatch.edit_subscriptions([id], []);
                self.dispatch.gather_owed(id, ledger.dispatch()).expect("its rows");
                assert!(ledger.drop_subscription(id, 1_000).expect("a piece").is_whole);
                self.dispatch.forget(id);
            }
            ["pause", name] => {
                let pause = Pause { at: wall, by: "jo".to_owned(), reason: None };
                self.dispatch.pause(now, enrolled(ledger, name), pause, ledger.dispatch()).expect("a pause");
            }
            ["resume", name] => {
                self.dispatch.resume(now, enrolled(ledger, name), "jo", ledger.dispatch()).expect("it resumes");
            }
            ["retry" | "count" | "drop-chosen", whose, state] => {
                let deed = if command[0] == "drop-chosen" { Deed::Drop } else { Deed::Retry };
                let bulk = bulk(deed, chosen(ledger, whose, state));
                self.dispatch.select(now, &bulk, command[0] == "count", ledger.dispatch()).expect("a choice");
            }
            ["begin", deed, whose, state] => {
                let deed = Deed::parse(deed).expect("something that is done");
                let begun =
                    self.dispatch.begin_bulk(now, &bulk(deed, chosen(ledger, whose, state)), 9, ledger.dispatch());
                if let Answer::Begun(uuid) = begun.expect("an answer") {
                    self.task = uuid;
                }
            }
            ["replay", name, since] => {
                let (id, since) = (enrolled(ledger, name), Wall(WALL_MS + since.parse::<i64>().expect("a time")));
                let answer = self.dispatch.begin_replay(now, id, since, 9, "jo", ledger.dispatch()).expect("an answer");
                match answer {
                    Answer::Begun(uuid) => self.task = uuid,
                    other => self.refused.push(other),
                }
            }
            ["stop"] => {
                self.dispatch.stop_task(now, &self.task, ledger.dispatch()).expect("an answer");
            }
            ["tick"] => {}
            _ => panic!("not understood: {command:?}"),
        }
        let effects = self
            .dispatch
            .release(now, ledger.dispatch(), &|backfill, most| Ok(Some(self.catalog.walk(backfill, most))))
            .expect("a release");
        ledger.commit().expect("a commit");
        let is_bounding = !self.dispatch.to_bound.is_empty();
        assert!(is_bounding || !self.dispatch.wants_to_write(now.mono), "a group that has ended wants nothing more");
        let mut shown = Vec::new();
        for request in effects {
            let key = request.id.key;
            assert_eq!(request.at, wall);
            let before = self.under_way.insert(key, request.subscription.target.authority());
            assert_eq!(before, None, "an attempt at a time");
            let kept = self.bodies.entry(key).or_insert_with(|| request.body.bytes.to_vec());
            assert_eq!(*kept, request.body.bytes, "the same bytes on every attempt");
            let name = &request.subscription.name;
            let replay = if request.mark == Some(Mark::Replay) { "replay " } else { "" };
            shown.push(format!("{name} {key}/{} {replay}{}", request.attempt, changes(&request.body.bytes)));
            self.sent.push(request);
        }
        shown.join(", ")
    }
}

fn set(dispatch: &mut Dispatch, ledger: &Ledger, rules: &BTreeMap<String, Arc<Subscription>>) {
    let enrolled = rules.iter().map(|(name, subscription)| (enrolled(ledger, name), Arc::clone(subscription)));
    dispatch.set_subscriptions(enrolled);
}

fn enrolled(ledger: &Ledger, name: &str) -> SubscriptionId {
    ledger.enrol(None, name).expect("a number")
}

fn bulk(deed: Deed, which: Selection) -> Bulk {
    Bulk { deed, which, by: "jo".to_owned(), reason: None }
}

fn chosen(ledger: &Ledger, whose: &str, state: &str) -> Selection {
    let rows = ledger.subscriptions().expect("the subscriptions");
    Selection {
        subscription: rows.into_iter().find(|row| row.name == whose).map(|row| row.id),
        state: DeliveryState::parse(state),
        held: Held::parse(state),
        ..Selection::default()
    }
}

/// `3`, or `3.0.1`.
fn key(text: &str) -> DeliveryKey {
    DeliveryId::parse(&format!("{NODE:016x}-{text}")).expect("a delivery").key
}

fn range(word: &str) -> std::ops::RangeInclusive<i64> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    first.parse().expect("a number")..=last.parse().expect("a number")
}

//! Verdicts, line by line.

use super::{Tried, Verdict, verdict};
use crate::model::attempt::{Answer, Phase, Reply, RetryAfter};
use crate::model::ids::DeliveryNo;
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Method, Target};
use crate::model::time::Wall;

const NOW: Wall = Wall(1_800_000_000_000);

/// The policies of the lines below, by name.
fn policy(name: &str) -> (Accepts, RetrySchedule) {
    let three = RetrySchedule { retries: Some(3), ..RetrySchedule::of_delays(vec![60_000]) };
    match name {
        "three" => (Accepts::AnySuccess, three),
        "once" => (Accepts::AnySuccess, RetrySchedule { retries: Some(0), ..three }),
        "201-only" => (Accepts::Codes(vec![201]), three),
        "404-too" => (Accepts::Codes(vec![200, 404]), three),
        "for-5-min" => (
            Accepts::AnySuccess,
            RetrySchedule { retries: None, for_ms: Some(300_000), ..RetrySchedule::of_delays(vec![120_000]) },
        ),
        "never-after-403" => (
            Accepts::Codes(vec![200]),
            RetrySchedule { never_after: vec![403], ..RetrySchedule::of_delays(vec![60_000]) },
        ),
        _ => panic!("not a policy: {name}"),
    }
}

fn reply(words: &[&str]) -> Reply {
    match words {
        ["timeout"] => Reply::TimedOut { phase: Phase::Headers },
        ["refused"] => Reply::Unreachable { phase: Phase::Connect, why: "refused".into() },
        ["tls"] => Reply::TlsFailed { why: "expired".into() },
        ["internal"] => Reply::Internal { why: "a panic".into() },
        ["address"] => Reply::AddressRefused { why: "169.254.169.254".into() },
        [status] => Reply::status_alone(status.parse().expect("a status")),
        [status, after] => {
            let retry_after = match after.strip_prefix('@') {
                Some(ms) => RetryAfter::At(Wall(NOW.0 + ms.parse::<i64>().expect("milliseconds"))),
                None => RetryAfter::Seconds(after.parse().expect("seconds")),
            };
            let status = status.parse().expect("a status");
            Reply::Answered(Answer { status, retry_after: Some(retry_after), text: String::new() })
        }
        _ => panic!("not a reply: {words:?}"),
    }
}

/// `POLICY ATTEMPTS[*ENTRIES] WAITED_MS REPLY [RETRY-AFTER] -> VERDICT`.
fn check(lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (given, expect) = line.split_once(" -> ").expect("an arrow");
        let words: Vec<_> = given.split_whitespace().collect();
        let (accepts, schedule) = policy(words[0]);
        let url = url::Url::parse("http://a/").expect("a URL");
        let target = Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts };
        let number = |text: &str| text.parse().expect("a number");
        let reply = reply(&words[3..]);
        let (attempts, entries) = words[1].split_once('*').unwrap_or((words[1], "1"));
        let (attempts, entries, waited_ms) = (number(attempts) as u32, number(entries) as usize, number(words[2]));
        let tried = Tried { number: DeliveryNo(1), attempts, entries, waited_ms, reply: &reply };
        let shown = match verdict(&target, &schedule, tried, NOW) {
            Verdict::Accepted => "accepted".to_owned(),
            Verdict::Retry { delay_ms } => format!("retry {delay_ms}"),
            Verdict::Split => "split".to_owned(),
            Verdict::Refused => "refused".to_owned(),
            Verdict::Pause => "pause".to_owned(),
            Verdict::Dead => "dead".to_owned(),
        };
        assert_eq!(shown, expect, "{line}");
    }
}

#[test]
fn the_status_line_alone_decides_what_is_accepted() {
    check(
        "three    1 0 200 -> accepted
         three    4 0 204 -> accepted
         three    1 0 302 -> retry 60000
         three    1 0 199 -> retry 60000
         201-only 1 0 201 -> accepted
         201-only 1 0 200 -> retry 60000
         404-too  1 0 404 -> accepted",
    );
}

#[test]
fn whatever_failed_follows_the_schedule_until_it_ends() {
    check(
        "three     1 0      500      -> retry 60000
         three     2 0      timeout  -> retry 60000
         three     3 0      refused  -> retry 60000
         three     3 0      tls      -> retry 60000
         three     3 0      internal -> retry 60000
         three     3 0      address  -> retry 60000
         three     4 0      500      -> dead
         once      1 0      500      -> dead
         for-5-min 1 0      500      -> retry 120000
         for-5-min 2 130000 500      -> retry 120000
         for-5-min 3 260000 500      -> retry 40000
         for-5-min 4 300000 500      -> dead",
    );
}

#[test]
fn retry_after_postpones_and_never_shortens() {
    check(
        "three 1 0 503 120             -> retry 120000
         three 1 0 429 5               -> retry 60000
         three 1 0 503 @90000          -> retry 90000
         three 1 0 503 @-5000          -> retry 60000
         three 1 0 429 999999999       -> retry 86400000
         three 1 0 429 18446744073709551615 -> retry 86400000
         three 1 0 500 120             -> retry 60000
         three 4 0 503 120             -> dead",
    );
}

#[test]
fn what_a_target_refuses_is_split_and_a_single_entry_is_given_up() {
    check(
        "three   1*10 0 413 -> split
         three   4*2  0 422 -> split
         three   1    0 413 -> refused
         three   1    0 422 -> refused
         three   1*10 0 410 -> pause
         once    1    0 410 -> pause
         three   1    0 403 -> retry 60000
         never-after-403 1 0 403 -> dead
         never-after-403 1 0 500 -> retry 60000
         three   1*10 0 400 -> retry 60000",
    );
}

#[test]
fn jitter_is_up_to_a_tenth_of_the_default_delays_and_stable() {
    let url = url::Url::parse("http://a/").expect("a URL");
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    let reply = Reply::status_alone(500);
    let delay = |number, attempts| {
        let tried = Tried { number: DeliveryNo(number), attempts, entries: 1, waited_ms: 0, reply: &reply };
        match verdict(&target, &RetrySchedule::default(), tried, NOW) {
            Verdict::Retry { delay_ms } => delay_ms,
            other => panic!("{other:?}"),
        }
    };
    let delays: std::collections::BTreeSet<_> = (1..=1_000).map(|number| delay(number, 1)).collect();
    let (least, most) = (*delays.first().expect("some"), *delays.last().expect("some"));
    assert!((5_000..5_050).contains(&least) && (5_450..=5_500).contains(&most), "{least} to {most}");
    assert!(delays.len() > 300, "{} different delays", delays.len());
    assert_eq!(delay(7, 3), delay(7, 3));
    assert_ne!(delay(7, 3), delay(7, 4));
}

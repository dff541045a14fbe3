//! Deliveries whose receiver, process or ledger breaks at a bad moment: what was recorded comes once, recognisably, and
//! in order, and nobody else pays for it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback::cli::receiver::{Received, Reply};
use sha2::Sha256;

use crate::daemon::{Place, until};
use crate::rough::{Rough, answer};
use crate::sink::{Sink, entries, lines, sorted};
use crate::turns;

/// Deliveries after which the receiver kills the daemon.
const KILLS: usize = 8;

/// A daemon that is killed by its receiver, before the answer is sent or right after: each change comes, and what comes
/// again has its id and its bytes (which the sink checks).
#[track_caller]
fn check_killed_by_its_receiver(answers_first: bool) {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&format!("{}retry = ['100ms']\nretryCount = 100\n", sink.rule_all()));
    let pid = Arc::new(AtomicI32::new(0));
    let round = Arc::new(AtomicUsize::new(0));
    let (victim, now) = (Arc::clone(&pid), Arc::clone(&round));
    sink.behave(move |received| {
        // What a start sends again kills nobody: the file of this round may not be there yet.
        let is_new = contains(received, &format!("/{}\"", now.load(Ordering::Acquire)));
        let pid = if is_new { victim.swap(0, Ordering::AcqRel) } else { 0 };
        if pid == 0 {
            return Reply::from(200);
        }
        let kill = move || {
            // SAFETY: a plain system call. The process is a child that nobody has waited for, so its id is its own.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        };
        match answers_first {
            false => kill(),
            // The answer goes out while this thread waits for its turn.
            true => drop(std::thread::spawn(kill)),
        }
        Reply::from(200)
    });
    for number in 0..KILLS {
        let daemon = place.start();
        round.store(number, Ordering::Release);
        pid.store(daemon.pid().cast_signed(), Ordering::Release);
        place.write(&format!("/{number}"), "one");
        sink.wait_line(&format!("added /{number}"));
        drop(daemon.ends());
    }
    let daemon = place.start();
    let expect: Vec<_> = (0..KILLS).map(|round| format!("added /{round}")).collect();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), expect);
}

#[test]
fn a_daemon_that_is_killed_before_the_answer_sends_again_under_the_same_id() {
    check_killed_by_its_receiver(false);
}

#[test]
fn a_daemon_that_is_killed_right_after_the_answer_loses_nothing_and_tells_nothing_anew() {
    check_killed_by_its_receiver(true);
}

#[test]
fn one_entry_that_is_refused_is_a_dead_letter_and_the_others_of_its_batch_arrive_in_order() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&format!("{}linger = '400ms'\n", sink.rule_all()));
    let daemon = place.start();
    sink.behave(|received| if contains(received, "/poison\"") { 422 } else { 200 });
    for name in ["1", "2", "poison", "3", "4", "5"] {
        place.write(&format!("/{name}"), "one");
        daemon.sync();
    }
    daemon.status_until("the refused entry is a dead letter", |status| status["deliveries"]["dead"] == 1);
    let told = lines(&daemon.settled(&place, &sink, "/"));
    assert_eq!(told, ["1", "2", "3", "4", "5"].map(|name| format!("added /{name}")));
    let refused: Vec<_> = sink.calls().into_iter().filter(|call| call.status == 422).collect();
    assert_eq!(lines(&refused.last().expect("it was refused").entries), ["added /poison"]);
    for pair in refused.windows(2) {
        let (whole, part) = (&pair[0].id, &pair[1].id);
        assert!(part.starts_with(&format!("{whole}.")), "{part} is a part of {whole}");
    }
}

fn contains(received: &Received, text: &str) -> bool {
    received.body.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[test]
fn a_target_that_takes_three_entries_at_most_gets_all_of_them_in_order() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new(&format!("{}linger = '500ms'\n", sink.rule_all()));
    let daemon = place.start();
    sink.behave(|received| if entries(&received.body).len() > 3 { 413 } else { 200 });
    let expect: Vec<_> = (0..20).map(|n| format!("added /{n:02}")).collect();
    for line in &expect {
        place.write(line.strip_prefix("added ").expect("an addition"), "one");
    }
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(sorted(&told), expect);
    assert!(told.is_sorted_by_key(|one| (one.rrn, one.asset_id)), "{:?}", lines(&told));
    assert_eq!(daemon.status()["deliveries"]["dead"], 0);
}

/// A target that answers so first is called again within `least` and `most`, and not earlier.
#[track_caller]
fn check_retry_after(head: &'static str, least: Duration, most: Duration) {
    let _turn = turns::light();
    let rough = Rough::start(1, move |stream| drop(answer(stream, head.as_bytes())));
    let place = Place::new(&format!(
        "[[subscription]]\nname = 'busy'\ncallback = 'http://{}/hook'\nwatchPath = ['* /']\nretry = ['300ms']\n",
        rough.addr
    ));
    let _daemon = place.start();
    place.write("/1", "one");
    rough.wait(1);
    let began = Instant::now();
    let heard = rough.wait(2);
    let waited = began.elapsed();
    assert!((least..most).contains(&waited), "{head}: {waited:?}");
    assert_eq!(heard[0].id, heard[1].id);
}

#[test]
fn a_target_that_asks_for_time_gets_it_and_what_it_says_wrongly_changes_nothing() {
    let (least, most) = (Duration::from_millis(250), Duration::from_secs(10));
    let past =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n";
    check_retry_after(past, least, most);
    let garbage = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: in a while\r\nContent-Length: 0\r\n\r\n";
    check_retry_after(garbage, least, most);
    let seconds = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n";
    check_retry_after(seconds, Duration::from_millis(1_900), most);
}

#[test]
fn a_target_that_asks_for_a_century_gets_a_day_and_nobody_else_waits() {
    let _turn = turns::light();
    let rough = Rough::start(1, |stream| {
        let head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n";
        drop(answer(stream, head.as_bytes()));
    });
    let sink = Sink::new();
    let place = Place::new(&(rough.rule("busy") + &sink.rule_all()));
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_line("added /1");
    rough.wait(1);
    daemon.status_until("it waits", |status| status["deliveries"]["waiting"] == 1);
    let log = until("the log says when it is tried again", || {
        let log = daemon.log();
        log.lines().find(|line| line.contains("\"subscription\":\"busy\"")).map(str::to_owned)
    });
    assert!(!log.contains("99999999"), "{log}");
    assert_eq!(daemon.settled(&place, &sink, "/").len(), 1);
    assert_eq!(rough.heard().len(), 1, "it is left alone");
}

#[test]
fn a_removed_subscription_whose_name_returns_goes_on_where_it_was() {
    let _turn = turns::light();
    let (sink, other) = (Sink::new(), Sink::new());
    let both = format!("{}retry = ['100ms']\nretryCount = 100\n{}", sink.rule_all(), other.rule("other", "* /"));
    let place = Place::new(&both);
    let daemon = place.start();
    sink.behave(|_| 500);
    // One after the other: of two files that are written at once either may be the first.
    for name in ["/1", "/2"] {
        place.write(name, "one");
        other.wait_line(&format!("added {name}"));
    }
    sink.wait_calls("an attempt", |calls| !calls.is_empty());
    place.rule(&other.rule("other", "* /"));
    daemon.status_until("the rule is gone", |status| status["rules"]["generation"] == 2);
    sink.behave(|_| 200);
    place.write("/unheard", "three");
    other.wait("the other one hears of the third", |told| told.len() == 3);
    // Also by a process that was started meanwhile.
    daemon.kill();
    let daemon = place.start();
    assert!(sink.told().is_empty(), "{:?}", sink.told());
    place.rule(&both);
    sink.wait_line("added /2");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /1", "added /2"]);
}

#[test]
fn a_secret_that_is_rotated_under_load_signs_each_delivery_with_the_old_or_the_new_one() {
    let _turn = turns::light();
    let sink = Sink::new();
    let place = Place::new("");
    let file = place.store.with_file_name("secret");
    let secrets: Vec<Vec<u8>> = (0..4_u8).map(|n| vec![n + 1; 32]).collect();
    let written = |n: usize| format!("whsec_{}", STANDARD.encode(&secrets[n]));
    let rule = |n: usize| format!("{}secret = 'file:{}'\n# {n}\n", sink.rule_all(), file.display());
    let write = |text: &str| {
        let new = file.with_extension("new");
        fs::write(&new, text).expect("a secret");
        fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        fs::rename(&new, &file).expect("renamed");
    };
    write(&written(0));
    place.rule(&rule(0));
    let daemon = place.start();
    let mut expect = BTreeSet::new();
    for turn in 1..secrets.len() {
        // Both for a while, as the page says.
        write(&format!("{}\n{}", written(turn), written(turn - 1)));
        place.rule(&rule(turn));
        for n in 0..20 {
            place.write(&format!("/{turn}-{n}"), "one");
            expect.insert(format!("added /{turn}-{n}"));
        }
        daemon.status_until("the rules are in force", |status| status["rules"]["generation"] == 1 + turn as u64);
    }
    let told: BTreeSet<_> = lines(&daemon.settled(&place, &sink, "/")).into_iter().collect();
    assert_eq!(told, expect);
    for call in sink.calls() {
        let received = &call.received;
        let head = format!("{}.{}.", received.header("webhook-id"), received.header("webhook-timestamp"));
        let signed = [head.as_bytes(), &received.body].concat();
        let verifies = |text: &str| {
            let tag = text.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok()).expect("a signature");
            secrets.iter().any(|secret| {
                let mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
                mac.chain_update(&signed).verify_slice(&tag).is_ok()
            })
        };
        let signatures: Vec<_> = received.header("webhook-signature").split(' ').collect();
        assert!((1..=2).contains(&signatures.len()) && signatures.iter().all(|text| verifies(text)), "{received:?}");
    }
}

#[test]
fn a_ledger_that_is_cut_off_or_overwritten_is_refused_and_named() {
    let _turn = turns::light();
    for (what, damage) in [("cut off", 0_usize), ("overwritten", 1)] {
        let sink = Sink::new();
        let place = Place::new(&sink.rule_all());
        let daemon = place.start();
        for n in 0..50 {
            place.write(&format!("/{n}"), "one");
        }
        daemon.settled(&place, &sink, "/");
        assert!(daemon.stop().success());
        let ledger = place.state.join("ledger.db");
        let mut file = fs::OpenOptions::new().write(true).open(&ledger).expect("a ledger");
        let length = file.metadata().expect("there").len();
        match damage {
            0 => file.set_len(length / 2 + 100).expect("cut off"),
            _ => {
                file.seek(SeekFrom::Start(0)).expect("its beginning");
                file.write_all(&vec![0xa5; usize::try_from(length).expect("small")]).expect("overwritten");
            }
        }
        drop(file);
        let (code, said) = place.refused();
        assert_eq!(code, Some(2), "{what}: {said}");
        let names_it = said.contains(&format!("the ledger in {}", place.state.display()));
        assert!(names_it && said.contains("restore it from a backup"), "{what}: {said}");
    }
}

/// The 99th of a hundred times, or the longest of fewer.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[(times.len() * 99).div_ceil(100).saturating_sub(1)]
}

/// How much later the good ones may hear because of the bad ones: a factor, and what a busy machine adds.
const SLOWER: u32 = 2;
const SLACK: Duration = Duration::from_millis(400);

/// Whatever bad targets do: good ones hear as soon as they do without them.
#[track_caller]
fn check_beside(bad: &[String], good: usize, changes: usize) {
    let _turn = turns::heavy();
    let sink = Sink::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    // Each of its own authority: all of 127.0.0.0/8 is this host, and the sink is the same one.
    let sinks: Vec<_> = (0..good).map(|n| Sink::at(SocketAddr::from(([127, 0, 1, n as u8 + 1], 0)))).collect();
    let mut rules = sink.rule_all();
    for (n, sink) in sinks.iter().enumerate() {
        rules += &sink.rule(&format!("good-{n}"), "* /");
    }
    let bad: String = bad
        .iter()
        .enumerate()
        .map(|(n, url)| format!("[[subscription]]\nname = 'bad-{n}'\ncallback = '{url}'\nwatchPath = ['* /']\n"))
        .collect();
    let measure = |place: &Place, round: &str| {
        let mut times = Vec::new();
        for n in 0..changes {
            let (began, line) = (Instant::now(), format!("added /{round}-{n}"));
            place.write(&format!("/{round}-{n}"), "one");
            for sink in &sinks {
                sink.wait_line(&line);
                let calls = sink.calls();
                let heard = calls.iter().rev().find(|call| lines(&call.entries).contains(&line)).expect("it has come");
                times.push(heard.received.at.saturating_duration_since(began));
            }
        }
        p99(times)
    };
    let place = Place::new(&rules);
    let daemon = place.start();
    let without = measure(&place, "without");
    place.rule(&(rules.clone() + &bad));
    daemon.status_until("the bad ones have rules", |status| status["rules"]["generation"] == 2);
    // They are called, and hold what they may hold, before anything is measured.
    place.write("/first", "one");
    sink.wait_line("added /first");
    let with = measure(&place, "with");
    println!("{} beside {good}: p99 {without:?} without, {with:?} with", bad.lines().count() / 4);
    assert!(with < SLOWER * without + SLACK, "p99 {without:?} without, {with:?} with");
}

/// Accepts connections at an address and never says a word.
fn tarpit(address: [u8; 4]) -> String {
    let listener = TcpListener::bind(SocketAddr::from((address, 0))).expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let mut held = Vec::new();
        held.extend(listener.incoming().map_while(Result::ok));
    });
    url
}

#[test]
fn one_tarpit_among_a_hundred_targets_slows_none_of_them() {
    check_beside(&[tarpit([127, 0, 2, 1])], 99, 3);
}

#[test]
fn three_hundred_targets_that_never_answer_slow_none_of_ten_others() {
    let bad: Vec<_> = (0..300_u16).map(|n| tarpit([127, 0, 3 + (n / 200) as u8, (n % 200) as u8 + 1])).collect();
    check_beside(&bad, 10, 12);
}

#[test]
fn two_hundred_names_that_do_not_resolve_slow_nobody() {
    let bad: Vec<_> = (0..200).map(|n| format!("http://no-{n}.invalid/hook")).collect();
    check_beside(&bad, 10, 12);
}

#[test]
fn a_target_that_says_gone_is_paused_over_a_restart_and_gathers() {
    let _turn = turns::light();
    let (sink, other) = (Sink::new(), Sink::new());
    let place = Place::new(&(sink.rule_all() + &other.rule("other", "* /")));
    let daemon = place.start();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    sink.behave(move |_| {
        count.fetch_add(1, Ordering::AcqRel);
        410
    });
    place.write("/1", "one");
    daemon.status_until("it is paused", |status| status["troubles"].to_string().contains("410 Gone"));
    daemon.kill();
    let daemon = place.start();
    place.write("/2", "two");
    other.wait("the other one hears of both", |told| told.len() == 2);
    daemon.sync();
    assert_eq!(asked.load(Ordering::Acquire), 1, "it is called no more");
    assert!(daemon.status()["troubles"].to_string().contains("410 Gone"));
    assert_eq!(daemon.status()["outbox"]["entries"], 1);
}

#[test]
fn a_lane_that_is_far_behind_with_one_entry_a_delivery_slows_nobody() {
    let _turn = turns::heavy();
    let rounds: usize = std::env::var("RINGBACK_BEHIND").map_or(2_000, |entries| entries.parse().expect("a number"));
    let (behind, good) = (Sink::new(), Sink::at(SocketAddr::from(([127, 0, 4, 1], 0))));
    let rule = format!("{}maxEntries = 1\nretry = ['1s']\nretryCount = 100\n", behind.rule("behind", "* /many"));
    let place = Place::new(&(rule + &good.rule("good", "* /few")));
    behind.behave(|_| 503);
    fs::create_dir_all(place.at("/many")).expect("a directory");
    fs::create_dir_all(place.at("/few")).expect("a directory");
    let daemon = place.start();
    let median = |name: &str| {
        let mut times: Vec<_> = (0..20)
            .map(|n| {
                let (began, line) = (Instant::now(), format!("added /few/{name}-{n}"));
                place.write(&format!("/few/{name}-{n}"), "one");
                good.wait_line(&line);
                good.calls().last().expect("it has come").received.at.saturating_duration_since(began)
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    };
    let without = median("without");
    for n in 0..rounds {
        place.write(&format!("/many/{n}"), "one");
    }
    daemon.sync();
    let began = Instant::now();
    behind.behave(|_| 200);
    let with = median("with");
    let what = format!("{rounds} deliveries");
    behind.wait_calls(&what, |calls| calls.iter().filter(|call| call.status == 200).count() >= rounds);
    let rate = rounds as f64 / began.elapsed().as_secs_f64();
    println!("{rounds} behind: {rate:.0} deliveries/s, another's p50 {without:?} without, {with:?} with");
    let told = behind.told();
    assert_eq!(told.len(), rounds);
    assert!(told.is_sorted_by_key(|one| (one.rrn, one.asset_id)), "in order");
    assert!(with < SLOWER * without + SLACK, "p50 {without:?} without, {with:?} with");
}

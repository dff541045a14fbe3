//! What registering costs by each dialect over HTTP, and what a million registrations cost.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::daemon::{Place, digest_of};
use crate::load::{Caller, Times, record, register_many};
use crate::options::Options;
use crate::within::Within;
use crate::{meter, rows};

/// Registrations a second: 10,000 a minute.
const REGISTRATIONS: f64 = 10_000.0 / 60.0;
/// Registrations of the row that has a million.
const MILLION: usize = 1_000_000;
const TOKEN: &str = "bench-token";
/// Longer than any start takes.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How each dialect registers: its name, the request line, the media type, the body.
fn requests(number: usize, property: &str, user: &str) -> [(&'static str, String, &'static str, String); 5] {
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    let url = format!("https://h{}.example.org/{number}", number % 100);
    let zoom = format!("POST /review/api/events/assets/subscribe/bench-{number:08}");
    let descriptor = format!("%7B%22CallbackUrl%22%3A%22{url}%22%7D");
    [
        ("zoom", zoom, form, format!("callback={url}&watchPath=%2B+/nobody/{number}")),
        (
            "reactor",
            format!("POST /properties/{property}/callbacks"),
            json,
            format!(r#"{{"data":{{"attributes":{{"url":"{url}","subscriptions":["rule.created"]}}}}}}"#),
        ),
        (
            "eqp",
            format!("PUT /rest/v1/users/{user}"),
            json,
            format!(r#"{{"api_callbacks":[{{"url":"{url}","username":"key","password":"secret"}}]}}"#),
        ),
        (
            "hal",
            "POST /assets/tasks".to_owned(),
            json,
            format!(r#"{{"callbackUrl":"{url}","watchPath":["+ /nobody/{number}"]}}"#),
        ),
        (
            "compendium",
            "POST /app/callback".to_owned(),
            form,
            format!("EventName=asset.added&CallbackVersion=1&CallbackDescriptor={descriptor}"),
        ),
    ]
}

/// Registers by each dialect beside live traffic.
pub fn dialects(options: &Options, dir: &TempDir) -> Vec<String> {
    let digest = digest_of(TOKEN);
    let config = format!(
        "tenant = 'acme'\n[[tenant]]\nname = 'acme'\n[[principal]]\nname = 'zoe'\nrole = 'network-administrator'\n\
         tenants = ['acme']\nmage_id = 'MAG000000001'\ntoken_sha256 = '{digest}'\n"
    );
    let (daemon, paths) = rows::started(dir, &config);
    let lasting = options.lasting(Duration::from_secs(20));
    let mut caller = Caller::new(daemon.address(), &format!("Bearer {TOKEN}"));
    let property = format!("PR{}", &digest_of("property:acme")[..32]);
    let mut lines = Vec::new();
    let mut number = 0;
    for at in 0..5 {
        let mut times = Times::default();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (daemon, paths) = (&daemon, &paths);
            scope.spawn(|| {
                let mut count = 0;
                while !ended.load(Relaxed) {
                    daemon.write(&format!("/live/{at}/{count}"), "x");
                    count += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            scope.spawn(move || record(daemon, paths, 100, lasting, at * 1_000_000));
            let (began, first) = (Instant::now(), number);
            while began.elapsed() < lasting {
                let (name, line, media, body) = &requests(number, &property, "MAG000000001")[at];
                let asked = Instant::now();
                let answer = caller.send(line, media, body);
                times.add(asked.elapsed());
                assert!([200, 201].contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
                assert!(!answer.text().contains("\"success\":false"), "{name}: {}", answer.text());
                number += 1;
                let due = began + Duration::from_secs_f64((number - first) as f64 / REGISTRATIONS);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            ended.store(true, Relaxed);
        });
        let name = requests(0, "", "")[at].0;
        lines.push(format!("{name:<10} {times}  asked: p99 < 50 ms"));
    }
    lines
}

/// Has a daemon of its own start over very many registrations.
pub fn million(options: &Options) -> Vec<String> {
    let many = options.sized(MILLION);
    let place = Place::new_in("", &options.state());
    let empty = start(&place);
    let dir = place.state.parent().expect("a directory above it").to_owned();
    let daemon = Within::start(&dir, "");
    let took = register_many(&daemon, 0..many);
    drop(daemon);
    let full = start(&place);
    let ledger = fs::metadata(place.state.join("ledger.db")).expect("the ledger").len();
    let each = (full.mib - empty.mib) * 1_048_576.0 / many as f64;
    vec![
        format!("{many} registered, a thousand in an ask: {:.1} us each", took.as_secs_f64() * 1e6 / many as f64),
        format!("a start over none: {:.2} s, {:.0} MiB resident", empty.took.as_secs_f64(), empty.mib),
        format!("a start over {many}: {:.2} s, {:.0} MiB resident  asked: < 10 s", full.took.as_secs_f64(), full.mib),
        format!("memory a registration: {each:.0} bytes  asked: <= 1,024"),
        format!("the ledger a registration: {:.0} bytes", ledger as f64 / many as f64),
    ]
}

struct Started {
    took: Duration,
    mib: f64,
}

fn start(place: &Place) -> Started {
    let began = Instant::now();
    let daemon = place.start_unready();
    while !daemon.is_ready() {
        assert!(began.elapsed() < START_LIMIT, "it is ready by then: {}", daemon.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed();
    meter::still(daemon.pid());
    let mib = meter::memory_mib(daemon.pid(), "VmRSS");
    daemon.stop();
    Started { took, mib }
}

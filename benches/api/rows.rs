//! The rows.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ringback::model::ask::Answer;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::dialects::{dialects, million};
use crate::load::{Caller, Times, beside, nobody, record, register_many};
use crate::options::{Options, Row};
use crate::within::Within;

/// Subscriptions of the rows that have many.
const MANY: usize = 100_000;
/// Assets whose metadata is recorded.
const ASSETS: usize = 1_000;
/// Registrations a second: 10,000 a minute.
const REGISTRATIONS: f64 = 10_000.0 / 60.0;
/// Turns with and without what is asked about.
const TURNS: usize = 4;

/// Measures a row: what it says, line by line.
pub fn run(row: Row, options: &Options) -> Vec<String> {
    let dir = tempfile::tempdir_in(options.state()).expect("a directory");
    match row {
        Row::Register => register(options, &dir),
        Row::Dialects => dialects(options, &dir),
        Row::Million => million(options),
        Row::Pages => pages(options, &dir),
        Row::Streams => streams(options, &dir),
        Row::Idle => idle(options, &dir),
        Row::Copy => copy(options, &dir),
    }
}

/// A daemon over some assets, and their paths.
pub fn started(dir: &TempDir, config: &str) -> (Within, Vec<String>) {
    let paths: Vec<String> = (0..ASSETS).map(|at| format!("/d{}/{at}.mov", at % 10)).collect();
    for path in &paths {
        let file = dir.path().join("store").join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
        fs::write(file, "").expect("a file");
    }
    (Within::start(dir.path(), config), paths)
}

fn register(options: &Options, dir: &TempDir) -> Vec<String> {
    let (daemon, paths) = started(dir, "");
    let many = options.sized(MANY);
    let lasting = options.lasting(Duration::from_secs(30));
    let mut next = 0;
    // Files are written and records told while one after the other is registered.
    let mut measure = || {
        let mut times = Times::default();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut count = 0;
                while !ended.load(Relaxed) {
                    daemon.write(&format!("/live/{count}"), "x");
                    count += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            let (began, first) = (Instant::now(), next);
            let (daemon, paths) = (&daemon, &paths);
            scope.spawn(move || record(daemon, paths, 100, lasting, first));
            while began.elapsed() < lasting {
                let asked = Instant::now();
                assert!(matches!(daemon.register(nobody(next)), Answer::Registered(_)));
                times.add(asked.elapsed());
                next += 1;
                let due = began + Duration::from_secs_f64((next - first) as f64 / REGISTRATIONS);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            ended.store(true, Relaxed);
        });
        times
    };
    let synced = syncs(dir.path());
    let among_few = measure();
    let took = register_many(&daemon, 1_000_000..1_000_000 + many);
    let among_many = measure();
    let ratio = among_many.ms(0.5) / among_few.ms(0.5);
    vec![
        format!("a bare append and fdatasync on the same disk: {synced}"),
        format!("one among few:     {among_few}"),
        format!("one among {many}: {among_many}  asked: p99 < 50 ms"),
        format!("p50 to p50: {ratio:.2}"),
        format!("{many} at once, a thousand in an ask: {:.1} us each", took.as_secs_f64() * 1e6 / many as f64),
    ]
}

/// What the disk takes to confirm some bytes.
fn syncs(dir: &Path) -> Times {
    let mut file = File::create(dir.join("synced")).expect("a file");
    let mut times = Times::default();
    for _ in 0..100 {
        let began = Instant::now();
        file.write_all(&[0; 4_096]).and_then(|()| file.sync_data()).expect("it is written");
        times.add(began.elapsed());
    }
    times
}

fn pages(options: &Options, dir: &TempDir) -> Vec<String> {
    let (daemon, _) = started(dir, "");
    let many = options.sized(MANY);
    register_many(&daemon, 0..many);
    let mut caller = Caller::new(daemon.address(), &daemon.bearer());
    let [mut first, mut last] = [Times::default(), Times::default()];
    let mut filters = Vec::new();
    let next = |answer: &crate::http::Answer| answer.json()["next"].as_str().map(str::to_owned);
    // The cursor behind which the last page begins.
    let (mut cursor, mut count) = (String::from("0"), 1);
    let mut before = cursor.clone();
    while let Some(after) = next(&caller.ask(&format!("GET /v1/subscriptions?limit=100&cursor={cursor}"), "")) {
        before = std::mem::replace(&mut cursor, after);
        count += 1;
    }
    for _ in 0..50 {
        for (times, cursor) in [(&mut first, "0"), (&mut last, before.as_str())] {
            let asked = Instant::now();
            let answer = caller.ask(&format!("GET /v1/subscriptions?limit=100&cursor={cursor}"), "");
            times.add(asked.elapsed());
            assert_eq!(answer.json()["subscriptions"].as_array().map(Vec::len), Some(100.min(many)));
        }
    }
    for filter in ["name=zoom:n7", "host=h7.example.org", "origin=rule-file", "state=paused"] {
        let (mut times, mut pages, mut found) = (Times::default(), 0, 0);
        let mut cursor = Some("0".to_owned());
        while let Some(after) = cursor {
            let asked = Instant::now();
            let answer = caller.ask(&format!("GET /v1/subscriptions?{filter}&limit=1000&cursor={after}"), "");
            times.add(asked.elapsed());
            found += answer.json()["subscriptions"].as_array().expect("a list").len();
            pages += 1;
            cursor = next(&answer);
        }
        filters.push(format!("?{filter}: {found} found in {pages} pages, a page {times}"));
    }
    let ratio = last.ms(0.5) / first.ms(0.5);
    let mut lines = vec![
        format!("the first of {count} pages of 100:  {first}"),
        format!("page {} of {count}: {last}", count - 1),
        format!("p50 to p50: {ratio:.2}  asked: 1"),
    ];
    lines.extend(filters);
    lines
}

fn streams(options: &Options, dir: &TempDir) -> Vec<String> {
    const READERS: usize = 64;
    let (daemon, paths) = started(dir, "");
    let lasting = options.lasting(Duration::from_secs(5));
    let (bytes, mut turns) = (AtomicUsize::new(0), Vec::new());
    let head = format!("GET /v1/changes?since=0 HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\n", daemon.bearer());
    for turn in 0..TURNS {
        let [_, without] = record(&daemon, &paths, 1_000, lasting, turn * 2_000_000);
        let with = std::thread::scope(|scope| {
            let mut readers = Vec::new();
            for _ in 0..READERS {
                let mut stream = TcpStream::connect(daemon.address()).expect("a connection");
                let newest = daemon.get("/v1/changes?limit=1").json()["next"].clone();
                let head = head.replace("since=0", &format!("since={newest}"));
                stream.write_all(format!("{head}Accept: text/event-stream\r\n\r\n").as_bytes()).expect("it is sent");
                readers.push(stream.try_clone().expect("a socket"));
                let bytes = &bytes;
                scope.spawn(move || {
                    let mut buffer = [0; 65_536];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        bytes.fetch_add(count, Relaxed);
                    }
                });
            }
            let [_, with] = record(&daemon, &paths, 1_000, lasting, turn * 2_000_000 + 1_000_000);
            for reader in readers {
                drop(reader.shutdown(Shutdown::Both));
            }
            with
        });
        turns.push((without, with));
    }
    assert!(bytes.load(Relaxed) > 0, "the readers read something");
    let mut lines = Vec::new();
    let mut ratios: Vec<f64> = turns.iter().map(|(without, with)| with.ms(0.5) / without.ms(0.5)).collect();
    ratios.sort_by(f64::total_cmp);
    for (without, with) in &turns {
        lines.push(format!("a sync without readers: {without}"));
        lines.push(format!("a sync beside {READERS}:       {with}"));
    }
    let (least, most) = (ratios[0], ratios[TURNS - 1]);
    lines.push(format!("p50 to p50: {:.2} [{least:.2}..{most:.2}]  asked: < 1.05", ratios[TURNS / 2]));
    lines.push(format!("{} MiB were read", bytes.load(Relaxed) >> 20));
    lines
}

fn idle(options: &Options, dir: &TempDir) -> Vec<String> {
    let (daemon, _) = started(dir, "");
    let connections = options.sized(600);
    let measure = || {
        let mut times = Times::default();
        for _ in 0..200 {
            let asked = Instant::now();
            assert_eq!(daemon.get("/healthz").status, 200);
            times.add(asked.elapsed());
        }
        times
    };
    let without = measure();
    // One request each, so that they are idle and not merely slow.
    let mut callers = Vec::new();
    for _ in 0..connections {
        let mut caller = Caller::new(daemon.address(), &daemon.bearer());
        assert_eq!(caller.ask("GET /healthz", "").status, 200);
        callers.push(caller);
    }
    let with = measure();
    vec![format!("without:        {without}"), format!("beside {}: {with}  asked: < 100 ms", callers.len())]
}

fn copy(options: &Options, dir: &TempDir) -> Vec<String> {
    let (daemon, paths) = started(dir, "");
    let many = options.sized(MANY);
    register_many(&daemon, 0..many);
    let lasting = options.lasting(Duration::from_secs(5));
    let ledger = dir.path().join("state/ledger.db");
    let to = dir.path().join("copy.db");
    let copy = || {
        let source = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the ledger");
        let text = to.display().to_string();
        source.execute("VACUUM INTO ?1", [&text]).expect("a copy");
        fs::remove_file(&to).expect("a copy");
    };
    let list = || {
        let mut caller = Caller::new(daemon.address(), &daemon.bearer());
        let mut cursor = Some("0".to_owned());
        while let Some(after) = cursor {
            let answer = caller.ask(&format!("GET /v1/subscriptions?limit=1000&cursor={after}"), "");
            cursor = answer.json()["next"].as_str().map(str::to_owned);
        }
    };
    let mut lines = Vec::new();
    let mut ratios = [Vec::new(), Vec::new()];
    for turn in 0..TURNS {
        let measure = |at: usize| {
            let [_, syncs] = record(&daemon, &paths, 1_000, lasting, (turn * 3 + at) * 1_000_000);
            syncs
        };
        let alone = measure(0);
        let (listing, lists) = beside(list, || measure(1));
        let (copying, copies) = beside(copy, || measure(2));
        for (ratios, times) in ratios.iter_mut().zip([&listing, &copying]) {
            ratios.push(times.ms(0.5) / alone.ms(0.5));
        }
        lines.push(format!("a sync alone: {alone}"));
        lines.push(format!("beside {lists} lists: {listing}"));
        lines.push(format!("beside {copies} copies: {copying}"));
    }
    for (what, mut ratios) in ["lists", "copies"].into_iter().zip(ratios) {
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[TURNS - 1]);
        lines.push(format!(
            "p50 beside {what} to p50 alone: {:.2} [{least:.2}..{most:.2}]  asked: 1",
            ratios[TURNS / 2]
        ));
    }
    lines
}

//! From close(2) in a store to the request at a receiver, over the real daemon as a process of its own:
//! `cargo bench --bench pipeline`, or with the number of writes: `cargo bench --bench pipeline -- 1000`.
//!
//! The clock is this process's on both ends: the writer's right before close(2), the receiver's when the headers are
//! read. Beside each write the bare limit is measured in the same run: a raw inotify event and a bare POST by the same
//! HTTP library on a warm connection to the same receiver, with nothing between them. The two alternate, so that
//! whatever else the machine does, it does to both.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/http.rs"]
mod http;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/sink.rs"]
mod sink;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/turns.rs"]
mod turns;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use daemon::Place;
use sink::Sink;

/// Half the distance between two writes to the store: the bare one is in the middle.
const STEP: Duration = Duration::from_millis(5);
/// Writes before the measurement, which warm connections and caches.
const WARM_UP: usize = 50;

fn main() {
    let count: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000);
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    let bare_dir = place.store.with_file_name("bare");
    fs::create_dir(&bare_dir).expect("a directory");
    bare(&bare_dir, sink.url("/bare"));

    let mut closed = HashMap::new();
    let began = Instant::now();
    for n in 0..WARM_UP + count {
        let step = STEP * u32::try_from(2 * n).expect("not so many");
        pace(began + step);
        closed.insert(format!("/{n}"), write(&place.store.join(n.to_string())));
        pace(began + step + STEP);
        closed.insert(format!("bare/{n}"), write(&bare_dir.join(n.to_string())));
    }
    let all = 2 * (WARM_UP + count);
    sink.wait_calls("every request", |calls| calls.iter().map(|call| call.entries.len().max(1)).sum::<usize>() >= all);

    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for call in sink.calls() {
        if let Some(name) = call.received.path_and_query.strip_prefix("/bare/") {
            bare.push((name.to_owned(), call.received.at - closed[&format!("bare/{name}")]));
        }
        for one in call.entries.iter() {
            ours.push((one.path[1..].to_owned(), call.received.at - closed[&one.path]));
        }
    }
    println!("close(2) to request, {count} writes {:?} apart, in the same run:", 2 * STEP);
    let ours = show("ringback", ours);
    let bare = show("inotify + hyper", bare);
    println!("  ratio            p50 {:>6.2} x     p99 {:>6.2} x", ours.0 / bare.0, ours.1 / bare.1);
    drop(daemon);
}

/// Writes a file; the moment right before it is closed.
fn write(path: &Path) -> Instant {
    let mut file = File::create(path).expect("created");
    file.write_all(b"some bytes").expect("written");
    let at = Instant::now();
    drop(file);
    at
}

fn pace(until: Instant) {
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
}

/// Median and 99th percentile in milliseconds, printed; without the warm-up.
fn show(what: &str, mut times: Vec<(String, Duration)>) -> (f64, f64) {
    times.retain(|(name, _)| name.parse::<usize>().is_ok_and(|n| n >= WARM_UP));
    let mut times: Vec<f64> = times.into_iter().map(|(_, time)| time.as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!("  {what:<16} p50 {p50:>6.3} ms    p99 {p99:>6.3} ms    max {max:>7.3} ms    ({} requests)", times.len());
    (p50, p99)
}

/// Watches a directory and posts each closed file's name, on a thread of its own that ends with the process.
fn bare(dir: &Path, url: String) {
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: no pointers.
    let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC) };
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor is open, and the path is a C string that outlives the call.
    let watched = unsafe { libc::inotify_add_watch(fd, path.as_ptr(), libc::IN_CLOSE_WRITE) };
    assert!(watched >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: it has just been opened, and is nobody else's.
    let mut events = unsafe { File::from_raw_fd(fd) };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let url: hyper::Uri = url.parse().expect("a URL");
        let address = url.authority().expect("an address").to_string();
        let mut sender = runtime.block_on(async {
            let stream = TcpStream::connect(&address).await.expect("connected");
            stream.set_nodelay(true).expect("no delay");
            let (sender, connection) =
                hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.expect("HTTP");
            tokio::spawn(connection);
            sender
        });
        let mut buffer = [0; 4096];
        loop {
            let count = events.read(&mut buffer).expect("events");
            let mut at = 0;
            while at < count {
                // struct inotify_event: wd, mask, cookie, len, then a name of len bytes that ends with NULs.
                let length = u32::from_ne_bytes(buffer[at + 12..at + 16].try_into().expect("four bytes")) as usize;
                let name = &buffer[at + 16..at + 16 + length];
                let name = String::from_utf8_lossy(name.split(|&b| b == 0).next().unwrap_or_default()).into_owned();
                at += 16 + length;
                let request = Request::post(format!("{}/{name}", url.path()))
                    .header("host", &address)
                    .body(Full::default())
                    .expect("a request");
                runtime.block_on(async {
                    let answer = sender.send_request(request).await.expect("an answer");
                    assert_eq!(answer.status(), 200);
                    http_body_util::BodyExt::collect(answer).await.expect("its body");
                });
            }
        }
    });
}

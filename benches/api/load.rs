//! What goes on beside what is measured, and times.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ringback::model::ask::{Answer, Ask};
use ringback::model::registration::{Edit, Registration, Replaces};

use crate::http;
use crate::within::{Within, registration};

/// Edits of one ask, where many are registered before anything is measured.
const EDITS: usize = 1_000;

/// Times, to be shown by their quantiles.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// A part of them, milliseconds.
    pub fn ms(&self, part: f64) -> f64 {
        let mut times = self.0.clone();
        assert!(!times.is_empty(), "something was measured");
        times.sort();
        times[((times.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1e3
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [median, most, longest] = [0.5, 0.99, 1.0].map(|part| self.ms(part));
        write!(f, "p50 {median:.2} ms, p99 {most:.2} ms, longest {longest:.1} ms ({} times)", self.0.len())
    }
}

/// A registration whose target nobody is sent anything: it watches where nothing happens.
pub fn nobody(number: usize) -> Registration {
    let watches = vec![format!("+ /nobody/{}/{number}", number % 1_000)];
    // A hundred hosts, so that a filter by one finds a hundredth.
    let callback = format!("https://h{}.example.org/{number}", number % 100);
    Registration {
        paths: watches,
        request: format!("{{\"callback\":\"{callback}\"}}"),
        ..registration(&format!("n{number}"), &callback)
    }
}

/// Registers these, many in an ask.
pub fn register_many(daemon: &Within, numbers: std::ops::Range<usize>) -> Duration {
    let began = Instant::now();
    let all: Vec<usize> = numbers.collect();
    for numbers in all.chunks(EDITS) {
        let put = |number: &usize| Edit::Put { registration: Box::new(nobody(*number)), replaces: Replaces::Own };
        let ask = Ask::Register { edits: numbers.iter().map(put).collect(), by: "jo".to_owned() };
        assert!(matches!(daemon.ask(ask), Answer::Registered(ids) if ids.len() == numbers.len()));
    }
    began.elapsed()
}

/// A caller on one connection, which reads whole answers and nothing of them.
pub struct Caller {
    stream: TcpStream,
    head: String,
}

impl Caller {
    pub fn new(to: SocketAddr, bearer: &str) -> Self {
        let stream = TcpStream::connect(to).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self { stream, head: format!("Host: {to}\r\nAuthorization: {bearer}\r\n") }
    }

    /// Asks for something, and returns the answer with its status.
    pub fn ask(&mut self, line: &str, body: &str) -> http::Answer {
        self.send(line, "application/x-ndjson", body)
    }

    /// The same, with a body of a media type.
    pub fn send(&mut self, line: &str, media: &str, body: &str) -> http::Answer {
        let Self { stream, head } = self;
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\n{head}Content-Type: {media}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = whole(&bytes) {
                return answer;
            }
            let mut more = [0; 65_536];
            let count = stream.read(&mut more).expect("an answer");
            assert!(count > 0, "it hung up: {}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&more[..count]);
        }
    }
}

/// An answer, once all of it is there. Every answer that is asked for here says how long it is.
fn whole(bytes: &[u8]) -> Option<http::Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.unwrap_or(0);
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(http::Answer { status, head, body })
}

/// Records changes of metadata, `rate` a second in requests of ten, and asks for a sync after every tenth request, for
/// so long: how long each record and each sync took.
pub fn record(daemon: &Within, paths: &[String], rate: usize, lasting: Duration, from: usize) -> [Times; 2] {
    let mut caller = Caller::new(daemon.address(), &daemon.bearer());
    let [mut records, mut syncs] = [Times::default(), Times::default()];
    let began = Instant::now();
    let mut requests = 0;
    while began.elapsed() < lasting {
        let mut lines = String::new();
        for at in 0..10 {
            let (path, take) = (&paths[(requests * 10 + at) % paths.len()], from + requests);
            lines.push_str(&format!("{{\"path\":\"{path}\",\"set\":{{\"Take\":\"{take}\"}}}}\n"));
        }
        let asked = Instant::now();
        assert_eq!(caller.ask("POST /v1/records", &lines).status, 202);
        records.add(asked.elapsed());
        requests += 1;
        if requests % 10 == 0 {
            let asked = Instant::now();
            assert_eq!(caller.ask("POST /v1/sync", "").status, 200);
            syncs.add(asked.elapsed());
        }
        let due = began + Duration::from_secs_f64((requests * 10) as f64 / rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    [records, syncs]
}

/// Does something again and again beside something else, until that ends. Returns what that came to, and how often it
/// was done.
pub fn beside<T: Send>(work: impl Fn() + Sync, done: impl FnOnce() -> T) -> (T, usize) {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let mut count = 0;
            while !ended.load(Relaxed) {
                work();
                count += 1;
            }
            count
        });
        let done = done();
        ended.store(true, Relaxed);
        (done, working.join().expect("it goes on"))
    })
}

//! Subscribers that refuse, hang, or answer nonsense: nothing is lost, nothing is told twice under another id, and
//! nobody else waits.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::daemon::{Place, until};
use crate::rough::{Heard, Rough, answer};
use crate::sink::{Sink, entries, lines};
use crate::turns;

/// Whoever is served well hears of a change within this, whatever others do. Far below every timeout, far above what it
/// takes on a busy machine.
const SOON: Duration = Duration::from_millis(700);

/// Both hear of two files; the other one soon, the rough one in the end, in order, with the same bytes on each attempt.
#[track_caller]
fn check(rough: &Rough, config: &str, attempts: usize) -> Vec<Heard> {
    let _turn = turns::light();
    let sink = Sink::new();
    let mut place = Place::new(&(rough.rule("rough") + &sink.rule_all()));
    place.configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\n{config}"));
    let daemon = place.start();
    for name in ["1", "2"] {
        let began = Instant::now();
        place.write(&format!("/{name}"), "one");
        sink.wait_line(&format!("added /{name}"));
        let took = sink.calls().last().expect("it was told").received.at - began;
        assert!(took < SOON, "the other one waited {took:?}");
    }
    // Two deliveries: the second file came while the first was on its way, or after it.
    let heard = rough.wait(attempts + 1);
    let told: Vec<_> = heard.iter().flat_map(|one| lines(&entries(&one.body))).collect();
    let again = heard[..attempts].iter().all(|one| (&one.id, &one.body) == (&heard[0].id, &heard[0].body));
    assert!(again, "the first delivery has other bytes: {heard:?}");
    assert_ne!(heard[0].id, heard[attempts].id);
    assert_eq!(told[..attempts], vec!["added /1".to_owned(); attempts]);
    assert_eq!(told[attempts..], ["added /2"]);
    daemon.status_until("everything is delivered", |status| {
        let (deliveries, owed) = (&status["deliveries"], &status["outbox"]["entries"]);
        deliveries["inFlight"] == 0 && deliveries["waiting"] == 0 && deliveries["dead"] == 0 && *owed == 0
    });
    rough.heard()
}

#[test]
fn one_that_hangs() {
    let rough = Rough::start(2, |mut stream| {
        // It says nothing until the other side has had enough.
        drop(io::copy(&mut stream, &mut io::sink()));
    });
    check(&rough, "[delivery]\ntimeout = '1s'\n", 3);
}

#[test]
fn one_that_answers_half_a_head() {
    let rough = Rough::start(2, |stream| drop(answer(stream, b"HTTP/1.1 200 O")));
    check(&rough, "", 3);
}

#[test]
fn one_that_answers_no_http() {
    let rough = Rough::start(2, |stream| drop(answer(stream, b"220 mail.example.org ESMTP\r\n")));
    check(&rough, "", 3);
}

#[test]
fn one_that_closes_without_a_word() {
    let rough = Rough::start(2, drop);
    check(&rough, "", 3);
}

#[test]
fn one_whose_answer_breaks_off_after_its_head_has_accepted() {
    let rough = Rough::start(1, |stream| drop(answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")));
    assert_eq!(check(&rough, "", 1).len(), 2);
}

#[test]
fn one_that_answers_a_gigabyte() {
    const GIGABYTE: u64 = 1 << 30;
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let rough = Rough::start(1, move |mut stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n");
        let mut done = stream.write_all(head.as_bytes());
        while done.is_ok() && count.load(Ordering::Acquire) < GIGABYTE {
            done = stream.write_all(&[b'x'; 65_536]);
            count.fetch_add(65_536, Ordering::AcqRel);
        }
    });
    assert_eq!(check(&rough, "", 1).len(), 2);
    // What lies in the sockets' buffers counts as sent.
    let sent = sent.load(Ordering::Acquire);
    assert!(sent < GIGABYTE / 16, "{sent} bytes were taken");
}

#[test]
fn one_that_answers_what_would_unpack_to_a_gigabyte_is_read_as_it_comes() {
    // The gzip header and a deflate block that says nothing so far: whoever unpacks it asks for more.
    let rough = Rough::start(1, |mut stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\
                    Content-Length: 1048576\r\n\r\n";
        let zeros = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff".as_slice(), &[0; 1 << 20]].concat();
        // The other side closes when it has read its part.
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&zeros)));
    });
    assert_eq!(check(&rough, "", 1).len(), 2);
}

#[test]
fn one_that_drips_its_head_is_given_up_in_time() {
    let rough = Rough::start(2, |stream| drip(stream, b"HTTP/1.1 200 OK\r\nX-Drip: "));
    check(&rough, "[delivery]\ntimeout = '1s'\n", 3);
}

#[test]
fn one_that_drips_its_answer_has_accepted() {
    let rough = Rough::start(1, |stream| drip(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"));
    assert_eq!(check(&rough, "", 1).len(), 2);
}

/// Sends a beginning, and then a byte now and then until the other side has had enough.
fn drip(mut stream: TcpStream, begin: &[u8]) {
    let mut done = stream.write_all(begin);
    while done.is_ok() {
        std::thread::sleep(Duration::from_millis(20));
        done = stream.write_all(b"x");
    }
}

#[test]
fn one_that_resets_in_the_middle_of_its_answer_has_accepted() {
    let rough = Rough::start(1, |mut stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
        reset(&stream);
    });
    assert_eq!(check(&rough, "", 1).len(), 2);
}

#[test]
fn one_that_resets_before_its_answer() {
    let rough = Rough::start(2, |stream| reset(&stream));
    check(&rough, "", 3);
}

/// Makes the close that follows a reset (RST) instead of an orderly end.
fn reset(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = libc::socklen_t::try_from(size_of_val(&linger)).expect("a small size");
    // SAFETY: the descriptor is open while the stream is borrowed, and the option is read from `linger` alone.
    let set = unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size)
    };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
}

#[test]
fn one_that_redirects_is_not_followed() {
    let elsewhere = Sink::new();
    let there = elsewhere.url("/elsewhere");
    let rough = Rough::start(2, move |stream| {
        drop(answer(
            stream,
            format!("HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        ));
    });
    check(&rough, "", 3);
    assert!(elsewhere.calls().is_empty());
}

#[test]
fn one_that_fails() {
    let rough = Rough::start(3, |stream| {
        drop(answer(
            stream,
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\nConnection: close\r\n\r\noops!",
        ));
    });
    check(&rough, "", 4);
}

#[test]
fn one_that_is_not_there_yet() {
    let _turn = turns::light();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let sink = Sink::new();
    let rule = format!(
        "[[subscription]]\nname = 'late'\ncallback = 'http://{free}/hook'\nwatchPath = ['* /']\nretry = ['100ms']\nretryCount = 100\n"
    );
    let place = Place::new(&(rule + &sink.rule_all()));
    let daemon = place.start();
    for n in 0..20 {
        let began = Instant::now();
        place.write(&format!("/{n}"), "one");
        sink.wait_line(&format!("added /{n}"));
        assert!(began.elapsed() < SOON, "{n} waited {:?}", began.elapsed());
    }
    daemon.status_until("it waits", |status| status["deliveries"]["waiting"] == 1 && status["outbox"]["entries"] == 19);
    // What it is owed survives a crash.
    daemon.kill();
    let daemon = place.start();
    let late = Sink::at(free);
    let expect: Vec<_> = (0..20).map(|n| format!("added /{n}")).collect();
    late.wait("everything", |told| told.len() >= 20);
    assert_eq!(lines(&daemon.settled(&place, &late, "/")), expect);
}

#[test]
fn a_delivery_that_is_given_up_is_a_dead_letter_and_the_next_goes_out() {
    let sink = Sink::new();
    let place = Place::new(&format!("{}retry = ['10ms', '20ms']\n", sink.rule_all()));
    let daemon = place.start();
    sink.behave(|_| 503);
    place.write("/1", "one");
    daemon.status_until("it is dead", |status| status["deliveries"]["dead"] == 1);
    sink.behave(|_| 200);
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), [""; 0]);
    let calls = sink.calls();
    let refused: Vec<_> = calls.iter().filter(|call| call.status == 503).collect();
    assert_eq!(refused.len(), 3, "one attempt and two retries");
    assert!(refused.iter().all(|call| call.id == refused[0].id && lines(&call.entries) == ["added /1"]));
    assert!(calls[3..].iter().all(|call| call.id != refused[0].id));
    // It is kept.
    daemon.kill();
    let daemon = place.start();
    assert_eq!(daemon.status()["deliveries"]["dead"], 1);
}

#[test]
fn a_get_callback_has_its_parameters_and_no_body() {
    let sink = Sink::new();
    let place = Place::new(&format!(
        "[[subscription]]\nname = 'get'\ncallback = '{}'\nmethod = 'GET'\nwatchPath = ['+ /']\n\
         queryParam = ['site=San Francisco', 'a&b=c=d']\nheader = ['X-Site: sfo', 'X-Note: a  b']\n\
         successCode = 204\nretry = ['10ms']\nretryCount = 50\n",
        sink.url("/hook?v=1")
    ));
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    // 200 is not what it calls success.
    sink.behave(move |_| if count.fetch_add(1, Ordering::AcqRel) == 0 { 200 } else { 204 });
    let daemon = place.start();
    place.write("/1", "one");
    sink.wait_calls("two requests", |calls| calls.len() >= 2);
    daemon.status_until("it is delivered", |status| {
        status["deliveries"]["inFlight"] == 0 && status["deliveries"]["waiting"] == 0
    });
    let calls = sink.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].id, calls[1].id);
    for call in &calls {
        let received = &call.received;
        assert_eq!(received.method.as_str(), "GET");
        assert_eq!(received.path_and_query, "/hook?v=1&site=San+Francisco&a%26b=c%3Dd");
        assert!(received.body.is_empty());
        assert_eq!((received.header("x-site"), received.header("x-note")), ("sfo", "a  b"));
        assert!(received.header("user-agent").starts_with("ringback/"), "{:?}", received.headers);
        assert!(!received.header("webhook-timestamp").is_empty());
    }
}

#[test]
fn a_full_batch_is_cut_and_the_rest_follows() {
    let sink = Sink::new();
    let place = Place::new(&format!("{}maxEntries = 10\nlinger = '300ms'\n", sink.rule_all()));
    let daemon = place.start();
    for n in 0..35 {
        place.write(&format!("/{n}"), "one");
    }
    assert_eq!(daemon.settled(&place, &sink, "/").len(), 35);
    let sizes: Vec<_> = sink.calls().iter().map(|call| call.entries.len()).collect();
    assert!(sizes.iter().all(|&size| size <= 10) && sizes.contains(&10), "{sizes:?}");
    until("its end", || daemon.is_ready().then_some(()));
}

//! What is measured beside ringback: the same work with nothing around it.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rusqlite::Connection;
use sha2::Sha256;
use tokio::net::TcpStream;

use crate::targets::Targets;

/// How often the log is synced, as ringback's keeper does it.
const SYNC_EVERY: Duration = Duration::from_millis(200);
/// Rows in one transaction.
const GROUP: usize = 100;

/// Signed POSTs of one entry by bare HTTP connections, one to each target, one request at a time on each. Returns how
/// many a second arrived.
pub fn posts(targets: &Targets, count: usize) -> f64 {
    targets.restart(false);
    let each = count.div_ceil(targets.addresses.len());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for address in &targets.addresses {
            let address = address.to_string();
            tasks.spawn(async move {
                let mut sender = connect(&address).await;
                for number in 0..each {
                    post(&mut sender, &address, &format!("bare-{number}")).await;
                }
            });
        }
        tasks.join_all().await;
    });
    targets.requests() as f64 / targets.took().as_secs_f64()
}

/// From right before a bare signed POST on a warm connection to its arrival, each after a pause.
pub fn latencies(targets: &Targets, count: usize, pause: Duration) -> Vec<Duration> {
    targets.restart(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let address = targets.addresses[0].to_string();
    let mut sender = runtime.block_on(connect(&address));
    let mut began = Vec::with_capacity(count);
    for number in 0..count {
        // Time in which the other end is idle, as it is between two changes.
        std::thread::sleep(pause);
        began.push(Instant::now());
        runtime.block_on(post(&mut sender, &address, &format!("bare-{number}")));
    }
    let arrivals = targets.take();
    assert_eq!(arrivals.len(), count, "every POST arrived");
    arrivals.iter().zip(began).map(|(arrival, began)| arrival.at - began).collect()
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    sender
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, address: &str, id: &str) {
    const BODY: &str = r#"{"success":true,"data":{"entry":[{"assetId":1234,"rrn":1234,"path":"/assets/0012/001234.mov","owner":"root","action":"none"}]},"id":"lane-07"}"#;
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of 24 bytes or so.").expect("any length");
    for part in [id, ".", &at.to_string(), ".", BODY] {
        mac.update(part.as_bytes());
    }
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let request = Request::post("/hook")
        .header("host", address)
        .header("content-type", "application/json")
        .header("user-agent", "bare")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature)
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.expect("its body");
}

/// Rows inserted and, in transactions of their own, acknowledged: rows a second through both. SQLite with a log that is
/// synced every 200 ms, as ringback's is.
pub fn rows(dir: &Path, count: usize) -> f64 {
    let file = dir.join("limit.db");
    let mut connection = Connection::open(&file).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE owed (id INTEGER PRIMARY KEY, target INTEGER NOT NULL, entry TEXT NOT NULL)",
        )
        .expect("a table");
    let entry = "x".repeat(100);
    let began = Instant::now();
    let mut synced = began;
    for first in (0..count).step_by(GROUP) {
        let ids = first..count.min(first + GROUP);
        let insert = connection.transaction().expect("a transaction");
        for id in ids.clone() {
            let mut sql = insert.prepare_cached("INSERT INTO owed VALUES (?1, 1, ?2)").expect("it is SQL");
            sql.execute((id as i64, &entry)).expect("a row");
        }
        insert.commit().expect("committed");
        let acknowledge = connection.transaction().expect("a transaction");
        for id in ids {
            let mut sql = acknowledge.prepare_cached("DELETE FROM owed WHERE id = ?1").expect("it is SQL");
            sql.execute([id as i64]).expect("a row");
        }
        acknowledge.commit().expect("committed");
        if synced.elapsed() >= SYNC_EVERY {
            sync(&dir.join("limit.db-wal"));
            synced = Instant::now();
        }
    }
    sync(&dir.join("limit.db-wal"));
    count as f64 / began.elapsed().as_secs_f64()
}

/// How long an fdatasync takes after 4 KiB were written: the median of some.
pub fn fdatasync(dir: &Path) -> Duration {
    use std::io::Write as _;
    let mut file = fs::File::create(dir.join("limit.sync")).expect("a file");
    let mut times: Vec<Duration> = (0..51)
        .map(|_| {
            file.write_all(&[1; 4_096]).expect("written");
            let began = Instant::now();
            file.sync_data().expect("synced");
            began.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn sync(log: &Path) {
    let log = fs::File::open(log).expect("a log");
    // SAFETY: the descriptor is open for as long as the call takes.
    assert_eq!(unsafe { libc::fdatasync(log.as_raw_fd()) }, 0, "{}", std::io::Error::last_os_error());
}

//! A target that refuses connections while 1,000,000 changes become owed to it, and then is there again: disk, memory,
//! order.

use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use super::paths;
use crate::meter::memory_mib;
use crate::options::Options;
use crate::store::{LIMIT, Store, rule_of_files, rule_of_records};
use crate::table::Figure;
use crate::targets::Targets;

/// Changes recorded before memory is measured for the first time: caches are filled by then.
const WARM_UP: usize = 20_000;
/// The most entries of a batch, unless a rule says otherwise.
const BATCH: usize = 1_000;

pub fn run(options: &Options) -> Vec<Figure> {
    let count = options.sized(1_000_000);
    let address = free_address();
    let url = format!("http://{address}/hook");
    // The second one calls the same host: when it is accepted there, the first one need not sit out its delay.
    let rules = rule_of_records("all", &url, "") + &rule_of_files("knock", &url, "");
    let store = Store::new(options, 20_000, "owed = 2000000\n[retention]\njournal_rows = 10000000", &rules);
    let daemon = store.start();
    let warm_up = WARM_UP.min(count);
    store.record(&daemon, warm_up);
    let memory = memory_mib(daemon.pid(), "VmRSS");
    let (disk, began) = (store.ledger_bytes(), Instant::now());
    store.record(&daemon, count);
    let recording = began.elapsed();
    let all = warm_up + count;
    daemon.status_until("all but the first batch is owed", |status| {
        status["outbox"]["entries"].as_u64().is_some_and(|owed| owed as usize + BATCH >= all)
    });
    let bytes = (store.ledger_bytes() - disk) as f64 / count as f64;
    let owing = memory_mib(daemon.pid(), "VmRSS");
    let targets = Targets::at(&[address], 1);
    targets.restart(true);
    store.place.write("/files/knock.mov", "");
    targets.wait_entries(all + 1, LIMIT);
    let rate = all as f64 / targets.took().as_secs_f64();
    let delivered = memory_mib(daemon.pid(), "VmRSS");
    let most = memory_mib(daemon.pid(), "VmHWM");
    let told: Vec<_> = targets.take().into_iter().flat_map(|arrival| paths(&arrival.body)).collect();
    let told = told.iter().filter(|path| path.starts_with("/assets"));
    let expected = (0..warm_up).chain(0..count).map(|change| store.path_of(change));
    assert!(told.cloned().eq(expected), "all of it, once, in order");
    daemon.status_until("all is recorded", |status| status["deliveries"]["inFlight"] == 0);
    let disk_after = store.ledger_bytes();
    assert!(daemon.stop().success(), "it ends well");
    vec![
        Figure::with_goal("ledger and its log grew by, for each change owed", bytes, "B", "<= 300"),
        Figure::new("ledger and its log after it was drained", disk_after as f64 / f64::from(1 << 20), "MiB"),
        Figure::new("recorded while the target was down", count as f64 / recording.as_secs_f64(), "/s"),
        Figure::new("resident before", memory, "MiB"),
        Figure::with_goal("resident with all of it owed", owing, "MiB", "flat"),
        Figure::with_goal("resident after it was drained", delivered, "MiB", "flat"),
        Figure::with_goal("resident at most", most, "MiB", "flat"),
        Figure::new("drained in order", rate, "entries/s"),
    ]
}

/// A free address: nothing listens there until the receiver starts.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it listens")
}

//! The first scan of a large tree, idle beside it, and the start over it when nothing has changed: the three share the
//! tree, which takes longest to make.

use std::time::{Duration, Instant};

use super::thousands;
use crate::meter::{cpu, memory_mib, still};
use crate::options::{Options, Row, Who};
use crate::table::{Metric, Table, Unit};
use crate::tree::Tree;
use crate::watcher::ringback::Ringback;
use crate::watcher::{Watcher, start_peer};

/// Of the idle row at its full size.
const IDLE: Duration = Duration::from_secs(30);

/// Each start reserves some ids. Anything written for each file is more than this, beside 10,000 files already.
const GROWN_KIB_MAX: f64 = 256.0;

const SCAN: &[Metric] = &[
    Metric { key: "ready_s", what: "until ready", unit: Unit::Seconds, reach: "< 6 s" },
    Metric { key: "cpu_s", what: "CPU", unit: Unit::Seconds, reach: "" },
    Metric { key: "peak_mib", what: "peak memory", unit: Unit::Mebibytes, reach: "< 150 MiB" },
];
const QUIET: &[Metric] = &[
    Metric { key: "cpu_percent", what: "CPU, of one core", unit: Unit::Percent, reach: "0 %" },
    Metric { key: "rss_mib", what: "memory resident", unit: Unit::Mebibytes, reach: "< 150 MiB" },
    Metric { key: "anon_mib", what: "of it not of files", unit: Unit::Mebibytes, reach: "" },
];
const RESTART: &[Metric] = &[
    Metric { key: "ready_s", what: "until ready", unit: Unit::Seconds, reach: "< 3 s" },
    Metric { key: "cpu_s", what: "CPU", unit: Unit::Seconds, reach: "" },
    Metric { key: "peak_mib", what: "peak memory", unit: Unit::Mebibytes, reach: "" },
    Metric { key: "grown_kib", what: "the ledger and its log grew by", unit: Unit::Kibibytes, reach: "some ids" },
];

pub fn run(options: &Options, everybody: &[Who], rows: &[Row], table: &mut Table) {
    let (dirs, each) = (options.sized(10_000), 100);
    let (files, idle_for) = (dirs * each, IDLE.mul_f64(options.scale()).max(Duration::from_secs(1)));
    let all = thousands(files);
    let is = |row| rows.contains(&row);
    if is(Row::Scan) {
        table.row("scan", &format!("first scan of {all} files, {each} a directory"), SCAN);
    }
    if is(Row::Idle) {
        table.row(
            "idle",
            &format!("idle for {} s beside {all} files, after the first scan", idle_for.as_secs()),
            QUIET,
        );
    }
    if is(Row::Restart) {
        table.row("restart", &format!("restart over {all} files, nothing changed"), RESTART);
    }
    let tree = Tree::new(&options.trees());
    tree.fill(dirs, each);
    for &who in everybody {
        if let Who::Peer(peer) = who {
            // A peer starts as it started first: it knows nothing of before.
            if is(Row::Scan) || is(Row::Idle) {
                let (watcher, took) = start_peer(peer, &tree.root);
                scan(who, &*watcher, took, is(Row::Scan), table);
                idle(who, &*watcher, idle_for, is(Row::Idle), table);
            }
            continue;
        }
        let (mut ringback, took) = Ringback::start(options, &tree.root);
        scan(who, &ringback, took, is(Row::Scan), table);
        check(&ringback, files, table);
        idle(who, &ringback, idle_for, is(Row::Idle), table);
        if is(Row::Restart) {
            restart(&mut ringback, table);
            check(&ringback, files, table);
        }
    }
}

fn scan(who: Who, watcher: &dyn Watcher, took: Duration, wanted: bool, table: &mut Table) {
    if wanted {
        let (cpu, peak) = (cpu(watcher.pid()), memory_mib(watcher.pid(), "VmHWM"));
        table.note("scan", who, &[("ready_s", took.as_secs_f64()), ("cpu_s", cpu.as_secs_f64()), ("peak_mib", peak)]);
    }
}

fn idle(who: Who, watcher: &dyn Watcher, time: Duration, wanted: bool, table: &mut Table) {
    if wanted {
        let (before, began) = (still(watcher.pid()), Instant::now());
        std::thread::sleep(time);
        let share = (cpu(watcher.pid()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
        let memory = |line| memory_mib(watcher.pid(), line);
        let figures = [("cpu_percent", share * 100.0), ("rss_mib", memory("VmRSS")), ("anon_mib", memory("RssAnon"))];
        table.note("idle", who, &figures);
    }
}

fn restart(ringback: &mut Ringback, table: &mut Table) {
    ringback.stop();
    let before = ringback.ledger_bytes();
    let took = ringback.start_again();
    let grown_kib = ringback.ledger_bytes().saturating_sub(before) as f64 / 1_024.0;
    let figures = [
        ("ready_s", took.as_secs_f64()),
        ("cpu_s", cpu(ringback.pid()).as_secs_f64()),
        ("peak_mib", memory_mib(ringback.pid(), "VmHWM")),
        ("grown_kib", grown_kib),
    ];
    table.note("restart", Who::Ringback, &figures);
    if grown_kib > GROWN_KIB_MAX {
        table.fail(format!("restart: the ledger grew by {grown_kib} KiB though nothing has changed"));
    }
}

/// It knows every file, and has told nobody of any.
fn check(ringback: &Ringback, files: usize, table: &mut Table) {
    let (assets, requests) = (ringback.assets(), ringback.heard().pieces().len());
    if (assets, requests) != (files as u64, 0) {
        table.fail(format!(
            "of {files} files that were there before, {assets} are assets, and {requests} requests came"
        ));
    }
}

//! Very many files in directories that are as new as they are.

use super::{check, thousands};
use crate::meter::{cpu, memory_mib};
use crate::options::{Options, Who};
use crate::score::score;
use crate::table::{Metric, Table, Unit};
use crate::tree::Tree;
use crate::watcher::start;

const METRICS: &[Metric] = &[
    Metric { key: "never_told", what: "living files never told", unit: Unit::Count, reach: "0" },
    Metric { key: "ghosts", what: "told, and not there", unit: Unit::Count, reach: "0" },
    Metric { key: "lag_s", what: "last write to last report", unit: Unit::Seconds, reach: "< 0.5 s" },
    Metric { key: "cpu_s", what: "CPU", unit: Unit::Seconds, reach: "<= 6 s" },
    Metric { key: "peak_mib", what: "peak memory", unit: Unit::Mebibytes, reach: "<= 100 MiB" },
    Metric { key: "write_s", what: "(the writes took)", unit: Unit::Seconds, reach: "" },
];

pub fn run(options: &Options, everybody: &[Who], table: &mut Table) {
    let (dirs, each) = (options.sized(2_000), 100);
    let what = format!(
        "{} files in {} new directories, then 10 % appended, 10 % unlinked",
        thousands(dirs * each),
        thousands(dirs)
    );
    table.row("burst", &what, METRICS);
    for &who in everybody {
        let tree = Tree::new(&options.trees());
        let (watcher, _) = start(who, options, &tree.root);
        let before = cpu(watcher.pid());
        let done = tree.burst(dirs, each);
        watcher.finish(&tree.root);
        let (cpu, peak) = (cpu(watcher.pid()) - before, memory_mib(watcher.pid(), "VmHWM"));
        let score = score(&done, &watcher.reports());
        let figures = [
            ("never_told", score.never_told as f64),
            ("ghosts", score.ghosts as f64),
            ("lag_s", score.lag.as_secs_f64()),
            ("cpu_s", cpu.as_secs_f64()),
            ("peak_mib", peak),
            ("write_s", (done.last_write - done.began).as_secs_f64()),
        ];
        table.note("burst", who, &figures);
        check(who, "burst", &score, table);
    }
}

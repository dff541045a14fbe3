//! A watcher that is stopped while more happens than the kernel keeps for it, and then continued.

use std::fs;
use std::time::Instant;

use super::{check, thousands};
use crate::meter::{cpu, signal, stop};
use crate::options::{Options, Who};
use crate::score::score;
use crate::table::{Metric, Table, Unit};
use crate::tree::{Done, Last, Tree, write};
use crate::watcher::start;

const METRICS: &[Metric] = &[
    Metric { key: "never_told", what: "living files never told", unit: Unit::Count, reach: "0" },
    Metric { key: "ghosts", what: "told, and not there", unit: Unit::Count, reach: "0" },
    Metric { key: "gone_untold", what: "gone, never told so", unit: Unit::Count, reach: "0" },
    Metric { key: "lag_s", what: "continued to last report", unit: Unit::Seconds, reach: "" },
    Metric { key: "cpu_s", what: "CPU", unit: Unit::Seconds, reach: "" },
];

pub fn run(options: &Options, everybody: &[Who], table: &mut Table) {
    let (dirs, each, gone) = (options.sized(300), 100, options.sized(500));
    let what = format!("stopped while {} files appear and {gone} go, then continued", thousands(dirs * each));
    table.row("stopped", &what, METRICS);
    for &who in everybody {
        let tree = Tree::new(&options.trees());
        // Enough files in each directory for those that go.
        let old = gone.div_ceil(dirs);
        tree.fill(dirs, old);
        let (watcher, _) = start(who, options, &tree.root);
        let before = cpu(watcher.pid());
        stop(watcher.pid());
        let began = Instant::now();
        let mut files = Vec::with_capacity(dirs * (old + each));
        for dir in (0..dirs).map(|dir| tree.dir(dir)) {
            for file in 0..each {
                let path = format!("{dir}/new{file:03}.jpg");
                write(&tree.at(&path));
                files.push((path, Last::Written));
            }
        }
        for number in 0..gone {
            let path = format!("{}/f{:03}.jpg", tree.dir(number % dirs), number / dirs);
            fs::remove_file(tree.at(&path)).expect("removed");
            files.push((path, Last::Gone));
        }
        // The lag counts from here: before it nobody could report.
        let done = Done { files, began, last_write: Instant::now() };
        signal(watcher.pid(), libc::SIGCONT);
        watcher.finish(&tree.root);
        let cpu = cpu(watcher.pid()) - before;
        let score = score(&done, &watcher.reports());
        let figures = [
            ("never_told", score.never_told as f64),
            ("ghosts", score.ghosts as f64),
            ("gone_untold", score.gone_untold as f64),
            ("lag_s", score.lag.as_secs_f64()),
            ("cpu_s", cpu.as_secs_f64()),
        ];
        table.note("stopped", who, &figures);
        check(who, "stopped", &score, table);
        if who == Who::Ringback && score.gone_untold > 0 {
            table.fail(format!("stopped: {} files are gone and were never told so", score.gone_untold));
        }
    }
}

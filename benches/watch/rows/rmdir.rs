//! Directories that go, beside very many that are watched: what a removed watch costs.

use std::fs;
use std::time::Duration;

use super::{check, thousands};
use crate::meter::still;
use crate::options::{Options, Who};
use crate::score::score;
use crate::table::{Metric, Table, Unit};
use crate::tree::{Done, Tree};
use crate::watcher::start;

/// Between two removals, so that each is seen by itself.
const PACE: Duration = Duration::from_millis(1);

const METRICS: &[Metric] = &[
    Metric { key: "cpu_s", what: "CPU, until it does nothing more", unit: Unit::Seconds, reach: "< 0.1 s" },
    Metric { key: "ready_s", what: "(until all was watched)", unit: Unit::Seconds, reach: "" },
];

pub fn run(options: &Options, everybody: &[Who], table: &mut Table) {
    let (beside, removed) = (options.sized(50_000), options.sized(1_000));
    let what = format!("{} rmdir beside {} watched directories", thousands(removed), thousands(beside));
    table.row("rmdir", &what, METRICS);
    for &who in everybody {
        let tree = Tree::new(&options.trees());
        tree.fill(beside, 0);
        let dir = |number: usize| tree.at(&format!("/removed/{number}"));
        (0..removed).for_each(|number| fs::create_dir_all(dir(number)).expect("directories"));
        let (watcher, ready) = start(who, options, &tree.root);
        let before = still(watcher.pid());
        for number in 0..removed {
            fs::remove_dir(dir(number)).expect("it is empty");
            std::thread::sleep(PACE);
        }
        let cpu = still(watcher.pid()) - before;
        table.note("rmdir", who, &[("cpu_s", cpu.as_secs_f64()), ("ready_s", ready.as_secs_f64())]);
        // No file was touched.
        watcher.finish(&tree.root);
        check(who, "rmdir", &score(&Done::nothing(), &watcher.reports()), table);
    }
}

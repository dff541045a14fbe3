//! The rows: what is done, and what is measured of it.

mod burst;
mod latency;
mod million;
mod rmdir;
mod saves;
mod stopped;

use crate::options::{Options, Row, Who};
use crate::score::Score;
use crate::table::Table;

/// Measures every row that is wanted, once.
pub fn run(options: &Options, everybody: &[Who], table: &mut Table) {
    let rows = options.rows();
    let wanted = |row| rows.contains(&row);
    if wanted(Row::Burst) {
        burst::run(options, everybody, table);
    }
    if wanted(Row::Latency) {
        latency::run(options, everybody, table);
    }
    if wanted(Row::Saves) {
        saves::run(options, table);
    }
    let million: Vec<_> = [Row::Scan, Row::Idle, Row::Restart].into_iter().filter(|row| wanted(*row)).collect();
    if !million.is_empty() {
        million::run(options, everybody, &million, table);
    }
    if wanted(Row::Rmdir) {
        rmdir::run(options, everybody, table);
    }
    if wanted(Row::Stopped) {
        stopped::run(options, everybody, table);
    }
}

/// A number with its thousands apart.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits"));
    groups.collect::<Vec<_>>().join(",")
}

/// What was lost or made up is a figure of a peer's, and the end of ringback's run.
fn check(who: Who, row: &str, score: &Score, table: &mut Table) {
    if who == Who::Ringback && (score.never_told, score.ghosts) != (0, 0) {
        table.fail(format!("{row}: never told {}, told and not there {}", score.never_told, score.ghosts));
    }
}

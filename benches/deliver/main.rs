//! Every row of "speed to reach" of delivery, over the real daemon as a process of its own: `cargo bench --bench
//! deliver`, or one row smaller: `cargo bench --bench deliver -- --row batches --scale 0.1`.
//!
//! The bare limits (an HTTP client with an HMAC and nothing else; SQLite with the same durability and nothing else) are
//! measured in the same run, against the same targets, which are in this process and use the same cores. A run in which
//! something was lost, repeated or out of order fails. See `docs/benchmarks.md`.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/http.rs"]
mod http;
mod limits;
#[allow(dead_code, reason = "the other bench uses more of it")]
#[path = "../watch/meter.rs"]
mod meter;
mod options;
mod rows;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/scratch.rs"]
mod scratch;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/sink.rs"]
mod sink;
mod store;
mod table;
mod targets;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/turns.rs"]
mod turns;

use clap::Parser as _;

use options::Options;
use table::Table;

fn main() {
    let options = Options::parse();
    println!("{} run(s) at scale {}; the ledger is on {}", options.runs, options.scale(), {
        meter::filesystem(&options.state())
    });
    for row in options.rows() {
        let mut table = Table::new(row);
        for _ in 0..options.runs {
            table.add(meter::load(), rows::run(row, &options));
        }
        table.show();
    }
}

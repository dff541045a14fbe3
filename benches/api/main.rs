//! What callers of the API cost, and wait for: registrations, lists, streams, idle connections, copies of the ledger.
//! `cargo bench --bench api`, or one row smaller: `cargo bench --bench api -- --row pages --scale 0.1`.
//!
//! The daemon is within this process, so that it can be asked what no endpoint asks; callers, files and targets use the
//! same cores. The start over very many registrations is of a process of its own.
//! Every figure that is compared is measured twice within one run, in turns, with and without what is asked about. See
//! `docs/benchmarks.md`.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/daemon.rs"]
mod daemon;
mod dialects;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/http.rs"]
mod http;
mod load;
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
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/turns.rs"]
mod turns;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/within.rs"]
mod within;

use clap::Parser as _;

use options::Options;

fn main() {
    let options = Options::parse();
    println!("at scale {}; the ledger is on {}", options.scale(), meter::filesystem(&options.state()));
    for row in options.rows() {
        let load = meter::load();
        let lines = rows::run(row, &options);
        println!("\n{} (load {load})", row.about());
        for line in lines {
            println!("  {line}");
        }
    }
}

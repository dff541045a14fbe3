//! Every row of "speed to reach" of watching, over the real daemon as a process of its own, beside others at the same
//! work: `cargo bench --bench watch`, or some rows smaller: `cargo bench --bench watch -- burst latency --scale 0.1`.
//!
//! One row is measured in one run, one watcher after the other, over trees made alike. What a watcher reports is
//! compared with what was done; a run in which ringback lost something, or told what is not so, fails. Its CPU time and
//! memory are the daemon's alone: receivers, readers and writers are in this process. See `docs/benchmarks.md`.
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/daemon.rs"]
mod daemon;
mod heard;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/http.rs"]
mod http;
mod meter;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/filesystems/mounted.rs"]
mod mounted;
mod options;
mod rows;
mod score;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/scratch.rs"]
mod scratch;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/sink.rs"]
mod sink;
mod table;
mod tree;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/turns.rs"]
mod turns;
mod watcher;
mod webhook;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use options::Options;
use table::Table;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == watcher::raw::COMMAND) {
        let root = arguments.next().expect("a directory to watch");
        watcher::raw::report(Path::new(&root));
    }
    let options = Options::parse();
    if let Some(state) = &options.state {
        tempfile::env::override_temp_dir(state).expect("nothing has asked for it before");
    }
    let everybody = options.everybody();
    let mut table = Table::new(&options, &everybody);
    for _ in 0..options.runs {
        rows::run(&options, &everybody, &mut table);
    }
    table.show()
}

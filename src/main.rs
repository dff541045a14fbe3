//! The `ringback` command: exit codes only.

use std::process::ExitCode;

use clap::Parser as _;
use ringback::cli::{self, Cli};

fn main() -> ExitCode {
    let (code, message) = cli::exit(&cli::run(Cli::parse()));
    if let Some(message) = message {
        eprintln!("{message}");
    }
    code
}

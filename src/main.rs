//! The `ringback` command: exit codes only.
#![deny(clippy::print_stderr, clippy::print_stdout)]

use std::process::ExitCode;

use ringback::cli::{self, output};

fn main() -> ExitCode {
    let (code, message) = match cli::parse() {
        Ok(cli) => cli::exit(&cli::run(cli)),
        Err(code) => (code, None),
    };
    if let Some(message) = message {
        output::note(&message);
    }
    code
}

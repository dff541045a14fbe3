//! `ringback check`: what is wrong with rule files and the configuration, before the daemon finds out.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;

/// Options of `ringback check`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CheckArgs {
    /// Rule files, or directories of them [default: the configuration's rules]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A configuration file to check too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print a JSON array of findings
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback check rules/
      Check every rule file in a directory, as serve would read it.
  ringback check --config /etc/ringback/ringback.toml
      Check the configuration and the rules that it names; say what is in force.
  ringback check --json rules/ | jq -r '.[] | \"\\(.file):\\(.line): \\(.message)\"'
      Findings for a program: code, severity, file, line, column, message, help.

Exit codes: 0 fine (there may be warnings), 1 at least one error, 2 bad usage.";

/// Checks, and prints what was found.
///
/// # Errors
/// Something could not be read.
pub fn run(args: &CheckArgs) -> anyhow::Result<Outcome> {
    anyhow::bail!("check is not wired yet: {args:?}")
}

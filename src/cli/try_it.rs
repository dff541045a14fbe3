//! `ringback try`: the whole loop in one process, with nothing to set up.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;

/// Options of `ringback try`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TryArgs {
    /// Work in this directory instead of a new temporary one; it must be empty or not exist
    #[arg(long, value_name = "SCRATCH")]
    pub dir: Option<PathBuf>,
    /// Keep the scratch directory at the end (one named by --dir is always kept)
    #[arg(long)]
    pub keep: bool,
    /// Make the edits, print their callbacks, and end, instead of staying up
    #[arg(long)]
    pub once: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback try
      Serve a copy of the sample store, make a few edits, print each callback, and stay up: touch files, edit rules.
  ringback try --once
      The same as a demonstration or a smoke test: it ends after the edits.
  ringback try --dir /tmp/ringback-demo
      Work where you can find it: the store, the rules and the state stay there.

Nothing outside the scratch directory is touched, and nothing leaves this machine.

Exit codes: 0 the loop worked, 1 it did not, 2 bad usage.";

/// Runs until told to end, or until the edits are told with `--once`.
///
/// # Errors
/// It could not start, or a callback did not come.
pub async fn run(args: TryArgs) -> anyhow::Result<Outcome> {
    anyhow::bail!("try is not wired yet: {args:?}")
}

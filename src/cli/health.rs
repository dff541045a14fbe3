//! `ringback health`: whether the daemon lives, and whether it is ready; for probes and scripts.

use clap::Args;

use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// Options of `ringback health`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct HealthArgs {
    /// Ask whether it is ready: the start scan of each reachable mount is done, and the ledger takes writes
    #[arg(long)]
    pub ready: bool,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback health --config /etc/ringback/ringback.toml
      For the liveness probe of a container: exit code 0 while the process answers.
  ringback health --ready
      For the readiness probe, or a script that begins once everything has been looked at.

Exit codes: 0 it is so, 1 it is not, or nobody answers, 2 bad usage.";

/// Asks.
///
/// # Errors
/// Nobody answers, or it is not so: the message says what it waits for.
pub async fn run(args: HealthArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find_without_token()?;
    let (path, said) = if args.ready { ("/readyz", "it is ready") } else { ("/healthz", "it lives") };
    let answer = client::get(&reach, path).await?;
    match args.json {
        true => output::json(&answer)?,
        false => output::line(said)?,
    }
    Ok(Outcome::Fine)
}

//! `ringback replay`: sends a subscription again what was given up.

use clap::Args;
use serde_json::json;

use super::choosing::{Deed, act, amount};
use super::reach::ReachArgs;
use super::{Outcome, output};

/// Options of `ringback replay`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ReplayArgs {
    /// The subscription's name
    pub subscription: String,
    /// Send its dead letters again: the same bytes under the same ids
    #[arg(long, required = true)]
    pub dead: bool,
    /// Only count them
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback replay dailies --dead --dry-run
      How many deliveries to `dailies` were given up.
  ringback replay dailies --dead
      Its receiver is mended: send them again. They carry the header ringback-replay: 1, and go beside what is new, one at a time.

Exit codes: 0 done, 1 there is no such subscription, the question was answered with no, or it failed, 2 bad usage, and in a pipe without --yes.";

/// Counts, asks, and has them sent.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: ReplayArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    let body = json!({"subscription": args.subscription, "dead": args.dead});
    let deed = Deed { path: "/v1/replay", verb: "Replay", body, is_dry_run: args.dry_run, is_agreed: args.yes };
    let Some(sums) = act(&reach, &deed).await? else { return Ok(Outcome::Finding) };
    match args.json {
        true => output::json(&sums)?,
        false if args.dry_run => output::line(&format!("{} would be sent again", amount(&sums)))?,
        false => output::line(&format!("{}: to be sent again", amount(&sums)))?,
    }
    Ok(Outcome::Fine)
}

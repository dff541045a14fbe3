//! `ringback replay`: sends a subscription again what was given up, or everything it was sent since a given time.

use clap::Args;
use serde_json::json;

use super::choosing::{Deed, act, agrees, amount, time, told};
use super::reach::{Reach, ReachArgs};
use super::{Outcome, client, output};

/// Options of `ringback replay`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, group = clap::ArgGroup::new("what").required(true).args(["dead", "since"]))]
pub struct ReplayArgs {
    /// The subscription's name
    pub subscription: String,
    /// Send its dead letters again: the same bytes under the same ids
    #[arg(long)]
    pub dead: bool,
    /// Send everything again that it was sent since this time, accepted or not, as new deliveries:
    /// 2026-11-22T10:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
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
  ringback replay dailies --since 2h
      Its receiver has lost the work of two hours: send it all again. `ringback tasks` says how far it is.

Exit codes: 0 done, 1 there is no such subscription, the question was answered with no, or it failed, 2 bad usage, and in a pipe without --yes.";

/// Counts, asks, and has them sent.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: ReplayArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    if let Some(since) = &args.since {
        return replay_since(&args, &reach, &time("--since", since)?).await;
    }
    let body = json!({"subscription": args.subscription, "dead": args.dead});
    let deed = Deed { path: "/v1/replay", verb: "Replay", body, is_dry_run: args.dry_run, is_agreed: args.yes };
    let Some(sums) = act(&reach, &deed).await? else { return Ok(Outcome::Finding) };
    match args.json {
        true => output::json(&sums)?,
        false => output::line(&told(&sums, "sent again", "to be sent again"))?,
    }
    Ok(Outcome::Fine)
}

/// Counts, asks, and begins a task.
async fn replay_since(args: &ReplayArgs, reach: &Reach, since: &str) -> anyhow::Result<Outcome> {
    let body = |is_dry_run: bool| json!({"subscription": args.subscription, "since": since, "dryRun": is_dry_run});
    let counted = client::post(reach, "/v1/replay", &body(true)).await?;
    let is_over = args.dry_run || counted["deliveries"] == 0;
    if !is_over && !args.yes && !agrees(&format!("Replay {}?", amount(&counted)))? {
        return Ok(Outcome::Finding);
    }
    let answer = match is_over {
        true => counted,
        false => client::post(reach, "/v1/replay", &body(false)).await?,
    };
    match (args.json, answer["task"].as_str()) {
        (true, _) => output::json(&answer)?,
        (false, Some(task)) => output::line(&format!(
            "{}: to be sent again, as task {task}; `ringback tasks` says how far it is",
            amount(&answer)
        ))?,
        (false, None) => output::line(&format!("{} would be sent again", amount(&answer)))?,
    }
    Ok(Outcome::Fine)
}

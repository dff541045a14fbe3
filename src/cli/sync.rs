//! `ringback sync`: waits until every write that has finished is looked at, journaled and matched.

use clap::Args;
use serde_json::{Value, json};

use super::client::NoAnswer;
use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// Options of `ringback sync`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SyncArgs {
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback sync
      After writing files: wait until each of them is matched, in place of a sleep.
  ringback sync --config /etc/ringback/ringback.toml --timeout 30s
      The daemon of that configuration; give up after half a minute.

Files that somebody still has open for writing are not waited for. An offline mount is named, and nothing is known of it.

Exit codes: 0 everything is matched, 1 a mount is offline, or it failed, 2 bad usage.";

/// Asks, and waits.
///
/// # Errors
/// The daemon cannot be reached, refuses, or does not answer in time.
pub async fn run(args: SyncArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find_patient()?;
    let answer = client::post(&reach, "/v1/sync", &json!({})).await.map_err(late)?;
    tell("everything that was written is matched", &answer, args.json)
}

/// Says where to look, where no answer came in time.
pub(super) fn late(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(NoAnswer::Late(_)) => error.context("not everything is matched yet: `ringback status` says what is left"),
        _ => error,
    }
}

/// Prints what was answered, and gives what that comes to.
pub(super) fn tell(done: &str, answer: &Value, as_json: bool) -> anyhow::Result<Outcome> {
    let offline: Vec<_> = answer["offline"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (as_json, offline.is_empty()) {
        (true, _) => output::json(answer)?,
        (false, true) => output::line(&format!("{done} (change {}, transaction {})", answer["seq"], answer["rrn"]))?,
        (false, false) => {
            output::line(&format!("{done}, but for what is offline: {}", offline.join(", ")))?;
        }
    }
    Ok(if offline.is_empty() { Outcome::Fine } else { Outcome::Finding })
}

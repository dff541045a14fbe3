//! `ringback sync`: waits until every write that has finished is looked at, journaled and matched.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::reach::ReachArgs;
use super::{Outcome, UsageError, client, output};
use crate::model::duration::parse_duration_ms;

/// Options of `ringback sync`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SyncArgs {
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Give up after this long, such as 30s [default: never]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
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
    let reach = args.reach.find()?;
    let nothing = json!({});
    let call = client::post(&reach, "/v1/sync", &nothing);
    let answer = within(args.timeout.as_deref(), call).await?;
    tell("everything that was written is matched", &answer, args.json)
}

/// Waits for an answer, no longer than was said.
pub(super) async fn within(
    timeout: Option<&str>,
    call: impl Future<Output = anyhow::Result<Value>>,
) -> anyhow::Result<Value> {
    let Some(text) = timeout else { return call.await };
    let ms = parse_duration_ms(text).map_err(|error| UsageError(format!("--timeout {text}: {error}")))?;
    match tokio::time::timeout(Duration::from_millis(ms), call).await {
        Ok(answer) => answer,
        Err(_) => bail!("no answer within {text}: what is still to be matched, `ringback status` says"),
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

//! `ringback trigger`: sends a subscription's target one real request, with a test mark.

use clap::Args;
use serde_json::{Value, json};

use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// Options of `ringback trigger`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TriggerArgs {
    /// A subscription's name
    pub rule: String,
    /// The asset that the request tells of, by its logical path [default: one that there is not, /ringback-test]
    #[arg(long)]
    pub path: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback trigger dailies
      Does its receiver answer? One request, as a delivery is made: same URL, headers, format and signature.
  ringback trigger dailies --path /dailies/a.mov
      The same, telling of an asset that there is, as modified.

The request has the header `ringback-test: 1`. It is made once, also while the subscription is paused; no retry and no
history comes of it, and the subscription is owed nothing by it.

Exit codes: 0 it was accepted, 1 it was not, there is no such subscription or asset, or it failed, 2 bad usage.";

/// Asks, and prints what came of it.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: TriggerArgs) -> anyhow::Result<Outcome> {
    // The target may take as long as it does with deliveries.
    let reach = args.reach.find_patient()?;
    let body = args.path.as_ref().map_or(json!({}), |path| json!({"path": path}));
    let path = format!("/v1/subscriptions/{}/test", client::segment(&args.rule));
    let attempt = client::post(&reach, &path, &body).await?;
    match args.json {
        true => output::json(&attempt)?,
        false => output::line(&shown(&args.rule, &attempt))?,
    }
    Ok(if attempt["outcome"] == "succeeded" { Outcome::Fine } else { Outcome::Finding })
}

/// The attempt, and below it what the target said.
fn shown(rule: &str, attempt: &Value) -> String {
    let text = |name: &str| attempt[name].as_str().unwrap_or_default();
    let verdict = if attempt["outcome"] == "succeeded" { "accepted" } else { "not accepted" };
    let status = attempt["status"].as_u64().map(|status| format!(", HTTP status {status}")).unwrap_or_default();
    let phase = attempt["phase"].as_str().map(|phase| format!(" ({phase})")).unwrap_or_default();
    let took = attempt["durationMs"].as_u64().unwrap_or(0);
    let answer = text("answer").trim_end();
    let answer = if answer.is_empty() { String::new() } else { format!("\n    {}", answer.replace('\n', "\n    ")) };
    format!("{rule}: {verdict}, {}{phase}{status}, after {took} ms{answer}", text("outcome"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn what_came_of_it_is_said_with_the_phase_that_failed() {
        let accepted = json!({"outcome": "succeeded", "status": 204, "durationMs": 7});
        assert_eq!(shown("a", &accepted), "a: accepted, succeeded, HTTP status 204, after 7 ms");
        let refused = json!({"outcome": "http-error", "status": 500, "durationMs": 7, "answer": "no\nroom\n"});
        assert_eq!(shown("a", &refused), "a: not accepted, http-error, HTTP status 500, after 7 ms\n    no\n    room");
        let gone = json!({"outcome": "unreachable", "phase": "connect", "durationMs": 1, "answer": "refused"});
        assert_eq!(shown("a", &gone), "a: not accepted, unreachable (connect), after 1 ms\n    refused");
    }
}

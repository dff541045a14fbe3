//! `ringback tasks`: work that goes on by itself, how far it is, and stopping it.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::reach::ReachArgs;
use super::{Outcome, UsageError, client, output};

/// Options of `ringback tasks`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TasksArgs {
    /// What to do
    #[arg(default_value = "list")]
    pub what: What,
    /// A task's UUID: for show and stop
    pub id: Option<String>,
    /// Only those in this state: running, done, failed or stopped (list)
    #[arg(long, value_name = "STATE")]
    pub in_state: Option<String>,
    /// Where the list goes on: the `next` of the one before (list)
    #[arg(long)]
    pub cursor: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Show them, the newest first
    List,
    /// Show one
    Show,
    /// End one before it is done; what was done by then stays
    Stop,
}

const AFTER_HELP: &str = "\
Examples:
  ringback tasks
      What goes on, and what ended in the last 7 days: a rescan or a replay, which somebody
      asked for, or a backfill, which begins by itself where a subscription lost entries.
  ringback tasks stop 3f1c…
      A replay that was not meant: what was not sent by now is not sent.

Exit codes: 0 done, 1 there is no such task, or it failed, 2 bad usage.";

/// Asks, and prints the answer.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: TasksArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    let id = args.id.as_deref().map(client::segment);
    let answer = match (args.what, id) {
        (What::List, None) => {
            let fields = [("state", args.in_state.as_deref()), ("cursor", args.cursor.as_deref())];
            client::get(&reach, &client::query("/v1/tasks", &fields)).await?
        }
        (What::List, Some(_)) => return Err(UsageError("`list` takes no UUID: say `show UUID`".to_owned()).into()),
        (What::Show, Some(id)) => client::get(&reach, &format!("/v1/tasks/{id}")).await?,
        (What::Stop, Some(id)) => client::post(&reach, &format!("/v1/tasks/{id}/stop"), &json!({})).await?,
        (_, None) => return Err(UsageError("say which task".to_owned()).into()),
    };
    if args.json {
        output::json(&answer)?;
        return Ok(Outcome::Fine);
    }
    let text = match answer["tasks"].as_array() {
        Some(rows) => table(rows, answer["next"].as_str()),
        None => table(std::slice::from_ref(&answer), None),
    };
    output::line(text.trim_end())?;
    Ok(Outcome::Fine)
}

/// A row a task, and below it whose it is, since when, and what keeps it from going on.
fn table(rows: &[Value], next: Option<&str>) -> String {
    if rows.is_empty() {
        return "no task".to_owned();
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut out = format!("{:<36} {:<9} {:<8} {}\n", "task", "what", "state", "done");
    for row in rows {
        let of = row["total"].as_u64().map(|total| format!(" of {total}")).unwrap_or_default();
        let (uuid, what, state) = (text(&row["UUID"]), text(&row["task"]), text(&row["state"]));
        let unit = match what.as_str() {
            "replay" => " deliveries",
            "backfill" => " entries",
            "rescan" => " directories",
            _ => "",
        };
        out += &format!("{uuid:<36} {what:<9} {state:<8} {}{of}{unit}\n", row["done"]);
        let whose = row["subscription"].as_str().map(|name| format!("{name}, ")).unwrap_or_default();
        out += &format!("    {whose}by {}, {}\n", text(&row["by"]), text(&row["startedAt"]));
        if let Some(problem) = row["problem"].as_str() {
            out += &format!("    {problem}\n");
        }
    }
    out + &output::more(next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn a_task_says_whose_it_is_and_how_far() {
        let row = json!({"UUID": "3f1c0000-0000-8000-8000-000000000000", "task": "replay", "state": "failed",
                         "done": 3, "total": 7, "subscription": "dailies", "by": "jo",
                         "startedAt": "2026-11-22T10:00:00.000Z", "problem": "its subscription was dropped"});
        assert_eq!(
            table(&[row], None),
            "task                                 what      state    done\n\
             3f1c0000-0000-8000-8000-000000000000 replay    failed   3 of 7 deliveries\n    \
             dailies, by jo, 2026-11-22T10:00:00.000Z\n    \
             its subscription was dropped\n"
        );
        assert_eq!(table(&[], None), "no task");
    }
}

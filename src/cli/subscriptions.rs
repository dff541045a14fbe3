//! `ringback subscriptions`: who is notified, what keeps it from them, and pausing.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::choosing::{Deed, act, told};
use super::reach::{Reach, ReachArgs};
use super::{Outcome, UsageError, client, output};
use crate::model::counted::counted;

/// Options of `ringback subscriptions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SubscriptionsArgs {
    /// What to do
    #[arg(default_value = "list")]
    pub what: What,
    /// A subscription's name: for show, pause and resume
    pub id: Option<String>,
    /// Only those in this state: active, paused, lagged or cancelled (list, pause, resume)
    #[arg(long, value_name = "STATE")]
    pub in_state: Option<String>,
    /// Only those whose target is this host (list, pause, resume)
    #[arg(long)]
    pub host: Option<String>,
    /// Only those whose last attempt had this outcome, such as timeout or http-error (pause, resume)
    #[arg(long)]
    pub outcome: Option<String>,
    /// Only those of this tenant (list)
    #[arg(long)]
    pub tenant: Option<String>,
    /// Where the list goes on: the `next` of the one before (list)
    #[arg(long)]
    pub cursor: Option<String>,
    /// Why, for those who look later (pause)
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only say how many it would be (pause and resume by a filter)
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking (pause and resume by a filter)
    #[arg(long)]
    pub yes: bool,
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
    /// Show them
    List,
    /// Show one
    Show,
    /// Send it nothing until it is resumed; what it is owed gathers
    Pause,
    /// Go on
    Resume,
}

const AFTER_HELP: &str = "\
Examples:
  ringback subscriptions
      Each subscription with its state and what it is owed.
  ringback subscriptions pause dailies --reason 'the receiver moves house'
      Nothing is lost: what it is owed gathers until it is resumed.
  ringback subscriptions resume dailies
      What it stopped at goes first, at once.

  ringback subscriptions pause --host hooks.example.org --reason 'it is being moved'
      All that are sent there; how many they are is said first. --yes asks nothing.

Exit codes: 0 done, 1 there is no such subscription, its rule file says `paused = true`, or it failed, 2 bad usage.";

/// Asks, and prints the answer.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: SubscriptionsArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    let id = args.id.as_deref().map(client::segment);
    let answer = match (args.what, id) {
        (What::List, None) => list(&args, &reach).await?,
        (What::List, Some(_)) => return Err(UsageError("`list` takes no name: say `show NAME`".to_owned()).into()),
        (What::Show, Some(id)) => client::get(&reach, &format!("/v1/subscriptions/{id}")).await?,
        (What::Pause | What::Resume, Some(id)) => {
            let verb = if args.what == What::Pause { "pause" } else { "resume" };
            let body = args.reason.as_ref().map_or(json!({}), |reason| json!({"reason": reason}));
            client::post(&reach, &format!("/v1/subscriptions/{id}/{verb}"), &body).await?
        }
        (What::Pause | What::Resume, None) => return hold_all(&args, &reach).await,
        (What::Show, None) => return Err(UsageError("say which subscription: `show NAME`".to_owned()).into()),
    };
    if args.json {
        output::json(&answer)?;
        return Ok(Outcome::Fine);
    }
    match answer["subscriptions"].as_array() {
        Some(rows) => output::line(table(rows, answer["next"].as_str()).trim_end())?,
        None => output::line(table(std::slice::from_ref(&answer), None).trim_end())?,
    }
    Ok(Outcome::Fine)
}

/// Pauses or resumes all that the filter covers.
async fn hold_all(args: &SubscriptionsArgs, reach: &Reach) -> anyhow::Result<Outcome> {
    let (path, verb, done) = match args.what {
        What::Pause => ("/v1/subscriptions/pause", "Pause", "paused"),
        _ => ("/v1/subscriptions/resume", "Resume", "resumed"),
    };
    let fields = [
        ("state", args.in_state.as_ref()),
        ("host", args.host.as_ref()),
        ("outcome", args.outcome.as_ref()),
        ("reason", args.reason.as_ref()),
    ];
    if fields[..3].iter().all(|(_, said)| said.is_none()) {
        let detail = "say which subscriptions: a name, or at least one of --host, --in-state, --outcome";
        return Err(UsageError(detail.to_owned()).into());
    }
    let body: Value = fields.iter().filter_map(|(name, said)| Some(((*name).to_owned(), json!((*said)?)))).collect();
    let deed = Deed { path, verb, body, is_dry_run: args.dry_run, is_agreed: args.yes };
    let Some(sums) = act(reach, &deed).await? else { return Ok(Outcome::Finding) };
    match args.json {
        true => output::json(&sums)?,
        false => output::line(&told(&sums, done, done))?,
    }
    Ok(Outcome::Fine)
}

async fn list(args: &SubscriptionsArgs, reach: &Reach) -> anyhow::Result<Value> {
    let fields = [
        ("state", args.in_state.as_deref()),
        ("host", args.host.as_deref()),
        ("tenant", args.tenant.as_deref()),
        ("cursor", args.cursor.as_deref()),
    ];
    client::get(reach, &client::query("/v1/subscriptions", &fields)).await
}

/// A row a subscription, for 80 columns, and below it what keeps it from being notified.
fn table(rows: &[Value], next: Option<&str>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    if rows.is_empty() {
        return "no such subscription".to_owned();
    }
    let mut out = format!("{:<24} {:<9} {:>9} {}\n", "name", "state", "owed", "target");
    for row in rows {
        let (name, state, owed) = (text(&row["name"]), text(&row["state"]), row["owed"].to_string());
        let target =
            if row["target"]["topic"].is_string() { "a topic".to_owned() } else { text(&row["target"]["url"]) };
        out += &format!("{name:<24} {state:<9} {owed:>9} {target}\n");
        let (paused, failing) = (&row["paused"], &row["failing"]);
        if !paused.is_null() {
            let at = paused["at"].as_str().map(|at| format!(", {at}")).unwrap_or_default();
            let reason = paused["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
            out += &format!("    paused by {}{at}{reason}\n", text(&paused["by"]));
        }
        if !failing.is_null() {
            let status = failing["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
            out += &format!("    failing since {}: {}{status}\n", text(&failing["since"]), text(&failing["outcome"]));
        }
        if row["late"] == true {
            let minutes = row["oldestSeconds"].as_u64().unwrap_or(0) / 60;
            out += &format!("    late: the oldest entry that it is owed is {} old\n", counted(minutes, "minute"));
        }
    }
    out + &output::more(next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn what_keeps_a_subscription_from_being_notified_is_below_it() {
        let paused = json!({"by": "jo", "at": "2026-11-22T10:00:00.000Z", "reason": "a move"});
        let failing = json!({"since": "2026-11-22T10:00:00.000Z", "outcome": "http-error", "status": 503});
        let row = json!({"name": "a", "state": "paused", "owed": 7, "target": {"url": "https://a.example.org"},
                         "paused": paused, "failing": failing});
        let late = json!({"name": "b", "state": "active", "owed": 1, "target": {"url": "https://a.example.org"},
                          "late": true, "oldestSeconds": 425});
        assert_eq!(
            table(&[row, late], Some("1")),
            "name                     state          owed target\n\
             a                        paused            7 https://a.example.org\n    \
             paused by jo, 2026-11-22T10:00:00.000Z: a move\n    \
             failing since 2026-11-22T10:00:00.000Z: http-error 503\n\
             b                        active            1 https://a.example.org\n    \
             late: the oldest entry that it is owed is 7 minutes old\n\
             there are more: --cursor 1\n"
        );
    }
}

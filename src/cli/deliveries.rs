//! `ringback deliveries`: what was sent, what is on its way, what was given up; to try it again, or to drop it.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::choosing::{Deed, FilterArgs, act, told};
use super::reach::{Reach, ReachArgs};
use super::{Outcome, UsageError, client, output};

/// Options of `ringback deliveries`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DeliveriesArgs {
    /// What to do
    #[arg(default_value = "list")]
    pub what: What,
    /// A delivery's id, which is its webhook-id: for show, retry and drop
    pub id: Option<String>,
    /// Which deliveries.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only deliveries of a change at this logical path, or below it (list)
    #[arg(long)]
    pub path: Option<String>,
    /// At most so many rows (list)
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Where the list goes on: the `next` of the one before (list)
    #[arg(long)]
    pub cursor: Option<String>,
    /// Only count what retry or drop would act on
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask (retry, drop)
    #[arg(long)]
    pub yes: bool,
    /// Why, for those who look later (drop)
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
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
    /// Show one, with its attempts
    Show,
    /// Try what waits at once, and send dead letters again
    Retry,
    /// Drop them: nobody is sent them any more
    Drop,
}

const AFTER_HELP: &str = "\
Examples:
  ringback deliveries --dead
      What was given up, with the outcome of the last attempt.
  ringback deliveries --path /dailies/a.mov --since 1d
      Who was notified of that file since yesterday, and what they said.
  ringback deliveries show 00f3a1b2c3d4e5f6-17
      One delivery, with each failed attempt.
  ringback deliveries retry --host hooks.example.org
      The receiver is back: what waits for it goes now, and what was given up goes again.
  ringback deliveries drop --dead --subscription old --reason 'moved away' --yes
      Nobody wants these any more. Their bytes are gone; the list still shows them as dropped.

Exit codes: 0 done, 1 there is no such delivery, the question was answered with no, or it failed, 2 bad usage, and a retry or drop in a pipe without
--yes.";

/// Asks, and prints the answer.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: DeliveriesArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    match (args.what, &args.id) {
        (What::List, None) => list(&args, &reach).await,
        (What::List, Some(_)) => Err(UsageError("`list` takes no id: say `show ID`".to_owned()).into()),
        (What::Show, Some(id)) => show(id, &args, &reach).await,
        (What::Show, None) => Err(UsageError("say which delivery: `show ID`".to_owned()).into()),
        (What::Retry | What::Drop, _) => change(&args, &reach).await,
    }
}

async fn list(args: &DeliveriesArgs, reach: &Reach) -> anyhow::Result<Outcome> {
    let (filter, limit) = (args.filter.fields()?, args.limit.to_string());
    let mut fields: Vec<_> = filter.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
    fields.extend([("limit", Some(&*limit)), ("path", args.path.as_deref()), ("cursor", args.cursor.as_deref())]);
    let answer = client::get(reach, &client::query("/v1/deliveries", &fields)).await?;
    if args.json {
        output::json(&answer)?;
        return Ok(Outcome::Fine);
    }
    output::line(table(&answer).trim_end())?;
    Ok(Outcome::Fine)
}

async fn show(id: &str, args: &DeliveriesArgs, reach: &Reach) -> anyhow::Result<Outcome> {
    let id = client::segment(id);
    let answer = client::get(reach, &format!("/v1/deliveries/{id}")).await?;
    match args.json {
        true => output::json(&answer)?,
        false => output::line(one(&answer).trim_end())?,
    }
    Ok(Outcome::Fine)
}

async fn change(args: &DeliveriesArgs, reach: &Reach) -> anyhow::Result<Outcome> {
    let (path, verb, would, done) = match args.what {
        What::Drop => ("/v1/deliveries/drop", "Drop", "dropped", "dropped"),
        _ => ("/v1/deliveries/retry", "Retry", "tried at once", "to be tried at once"),
    };
    let mut body = json!({});
    for (name, value) in args.filter.fields()? {
        body[name] = json!(value);
    }
    if let Some(id) = &args.id {
        body["id"] = json!(id);
    }
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        let detail = "say which deliveries: an id, or at least one of --dead, --waiting, --subscription, --host, --outcome, \
                      --since, --before";
        return Err(UsageError(detail.to_owned()).into());
    }
    if let Some(reason) = &args.reason {
        body["reason"] = json!(reason);
    }
    let deed = Deed { path, verb, body, is_dry_run: args.dry_run, is_agreed: args.yes };
    let Some(sums) = act(reach, &deed).await? else { return Ok(Outcome::Finding) };
    match args.json {
        true => output::json(&sums)?,
        false => output::line(&told(&sums, would, done))?,
    }
    Ok(Outcome::Fine)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The outcome of the last attempt, with the status where there is one.
fn said(row: &Value) -> String {
    match (row["outcome"].as_str(), row["status"].as_u64()) {
        (Some(outcome), Some(status)) => format!("{outcome} {status}"),
        (Some(outcome), None) => outcome.to_owned(),
        (None, _) => "-".to_owned(),
    }
}

/// A row a delivery, for 80 columns.
fn table(answer: &Value) -> String {
    let rows = answer["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        let more = answer["next"].as_str().map(|next| format!(" so far; go on with --cursor {next}"));
        return format!("no such delivery{}", more.unwrap_or_default());
    }
    let mut out = format!("{:<23} {:<9} {:>7} {:<19} {}\n", "id", "state", "entries", "outcome", "subscription");
    for row in rows {
        let (id, state, entries) = (text(&row["id"]), text(&row["state"]), row["entries"].to_string());
        out += &format!("{id:<23} {state:<9} {entries:>7} {:<19} {}\n", said(row), text(&row["subscription"]));
    }
    out + &output::more(answer["next"].as_str())
}

/// One delivery, a line a fact.
fn one(row: &Value) -> String {
    let mut out = String::new();
    let names = [
        ("id", "id"),
        ("subscription", "subscription"),
        ("host", "host"),
        ("state", "state"),
        ("entries", "entries"),
        ("createdAt", "cut at"),
        ("endedAt", "ended at"),
        ("nextAttemptAt", "next attempt"),
        ("by", "dropped by"),
        ("reason", "because"),
    ];
    for (name, label) in names {
        let value = match &row[name] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        out += &format!("{label:<13} {value}\n");
    }
    if let (Some(first), Some(last)) = (row["firstSeq"].as_i64(), row["lastSeq"].as_i64()) {
        out += &format!("{:<13} {first} to {last}\n", "changes");
    }
    if row["state"] == "delivered" {
        out += &format!("{:<13} {} in {} ms\n", "accepted with", said(row), row["durationMs"]);
    }
    for attempt in row["attempts"].as_array().into_iter().flatten() {
        let phase = attempt["phase"].as_str().map(|phase| format!(", in phase {phase}")).unwrap_or_default();
        let (number, at, took) = (attempt["number"].to_string(), text(&attempt["at"]), &attempt["durationMs"]);
        out += &format!("attempt {number:<5} {at} {} after {took} ms{phase}\n", said(attempt));
        if let Some(answer) = attempt["answer"].as_str() {
            // It is the target's text: nothing in it may move the terminal's cursor.
            let line: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
            out += &format!("{:<13} {}\n", "", line.trim());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{one, table};

    #[test]
    fn a_list_fits_80_columns_and_says_where_to_go_on() {
        let row = json!({"id": "00f3a1b2c3d4e5f6-171717", "subscription": "dailies", "state": "delivered", "entries": 1000,
                         "outcome": "refused-address", "status": 200});
        let text = table(&json!({"deliveries": [row], "next": "17"}));
        assert_eq!(
            text,
            "id                      state     entries outcome             subscription\n\
             00f3a1b2c3d4e5f6-171717 delivered    1000 refused-address 200 dailies\n\
             there are more: --cursor 17\n"
        );
        assert!(text.lines().all(|line| line.len() <= 80));
        assert_eq!(table(&json!({"deliveries": []})), "no such delivery");
    }

    #[test]
    fn one_delivery_is_shown_with_its_attempts_and_no_control_characters() {
        let attempt = json!({"number": 1, "at": "2026-11-22T10:00:00.000Z", "durationMs": 7, "outcome": "http-error",
                             "status": 503, "answer": "go \u{1b}[2Jaway\n"});
        let row = json!({"id": "00-1", "subscription": "a", "state": "dead", "entries": 1, "firstSeq": 3, "lastSeq": 4,
                         "attempts": [attempt]});
        assert_eq!(
            one(&row),
            "id            00-1\nsubscription  a\nstate         dead\nentries       1\nchanges       3 to 4\n\
             attempt 1     2026-11-22T10:00:00.000Z http-error 503 after 7 ms\n              go  [2Jaway\n"
        );
    }
}

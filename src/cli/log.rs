//! `ringback log`: the journal, as it is and as it grows.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// A daemon that went away is looked for again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Options of `ringback log`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct LogArgs {
    /// Go on as the journal grows, from now on unless --since says otherwise
    #[arg(long, short)]
    pub follow: bool,
    /// Only changes of paths that this covers, written as in watchPath without a mode: /acme, /acme/**/*.mov
    #[arg(long, value_name = "GLOB")]
    pub path: Option<String>,
    /// Only changes of this kind: added, modified, deleted or none
    #[arg(long)]
    pub action: Option<String>,
    /// Only events of this name, such as rule.updated
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// Only what came after this place in the journal [default: everything that is kept]
    #[arg(long, value_name = "PLACE")]
    pub since: Option<u64>,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print each row as JSON, in a line of its own
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback log -f
      What is recorded, as it happens. A daemon that goes away is waited for; nothing is missed.
  ringback log --path '/acme/**/*.mov' --action deleted
      Which of these files went, and when, as far as the journal reaches back.
  ringback log --since 41 --json
      Everything after place 41, for a program.

Exit codes: 0 done, 1 the daemon cannot be reached or refuses, 2 bad usage.";

/// Asks, and prints what is answered.
///
/// # Errors
/// The daemon cannot be reached, or refuses. While it is followed, one that was reached before is waited for.
pub async fn run(args: LogArgs) -> anyhow::Result<Outcome> {
    let mut since = args.since;
    if !args.follow {
        loop {
            let page = client::get(&args.reach.find()?, &query(&args, since)).await?;
            for row in page["changes"].as_array().into_iter().flatten() {
                print(row, args.json)?;
            }
            let next = page["next"].as_u64();
            if next.is_none() || next == since || page["changes"].as_array().is_none_or(Vec::is_empty) {
                return Ok(Outcome::Fine);
            }
            since = next;
        }
    }
    let (mut was_there, mut is_lost) = (false, false);
    loop {
        let query = query(&args, since);
        let heard = |row: &Value| {
            (was_there, is_lost) = (true, false);
            since = row["seq"].as_u64().or(since);
            print(row, args.json)
        };
        let followed = match args.reach.find() {
            Ok(reach) => client::follow(&reach, &query, heard).await,
            Err(error) => Err(error),
        };
        match followed {
            Ok(()) => (was_there, is_lost) = (true, false),
            Err(error) if output::is_broken_pipe(&error) || !was_there => return Err(error),
            Err(error) if !is_lost => {
                is_lost = true;
                output::note(&format!("{error}; waiting for it"));
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn query(args: &LogArgs, since: Option<u64>) -> String {
    let since = since.map(|since| since.to_string());
    client::query(
        "/v1/changes",
        &[
            ("since", since.as_deref()),
            ("path", args.path.as_deref()),
            ("action", args.action.as_deref()),
            ("event", args.event.as_deref()),
            ("limit", (!args.follow).then_some("1000")),
        ],
    )
}

fn print(row: &Value, as_json: bool) -> anyhow::Result<()> {
    Ok(output::line(&if as_json { row.to_string() } else { shown(row) })?)
}

/// A row in a line: when, what, which.
fn shown(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or("-");
    let seq = row["seq"].to_string();
    if row["event"].is_null() {
        let path = text("path").escape_debug();
        let keys = row["changed"].as_object().map(|changed| changed.keys().cloned().collect::<Vec<_>>().join(", "));
        let keys = keys.filter(|keys| !keys.is_empty()).map(|keys| format!(", {keys}")).unwrap_or_default();
        return format!("{} {seq:>8} {:<9} {path} (asset {}{keys})", text("time"), text("action"), row["assetId"]);
    }
    let fields = row["fields"].as_object().into_iter().flatten();
    let fields: String = fields.map(|(key, value)| format!(" {key}={value}")).collect();
    format!("{} {seq:>8} event     {}{fields}", text("time"), text("event"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn a_row_is_a_line() {
        let row = json!({"seq": 41, "rrn": 12, "time": "2026-11-22T10:00:00.123Z", "assetId": 7, "path": "/acme/a\n.jpg",
                         "action": "none", "owner": "ana", "changed": {"City": {"old": [], "new": ["SFO"]}}});
        assert_eq!(shown(&row), "2026-11-22T10:00:00.123Z       41 none      /acme/a\\n.jpg (asset 7, City)");
        let row =
            json!({"seq": 42, "time": "2026-11-22T10:00:00.123Z", "event": "rule.updated", "fields": {"name": "a"}});
        assert_eq!(shown(&row), "2026-11-22T10:00:00.123Z       42 event     rule.updated name=\"a\"");
    }
}

//! `ringback rules`: the rules in force, where each is, and when it last fired.

use clap::Args;
use serde_json::Value;

use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// Options of `ringback rules`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct RulesArgs {
    /// Where the list goes on: the `next` of the one before
    #[arg(long)]
    pub cursor: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback rules
      Each rule in force: where it is, when it last fired, what it is owed, what is warned of.
  ringback rules --json | jq -r '.rules[] | select(.lastFired == null) | .name'
      Those that have never fired, as far as is known.

Where the files on the disk are not what is in force, that is said first.

Exit codes: 0 the files on the disk are in force, 1 they have faults, or it failed, 2 bad usage.";

/// Asks, and prints the answer.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: RulesArgs) -> anyhow::Result<Outcome> {
    let reach = args.reach.find()?;
    let answer = client::get(&reach, &client::query("/v1/rules", &[("cursor", args.cursor.as_deref())])).await?;
    match args.json {
        true => output::json(&answer)?,
        false => output::line(show(&answer).trim_end())?,
    }
    Ok(if answer["onDisk"] == "faulty" { Outcome::Finding } else { Outcome::Fine })
}

/// What is wrong with the files, then a row a rule, for 80 columns and the name of its file.
fn show(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut out = String::new();
    match answer["onDisk"].as_str() {
        Some("faulty") => out += "the rule files have faults; the last good rules are in force:\n",
        Some("changed") => out += "the rule files have changed, and are read once they are still\n",
        _ => {}
    }
    for fault in list(&answer["faults"]) {
        let (file, line) = (text(&fault["file"]), &fault["line"]);
        out += &format!("    {file}:{line}: [{}] {}\n", text(&fault["code"]), text(&fault["message"]));
    }
    if let Some(more) = answer["faultsMore"].as_u64() {
        out += &format!("    and {more} more\n");
    }
    out += &format!("generation {}, since {}\n", answer["generation"], text(&answer["since"]));
    if let Some(more) = answer["rulesMore"].as_u64() {
        return out + &format!("{more} rules; a super-administrator is shown what they are\n");
    }
    let rules = list(&answer["rules"]);
    if rules.is_empty() {
        return out + "there are no rules\n";
    }
    out += &format!("{:<24} {:<9} {:>7} {:<24} {}\n", "name", "state", "owed", "last fired", "where");
    for rule in rules {
        let state = if rule["kind"] == "event" { "event".to_owned() } else { text(&rule["state"]) };
        let (name, owed) = (text(&rule["name"]), rule["owed"].to_string());
        let (fired, file, line) = (text(&rule["lastFired"]["time"]), text(&rule["file"]), &rule["line"]);
        out += &format!("{name:<24} {state:<9} {owed:>7} {fired:<24} {file}:{line}\n");
        let warnings: Vec<_> = list(&rule["warnings"]).iter().map(text).collect();
        if !warnings.is_empty() {
            out += &format!("    warned of: {}\n", warnings.join(" "));
        }
    }
    out + &output::more(answer["next"].as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::show;

    #[test]
    fn what_is_wrong_comes_first_and_a_rule_with_its_place() {
        let fired = json!({"seq": 7, "time": "2026-11-22T10:00:00.000Z"});
        let mut answer = json!({
            "generation": 3, "since": "2026-11-22T09:00:00.000Z", "onDisk": "faulty",
            "faults": [{"code": "RB0003", "file": "rules/b.toml", "line": 4, "message": "unknown key `x`"}], "faultsMore": 2,
            "rules": [
                {"name": "dailies", "file": "rules/a.toml", "line": 1, "kind": "subscription", "owed": 2,
                 "state": "active", "warnings": ["RB0113"], "lastFired": fired},
                {"name": "scanned", "file": "rules/a.toml", "line": 9, "kind": "event", "owed": 0, "state": "active",
                 "warnings": []}
            ],
            "next": "event:9:rules/a.toml"
        });
        assert_eq!(
            show(&answer),
            "the rule files have faults; the last good rules are in force:\n    \
             rules/b.toml:4: [RB0003] unknown key `x`\n    \
             and 2 more\n\
             generation 3, since 2026-11-22T09:00:00.000Z\n\
             name                     state        owed last fired               where\n\
             dailies                  active          2 2026-11-22T10:00:00.000Z rules/a.toml:1\n    \
             warned of: RB0113\n\
             scanned                  event           0 -                        rules/a.toml:9\n\
             there are more: --cursor event:9:rules/a.toml\n"
        );
        answer = json!({"generation": 1, "since": "t", "onDisk": "same", "faults": [], "rules": [], "rulesMore": 4});
        assert_eq!(show(&answer), "generation 1, since t\n4 rules; a super-administrator is shown what they are\n");
    }
}

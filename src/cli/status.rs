//! `ringback status`: how a running daemon is doing, for people and for programs.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::NoAnswer;
use super::reach::ReachArgs;
use super::{Outcome, UsageError, client, output};
use crate::model::counted::counted;

/// Options of `ringback status`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct StatusArgs {
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
    /// Show it again every two seconds, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback status
      What needs you first; then mounts, rules, and what is not accepted yet.
  ringback status --watch
      The same, while you mend it.
  ringback status --json | jq -r '.mounts[] | select(.state != \"watching\") | .reason'
      Why a mount is not well, for a program.

Exit codes: 0 all is well, 1 something needs you (a trouble, a mount that is degraded or offline, faults of rules, dead
letters) or it failed, 2 bad usage, 3 no daemon answers.";

/// How often the status is shown again.
const AGAIN: Duration = Duration::from_secs(2);
/// Moves the cursor to the first line and clears what is below (ECMA-48, CUP and ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Asks, and prints the answer.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub async fn run(args: StatusArgs) -> anyhow::Result<Outcome> {
    if args.watch {
        return watch(&args).await;
    }
    let status = match status(&args).await {
        Ok(status) => status,
        Err(error) if error.is::<NoAnswer>() => {
            output::note(&output::error_chain(&error));
            return Ok(Outcome::Unreachable);
        }
        Err(error) => return Err(error),
    };
    match args.json {
        true => output::json(&status)?,
        false => output::line(show(&status).trim_end())?,
    }
    Ok(if is_well(&status) { Outcome::Fine } else { Outcome::Finding })
}

async fn status(args: &StatusArgs) -> anyhow::Result<Value> {
    client::get(&args.reach.find()?, "/v1/status").await
}

/// Shows it again and again. A daemon that is restarted meanwhile is found again, at whatever address.
async fn watch(args: &StatusArgs) -> anyhow::Result<Outcome> {
    loop {
        let text = match status(args).await {
            Ok(status) => show(&status),
            Err(error) if error.is::<UsageError>() => return Err(error),
            Err(error) => output::error_chain(&error),
        };
        let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
        output::line(&format!("{clear}{}", text.trim_end()))?;
        tokio::time::sleep(AGAIN).await;
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_well(status: &Value) -> bool {
    let mounts = list(&status["mounts"]).iter();
    mounts.clone().all(|mount| mount["state"] == "watching" || mount["state"] == "scanning")
        && list(&status["rules"]["faults"]).is_empty()
        && status["rules"]["faultsMore"].as_u64().unwrap_or(0) == 0
        && list(&status["troubles"]).is_empty()
}

/// Places of a mount that are shown by name.
const NOTES_SHOWN: usize = 5;

/// What a note says of its place.
fn said(why: Option<&str>) -> &str {
    match why {
        Some("filesystem") => "another filesystem, which is not entered",
        Some("subvolume") => "another subvolume than the known one, or one that cannot be read",
        Some("covered") => "what is mounted there hides known files, or shows another place of the mount",
        Some("too-long") => "its path is too long for the system",
        Some("not-watched") => "not watched: it is scanned each poll_interval",
        Some("unreadable") => "it cannot be read",
        Some("symbolic-link") => "a symbolic link, which is not followed",
        other => other.unwrap_or("-"),
    }
}

/// What needs somebody comes with its reason in full, below its line.
fn show(status: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut out = String::new();
    let mut say = |line: String| writeln!(out, "{line}").expect("a string takes everything");
    let ready = if status["ready"] == true { "ready" } else { "not ready" };
    say(format!("ringback {}, {ready}", text(&status["version"])));
    for trouble in list(&status["troubles"]) {
        say(format!("{}, since {}: {}", text(&trouble["kind"]), text(&trouble["since"]), text(&trouble["text"])));
        if let Some(owed) = trouble["owed"].as_u64() {
            let next = trouble["nextAttemptAt"].as_str().map(|at| format!("; the next attempt is at {at}"));
            say(format!("    {} owed{}", counted(owed, "entry"), next.unwrap_or_default()));
        }
    }
    say(String::new());
    say(format!("{:<24} {:<9} {:<9} {:>10} {:>8}", "mount", "state", "source", "assets", "lag"));
    for mount in list(&status["mounts"]) {
        let (path, state, source) = (text(&mount["path"]), text(&mount["state"]), text(&mount["source"]));
        let lag = format!("{} ms", mount["lagMs"]);
        say(format!("{path:<24} {state:<9} {source:<9} {:>10} {lag:>8}", mount["assets"].to_string()));
        let scan = &mount["scan"];
        if let (Some(done), Some(now)) = (scan["done"].as_u64(), scan["path"].as_str()) {
            let of = scan["last"].as_u64().map(|last| format!(" of about {last}")).unwrap_or_default();
            say(format!("    scan: {done}{of} directories gone through, now at {now}"));
        }
        for (what, why) in [("why", &mount["reason"]), ("watched by", &mount["sourceReason"])] {
            if let Some(why) = why.as_str() {
                say(format!("    {what}: {why}"));
            }
        }
        let notes = list(&mount["notes"]);
        for note in notes.iter().take(NOTES_SHOWN) {
            say(format!("    note: {}: {}", text(&note["path"]), said(note["why"].as_str())));
        }
        let more = notes.len().saturating_sub(NOTES_SHOWN) as u64 + mount["notesMore"].as_u64().unwrap_or(0);
        if more > 0 {
            say(format!("    and {}; --json has up to 100 of them", counted(more, "note")));
        }
    }
    say(String::new());
    let rules = &status["rules"];
    let subscriptions = counted(rules["subscriptions"].as_u64().unwrap_or(0), "subscription");
    let registered = match rules["registered"].as_u64() {
        Some(count) => format!(", {count} registered"),
        None => String::new(),
    };
    say(format!("rules: {subscriptions}, generation {}{registered}", rules["generation"]));
    for fault in list(&rules["faults"]) {
        say(format!("    fault: {}", text(fault)));
    }
    if let Some(faults @ 1..) = rules["faultsMore"].as_u64() {
        say(format!("    faults: {faults}; a super-administrator is shown what they are"));
    }
    // What is a sum over all tenants is not shown to one of them.
    if let Some(outbox) = status["outbox"].as_object() {
        let entries = counted(outbox["entries"].as_u64().unwrap_or(0), "entry");
        say(format!("owed: {entries}, the oldest {} s old", outbox["oldestSeconds"]));
    }
    if let Some(deliveries) = status["deliveries"].as_object() {
        say(format!(
            "deliveries: {} pending, {} on the wire, {} waiting for their next attempt, {}",
            deliveries["pending"],
            deliveries["inFlight"],
            deliveries["waiting"],
            counted(deliveries["dead"].as_u64().unwrap_or(0), "dead letter")
        ));
    }
    if let Some(overdue) = status["attemptsOverdue"].as_u64() {
        say(format!("attempts past their limits: {overdue}; see the log"));
    }
    match status["logLinesLost"].as_u64() {
        None | Some(0) => {}
        Some(lost) => say(format!("log lines lost: {lost}: the log cannot be written, or its reader does not keep up")),
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_well, show};

    #[test]
    fn what_needs_somebody_is_shown_with_its_reason() {
        let mut status = json!({
            "version": "1.2.3", "node": "00", "ready": true,
            "mounts": [
                {"path": "/acme", "dir": "/srv/acme", "state": "watching", "source": "fanotify", "sourceReason": "one mark",
                 "assets": 12, "directories": 3, "lagMs": 0},
                {"path": "/b", "dir": "/srv/b", "state": "offline", "reason": "its directory is not there",
                 "assets": 1, "directories": 1, "lagMs": 0}
            ],
            "rules": {"generation": 2, "subscriptions": 3, "events": 0, "faults": []},
            "outbox": {"entries": 5, "oldestSeconds": 60},
            "deliveries": {"pending": 0, "inFlight": 1, "waiting": 2, "dead": 3}
        });
        assert!(!is_well(&status));
        assert_eq!(
            show(&status),
            "ringback 1.2.3, ready\n\n\
             mount                    state     source        assets      lag\n\
             /acme                    watching  fanotify          12     0 ms\n    \
             watched by: one mark\n\
             /b                       offline   -                  1     0 ms\n    \
             why: its directory is not there\n\n\
             rules: 3 subscriptions, generation 2\n\
             owed: 5 entries, the oldest 60 s old\n\
             deliveries: 0 pending, 1 on the wire, 2 waiting for their next attempt, 3 dead letters\n"
        );
        let note = |at: usize| json!({"path": format!("/b/{at}"), "why": "symbolic-link"});
        status["mounts"][1]["notes"] = (0..7).map(note).collect();
        status["mounts"][1]["notesMore"] = json!(3);
        let shown = show(&status);
        let expect =
            "    note: /b/4: a symbolic link, which is not followed\n    and 5 notes; --json has up to 100 of them\n";
        assert!(shown.contains(expect) && !shown.contains("/b/5"), "{shown}");
        status["mounts"].as_array_mut().expect("mounts").pop();
        assert!(is_well(&status));
        status["rules"]["faults"] = json!(["a.toml:1: no"]);
        assert!(!is_well(&status) && show(&status).contains("    fault: a.toml:1: no\n"));
        status["rules"] = json!({"generation": 2, "subscriptions": 3, "faults": [], "faultsMore": 2});
        assert!(!is_well(&status) && show(&status).contains("    faults: 2; a super-administrator"));
        let fields = status.as_object_mut().expect("an object");
        fields.remove("outbox");
        fields.remove("deliveries");
        assert!(!show(&status).contains("owed") && !show(&status).contains("null"), "{}", show(&status));
        status["rules"]["faultsMore"] = json!(0);
        status["troubles"] = json!([{"kind": "dead", "since": "2026-11-22T10:00:00.000Z", "text": "3 deliveries"}]);
        let expect = "ringback 1.2.3, ready\ndead, since 2026-11-22T10:00:00.000Z: 3 deliveries\n";
        assert!(!is_well(&status) && show(&status).starts_with(expect), "{}", show(&status));
    }
}

//! `ringback rescan`: has a path, or every mount, scanned again.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::reach::{Reach, ReachArgs};
use super::sync::{late, tell};
use super::{Outcome, client, output};

/// Options of `ringback rescan`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct RescanArgs {
    /// A logical path, as rules write it [default: every mount]
    pub path: Option<String>,
    /// Wait until all that the scan finds is matched
    #[arg(long)]
    pub wait: bool,
    /// Let the scan report all the deletions that it finds, more than the mount's `max_deletions` too
    #[arg(long)]
    pub accept_deletions: bool,
    /// Take the directory that the mount shows now for the mount's, although another one was known
    #[arg(long)]
    pub accept_root: bool,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback rescan /acme/dailies
      Something changed that nothing told: compare that directory, and all below it, with the catalog.
  ringback rescan --wait
      Every mount, and come back once all differences are matched.

  ringback rescan --accept-root /acme
      The disk behind that mount was replaced: take the new one for the mount's.

Exit codes: 0 asked for (with --wait: done), 1 there is nothing at the path and nothing known of it, a mount is offline,
or it failed, 2 bad usage.";

/// How often the waiting is shown anew.
const TICK: Duration = Duration::from_secs(1);

/// Asks; with `--wait`, waits.
///
/// # Errors
/// The daemon cannot be reached, refuses, or does not answer in time.
pub async fn run(args: RescanArgs) -> anyhow::Result<Outcome> {
    let reach = if args.wait { args.reach.find_patient()? } else { args.reach.find()? };
    let mut body = json!({"wait": args.wait, "acceptDeletions": args.accept_deletions, "acceptRoot": args.accept_root});
    if let Some(path) = &args.path {
        body["path"] = json!(path);
    }
    let call = client::post(&reach, "/v1/rescan", &body);
    if args.wait {
        let answer = shown(&reach, call).await.map_err(late)?;
        return tell("the scan is done, and everything that it found is matched", &answer, args.json);
    }
    let answer = call.await?;
    let list =
        |key: &str| -> Vec<&str> { answer[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let offline = list("offline");
    if args.json {
        output::json(&answer)?;
    } else {
        let how = match answer["task"].as_str() {
            Some(task) => format!("`ringback tasks show {task}` says how far it is"),
            None => "`ringback status` says how it goes".to_owned(),
        };
        output::line(&format!("scanning {}; {how}", list("scanning").join(", ")))?;
        if !offline.is_empty() {
            output::line(&format!("but for what is offline: {}", offline.join(", ")))?;
        }
    }
    Ok(if offline.is_empty() { Outcome::Fine } else { Outcome::Finding })
}

/// Shows on a terminal how far the scan is whose end is waited for.
async fn shown(reach: &Reach, call: impl Future<Output = anyhow::Result<Value>>) -> anyhow::Result<Value> {
    if !std::io::stderr().is_terminal() {
        return call.await;
    }
    let began = Instant::now();
    let mut call = std::pin::pin!(call);
    loop {
        tokio::select! {
            answer = &mut call => {
                show("");
                return answer;
            }
            () = tokio::time::sleep(TICK) => {
                // Where the status cannot be had, the scan may still end well.
                let far = client::get(reach, "/v1/status").await.map(|status| progress(&status)).unwrap_or_default();
                show(&format!("scanning, {} s{far}", began.elapsed().as_secs()));
            }
        }
    }
}

/// How far the scans are that go on.
fn progress(status: &Value) -> String {
    let scans = status["mounts"].as_array().into_iter().flatten().map(|mount| &mount["scan"]);
    let scans: Vec<_> = scans.filter(|scan| scan.is_object()).collect();
    let sum = |key: &str| scans.iter().filter_map(|scan| scan[key].as_u64()).sum::<u64>();
    let Some(path) = scans.first().and_then(|scan| scan["path"].as_str()) else { return String::new() };
    match sum("last") {
        0 => format!(": {} directories, now {path}", sum("done")),
        last => format!(": {} of about {last} directories, now {path}", sum("done")),
    }
}

/// Shows this in place of what the line showed before. A terminal that has gone away is none of the scan's business.
fn show(text: &str) {
    let mut terminal = std::io::stderr();
    drop(write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush()));
}

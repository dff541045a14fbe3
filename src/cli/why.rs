//! `ringback why`: why a callback for a file came, or did not.

mod print;
mod stopped;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use clap::Args;
use serde_json::Value;

use super::client::NoAnswer;
use super::reach::ReachArgs;
use super::{Outcome, client, output};

/// Options of `ringback why`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct WhyArgs {
    /// The file: its logical path, as rules and callbacks have it, or its path on disk
    pub path: OsString,
    /// Which daemon.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
The first line is the answer. Below it is a line for each stage of the pipeline, with STOP where the file has
stopped; then its last changes, what each rule says of the newest one, and its deliveries.

  mount     does the path lie in a mount, and is the mount there?
  ignore    does a pattern of the mount's `ignore` match it?
  path      is a file there, and no symbolic link on the way to it?
  read      can it be looked at?
  writer    does somebody still write it?
  look      does it wait to be looked at?
  change    which change of it was recorded last?
  rules     which rules fire on that change, and by which clause do the others not?
  delivery  was it accepted, is it on its way, or was it given up?

Examples:
  ringback why /acme/dailies/a.mov
      Why was nobody called for this file, or who was, when, and what did they answer?
  ringback why /srv/media/acme/dailies/a.mov
      The same by its path on disk. A path that could be both is a logical path where something is there or known.
  ringback why a.mov
      The file in this directory.
  ringback why /acme/a.mov --config /etc/ringback/ringback.toml
      Also while ringback is stopped: what its ledger says, and what is on the disk. The ledger is only read.
  ringback why /acme/a.mov --json | jq -r .stopped
      Where it has stopped, for a program: null where what was owed for it is accepted.

Exit codes: 0 it could be answered, 1 it could not, 2 bad usage.";

/// Asks, and prints the answer.
///
/// # Errors
/// Neither the daemon nor its ledger can be asked.
pub async fn run(args: WhyArgs) -> anyhow::Result<Outcome> {
    let path = absolute(&args.path)?;
    let answer = match asked(&args.reach, &path).await {
        Ok(answer) => answer,
        // Who names a daemon by its address means that one, and no ledger.
        Err(error) => match error.downcast_ref::<NoAnswer>().filter(|_| args.reach.url.is_none()) {
            Some(no_answer) => match stopped::why(&args.reach, &path, no_answer)? {
                Some(answer) => answer,
                None => return Err(error),
            },
            None => return Err(error),
        },
    };
    match args.json {
        true => output::json(&answer)?,
        false => output::line(print::show(&answer).trim_end())?,
    }
    Ok(Outcome::Fine)
}

async fn asked(args: &ReachArgs, path: &[u8]) -> anyhow::Result<Value> {
    let base64 = base64::engine::general_purpose::STANDARD.encode(path);
    let field = match std::str::from_utf8(path) {
        Ok(path) => ("path", Some(path)),
        Err(_) => ("path64", Some(&*base64)),
    };
    client::get(&args.find()?, &client::query("/v1/why", &[field])).await
}

/// A path that does not begin with a slash is one on disk, below the working directory.
fn absolute(path: &OsStr) -> anyhow::Result<Vec<u8>> {
    if path.as_bytes().starts_with(b"/") {
        return Ok(path.as_bytes().to_vec());
    }
    let working = std::env::current_dir().context("the working directory is gone")?;
    let mut out = working;
    for part in Path::new(path).components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => drop(out.pop()),
            std::path::Component::CurDir | std::path::Component::RootDir | std::path::Component::Prefix(_) => {}
        }
    }
    Ok(out.into_os_string().into_vec())
}

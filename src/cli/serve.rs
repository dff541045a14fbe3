//! `ringback serve`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Outcome;

/// Options of `ringback serve`. What is given here wins over the configuration file.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ServeArgs {
    /// A directory to watch, shown as `/`; instead of the configuration's mounts
    pub dir: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The directory of rule files
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// The directory that keeps the ledger and the token; one daemon each
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Where the API listens [default: 127.0.0.1:8873]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// How log lines look [default: human on a terminal, else json]
    #[arg(long, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

const AFTER_HELP: &str = "\
Examples:
  ringback serve /srv/media --rules rules/
      Watch one directory by the rules in rules/. The paths in rules begin at it: /a.jpg is /srv/media/a.jpg.
  ringback serve --config /etc/ringback/ringback.toml
      Watch the mounts that the file names. Check it before: ringback check --config FILE.
  ringback serve /srv/media --listen 127.0.0.1:0 --log json
      Listen on a free port, and log for a program.

The first start without a [[principal]] makes an administrator's token and says where it is.
SIGHUP reads the rules again; SIGTERM ends within 10 s, a second one at once.

Exit codes: 0 ended when told to, 1 it could not start or failed, 2 bad usage.";

/// Runs until told to end.
///
/// # Errors
/// It could not start, or failed.
pub async fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    anyhow::bail!("serve is not wired yet: {args:?}")
}

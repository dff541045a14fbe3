//! `ringback serve`: the daemon.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Outcome;
use super::configuration::{self, Configuration};
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::daemon::Daemon;
use crate::diagnostic::render::{Format, one_lines, report};

/// Options of `ringback serve`. What is given here wins over the configuration file.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ServeArgs {
    /// A directory to watch, shown as `/`; instead of the configuration's mounts
    pub dir: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The directory of rule files [default: none: nobody is called]
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// The directory that keeps the ledger and the token, one daemon each [default: ringback-state]
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
    start_log(args.log);
    let settings = match settings(&args)? {
        Ok(settings) => settings,
        Err(report) => {
            eprint!("{report}");
            return Ok(Outcome::Finding);
        }
    };
    let mut signals = Signals::new()?;
    tell_settings(&settings);
    let mut daemon = Daemon::start(settings).await?;
    if let Some(admin) = daemon.admin_token() {
        let made = if admin.created { "made" } else { "kept from an earlier start" };
        tracing::info!(file = %admin.path.display(), "no principal is configured; the administrator's token was {made}");
    }
    tracing::info!(address = %daemon.address(), "ringback serves; stop it with SIGTERM or Ctrl-C");
    loop {
        tokio::select! {
            () = daemon.failed() => bail!("the engine ended; the log says why"),
            next = signals.next() => match next {
                Signal::Reload => daemon.reload(),
                Signal::End => break,
            },
        }
    }
    tracing::info!("ending");
    tokio::select! {
        () = daemon.stop() => tracing::info!("ended"),
        () = signals.end_again() => {
            tracing::warn!("told twice; ending at once, the next start goes on from the ledger");
            // Threads may be in the middle of a call that does not return; nothing that is not recorded is lost.
            std::process::exit(0);
        }
    }
    Ok(Outcome::Fine)
}

fn tell_settings(settings: &Settings) {
    let rules = settings.rules.as_deref().map_or("none".into(), |rules| rules.display().to_string());
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, state = %settings.state.display(), rules, "starting");
    for mount in &settings.mounts {
        tracing::info!(mount = %mount.path, dir = %mount.dir.display(), "mounted");
    }
}

/// The settings in force, or what is wrong with them, for people.
fn settings(args: &ServeArgs) -> anyhow::Result<Result<Settings, String>> {
    let overrides =
        Overrides { dir: args.dir.clone(), rules: args.rules.clone(), state: args.state.clone(), listen: args.listen };
    let Configuration { file, resolved } = configuration::read(args.config.as_deref(), overrides)?;
    let files: Vec<_> = file.into_iter().collect();
    Ok(match resolved {
        Ok(Resolved { settings, warnings }) => {
            for line in one_lines(&warnings, &files) {
                tracing::warn!("{line}");
            }
            Ok(settings)
        }
        Err(diagnostics) => Err(report(&diagnostics, &files, Format::for_terminal(std::io::stderr().is_terminal()))),
    })
}

fn start_log(format: Option<LogFormat>) {
    let format = format.unwrap_or(match std::io::stderr().is_terminal() {
        true => LogFormat::Human,
        false => LogFormat::Json,
    });
    // The watching crate tells at length what it could not do about watches that are gone anyway.
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let filter = match "notify=error".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Human => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// A signal this soon after the first is its echo.
const ECHO: Duration = Duration::from_millis(300);

/// What the operating system tells a daemon.
struct Signals {
    hangup: UnixSignal,
    terminate: UnixSignal,
    interrupt: UnixSignal,
}

enum Signal {
    Reload,
    End,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.terminate.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
        }
    }

    /// A second word, which is not the echo of the first: `timeout` and shells tell the process and its group.
    async fn end_again(&mut self) {
        let first = Instant::now();
        while !matches!(self.next().await, Signal::End) || first.elapsed() < ECHO {}
    }
}

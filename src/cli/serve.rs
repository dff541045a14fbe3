//! `ringback serve`: the daemon.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::configuration::{self, Configuration};
use super::{Outcome, UsageError, output};
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::config::sources::SourcesError;
use crate::daemon::beginning::Beginning;
use crate::daemon::log::{self, Log, Style};
use crate::daemon::{Daemon, RulesError, StartError, wall};
use crate::diagnostic::render::{Format, one_lines, report};
use crate::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::model::error_chain::ErrorChain;

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
    /// The directory that keeps the ledger and the token, one daemon each [default: one that is named for DIR, below
    /// $XDG_STATE_HOME/ringback, as root below /var/lib/ringback; with --config alone ringback-state beside the file]
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

The first start makes the local administrator's token and says where it is.
SIGHUP reads the rules and the configuration again; SIGTERM ends within 10 s, a second one at once.

\"ringback serves\" is logged once each reachable mount is watched. A mount that does not answer holds that up for 3 s.
A log line that cannot be written is lost, and counted in the status; nothing waits for the log. With --log json
everything on standard error is a JSON line, also why the daemon does not start.

Exit codes: 0 ended by a signal, 1 it failed, or could not start for a reason that may pass (the port is taken, the
state directory is in use, its disk is full), 2 a restart does not mend it (bad usage, the configuration, the first
rules, a state directory or ledger that it refuses).";

/// Runs until a signal ends it. What stops it is said in the log, in the log's format, and is no error here.
///
/// # Errors
/// There is no thread for the log.
pub async fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    let format = args.log.unwrap_or_else(LogFormat::of_standard_error);
    let _log = start_log(format)?;
    Ok(match serve(&args, format).await {
        Ok(outcome) => outcome,
        Err(error) => fatal(error, format),
    })
}

/// Says why the daemon ends, and returns what a supervisor is to make of it.
fn fatal(error: anyhow::Error, format: LogFormat) -> Outcome {
    let error = match error.downcast::<StartError>() {
        Ok(StartError::Rules(RulesError::Faulty { diagnostics, sources })) => {
            Faults { diagnostics, files: sources }.tell(format);
            return Outcome::Refused;
        }
        Ok(error) => error.into(),
        Err(error) => error,
    };
    let is_lasting = error.downcast_ref::<StartError>().is_some_and(StartError::is_lasting)
        || error.is::<SourcesError>()
        || error.is::<UsageError>();
    let outcome = if is_lasting { Outcome::Refused } else { Outcome::Finding };
    match format {
        LogFormat::Human => log::say(&output::error_chain(&error)),
        LogFormat::Json => tracing::error!(fatal = true, "{}", ErrorChain(&*error)),
    }
    outcome
}

async fn serve(args: &ServeArgs, format: LogFormat) -> anyhow::Result<Outcome> {
    let settings = match settings(args)? {
        Ok(settings) => settings,
        Err(faults) => {
            faults.tell(format);
            return Ok(Outcome::Refused);
        }
    };
    let mut signals = Signals::new()?;
    let beginning = Beginning::of(&settings.state)
        .with_context(|| format!("the state directory {} cannot be read", settings.state.display()))?;
    tell_settings(&settings, beginning);
    let mounts = settings.mounts.clone();
    let mut daemon = Daemon::start(settings).await?;
    let admin = daemon.admin_token();
    let made = if admin.created { "was made" } else { "is kept from an earlier start" };
    tracing::info!(file = %admin.path.display(), "the local administrator's token {made}");
    let address = daemon.address();
    let mut seen = std::pin::pin!(daemon.mounts_seen());
    let mut ready = std::pin::pin!(daemon.ready());
    let (mut serves, mut is_ready) = (false, false);
    loop {
        tokio::select! {
            status = &mut ready, if serves && !is_ready => {
                is_ready = true;
                tracing::info!("{}", beginning.done(&mounts, &status));
            }
            unseen = &mut seen, if !serves => {
                serves = true;
                for mount in unseen {
                    tracing::warn!(mount, "the mount's directory does not answer: nothing there is seen until it does");
                }
                tracing::info!(%address, "ringback serves; stop it with SIGTERM or Ctrl-C");
            }
            () = daemon.failed() => bail!("the engine ended; the log says why"),
            next = signals.next() => match next {
                Signal::Reload => {
                    reload_settings(args, &daemon);
                    daemon.reload();
                }
                Signal::End => break,
            },
        }
    }
    tracing::info!("ending");
    tokio::select! {
        () = daemon.stop() => tracing::info!("ended"),
        () = signals.end_again() => {
            tracing::warn!("told twice; ending at once, the next start goes on from the ledger");
            log::flush();
            // Threads may be in the middle of a call that does not return; nothing that is not recorded is lost.
            std::process::exit(0);
        }
    }
    Ok(Outcome::Fine)
}

/// A configuration, or first rules, that are not taken up.
struct Faults {
    diagnostics: Vec<Diagnostic>,
    files: Vec<SourceFile>,
}

impl Faults {
    fn tell(&self, format: LogFormat) {
        let Self { diagnostics, files } = self;
        if format == LogFormat::Human {
            return log::say(&report(diagnostics, files, Format::for_terminal(std::io::stderr().is_terminal())));
        }
        let places: Vec<serde_json::Value> =
            serde_json::from_str(&report(diagnostics, files, Format::Json)).unwrap_or_default();
        for (message, place) in one_lines(diagnostics, files).iter().zip(&places) {
            let (code, file) = (place["code"].as_str(), place["file"].as_str());
            let (line, column) = (place["line"].as_u64(), place["column"].as_u64());
            match place["severity"].as_str() {
                Some("warning") => tracing::warn!(code, file, line, column, "{message}"),
                _ => tracing::error!(fatal = true, code, file, line, column, "{message}"),
            }
        }
    }
}

fn tell_settings(settings: &Settings, beginning: Beginning) {
    let rules = settings.rules.as_deref().map_or("none".into(), |rules| rules.display().to_string());
    let version = env!("CARGO_PKG_VERSION");
    let beginning = beginning.announced(&settings.mounts);
    tracing::info!(version, state = %settings.state.display(), rules, "{beginning}");
    for mount in &settings.mounts {
        tracing::info!(mount = %mount.path, dir = %mount.dir.display(), "mounted");
    }
}

/// The settings in force, or what is wrong with them.
fn settings(args: &ServeArgs) -> anyhow::Result<Result<Settings, Faults>> {
    let overrides =
        Overrides { dir: args.dir.clone(), rules: args.rules.clone(), state: args.state.clone(), listen: args.listen };
    let Configuration { file, resolved, state_belongs_at } = configuration::read(args.config.as_deref(), overrides)?;
    let files: Vec<_> = file.into_iter().collect();
    Ok(match resolved {
        Ok(Resolved { settings, warnings }) => {
            for line in one_lines(&warnings, &files) {
                tracing::warn!("{line}");
            }
            if let Some(place) = state_belongs_at {
                tracing::warn!(
                    state = %settings.state.display(),
                    place = %place.display(),
                    "an earlier version kept the state in the directory in which it was started, and it is gone on with; \
                     started elsewhere, ringback would not find it: stop it, and move that directory to `place`"
                );
            }
            Ok(settings)
        }
        Err(diagnostics) => Err(Faults { diagnostics, files }),
    })
}

/// Has the daemon take up the configuration as it is now. What is faulty is refused whole.
fn reload_settings(args: &ServeArgs, daemon: &Daemon) {
    if args.config.is_none() {
        return;
    }
    match settings(args) {
        Ok(Ok(settings)) => daemon.take_settings(settings),
        Ok(Err(Faults { diagnostics, files })) => {
            let errors: Vec<_> = diagnostics.into_iter().filter(|one| one.severity == Severity::Error).collect();
            daemon.refuse_settings(&one_lines(&errors, &files).join("; "));
        }
        Err(error) => daemon.refuse_settings(&ErrorChain(&*error).to_string()),
    }
}

fn start_log(format: LogFormat) -> std::io::Result<Log> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // The watching crate logs much about watches that are gone anyway.
    let filter = match "notify=error".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let style = match format {
        LogFormat::Human => Style::Human { ansi: std::io::stderr().is_terminal() },
        LogFormat::Json => Style::Json,
    };
    log::start(style, filter)
}

impl LogFormat {
    /// What fits standard error, where the command line says nothing.
    fn of_standard_error() -> Self {
        if std::io::stderr().is_terminal() { Self::Human } else { Self::Json }
    }
}

/// Whether a command line, which may be wrong, asks `serve` for JSON on standard error.
pub(super) fn logs_json(words: impl IntoIterator<Item = OsString>) -> bool {
    let words: Vec<_> = words.into_iter().skip(1).collect();
    words.first().is_some_and(|word| word == "serve")
        && (words.iter().any(|word| word == "--log=json")
            || words.windows(2).any(|pair| pair[0] == "--log" && pair[1] == "json"))
}

/// What is wrong with a command line, as a log line: no log runs yet.
pub(super) fn usage_line(text: &str) -> String {
    let timestamp = wall().to_string();
    json!({"timestamp": timestamp, "level": "ERROR", "message": text.trim_end(), "fatal": true}).to_string()
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

//! Where the running daemon is, and the token that it knows the caller by.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::client::NoAnswer;
use super::configuration::{self, Configuration};
use super::default_state::Surroundings;
use super::server::Server;
use crate::api::token;
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::diagnostic::render::{Format, report};
use crate::model::duration::parse_duration_ms;

/// The variable that a token is taken from.
const TOKEN: &str = "RINGBACK_TOKEN";
/// Where the API listens by default.
const DEFAULT: &str = "127.0.0.1:8873";

/// How long an answer may take, where nobody says.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Options of every command that talks to a daemon.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// The daemon's configuration file: its address and its state directory are in it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The daemon's address, such as http://127.0.0.1:8873 [default: that of the state
    /// directory, else that of --config, else 127.0.0.1:8873]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The daemon's state directory, where its address and its token are [default: that of --config, else that of
    /// the one daemon that runs at a default place]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Give up when there is no answer within this, such as 30s [default: 10s; never for what waits for a scan or for
    /// all writes]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// Where to call, and as whom.
#[derive(Debug)]
pub struct Reach {
    /// The API.
    pub server: Server,
    /// A bearer token.
    pub token: String,
    /// How long an answer may take; `None`: as long as it does.
    pub timeout: Option<Duration>,
}

impl ReachArgs {
    /// Finds the daemon and the token. Neither is tried.
    ///
    /// # Errors
    /// A bad URL or configuration, or no token; each says what to do.
    pub fn find(&self) -> anyhow::Result<Reach> {
        let (server, state) = self.server()?;
        let token = match std::env::var(TOKEN) {
            Ok(token) => token,
            Err(_) => token_for(&server, state.as_ref())?,
        };
        Ok(Reach { server, token, timeout: Some(self.timeout.unwrap_or(ANSWER_WITHIN)) })
    }

    /// Finds the daemon and the token, for a request whose answer takes as long as it takes.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn find_patient(&self) -> anyhow::Result<Reach> {
        Ok(Reach { timeout: self.timeout, ..self.find()? })
    }

    /// Finds the daemon, for what needs no token.
    ///
    /// # Errors
    /// A bad URL or configuration.
    pub fn find_without_token(&self) -> anyhow::Result<Reach> {
        let (server, ..) = self.server()?;
        Ok(Reach { server, token: String::new(), timeout: Some(self.timeout.unwrap_or(ANSWER_WITHIN)) })
    }

    /// The state directory that was named, or that of the one daemon that runs at a default place.
    ///
    /// # Errors
    /// A bad configuration, or several daemons run.
    pub fn state_dir(&self) -> anyhow::Result<Option<PathBuf>> {
        match (&self.state, self.config.as_deref()) {
            (Some(state), _) => Ok(Some(state.clone())),
            (None, Some(config)) => Ok(Some(settings(config)?.1)),
            (None, None) => Surroundings::of_process()?.running(),
        }
    }

    /// The daemon, and the state directory that was named or found.
    fn server(&self) -> anyhow::Result<(Server, Option<State>)> {
        let settings = self.config.as_deref().map(settings).transpose()?;
        let state = match (&self.state, &settings) {
            (Some(state), _) => Some(state.clone()),
            (None, Some((_, state))) => Some(state.clone()),
            // Whoever names a server and brings a token needs no state directory, however many daemons there are.
            (None, None) if self.url.is_some() && std::env::var_os(TOKEN).is_some() => None,
            (None, None) => Surroundings::of_process()?.running()?,
        };
        let state = state.map(State::read).transpose()?;
        let running = state.as_ref().and_then(|state| state.running.as_ref());
        let server = match (&self.url, running, settings) {
            (Some(url), _, _) => {
                let named = Server::of_url(url)?;
                // The file says by what certificate the same server is known.
                let known = running.filter(|it| it.address == named.address && it.tls.is_some());
                known.cloned().unwrap_or(named)
            }
            (None, Some(running), _) => running.clone(),
            (None, None, Some((listen, _))) => Server::of_url(&listen)?,
            (None, None, None) => Server::of_url(DEFAULT)?,
        };
        Ok((server, state))
    }
}

/// A duration as it is written on the command line.
fn duration(text: &str) -> Result<Duration, String> {
    parse_duration_ms(text).map(Duration::from_millis).map_err(|error| error.to_string())
}

/// A state directory, and the daemon that has it now.
struct State {
    dir: PathBuf,
    running: Option<Server>,
}

impl State {
    fn read(dir: PathBuf) -> anyhow::Result<Self> {
        let running = Server::of_state_dir(&dir)?;
        Ok(Self { dir, running })
    }
}

/// The URL of a configured daemon, and its state directory.
fn settings(config: &Path) -> anyhow::Result<(String, PathBuf)> {
    let Configuration { file, resolved, .. } = configuration::read(Some(config), Overrides::default())?;
    match resolved {
        Ok(Resolved { settings: Settings { listen, tls, state, .. }, .. }) => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            Ok((format!("{scheme}://{listen}"), state))
        }
        Err(diagnostics) => {
            let files: Vec<_> = file.into_iter().collect();
            bail!("the configuration has faults\n\n{}", report(&diagnostics, &files, Format::Plain))
        }
    }
}

/// The token of a state directory. It goes to the daemon that has the state directory, and to nobody else: whoever
/// listens elsewhere, or there while that daemon is down, would have it.
fn token_for(server: &Server, state: Option<&State>) -> anyhow::Result<String> {
    let Some(State { dir, running }) = state else {
        let why = format!(
            "nothing says that a daemon runs at a default place, and {TOKEN} is not set: say the daemon's --state or --config"
        );
        return Err(NoAnswer::Unreachable(why).into());
    };
    let file = token::admin_token_path(dir);
    let file = file.display();
    let token = token::read_admin_token(dir).with_context(|| {
        format!("no token: {TOKEN} is not set, and {file} cannot be read (say the daemon's --state or --config)")
    })?;
    match running {
        Some(running) if running.address == server.address => Ok(token.as_str().to_owned()),
        Some(running) => bail!(
            "{file} is the token of the daemon at {}, and is not sent to {}: set {TOKEN} to the token of that one",
            running.address,
            server.address
        ),
        None => {
            let why = format!(
                "cannot reach ringback at {}: is it running? Nothing in {} says so, and its token is sent to nobody else; \
                 set {TOKEN} where another daemon is meant",
                server.address,
                dir.display()
            );
            Err(NoAnswer::Unreachable(why).into())
        }
    }
}

//! Where the running daemon is, and the token that it knows the caller by.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration::{self, Configuration};
use super::server::Server;
use crate::api::token;
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::diagnostic::render::{Format, report};

/// The variable that a token is taken from.
const TOKEN: &str = "RINGBACK_TOKEN";
/// Where the API listens by default.
const DEFAULT: &str = "127.0.0.1:8873";

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
    /// The daemon's state directory, where its address and its token are [default: that of --config, else
    /// ringback-state]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// Where to call, and as whom.
#[derive(Debug)]
pub struct Reach {
    /// The API.
    pub server: Server,
    /// A bearer token.
    pub token: String,
}

impl ReachArgs {
    /// Finds the daemon and the token. Neither is tried.
    ///
    /// # Errors
    /// A bad URL or configuration, or no token; each says what to do.
    pub fn find(&self) -> anyhow::Result<Reach> {
        let (server, state, running) = self.server()?;
        let token = match std::env::var(TOKEN) {
            Ok(token) => token,
            Err(_) => token_for(&server, &state, running.as_ref())?,
        };
        Ok(Reach { server, token })
    }

    /// Finds the daemon, for what needs no token.
    ///
    /// # Errors
    /// A bad URL or configuration.
    pub fn find_without_token(&self) -> anyhow::Result<Reach> {
        let (server, ..) = self.server()?;
        Ok(Reach { server, token: String::new() })
    }

    /// The daemon, its state directory, and the daemon that has that one now.
    fn server(&self) -> anyhow::Result<(Server, PathBuf, Option<Server>)> {
        let settings = self.config.as_deref().map(settings).transpose()?;
        let state = match (&self.state, &settings) {
            (Some(state), _) => state.clone(),
            (None, Some((_, state))) => state.clone(),
            (None, None) => "ringback-state".into(),
        };
        let running = Server::of_state_dir(&state)?;
        let server = match (&self.url, &running, settings) {
            (Some(url), _, _) => {
                let named = Server::of_url(url)?;
                // The file says by what certificate the same server is known.
                let known = running.as_ref().filter(|it| it.address == named.address && it.tls.is_some());
                known.cloned().unwrap_or(named)
            }
            (None, Some(running), _) => running.clone(),
            (None, None, Some((listen, _))) => Server::of_url(&listen)?,
            (None, None, None) => Server::of_url(DEFAULT)?,
        };
        Ok((server, state, running))
    }
}

/// The URL of a configured daemon, and its state directory.
fn settings(config: &Path) -> anyhow::Result<(String, PathBuf)> {
    let Configuration { file, resolved } = configuration::read(Some(config), Overrides::default())?;
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
fn token_for(server: &Server, state: &Path, running: Option<&Server>) -> anyhow::Result<String> {
    let file = token::admin_token_path(state);
    let file = file.display();
    let token = token::read_admin_token(state).with_context(|| {
        format!("no token: {TOKEN} is not set, and {file} cannot be read (say the daemon's --state or --config)")
    })?;
    match running {
        Some(running) if running.address == server.address => Ok(token.as_str().to_owned()),
        Some(running) => bail!(
            "{file} is the token of the daemon at {}, and is not sent to {}: set {TOKEN} to the token of that one",
            running.address,
            server.address
        ),
        None => bail!(
            "cannot reach ringback at {}: is it running? Nothing in {} says so, and its token is sent to nobody else; set \
             {TOKEN} where another daemon is meant",
            server.address,
            state.display()
        ),
    }
}

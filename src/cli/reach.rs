//! Where the running daemon is, and the token that it knows the caller by.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::UsageError;
use super::configuration::{self, Configuration};
use crate::api::token;
use crate::config::settings::Overrides;
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
    /// The daemon's address, such as http://127.0.0.1:8873 [default: that of --config, else 127.0.0.1:8873]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The daemon's state directory, where its token is [default: that of --config, else ringback-state]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// Where to call, and as whom.
#[derive(Debug)]
pub struct Reach {
    /// The API's address.
    pub address: SocketAddr,
    /// A bearer token.
    pub token: String,
}

impl ReachArgs {
    /// Finds the daemon and the token. Neither is tried.
    ///
    /// # Errors
    /// A bad URL or configuration, or no token; each says what to do.
    pub fn find(&self) -> anyhow::Result<Reach> {
        let settings = self.config.as_deref().map(settings).transpose()?;
        let address = match (&self.url, &settings) {
            (Some(url), _) => address(url)?,
            (None, Some((listen, _))) => *listen,
            (None, None) => DEFAULT.parse()?,
        };
        let state = match (&self.state, settings) {
            (Some(state), _) => state.clone(),
            (None, Some((_, state))) => state,
            (None, None) => "ringback-state".into(),
        };
        Ok(Reach { address, token: token(&state)? })
    }
}

/// Where a configured daemon listens, and its state directory.
fn settings(config: &Path) -> anyhow::Result<(SocketAddr, PathBuf)> {
    let Configuration { file, resolved } = configuration::read(Some(config), Overrides::default())?;
    match resolved {
        Ok(resolved) => Ok((resolved.settings.listen, resolved.settings.state)),
        Err(diagnostics) => {
            let files: Vec<_> = file.into_iter().collect();
            bail!("the configuration has faults\n\n{}", report(&diagnostics, &files, Format::Plain))
        }
    }
}

fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let wrong = |why: &str| UsageError(format!("--url {url}: {why}; write one such as http://{DEFAULT}"));
    let authority = match url.split_once("://") {
        Some(("http", rest)) => rest.trim_end_matches('/'),
        Some(("https", _)) => return Err(wrong("the API speaks no TLS yet").into()),
        Some(_) => return Err(wrong("it is no http URL").into()),
        None => url,
    };
    if authority.contains('/') {
        return Err(wrong("it has a path").into());
    }
    let mut found = authority.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
    found.next().ok_or_else(|| wrong("nobody has that name").into())
}

fn token(state: &Path) -> anyhow::Result<String> {
    if let Ok(token) = std::env::var(TOKEN) {
        return Ok(token);
    }
    let token = token::read_admin_token(state).with_context(|| {
        let file = token::admin_token_path(state);
        let file = file.display();
        format!("no token: {TOKEN} is not set, and {file} cannot be read (say the daemon's --state or --config)")
    })?;
    Ok(token.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_may_be_written_as_a_url() {
        for (text, expect) in
            [("http://127.0.0.1:1/", "127.0.0.1:1"), ("127.0.0.1:2", "127.0.0.1:2"), ("http://[::1]:3", "[::1]:3")]
        {
            assert_eq!(address(text).expect(text).to_string(), expect);
        }
        for (text, why) in [
            ("https://127.0.0.1:1", "no TLS yet"),
            ("ftp://127.0.0.1:1", "no http URL"),
            ("http://127.0.0.1:1/v1", "a path"),
            ("127.0.0.1", "invalid socket address"),
        ] {
            let error = address(text).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("such as http://"), "{error}");
        }
    }
}

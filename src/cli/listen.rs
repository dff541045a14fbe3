//! `ringback listen`: a receiver that prints callbacks, to build against. It verifies no signature.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Notify;

use self::print::Printer;
use super::output;
use super::receiver::{Receiver, Reply};
use crate::daemon::wall;

pub mod print;

const EXAMPLE: &str = r#"Save this as rules/listen.toml of a running ringback, then touch a file:

  [[subscription]]
  name = "listen"
  callback = "http://127.0.0.1:8874/hook"
  watchPath = ["* /"]            # added, modified, deleted, anywhere
  watchMetadata = ["*==*"]       # and any touch of any metadata key

It prints one line for each callback and one for each entry in it:

  2026-11-22T10:00:00.123Z  POST /hook  webhook-id 6f0e7c5a9b1d2c34-17  -> 200
    added     /acme/dailies/a.mov  asset 12  owner ada

To see retries, answer with an error (--status 503) or too late (--delay 40s): the same
webhook-id comes again, with the same bytes, and is marked as a repeat:

  ringback listen --status 503

Exit codes: 0 interrupted, 1 the port cannot be listened on, 2 bad usage."#;

/// What `ringback listen` was asked to do.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Receive callbacks and print them, on this machine only", after_help = EXAMPLE)]
pub struct ListenArgs {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8874)]
    pub port: u16,
    /// The HTTP status to answer with
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u16).range(200..=599))]
    pub status: u16,
    /// How long to wait before answering, such as 200ms, 5s or 1m
    #[arg(long, default_value = "0ms", value_name = "D", value_parser = delay)]
    pub delay: Duration,
    /// Print one JSON object a callback
    #[arg(long)]
    pub json: bool,
}

/// Listens and prints until it is interrupted, or until nobody reads what it prints.
///
/// # Errors
/// Why the port cannot be listened on.
pub async fn run(args: ListenArgs) -> anyhow::Result<()> {
    let ListenArgs { port, status, delay, json } = args;
    let unread = Arc::new(Notify::new());
    let printer = Mutex::new(Printer::new(json));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let told = Arc::clone(&unread);
    let receiver = Receiver::start(address, move |received| {
        let text = {
            let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
            printer.print(&received, wall(), status)
        };
        if io::stdout().lock().write_all(text.as_bytes()).is_err() {
            told.notify_one();
        }
        Reply { status, delay }
    })
    .await
    .with_context(|| format!("cannot listen on {address}; choose another port with --port"))?;
    output::note(&format!("listening on {} and answering {status}; stop with Ctrl-C", receiver.url("/")));
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
        () = unread.notified() => {}
    }
    Ok(())
}

/// Reads a number and its unit.
fn delay(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err("write a number and ms, s or m, such as 200ms".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| format!("`{digits}` is no whole number"))?;
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "that is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args as _, Command, FromArgMatches as _};

    use super::{ListenArgs, delay};

    #[test]
    fn the_command_line() {
        let command = ListenArgs::augment_args(Command::new("listen"));
        command.clone().debug_assert();
        let parse = |args: &[&str]| {
            let matches = command.clone().try_get_matches_from([&["listen"], args].concat())?;
            ListenArgs::from_arg_matches(&matches)
        };
        let ListenArgs { port, status, delay, json } = parse(&[]).expect("the defaults");
        assert_eq!((port, status, delay, json), (8874, 200, Duration::ZERO, false));
        let given = parse(&["--port=0", "--status=503", "--delay=2s", "--json"]).expect("arguments");
        assert_eq!((given.port, given.status, given.delay, given.json), (0, 503, Duration::from_secs(2), true));
        assert!(parse(&["--status=199"]).is_err() && parse(&["--delay=soon"]).is_err());
    }

    #[test]
    fn a_delay_is_a_number_and_a_unit() {
        for (text, ms) in [("0ms", 0), ("200ms", 200), ("5s", 5_000), ("2m", 120_000)] {
            assert_eq!(delay(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5s", "5 s", "5h", "18446744073709551615s"] {
            assert!(delay(text).is_err(), "{text}");
        }
    }
}

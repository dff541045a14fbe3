//! `ringback try`: the whole loop in one process, with nothing to set up.

use std::fs;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use super::listen::print::Printer;
use super::reach::Reach;
use super::receiver::Receiver;
use super::server::Server;
use super::{Outcome, UsageError, client, output, sample_store};
use crate::config::settings::{Overrides, Places, Settings, resolve};
use crate::daemon::log::{self, Log, Style};
use crate::daemon::{Daemon, wall};
use crate::diagnostic::render::one_lines;

/// Options of `ringback try`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TryArgs {
    /// Work in this directory instead of a new temporary one; it must be empty or not exist
    #[arg(long, value_name = "SCRATCH")]
    pub dir: Option<PathBuf>,
    /// Keep the scratch directory at the end (one named by --dir is always kept)
    #[arg(long)]
    pub keep: bool,
    /// Make the edits, print their callbacks, and end, instead of staying up
    #[arg(long)]
    pub once: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback try
      Serve a copy of the sample store, make a few edits, print each callback, and stay up: touch files, edit rules.
  ringback try --once
      The same as a demonstration or a smoke test: it ends after the edits.
  ringback try --dir /tmp/ringback-demo
      Work where you can find it: the store, the rules and the state stay there.

Nothing outside the scratch directory is touched, and nothing leaves this machine.

Exit codes: 0 the loop worked, 1 it did not, 2 bad usage.";

/// Runs until told to end, or until the edits are told with `--once`.
///
/// # Errors
/// It could not start, or a callback did not come.
pub async fn run(args: TryArgs) -> anyhow::Result<Outcome> {
    let _log = start_log()?;
    let scratch = Scratch::new(args.dir, args.keep)?;
    let store = scratch.dir.join("store");
    sample_store::write_to(&store)?;
    // What is younger than the first scan is told, to within a timer tick; the copy is to count as older.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (told, mut entries) = mpsc::unbounded_channel();
    let receiver = receiver(told).await?;
    let rules = scratch.dir.join("rules");
    fs::create_dir_all(&rules)?;
    fs::write(rules.join("try.toml"), rule_file(&receiver))?;

    let daemon = Daemon::start(settings(&scratch.dir)?).await?;
    let token = daemon.admin_token().token.as_str().to_owned();
    let address = daemon.address();
    let reach = Reach { server: Server { address, tls: None }, token: token.clone(), timeout: None };
    say(&format!(
        "ringback watches a copy of the sample store, by three rules, and calls a receiver.\n\n  \
         store     {}\n  rules     {}\n  receiver  {}\n  API       http://{address}\n\n\
         Each line that begins with > is an edit; what follows it is the callback, as the receiver got it.",
        store.display(),
        rules.display(),
        receiver.url("/"),
    ))?;
    wait_until_ready(&daemon).await?;
    for edit in edits() {
        say(&format!("\n> {}", edit.shown))?;
        match edit.kind {
            EditKind::Files(work) => work(&store).with_context(|| format!("cannot do: {}", edit.shown))?,
            EditKind::Record(body) => drop(client::post(&reach, "/v1/records", &body).await?),
        }
        hear(&mut entries, edit.expect).await?;
    }
    if args.once {
        daemon.stop().await;
        say("\nEvery edit was told.")?;
        return Ok(Outcome::Fine);
    }
    say(&format!(
        "\nNow you. Touch files in another terminal, and watch the callbacks here:\n\n  \
         cp {store}/dailies/IMG_0001.jpg {store}/dailies/yours.jpg\n  \
         setfattr -n user.City -v SFO {store}/dailies/yours.jpg\n  \
         curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n    \
           -d '[{{\"path\": \"/dailies/yours.jpg\", \"set\": {{\"Rating\": \"5\"}}}}]' http://{address}/v1/records\n  \
         curl -H 'Authorization: Bearer {token}' http://{address}/v1/status\n\n\
         Edit {rules}/try.toml: it is picked up within a second. Ctrl-C ends.\n",
        store = store.display(),
        rules = rules.display(),
    ))?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
        _ = terminate.recv() => {}
    }
    daemon.stop().await;
    Ok(Outcome::Fine)
}

/// What is wrong, and what came of edits of the rules, is said between the callbacks.
fn start_log() -> std::io::Result<Log> {
    let filter = EnvFilter::new("warn,notify=error,ringback::daemon::rules_thread=info");
    log::start(Style::Human { ansi: std::io::stderr().is_terminal() }, filter)
}

/// How long an edit's callback may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The directory that everything happens in.
struct Scratch {
    dir: PathBuf,
    remove: bool,
}

impl Scratch {
    fn new(named: Option<PathBuf>, keep: bool) -> anyhow::Result<Self> {
        let remove = named.is_none() && !keep;
        let dir = match named {
            Some(dir) => {
                fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
                if fs::read_dir(&dir)?.next().is_some() {
                    let text = format!("{} is not empty; name a new directory", dir.display());
                    return Err(UsageError(text).into());
                }
                dir
            }
            None => {
                let dir = std::env::temp_dir().join(format!("ringback-try-{}", std::process::id()));
                fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
                dir
            }
        };
        Ok(Self { dir: fs::canonicalize(dir)?, remove })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.remove
            && let Err(error) = fs::remove_dir_all(&self.dir)
        {
            output::note(&format!("{} is left behind: {error}", self.dir.display()));
        }
    }
}

/// The defaults, over the scratch directory, on a free port.
fn settings(scratch: &Path) -> anyhow::Result<Settings> {
    let state = scratch.join("state");
    let overrides = Overrides {
        dir: Some(scratch.join("store")),
        rules: Some(scratch.join("rules")),
        state: None,
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
    };
    match resolve(None, Places { config: scratch, working: scratch, state: &state }, overrides) {
        Ok(resolved) => Ok(resolved.settings),
        Err(diagnostics) => bail!("{}", one_lines(&diagnostics, &[]).join("\n")),
    }
}

fn rule_file(receiver: &Receiver) -> String {
    format!(
        r#"# Saved edits are picked up within a second; `ringback check` says what is wrong with them.

[[subscription]]
name = "everything"
callback = "{everything}"
watchPath = ["* /"]                 # added, modified and deleted, anywhere
watchMetadata = ["*==*"]            # and any touch of any metadata key

[[subscription]]
name = "five-stars"
callback = "{stars}"
watchPath = ["/dailies"]            # no mode: only limits where the metadata is watched
watchMetadata = ["Rating==5"]

[[subscription]]
name = "in-lisbon"
callback = "{lisbon}"
watchMetadata = ["IPTC_City==Lisbon"]   # in the file, in a sidecar, or in a record: ringback inspect shows where
"#,
        everything = receiver.url("/everything"),
        stars = receiver.url("/five-stars"),
        lisbon = receiver.url("/in-lisbon"),
    )
}

/// A receiver that prints, and says which actions it was told of which paths.
async fn receiver(told: mpsc::UnboundedSender<Told>) -> anyhow::Result<Receiver> {
    let printer = Mutex::new(Printer::new(false));
    let receiver = Receiver::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), move |received| {
        let text = printer.lock().unwrap_or_else(PoisonError::into_inner).print(&received, wall(), 200);
        // Whoever reads the output has read enough; the edits go on.
        drop(std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes()));
        for entry in entries(&received.body) {
            drop(told.send(entry));
        }
        200
    });
    receiver.await.context("cannot start a receiver")
}

/// A path and what happened to it.
type Told = (String, String);

fn entries(body: &[u8]) -> Vec<Told> {
    let payload: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let entries = payload["data"]["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| (text(entry, "path"), text(entry, "action"))).collect()
}

struct Edit {
    shown: &'static str,
    kind: EditKind,
    expect: &'static [(&'static str, &'static str)],
}

enum EditKind {
    Files(fn(&Path) -> std::io::Result<()>),
    Record(serde_json::Value),
}

fn edits() -> Vec<Edit> {
    let files = |shown, work, expect| Edit { shown, kind: EditKind::Files(work), expect };
    vec![
        files(
            "cp dailies/IMG_0001.jpg dailies/IMG_0002.jpg        # its XMP says Lisbon",
            |store| fs::copy(store.join("dailies/IMG_0001.jpg"), store.join("dailies/IMG_0002.jpg")).map(drop),
            &[("/dailies/IMG_0002.jpg", "added"); 2],
        ),
        files(
            "echo take 2 >> dailies/A001_C001.mov",
            |store| {
                let mut file = fs::OpenOptions::new().append(true).open(store.join("dailies/A001_C001.mov"))?;
                std::io::Write::write_all(&mut file, b"take 2\n")
            },
            &[("/dailies/A001_C001.mov", "modified")],
        ),
        files(
            "mv stills/logo.png stills/logo-v2.png                # the same assetId, elsewhere",
            |store| fs::rename(store.join("stills/logo.png"), store.join("stills/logo-v2.png")),
            &[("/stills/logo.png", "deleted"), ("/stills/logo-v2.png", "added")],
        ),
        Edit {
            shown: "POST /v1/records [{\"path\": \"/dailies/IMG_0002.jpg\", \"set\": {\"Rating\": \"5\"}}]",
            kind: EditKind::Record(json!([{"path": "/dailies/IMG_0002.jpg", "set": {"Rating": "5"}}])),
            expect: &[("/dailies/IMG_0002.jpg", "none"); 2],
        },
        files(
            "cp dailies/A001_C001.mov.xmp dailies/IMG_0002.jpg.xmp   # a sidecar: Porto",
            |store| fs::copy(store.join("dailies/A001_C001.mov.xmp"), store.join("dailies/IMG_0002.jpg.xmp")).map(drop),
            &[("/dailies/IMG_0002.jpg", "none")],
        ),
        files(
            "rm audio/slate.wav",
            |store| fs::remove_file(store.join("audio/slate.wav")),
            &[("/audio/slate.wav", "deleted")],
        ),
    ]
}

async fn wait_until_ready(daemon: &Daemon) -> anyhow::Result<()> {
    let ready = async {
        while !daemon.status().ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.context("the first scan did not end in 10 s")
}

/// Waits until all of it was told.
async fn hear(entries: &mut mpsc::UnboundedReceiver<Told>, expect: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut missing = expect.to_vec();
    let all = async {
        while !missing.is_empty() {
            let Some((path, action)) = entries.recv().await else { bail!("the receiver ended") };
            // One callback for each: what several rules fire on is heard several times.
            if let Some(at) = missing.iter().position(|expected| *expected == (path.as_str(), action.as_str())) {
                missing.remove(at);
            }
        }
        Ok(())
    };
    match tokio::time::timeout(PATIENCE, all).await {
        Ok(heard) => heard,
        Err(_) => bail!("no callback in 10 s of: {missing:?}"),
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(output::line(text)?)
}

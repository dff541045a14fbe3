//! What is measured: rows, sizes, peers and places.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Parser, ValueEnum};

/// Measures ringback and its peers at watching.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench watch --")]
pub struct Options {
    /// Rows to measure; all by default
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// All sizes and the idle time times this; 1 under cargo bench, else 0.01, which tries everything in a minute
    #[arg(long)]
    scale: Option<f64>,
    /// How often everything is measured; the table shows medians
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Who is measured beside ringback
    #[arg(long, value_enum, value_delimiter = ',', default_value = "raw,watchman,inotifywait")]
    peers: Vec<Peer>,
    /// Measure ringback alone
    #[arg(long)]
    no_peers: bool,
    /// Ringback's `watch` key; not written by default, so that ringback chooses
    #[arg(long, value_enum)]
    pub source: Option<Source>,
    /// Where the watched trees are made; the system's temporary directory by default
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Where state directories are made; the system's temporary directory by default
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// A JSON line for each measurement to stdout, the table to stderr
    #[arg(long)]
    pub json: bool,
    /// `cargo bench` says so to every bench, and `cargo test --benches` does not
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row, or several that share a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Row {
    /// 200,000 files in 2,000 new directories
    Burst,
    /// close(2) to the request at the receiver
    Latency,
    /// The same for 10,000 saves on a tmpfs, an ext4 and an xfs (root)
    Saves,
    /// The first scan of 1,000,000 files
    Scan,
    /// Idle beside them for 30 s
    Idle,
    /// The start over them when nothing has changed
    Restart,
    /// 1,000 rmdir beside 50,000 watched directories
    Rmdir,
    /// Stopped while 30,000 files appear and 500 go
    Stopped,
}

/// Somebody else who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Peer {
    /// As little as can be done with inotify, in a process of its own
    Raw,
    /// A watchman server with one subscriber
    Watchman,
    /// inotifywait of inotify-tools
    Inotifywait,
}

/// A value of the key `watch`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Source {
    Fanotify,
    Inotify,
    Notify,
    Poll,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Ringback,
    Peer(Peer),
}

impl Who {
    /// As tables and JSON lines name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ringback => "ringback",
            Self::Peer(Peer::Raw) => "raw inotify",
            Self::Peer(Peer::Watchman) => "watchman",
            Self::Peer(Peer::Inotifywait) => "inotifywait",
        }
    }
}

impl Source {
    /// As the configuration has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fanotify => "fanotify",
            Self::Inotify => "inotify",
            Self::Notify => "notify",
            Self::Poll => "poll",
        }
    }
}

impl Options {
    /// The rows wanted, in their order.
    pub fn rows(&self) -> Vec<Row> {
        let wanted = |row: &Row| self.rows.is_empty() || self.rows.contains(row);
        Row::value_variants().iter().copied().filter(wanted).collect()
    }

    /// What all sizes are multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale.unwrap_or(if self.bench { 1.0 } else { 0.01 })
    }

    /// A size of the full row, scaled; never nothing.
    pub fn sized(&self, full: usize) -> usize {
        ((full as f64 * self.scale()).round() as usize).max(1)
    }

    /// Ringback, then the peers that are installed. Those that are not are named once, with how to get them.
    pub fn everybody(&self) -> Vec<Who> {
        let wanted = |peer: &Peer| !self.no_peers && self.peers.contains(peer);
        let peers = Peer::value_variants().iter().copied().filter(wanted).filter(|peer| match peer {
            Peer::Raw => true,
            Peer::Watchman => installed("watchman", "watchman", "--version"),
            Peer::Inotifywait => installed("inotifywait", "inotify-tools", "--help"),
        });
        std::iter::once(Who::Ringback).chain(peers.map(Who::Peer)).collect()
    }

    /// Where trees are made.
    pub fn trees(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Where state directories are made.
    pub fn states(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(std::env::temp_dir)
    }
}

/// Whether a program is there; otherwise it is said which package has it.
pub fn installed(program: &str, package: &str, harmless: &str) -> bool {
    let tried = Command::new(program).arg(harmless).stdin(Stdio::null()).output();
    if let Err(error) = &tried {
        eprintln!("left out: {program} ({error}); to have it: apt-get install {package}");
    }
    tried.is_ok()
}

//! What is measured, and how large.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures what callers of the API cost.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench api --")]
pub struct Options {
    /// A row to measure, may be repeated; all by default
    #[arg(long = "row", value_enum)]
    rows: Vec<Row>,
    /// All sizes and times times this; 1 under cargo bench, else 0.01, which tries everything
    #[arg(long)]
    scale: Option<f64>,
    /// Where state directories are made; the system's temporary directory by default
    #[arg(long)]
    state: Option<PathBuf>,
    /// `cargo bench` says so to every bench, and `cargo test --benches` does not
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// 10,000 registrations a minute beside live traffic, among few and among 100,000
    Register,
    /// 10,000 registrations a minute by each dialect, over HTTP, beside live traffic
    Dialects,
    /// A start over 1,000,000 registrations, and what they take
    Million,
    /// Pages and filters of 100,000 subscriptions
    Pages,
    /// What 64 readers of the journal's stream cost at 1,000 changes a second
    Streams,
    /// The health check beside 600 idle connections
    Idle,
    /// Changes beside a list of 100,000 subscriptions, and beside a copy of the ledger
    Copy,
}

impl Row {
    /// What it is about.
    pub fn about(self) -> String {
        let possible = self.to_possible_value().expect("every row has a name");
        format!("{}: {}", possible.get_name(), possible.get_help().map(ToString::to_string).unwrap_or_default())
    }
}

impl Options {
    /// The rows wanted, in their order.
    pub fn rows(&self) -> Vec<Row> {
        let is_wanted = |row: &Row| self.rows.is_empty() || self.rows.contains(row);
        Row::value_variants().iter().copied().filter(is_wanted).collect()
    }

    /// What all sizes are multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale.unwrap_or(if self.bench { 1.0 } else { 0.01 })
    }

    /// A size of the full row, scaled; never nothing.
    pub fn sized(&self, full: usize) -> usize {
        ((full as f64 * self.scale()).round() as usize).max(1)
    }

    /// A time of the full row, scaled; never shorter than one of the smallest.
    pub fn lasting(&self, full: Duration) -> Duration {
        full.mul_f64(self.scale()).max(Duration::from_millis(300))
    }

    /// Where state directories are made.
    pub fn state(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(std::env::temp_dir)
    }
}

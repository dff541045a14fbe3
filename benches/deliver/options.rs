//! What is measured, and how large.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures delivery.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench deliver --")]
pub struct Options {
    /// A row to measure, may be repeated; all by default
    #[arg(long = "row", value_enum)]
    rows: Vec<Row>,
    /// All sizes times this; 1 under cargo bench, else 0.01, which tries everything
    #[arg(long)]
    scale: Option<f64>,
    /// How often each row is measured; the table shows medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Where state directories are made; the system's temporary directory by default
    #[arg(long)]
    state: Option<PathBuf>,
    /// `cargo bench` says so to every bench, and `cargo test --benches` does not
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Row {
    /// Signed deliveries of one entry to 16 targets
    Single,
    /// Entries in batches to one target
    Batches,
    /// From the commit of a change to the first byte at its target, nothing else to do
    FirstByte,
    /// One target of 101 that never answers
    Tarpit,
    /// 300 targets of 310 that never answer
    Hanging,
    /// A lane that is 20,000 entries behind and takes one at a time
    Behind,
    /// A target that is down while 1,000,000 changes become owed to it
    Down,
    /// 20,000 pictures with metadata in one mount, and the live changes of another
    Pictures,
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

    /// Where state directories are made.
    pub fn state(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(std::env::temp_dir)
    }
}

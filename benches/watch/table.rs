//! The figures: a line of JSON each as they come, and at the end a table beside the figures to reach.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::meter::{filesystem, load};
use crate::options::{Options, Who};

/// A figure of a row, and what it is to be.
pub struct Metric {
    /// In JSON; it ends with its unit.
    pub key: &'static str,
    /// In the table.
    pub what: &'static str,
    pub unit: Unit,
    /// Of ringback, at full size, on the machine that the figures are for. Empty where nothing is to be reached.
    pub reach: &'static str,
}

/// How a figure is written.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Count,
    Seconds,
    Milliseconds,
    Kibibytes,
    Mebibytes,
    Percent,
}

struct Row {
    name: &'static str,
    what: String,
    metrics: &'static [Metric],
    noted: Vec<(Who, &'static str, f64)>,
}

/// All rows so far.
pub struct Table {
    setting: Map<String, Value>,
    everybody: Vec<Who>,
    json: bool,
    rows: Vec<Row>,
    failures: Vec<String>,
}

impl Table {
    /// An empty one. Where trees and state lie, and what else was chosen, is part of every figure.
    pub fn new(options: &Options, everybody: &[Who]) -> Self {
        let setting = json!({
            "scale": options.scale(),
            "source": options.source.map_or("default", |source| source.word()),
            "trees": filesystem(&options.trees()),
            "state": filesystem(&options.states()),
        });
        let Value::Object(setting) = setting else { unreachable!("it is an object") };
        Self { setting, everybody: everybody.to_vec(), json: options.json, rows: Vec::new(), failures: Vec::new() }
    }

    /// Begins a row, unless an earlier run has.
    pub fn row(&mut self, name: &'static str, what: &str, metrics: &'static [Metric]) {
        if !self.rows.iter().any(|row| row.name == name) {
            self.rows.push(Row { name, what: what.to_owned(), metrics, noted: Vec::new() });
        }
    }

    /// Takes one watcher's figures, by the keys of the row's metrics.
    pub fn note(&mut self, row: &str, who: Who, figures: &[(&'static str, f64)]) {
        let row = self.rows.iter_mut().find(|one| one.name == row).expect("it was begun");
        let mut line = json!({"row": row.name, "who": who.name(), "load": load()});
        let mut words = String::new();
        for &(key, figure) in figures {
            let metric = row.metrics.iter().find(|metric| metric.key == key).expect("the row has it");
            row.noted.push((who, key, figure));
            line[key] = match metric.unit {
                Unit::Count => (figure as u64).into(),
                // Millionths are more than any of them knows.
                _ => ((figure * 1e6).round() / 1e6).into(),
            };
            write!(words, ", {} {}", metric.what, metric.unit.text(figure)).expect("text");
        }
        if self.json {
            for (key, value) in &self.setting {
                line[key] = value.clone();
            }
            println!("{line}");
        } else {
            eprintln!("{}, {}, load {}{words}", row.name, who.name(), load());
        }
    }

    /// What ringback must not do.
    pub fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    /// The table; an error when ringback did what it must not.
    pub fn show(self) -> ExitCode {
        let text = self.text();
        if self.json {
            eprint!("{text}");
        } else {
            print!("{text}");
        }
        for failure in &self.failures {
            eprintln!("FAILED {failure}: the figures of a run that lost something mean nothing");
        }
        if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let chosen = |key| self.setting[key].to_string().replace('"', "");
        let place = format!("trees on {}, state on {}", chosen("trees"), chosen("state"));
        put(&mut text, &format!("{place}, source {}, sizes times {}", chosen("source"), chosen("scale")));
        for row in &self.rows {
            put(&mut text, &format!("\n{}: {}", row.name, row.what));
            let names = self.everybody.iter().fold(String::new(), |line, who| format!("{line}{:>14}", who.name()));
            put(&mut text, &format!("  {:<34}{names}   {}", "", "to reach"));
            for metric in row.metrics {
                let figures = self.everybody.iter().fold(String::new(), |line, &who| {
                    let median = median(row.noted.iter().filter(|(by, key, _)| *by == who && *key == metric.key));
                    format!("{line}{:>14}", median.map_or("-".to_owned(), |figure| metric.unit.text(figure)))
                });
                put(&mut text, &format!("  {:<34}{figures}   {}", metric.what, metric.reach));
            }
        }
        text
    }
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("text");
}

fn median<'a>(noted: impl Iterator<Item = &'a (Who, &'static str, f64)>) -> Option<f64> {
    let mut figures: Vec<f64> = noted.map(|(_, _, figure)| *figure).collect();
    figures.sort_by(f64::total_cmp);
    // Of an even number the larger of the middle two: nothing is made up, and nothing made better.
    figures.get(figures.len() / 2).copied()
}

impl Unit {
    fn text(self, figure: f64) -> String {
        match self {
            Self::Count => format!("{figure}"),
            Self::Seconds => format!("{figure:.3} s"),
            Self::Milliseconds => format!("{figure:.3} ms"),
            Self::Kibibytes => format!("{figure:.0} KiB"),
            Self::Mebibytes => format!("{figure:.1} MiB"),
            Self::Percent => format!("{figure:.2} %"),
        }
    }
}

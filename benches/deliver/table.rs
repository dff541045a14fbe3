//! What a row shows: the median of each figure over all runs, with the least and the most.

use clap::ValueEnum as _;

use crate::options::Row;

/// Something measured.
#[derive(Debug, Clone)]
pub struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What the specification asks for.
    goal: &'static str,
}

impl Figure {
    /// A figure that nothing is asked of.
    pub fn new(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, goal: "" }
    }

    /// A figure with what is asked of it, such as `>= 10,000`.
    pub fn with_goal(name: &'static str, value: f64, unit: &'static str, goal: &'static str) -> Self {
        Self { name, value, unit, goal }
    }
}

/// The runs of a row.
pub struct Table {
    row: Row,
    loads: Vec<String>,
    runs: Vec<Vec<Figure>>,
}

impl Table {
    /// No runs yet.
    pub fn new(row: Row) -> Self {
        Self { row, loads: Vec::new(), runs: Vec::new() }
    }

    /// Adds a run, with the load before it.
    pub fn add(&mut self, load: String, figures: Vec<Figure>) {
        self.loads.push(load);
        self.runs.push(figures);
    }

    /// Prints the figures.
    pub fn show(&self) {
        let possible = self.row.to_possible_value().expect("every row has a name");
        let about = possible.get_help().map(ToString::to_string).unwrap_or_default();
        println!("\n{}: {about} (load {})", possible.get_name(), self.loads.join(", "));
        let Some(first) = self.runs.first() else { return };
        for (at, Figure { name, unit, goal, .. }) in first.iter().enumerate() {
            let mut values: Vec<f64> = self.runs.iter().map(|run| run[at].value).collect();
            values.sort_by(f64::total_cmp);
            let (least, median, most) = (values[0], values[values.len() / 2], values[values.len() - 1]);
            let spread = format!("[{}..{}]", Number(least), Number(most));
            let goal = if goal.is_empty() { String::new() } else { format!("  asked: {goal}") };
            println!("  {name:<52} {:>10} {unit:<10} {spread:<20}{goal}", Number(median).to_string());
        }
    }
}

/// A number with as many digits as can mean something.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = match self.0.abs() {
            ..10.0 => 2,
            ..100.0 => 1,
            _ => 0,
        };
        write!(f, "{:.digits$}", self.0)
    }
}

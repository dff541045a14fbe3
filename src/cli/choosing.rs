//! Deliveries or subscriptions that a command chooses: by which filter, how many they are, and the question whether to
//! go on.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::{Value, json};

use super::reach::Reach;
use super::{UsageError, client};
use crate::daemon::wall;
use crate::model::counted::counted;
use crate::model::duration::parse_duration_ms;
use crate::model::time::Wall;

/// The options that choose deliveries.
#[derive(Debug, Clone, Default, Args)]
pub struct FilterArgs {
    /// Dead letters alone: what was given up
    #[arg(long, conflicts_with_all = ["waiting", "in_state"])]
    pub dead: bool,
    /// Only what waits for its next attempt
    #[arg(long, conflicts_with = "in_state")]
    pub waiting: bool,
    /// Only what is in this state: pending, in-flight, waiting, delivered, dead or dropped
    #[arg(long, value_name = "STATE")]
    pub in_state: Option<String>,
    /// Of this subscription alone
    #[arg(long, value_name = "NAME")]
    pub subscription: Option<String>,
    /// To this host alone, such as hooks.example.org or hooks.example.org:8443
    #[arg(long)]
    pub host: Option<String>,
    /// Whose last attempt had this outcome, such as timeout or http-error
    #[arg(long)]
    pub outcome: Option<String>,
    /// Cut at this time or later: 2026-11-22T10:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Cut before this time
    #[arg(long, value_name = "TIME")]
    pub before: Option<String>,
}

impl FilterArgs {
    /// The fields of the API, as far as they are said.
    ///
    /// # Errors
    /// A time that is none.
    pub fn fields(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let state = match (self.dead, self.waiting) {
            (true, _) => Some("dead".to_owned()),
            (_, true) => Some("waiting".to_owned()),
            _ => self.in_state.clone(),
        };
        let time = |name: &str, text: &Option<String>| text.as_deref().map(|text| time(name, text)).transpose();
        let fields = [
            ("state", state),
            ("subscription", self.subscription.clone()),
            ("host", self.host.clone()),
            ("outcome", self.outcome.clone()),
            ("since", time("--since", &self.since)?),
            ("before", time("--before", &self.before)?),
        ];
        Ok(fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

/// A time as the API takes it: a time, a duration before now, or a place in the journal.
///
/// # Errors
/// A text that is none of them.
pub fn time(option: &str, text: &str) -> Result<String, UsageError> {
    if let Ok(ms) = parse_duration_ms(text) {
        return Ok(Wall(wall().0.saturating_sub_unsigned(ms)).to_string());
    }
    match Wall::parse(text).is_some() || text.parse::<i64>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err(UsageError(format!(
            "{option} {text}: write a time such as 2026-11-22T10:00:00Z, or 2h for two hours ago"
        ))),
    }
}

/// Something that is done with deliveries that were chosen.
#[derive(Debug)]
pub struct Deed<'a> {
    /// The endpoint.
    pub path: &'a str,
    /// What is done, for the question: `drop`.
    pub verb: &'a str,
    /// The body, without `dryRun`.
    pub body: Value,
    /// They are only counted.
    pub is_dry_run: bool,
    /// Act without a question.
    pub is_agreed: bool,
}

/// Counts the chosen deliveries, asks whether to go on, and acts. Returns the sums, or `None` after the answer no.
///
/// # Errors
/// The daemon cannot be reached or refuses; in a pipe, `--yes` is missing.
pub async fn act(reach: &Reach, deed: &Deed<'_>) -> anyhow::Result<Option<Value>> {
    let sums = ask(reach, deed, &deed.body, true).await?;
    let is_none = ["deliveries", "subscriptions"].iter().all(|name| sums[*name].as_u64().unwrap_or(0) == 0);
    if deed.is_dry_run || is_none {
        return Ok(Some(sums));
    }
    if !deed.is_agreed && !agrees(&format!("{} {}?", deed.verb, amount(&sums)))? {
        return Ok(None);
    }
    // What is cut after the count is not meant.
    let mut body = deed.body.clone();
    if body.get("before").is_none() && sums.get("deliveries").is_some() {
        body["before"] = sums["before"].clone();
    }
    ask(reach, deed, &body, false).await.map(Some)
}

async fn ask(reach: &Reach, deed: &Deed<'_>, body: &Value, is_dry_run: bool) -> anyhow::Result<Value> {
    let mut body = body.clone();
    body["dryRun"] = json!(is_dry_run);
    client::post(reach, deed.path, &body).await
}

/// Says what was done, would be done, or is done by a task from now on. `would` is a participle such as `sent again`,
/// and `done` says how things stand after it: `to be sent again`.
#[must_use]
pub fn told(sums: &Value, would: &str, done: &str) -> String {
    match (sums["task"].as_str(), sums["dryRun"] == true) {
        (Some(task), _) => {
            format!("{}: {would} by the task {task}; `ringback tasks` says how far it is", amount(sums))
        }
        (None, true) => format!("{} would be {would}", amount(sums)),
        (None, false) => format!("{}: {done}", amount(sums)),
    }
}

/// How much was chosen, for people.
#[must_use]
pub fn amount(sums: &Value) -> String {
    if let Some(subscriptions) = sums["subscriptions"].as_u64() {
        return counted(subscriptions, "subscription");
    }
    let of = |name: &str, noun: &str| counted(sums[name].as_u64().unwrap_or(0), noun);
    format!("{} with {}", of("deliveries", "delivery"), of("entries", "entry"))
}

/// Asks on a terminal. In a pipe there is no answer, so nothing is done.
///
/// # Errors
/// Standard input is no terminal, or cannot be read.
pub fn agrees(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(UsageError(format!("{question} Nobody can be asked here: say --yes")).into());
    }
    let mut out = std::io::stderr();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FilterArgs, amount, time};

    #[test]
    fn a_time_is_a_time_a_duration_ago_or_a_place_in_the_journal() {
        assert_eq!(time("--since", "2026-11-22T10:00:00Z").expect("a time"), "2026-11-22T10:00:00Z");
        assert_eq!(time("--since", "41").expect("a place"), "41");
        assert!(time("--since", "2h").expect("a duration").ends_with('Z'));
        assert!(time("--since", "yesterday").is_err());
    }

    #[test]
    fn only_what_is_said_is_asked_for() {
        let filter = FilterArgs { dead: true, host: Some("a".to_owned()), ..FilterArgs::default() };
        assert_eq!(filter.fields().expect("fields"), [("state", "dead".to_owned()), ("host", "a".to_owned())]);
        assert_eq!(amount(&json!({"deliveries": 1, "entries": 2})), "1 delivery with 2 entries");
    }
}

//! How a callback is shown: for a person, or as one line of JSON. Headers are not shown, for some are secrets.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::cli::receiver::Received;
use crate::model::time::Wall;

/// How many webhook-ids are remembered to tell repeats; beyond, the oldest is forgotten, so that memory stays small
/// however long `listen` runs.
const MAX_SEEN: usize = 10_000;

/// Most characters that are shown of a body that is not a batch of entries: some lines of a terminal.
const MAX_SHOWN: usize = 500;

/// Shows callbacks, and remembers their ids to tell repeats.
#[derive(Debug)]
pub struct Printer {
    json: bool,
    seen: HashMap<String, u32>,
    oldest_first: VecDeque<String>,
}

/// The part of a body that is shown, in each format.
#[derive(Deserialize)]
#[serde(untagged)]
enum Batch {
    Zoom { data: Entries },
    Events(Vec<Event>),
    Event(Event),
}

impl Batch {
    /// A line each.
    fn lines(self) -> Vec<String> {
        match self {
            Self::Zoom { data } => data.entry.into_iter().map(|entry| entry.line("")).collect(),
            Self::Events(events) => events.into_iter().map(Event::line).collect(),
            Self::Event(event) => vec![event.line()],
        }
    }
}

#[derive(Deserialize)]
struct Entries {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    data: Data,
}

/// Of an asset, or of something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Entry(Entry),
    Other(serde_json::Map<String, Value>),
}

impl Event {
    fn line(self) -> String {
        let Self { r#type: name, data } = self;
        match data {
            // The action says it.
            Data::Entry(entry) if name.starts_with("asset.") => entry.line(""),
            Data::Entry(entry) => entry.line(&format!("  event {}", plain(&name))),
            Data::Other(fields) => {
                let fields: String = fields.iter().map(|(key, value)| format!("  {key} {value}")).collect();
                let shown: String = fields.chars().take(MAX_SHOWN).collect();
                let more = if shown.len() < fields.len() { " ..." } else { "" };
                format!("event     {}{}{more}", plain(&name), plain(&shown))
            }
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "assetId")]
    asset: i64,
    path: String,
    owner: String,
    action: String,
}

impl Entry {
    fn line(&self, more: &str) -> String {
        let Self { asset, path, owner, action } = self;
        let (action, path, owner) = (plain(action), plain(path), plain(owner));
        format!("{action:<8}  {path}  asset {asset}  owner {owner}{more}")
    }
}

impl Printer {
    /// Shows callbacks as JSON, or for a person.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, seen: HashMap::new(), oldest_first: VecDeque::new() }
    }

    /// The whole lines that show a callback which came at `at` and is answered with `status`.
    #[must_use]
    pub fn print(&mut self, received: &Received, at: Wall, status: u16) -> String {
        let before = self.seen_before(received.header("webhook-id"));
        if self.json { json(received, at, status, before) } else { text(received, at, status, before) }
    }

    /// How often this id came before. Requests without an id are never repeats.
    fn seen_before(&mut self, id: &str) -> u32 {
        if id.is_empty() {
            return 0;
        }
        if let Some(count) = self.seen.get_mut(id) {
            *count += 1;
            return *count;
        }
        if self.seen.len() >= MAX_SEEN
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(id.to_owned(), 0);
        self.oldest_first.push_back(id.to_owned());
        0
    }
}

fn text(received: &Received, at: Wall, status: u16, before: u32) -> String {
    let Received { method, path_and_query, body, .. } = received;
    let id = match received.header("webhook-id") {
        "" => "no webhook-id".to_owned(),
        id => format!("webhook-id {}", plain(id)),
    };
    let mut out = format!("{at}  {method} {}  {id}  -> {status}", plain(path_and_query));
    if before > 0 {
        out.push_str(&format!("  (a repeat: this id came {before} times before)").replace(" 1 times", " once"));
    }
    out.push('\n');
    match serde_json::from_slice::<Batch>(body) {
        Ok(batch) => {
            for line in batch.lines() {
                writeln!(out, "  {line}").expect("a string takes text");
            }
        }
        Err(_) if body.is_empty() => {}
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let shown: String = text.chars().take(MAX_SHOWN).collect();
            let more = if shown.len() < text.len() { " ..." } else { "" };
            writeln!(out, "  {}{more}", plain(&shown)).expect("a string takes text");
        }
    }
    out
}

fn json(received: &Received, at: Wall, status: u16, before: u32) -> String {
    let Received { method, path_and_query, body, .. } = received;
    let head = json!({
        "time": at.to_string(),
        "method": method.as_str(),
        "path": path_and_query,
        "webhookId": received.header("webhook-id"),
        "repeats": before,
        "status": status,
    });
    let mut out = head.to_string();
    out.pop();
    // The body goes as it came, its order of keys included. Outside its strings JSON has line ends only as space.
    let body = match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(IgnoredAny) => String::from_utf8_lossy(body).replace(['\n', '\r'], " "),
        Err(_) => json!(String::from_utf8_lossy(body)).to_string(),
    };
    writeln!(out, ",\"body\":{body}}}").expect("a string takes text");
    out
}

/// The text without control characters, which could move the cursor or the colours of the terminal that shows it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests;

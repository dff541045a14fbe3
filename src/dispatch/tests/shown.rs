//! What a script asks for: the status, the dead letters, the tasks.

use std::fmt::Write as _;

use serde_json::Value;

use super::{NODE, Run, WALL_MS};
use crate::model::ids::DeliveryNo;
use crate::model::part::{DeliveryKey, Part};
use crate::model::time::{Mono, Now, Wall};
use crate::store::Ledger;

impl Run {
    pub(super) fn status(&self) -> String {
        let now = Now { mono: Mono(0), wall: Wall(WALL_MS) };
        let (outbox, deliveries) = (self.dispatch.outbox_status(now), self.dispatch.deliveries_status());
        let mut shown = format!("owed {}, pending {}", outbox.entries, deliveries.pending);
        write!(shown, ", in flight {}", deliveries.in_flight).expect("memory");
        write!(shown, ", waiting {}, dead {}", deliveries.waiting, deliveries.dead).expect("memory");
        shown
    }

    pub(super) fn tasks(&mut self) -> String {
        let connection = self.ledger.take().expect("a ledger").into_connection();
        let tasks: Vec<String> = connection
            .prepare("SELECT state || ' ' || done || '/' || coalesce(total, '-') FROM tasks ORDER BY number")
            .and_then(|mut sql| sql.query_map([], |row| row.get(0))?.collect())
            .expect("tasks");
        self.ledger = Some(Ledger::in_memory(connection, NODE).expect("a ledger"));
        tasks.join(", ")
    }

    pub(super) fn dead(&mut self) -> String {
        let connection = self.ledger.take().expect("a ledger").into_connection();
        let letters: Vec<(i64, i64, Vec<u8>)> = connection
            .prepare("SELECT number, part, body FROM dead ORDER BY number, part")
            .and_then(|mut sql| sql.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect())
            .expect("dead letters");
        self.ledger = Some(Ledger::in_memory(connection, NODE).expect("a ledger"));
        let show = |(number, part, body): &(i64, i64, Vec<u8>)| {
            let part = Part::from_code(*part).expect("a part");
            let key = DeliveryKey { number: DeliveryNo(*number), part };
            assert!(self.bodies.get(&key).is_none_or(|sent| sent == body), "the bytes that were refused");
            format!("{key} {}", changes(body))
        };
        letters.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

/// What a body of any format tells.
pub(super) fn entries(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    match &body {
        Value::Array(events) => events.iter().map(|event| event["data"].clone()).collect(),
        event if event.get("specversion").is_some() => vec![event["data"].clone()],
        batch => batch["data"]["entry"].as_array().expect("entries").clone(),
    }
}

/// The entries in a body, as `[1 2]`: an asset's number for a change, and for an event of a rule its name behind it;
/// for an event about no asset its name alone.
pub(super) fn changes(body: &[u8]) -> String {
    let whole: Value = serde_json::from_slice(body).expect("JSON");
    let names = match &whole {
        Value::Array(events) => events.iter().map(|event| event["type"].clone()).collect(),
        event => vec![event["type"].clone()],
    };
    let show = |(at, entry): (usize, &Value)| {
        let name = names.get(at).and_then(Value::as_str).filter(|name| !name.starts_with("asset."));
        match (entry["assetId"].as_i64(), name) {
            (Some(asset), Some(name)) => format!("{asset}:{name}"),
            (Some(asset), None) => asset.to_string(),
            (None, name) => name.unwrap_or("null").to_owned(),
        }
    };
    format!("[{}]", entries(body).iter().enumerate().map(show).collect::<Vec<_>>().join(" "))
}

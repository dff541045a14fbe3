//! Deliveries: on their way, given up, accepted and dropped, in one list.

use rusqlite::{Connection, Row, Rows};

use super::super::error::Operation as _;
use super::super::{Result, seqs};
use super::{Reader, optional, unsigned};
use crate::model::delivery::Body;
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::listing::{DeliveryFilter, DeliveryPage, DeliveryState, ListedAttempt, ListedDelivery, Registry};
use crate::model::part::{DeliveryKey, Part};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// Rows that one page looks at, places in the journal included: some 50 ms.
pub(super) const WALK_MAX: usize = 20_000;
/// Attempts of one delivery that are shown, the newest.
const ATTEMPTS_MAX: usize = 1_000;

const READ: &str = "list deliveries";

/// A table that holds deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Hot,
    Dead,
    History,
}

/// Which rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// All that are older than a key.
    All,
    /// Those of one subscription.
    OfOne,
    /// Those of one subscription from a key on, the oldest first.
    From,
    /// The one with a key.
    One,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Hot, Self::Dead, Self::History];

    /// The question, with number and part as the first two values, and the subscription as the third.
    pub(super) fn sql(self, rank: Rank) -> String {
        let columns = match self {
            Self::Hot => "entries, told, created, attempts, due, replay FROM deliveries",
            Self::Dead => "entries, told, created, died FROM dead",
            Self::History => {
                "entries, first, last, seqs, created, ended, attempts, status, duration_ms, dropped_by, reason FROM history"
            }
        };
        let rows = match rank {
            Rank::All => "(number, part) < (?1, ?2) ORDER BY number DESC, part DESC",
            Rank::OfOne => "subscription = ?3 AND (number, part) < (?1, ?2) ORDER BY number DESC, part DESC",
            Rank::From => "subscription = ?3 AND (number, part) >= (?1, ?2) ORDER BY number, part",
            Rank::One => "number = ?1 AND part = ?2",
        };
        format!("SELECT number, part, subscription, {columns} WHERE {rows}")
    }

    /// The question for the number of a subscription's newest delivery.
    pub(super) fn newest(self) -> &'static str {
        match self {
            Self::Hot => "SELECT number FROM deliveries WHERE subscription = ?1 ORDER BY number DESC LIMIT 1",
            Self::Dead => "SELECT number FROM dead WHERE subscription = ?1 ORDER BY number DESC LIMIT 1",
            Self::History => "SELECT number FROM history WHERE subscription = ?1 ORDER BY number DESC LIMIT 1",
        }
    }

    /// Returns whether it may hold deliveries in a state.
    fn holds(self, state: DeliveryState) -> bool {
        match self {
            Self::Hot => matches!(state, DeliveryState::Pending | DeliveryState::InFlight | DeliveryState::Waiting),
            Self::Dead => state == DeliveryState::Dead,
            Self::History => matches!(state, DeliveryState::Delivered | DeliveryState::Dropped),
        }
    }
}

pub(super) const ATTEMPTS: &str = "SELECT number, at, duration_ms, outcome, phase, status, detail FROM attempts \
                                   WHERE delivery = ?1 AND part = ?2 ORDER BY number DESC LIMIT ?3";
pub(super) const NAME: &str = "SELECT name FROM subscriptions WHERE id = ?1";
pub(super) const PATH: &str = "SELECT path FROM journal WHERE seq = \
                               coalesce((SELECT change FROM events WHERE seq = ?1), ?1)";
pub(super) const BODIES: [&str; 2] = [
    "SELECT body, content_type FROM deliveries WHERE number = ?1 AND part = ?2",
    "SELECT body, content_type FROM dead WHERE number = ?1 AND part = ?2",
];

impl Reader {
    /// A page of deliveries, at most `limit`, after `after`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<DeliveryKey>,
        limit: usize,
        registry: &Registry,
    ) -> Result<DeliveryPage> {
        self.ask(|connection| page(connection, filter, after, limit, registry))
    }

    /// One delivery, with its attempts, the first one first.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn delivery(
        &self,
        key: DeliveryKey,
        registry: &Registry,
    ) -> Result<Option<(ListedDelivery, Vec<ListedAttempt>)>> {
        self.ask(|connection| {
            for table in Table::ALL {
                let read = |row: &Row<'_>| listed(table, row, registry);
                let found = connection
                    .prepare_cached(&table.sql(Rank::One))
                    .and_then(|mut sql| sql.query_row((key.number.0, key.part.code()), read));
                if let Some(delivery) = optional(found, READ)? {
                    let delivery = complete(connection, delivery)?;
                    let mut attempts = attempts(connection, key, ATTEMPTS_MAX)?;
                    attempts.reverse();
                    return Ok(Some((delivery, attempts)));
                }
            }
            Ok(None)
        })
    }

    /// The frozen body of a delivery that was not accepted.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn body(&self, key: DeliveryKey) -> Result<Option<Body>> {
        self.ask(|connection| {
            for sql in BODIES {
                let read = |row: &Row<'_>| {
                    let (bytes, content_type): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
                    Ok(Body { bytes: bytes.into(), content_type: content_type.into() })
                };
                let found = connection
                    .prepare_cached(sql)
                    .and_then(|mut sql| sql.query_row((key.number.0, key.part.code()), read));
                if let Some(body) = optional(found, "read a delivery's body")? {
                    return Ok(Some(body));
                }
            }
            Ok(None)
        })
    }
}

pub(super) fn page(
    connection: &Connection,
    filter: &DeliveryFilter,
    after: Option<DeliveryKey>,
    limit: usize,
    registry: &Registry,
) -> Result<DeliveryPage> {
    let (number, part) = after.map_or((i64::MAX, 0), |key| (key.number.0, key.part.code()));
    let one = filter.subscriptions.as_ref().filter(|ids| ids.len() == 1).and_then(|ids| ids.first());
    let tables = Table::ALL.into_iter().filter(|table| filter.state.is_none_or(|state| table.holds(state)));
    let mut statements = Vec::new();
    for table in tables {
        let rank = if one.is_some() { Rank::OfOne } else { Rank::All };
        statements.push((table, connection.prepare_cached(&table.sql(rank)).to(READ)?));
    }
    let mut sources = Vec::new();
    for (table, statement) in &mut statements {
        let rows = match one {
            Some(id) => statement.query((number, part, id.0)),
            None => statement.query((number, part)),
        };
        let mut source = Source { table: *table, rows: rows.to(READ)?, head: None };
        source.step(registry)?;
        sources.push(source);
    }
    let (mut page, mut walked) = (DeliveryPage::default(), 0);
    // Each source comes newest first: the newest of their heads is the next one of all.
    let newest = |sources: &[Source<'_>]| {
        let heads = sources.iter().enumerate().filter_map(|(at, source)| Some((source.head.as_ref()?.key, at)));
        heads.max().map(|(_, at)| at)
    };
    let mut last = None;
    while let Some(at) = newest(&sources) {
        if page.deliveries.len() >= limit || walked >= WALK_MAX {
            page.next = last;
            break;
        }
        let Some(delivery) = sources[at].head.take() else { break };
        last = Some(delivery.key);
        walked += 1;
        if matches(connection, filter, &delivery, registry, &mut walked)? {
            let delivery = complete(connection, delivery)?;
            if filter.outcome.as_deref().is_none_or(|outcome| outcome_of(&delivery) == Some(outcome)) {
                page.deliveries.push(delivery);
            }
        }
        sources[at].step(registry)?;
    }
    Ok(page)
}

/// The outcome of a delivery's last attempt.
fn outcome_of(delivery: &ListedDelivery) -> Option<&str> {
    match delivery.state {
        DeliveryState::Delivered => Some("succeeded"),
        _ => delivery.last.as_ref().map(|attempt| attempt.outcome.as_str()),
    }
}

/// A table's rows, and the next of them.
struct Source<'s> {
    table: Table,
    rows: Rows<'s>,
    head: Option<ListedDelivery>,
}

impl Source<'_> {
    fn step(&mut self, registry: &Registry) -> Result<()> {
        self.head = None;
        while let Some(row) = self.rows.next().to(READ)? {
            // A row that does not hold a delivery is shown in the status, as what keeps its lane from going on.
            if let Ok(delivery) = listed(self.table, row, registry) {
                self.head = Some(delivery);
                break;
            }
        }
        Ok(())
    }
}

fn matches(
    connection: &Connection,
    filter: &DeliveryFilter,
    delivery: &ListedDelivery,
    registry: &Registry,
    walked: &mut usize,
) -> Result<bool> {
    let last = delivery.seqs.last().copied().unwrap_or(Seq(0));
    let is_it = filter.state.is_none_or(|state| delivery.state == state)
        && filter.subscriptions.as_ref().is_none_or(|ids| ids.contains(&delivery.subscription))
        && registry.is_within(&filter.scope, delivery.subscription)
        && filter.span.covers(delivery.created, last)
        && filter.changes.as_ref().is_none_or(|changes| delivery.seqs.iter().any(|seq| changes.contains(seq)));
    let Some(top) = filter.path.as_ref().filter(|_| is_it) else { return Ok(is_it) };
    for seq in &delivery.seqs {
        *walked += 1;
        let path =
            connection.prepare_cached(PATH).and_then(|mut sql| sql.query_row([seq.0], |row| row.get::<_, Vec<u8>>(0)));
        let path = optional(path, READ)?.and_then(|path| LogicalPath::parse(&path).ok());
        if path.is_some_and(|path| path.is_at_or_below(top)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds what other tables know of it.
pub(super) fn complete(connection: &Connection, mut delivery: ListedDelivery) -> Result<ListedDelivery> {
    let name =
        connection.prepare_cached(NAME).and_then(|mut sql| sql.query_row([delivery.subscription.0], |row| row.get(0)));
    delivery.name = optional(name, READ)?;
    delivery.last = attempts(connection, delivery.key, 1)?.pop();
    if let Some(last) = delivery.last.as_ref().filter(|_| delivery.state == DeliveryState::Dead) {
        delivery.attempts = last.number;
    }
    Ok(delivery)
}

/// The newest attempts of a delivery that failed, the last one first.
fn attempts(connection: &Connection, key: DeliveryKey, most: usize) -> Result<Vec<ListedAttempt>> {
    connection
        .prepare_cached(ATTEMPTS)
        .and_then(|mut sql| {
            sql.query_map((key.number.0, key.part.code(), most as i64), |row| {
                Ok(ListedAttempt {
                    number: unsigned(row.get(0)?),
                    at: Wall(row.get(1)?),
                    duration_ms: unsigned(row.get(2)?),
                    outcome: row.get(3)?,
                    phase: row.get(4)?,
                    status: row.get::<_, Option<i64>>(5)?.map(unsigned),
                    answer: row.get(6)?,
                })
            })?
            .collect()
        })
        .to("read attempts")
}

/// What a row says. Numbers that cannot be right are shown as nothing: this is for people.
pub(super) fn listed(table: Table, row: &Row<'_>, registry: &Registry) -> rusqlite::Result<ListedDelivery> {
    let wall = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Wall));
    let key =
        DeliveryKey { number: DeliveryNo(row.get(0)?), part: Part::from_code(row.get(1)?).unwrap_or(Part::WHOLE) };
    let mut delivery = ListedDelivery {
        key,
        subscription: SubscriptionId(row.get(2)?),
        name: None,
        state: DeliveryState::Dead,
        entries: unsigned(row.get(3)?),
        seqs: Vec::new(),
        created: Wall(0),
        ended: None,
        next_attempt: None,
        status: None,
        duration_ms: None,
        attempts: 0,
        last: None,
        is_replay: false,
        by: None,
        reason: None,
    };
    match table {
        Table::Hot | Table::Dead => {
            let told = row.get::<_, Option<Vec<u8>>>(4)?.and_then(|told| seqs::decode_told(&told).ok());
            delivery.seqs = told.unwrap_or_default().into_iter().flatten().collect();
            delivery.seqs.sort_unstable();
            delivery.created = Wall(row.get(5)?);
        }
        Table::History => {
            let (first, last) = (Seq(row.get(4)?), Seq(row.get(5)?));
            let column: Option<Vec<u8>> = row.get(6)?;
            // Where nothing is known of what it told, there is a zero.
            let is_known = first.0 > 0 && (column.is_some() || last.0 - first.0 < i64::from(u16::MAX));
            let decoded = is_known.then(|| seqs::decode(first, last, column.as_deref()).ok()).flatten();
            delivery.seqs = decoded.unwrap_or_default();
            delivery.created = Wall(row.get(7)?);
        }
    }
    match table {
        Table::Hot => {
            let due = Wall(row.get(7)?);
            delivery.attempts = unsigned(row.get(6)?);
            delivery.is_replay = row.get::<_, i64>(8)? > 0;
            delivery.state = if registry.in_flight.contains(&key) {
                DeliveryState::InFlight
            } else if delivery.attempts > 0 && registry.now.is_none_or(|now| due > now) {
                delivery.next_attempt = Some(due);
                DeliveryState::Waiting
            } else {
                DeliveryState::Pending
            };
        }
        Table::Dead => delivery.ended = wall(6)?,
        Table::History => {
            delivery.ended = wall(8)?;
            delivery.attempts = unsigned(row.get(9)?);
            delivery.status = row.get::<_, Option<i64>>(10)?.map(unsigned);
            (delivery.by, delivery.reason) = (row.get(12)?, row.get(13)?);
            delivery.state = DeliveryState::Delivered;
            if delivery.by.is_some() {
                delivery.state = DeliveryState::Dropped;
            } else {
                delivery.duration_ms = Some(unsigned(row.get(11)?));
            }
        }
    }
    Ok(delivery)
}

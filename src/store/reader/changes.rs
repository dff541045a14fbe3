//! The journal: changes and events in the order of their places.

use rusqlite::{Connection, Row, Rows};

use super::super::Result;
use super::super::error::Operation as _;
use super::super::journal::{CHANGE, change_row};
use super::super::maintenance::FORGOTTEN;
use super::deliveries::WALK_MAX;
use super::{Reader, optional};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::listing::{Forgotten, JournalPage, JournalRow, ListedEvent};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

const READ: &str = "read the journal";

pub(super) const EVENTS: &str = "SELECT seq, rrn, time, name, tenant, asset, coalesce(fields, '{}'), display_name FROM events WHERE seq > ?1 ORDER BY seq";

/// The rows of one of the two tables, one of them read ahead.
struct Ahead<'s> {
    rows: Rows<'s>,
    read: fn(&Row<'_>) -> Result<JournalRow>,
    next: Option<JournalRow>,
}

impl Ahead<'_> {
    fn advance(&mut self) -> Result<Option<JournalRow>> {
        let next = self.rows.next().to(READ)?.map(|row| (self.read)(row)).transpose()?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

impl Reader {
    /// Rows of the journal after a place, in order: at most `limit` of those that are `wanted`, of a bounded number
    /// that is looked at. `since`: `None` begins with the oldest.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged. The inner one: rows after `since` are forgotten.
    pub fn changes(
        &self,
        since: Option<Seq>,
        limit: usize,
        wanted: impl Fn(&JournalRow) -> bool,
    ) -> Result<std::result::Result<JournalPage, Forgotten>> {
        self.ask(|connection| {
            let forgotten = forgotten(connection)?;
            if since.is_some_and(|since| since < forgotten) {
                return Ok(Err(Forgotten { oldest: forgotten }));
            }
            let since = since.unwrap_or(forgotten);
            let mut changes = connection
                .prepare_cached(&format!("SELECT {CHANGE} FROM journal WHERE seq > ?1 ORDER BY seq"))
                .to(READ)?;
            let mut events = connection.prepare_cached(EVENTS).to(READ)?;
            let rows = changes.query([since.0]).to(READ)?;
            let mut changes = Ahead { rows, read: change, next: None };
            let rows = events.query([since.0]).to(READ)?;
            let mut events = Ahead { rows, read: event, next: None };
            changes.advance()?;
            events.advance()?;
            let (mut page, mut walked) = (JournalPage { rows: Vec::new(), next: since, more: false }, 0);
            loop {
                let places = [&changes.next, &events.next].map(|next| next.as_ref().map(JournalRow::seq));
                let row = match places {
                    [None, None] => return Ok(Ok(page)),
                    _ if page.rows.len() >= limit || walked >= WALK_MAX => {
                        page.more = true;
                        return Ok(Ok(page));
                    }
                    [Some(change), Some(event)] if event < change => events.advance()?,
                    [None, Some(_)] => events.advance()?,
                    [Some(_), _] => changes.advance()?,
                };
                walked += 1;
                let Some(row) = row else { continue };
                page.next = row.seq();
                if wanted(&row) {
                    page.rows.push(row);
                }
            }
        })
    }

    /// The newest place of the journal; 0 where it is empty.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn newest_place(&self) -> Result<Seq> {
        self.ask(newest)
    }
}

/// See [`Reader::newest_place`].
pub(super) fn newest(connection: &Connection) -> Result<Seq> {
    connection
        .prepare_cached(
            "SELECT max(coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(seq) FROM events), 0))",
        )
        .and_then(|mut sql| sql.query_row([], |row| row.get(0)))
        .to(READ)
        .map(Seq)
}

/// The last place that is forgotten. In a ledger of before that was noted nothing is, until more is forgotten.
pub(super) fn forgotten(connection: &Connection) -> Result<Seq> {
    let noted = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")
        .and_then(|mut sql| sql.query_row([FORGOTTEN], |row| row.get(0)));
    Ok(Seq(optional::<i64>(noted, READ)?.unwrap_or(0)))
}

fn change(row: &Row<'_>) -> Result<JournalRow> {
    let seq: i64 = row.get(0).to(READ)?;
    change_row(row).map(|change| JournalRow::Change(Box::new(change))).map_err(|error| error.in_row("journal", seq))
}

fn event(row: &Row<'_>) -> Result<JournalRow> {
    let read = || -> rusqlite::Result<ListedEvent> {
        let tenant: Option<String> = row.get(4)?;
        Ok(ListedEvent {
            seq: Seq(row.get(0)?),
            rrn: Rrn(row.get(1)?),
            time: Wall(row.get(2)?),
            name: row.get(3)?,
            tenant: tenant.and_then(|name| Tenant::parse(&name).ok()),
            asset: row.get::<_, Option<i64>>(5)?.map(AssetId),
            fields: row.get(6)?,
            display_name: row.get(7)?,
        })
    };
    read().to(READ).map(JournalRow::Event)
}

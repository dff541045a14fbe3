//! Batches on their way, what came of their attempts, and dead letters.

use rusqlite::{OptionalExtension as _, Row};

use super::error::Operation as _;
use super::{DispatchTables, Result, StoreError, seqs};
use crate::model::attempt::{Attempted, Phase};
use crate::model::delivery::{Body, Delivery};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::part::{DeliveryKey, Part};
use crate::model::time::Wall;

/// A delivery on its way, without its body and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotDelivery {
    /// What it is known by.
    pub key: DeliveryKey,
    /// How many entries are in it.
    pub entries: usize,
    /// Attempts made so far.
    pub attempts: u32,
    /// The delay that was chosen after the last failure, milliseconds; 0 before any.
    pub delay_ms: u64,
    /// How long it has been tried, milliseconds.
    pub waited_ms: u64,
    /// When the next attempt is due.
    pub due: Wall,
    /// It was given up after so many attempts, and is sent again.
    pub replayed_after: Option<u32>,
    /// When it was cut.
    pub created: Wall,
}

/// A delivery on its way whose row does not hold the numbers of a delivery.
#[derive(Debug)]
pub struct DamagedDelivery {
    /// What it is known by.
    pub key: DeliveryKey,
    /// Whose it is; `None` when that cannot be read either.
    pub subscription: Option<SubscriptionId>,
    /// What cannot be read.
    pub error: StoreError,
}

/// Deliveries on their way, oldest first.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Those whose rows can be read, each with whose it is.
    pub whole: Vec<(SubscriptionId, HotDelivery)>,
    /// The others.
    pub damaged: Vec<DamagedDelivery>,
}

/// What was known of a delivery that is on its way no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How many entries were in it.
    pub entries: usize,
    /// For each entry the changes that it told; empty where that cannot be read.
    pub told: Vec<Vec<Seq>>,
    /// When it was cut.
    pub created: Wall,
}

impl Finished {
    /// The changes that it told, folded ones too, each once and in the order of the journal.
    #[must_use]
    pub fn seqs(&self) -> Vec<Seq> {
        let mut seqs: Vec<Seq> = self.told.iter().flatten().copied().collect();
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }
}

impl HotDelivery {
    const COLUMNS: &str = "number, part, subscription, entries, attempts, delay_ms, due, waited_ms, replay, created";

    fn read(row: &Row<'_>) -> rusqlite::Result<(SubscriptionId, Self)> {
        let (attempts, delay_ms, waited_ms): (i32, i64, i64) = (row.get(4)?, row.get(5)?, row.get(7)?);
        let entries: i64 = row.get(3)?;
        let out_of_range = |column, value| move |_| rusqlite::Error::IntegralValueOutOfRange(column, value);
        let due = Wall(row.get(6)?);
        let delivery = Self {
            key: key(row)?,
            entries: entries.try_into().map_err(out_of_range(3, entries))?,
            attempts: attempts.try_into().map_err(out_of_range(4, attempts.into()))?,
            delay_ms: delay_ms.try_into().map_err(out_of_range(5, delay_ms))?,
            waited_ms: waited_ms.try_into().map_err(out_of_range(7, waited_ms))?,
            due,
            replayed_after: row.get::<_, u32>(8)?.checked_sub(1),
            // It goes out whether or not this can be read.
            created: row.get(9).map_or(due, Wall),
        };
        Ok((SubscriptionId(row.get(2)?), delivery))
    }
}

/// The key in the first two columns.
fn key(row: &Row<'_>) -> rusqlite::Result<DeliveryKey> {
    let part: i64 = row.get(1)?;
    let part = Part::from_code(part).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, part))?;
    Ok(DeliveryKey { number: DeliveryNo(row.get(0)?), part })
}

const DELIVERY: &str = "number, part, subscription, entries, told, body, content_type, created, attempts, delay_ms, due, waited_ms, replay";

impl DispatchTables<'_> {
    /// Writes a new delivery.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_delivery(&self, delivery: &Delivery) -> Result<()> {
        let Delivery { key, subscription, entries, told, body, created, attempts, delay_ms, waited_ms, .. } = delivery;
        let (due, replay) = (delivery.due, delivery.replayed_after.map_or(0, |made| made + 1));
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO deliveries ({DELIVERY}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            ))
            .and_then(|mut sql| {
                sql.execute((
                    key.number.0,
                    key.part.code(),
                    subscription.0,
                    *entries as i64,
                    seqs::encode_told(told),
                    &body.bytes[..],
                    &*body.content_type,
                    created.0,
                    attempts,
                    *delay_ms as i64,
                    due.0,
                    *waited_ms as i64,
                    replay,
                ))
            })
            .to("write a delivery")
            .map(drop)
    }

    /// All deliveries on their way, without their bodies. A damaged row does not keep the others from being read.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn deliveries(&self) -> Result<Deliveries> {
        const READ: &str = "read deliveries";
        let columns = HotDelivery::COLUMNS;
        let mut sql = self
            .connection
            .prepare_cached(&format!("SELECT {columns} FROM deliveries ORDER BY number, part"))
            .to(READ)?;
        let mut rows = sql.query([]).to(READ)?;
        let mut found = Deliveries::default();
        while let Some(row) = rows.next().to(READ)? {
            match HotDelivery::read(row).to("read a delivery") {
                Ok(delivery) => found.whole.push(delivery),
                Err(error) => {
                    let number: i64 = row.get(0).to(READ)?;
                    let error = error.in_row("deliveries", number);
                    let subscription = row.get(2).ok().map(SubscriptionId);
                    let key = key(row).unwrap_or(DeliveryKey::whole(DeliveryNo(number)));
                    found.damaged.push(DamagedDelivery { key, subscription, error });
                }
            }
        }
        Ok(found)
    }

    /// One delivery on its way, without its body.
    ///
    /// # Errors
    /// When the ledger refuses, has no such delivery, or its row is damaged.
    pub fn hot_delivery(&self, subscription: SubscriptionId, key: DeliveryKey) -> Result<HotDelivery> {
        let columns = HotDelivery::COLUMNS;
        self.connection
            .prepare_cached(&format!("SELECT {columns} FROM deliveries WHERE {IS_IT}"))
            .and_then(|mut sql| sql.query_row((subscription.0, key.number.0, key.part.code()), HotDelivery::read))
            .to("read a delivery")
            .map_err(|error| error.in_row("deliveries", key.number.0))
            .map(|(_, delivery)| delivery)
    }

    /// One delivery on its way, whole.
    ///
    /// # Errors
    /// When the ledger refuses, has no such delivery, or its row is damaged.
    pub fn delivery(&self, subscription: SubscriptionId, key: DeliveryKey) -> Result<Delivery> {
        let HotDelivery { entries, attempts, delay_ms, waited_ms, due, replayed_after, .. } =
            self.hot_delivery(subscription, key)?;
        let body = self.delivery_body(subscription, key)?;
        let (told, created) = self
            .connection
            .prepare_cached(&format!("SELECT told, created FROM deliveries WHERE {IS_IT}"))
            .and_then(|mut sql| {
                sql.query_row((subscription.0, key.number.0, key.part.code()), |row| {
                    Ok((row.get::<_, Option<Vec<u8>>>(0)?, Wall(row.get(1)?)))
                })
            })
            .to("read a delivery")
            .map_err(|error| error.in_row("deliveries", key.number.0))?;
        let told = told_or_unknown(told.as_deref());
        Ok(Delivery {
            key,
            subscription,
            entries,
            told,
            body,
            created,
            attempts,
            delay_ms,
            waited_ms,
            replayed_after,
            due,
        })
    }

    /// The frozen body of a delivery on its way.
    ///
    /// # Errors
    /// When the ledger refuses, or has no such delivery.
    pub fn delivery_body(&self, subscription: SubscriptionId, key: DeliveryKey) -> Result<Body> {
        let read = |row: &Row<'_>| {
            let (bytes, content_type): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
            Ok(Body { bytes: bytes.into(), content_type: content_type.into() })
        };
        self.connection
            .prepare_cached(&format!("SELECT body, content_type FROM deliveries WHERE {IS_IT}"))
            .and_then(|mut sql| sql.query_row((subscription.0, key.number.0, key.part.code()), read))
            .to("read a delivery's body")
            .map_err(|error| error.in_row("deliveries", key.number.0))
    }

    /// Notes what came of an attempt that failed. Once more is the same: a commit whose sync failed may be repeated.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_attempt(&self, attempted: &Attempted, at: Wall) -> Result<()> {
        let Attempted { key, attempt, duration_ms, reply } = attempted;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO attempts (delivery, part, number, at, duration_ms, outcome, phase, status, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .and_then(|mut sql| {
                sql.execute((
                    key.number.0,
                    key.part.code(),
                    attempt,
                    at.0,
                    *duration_ms as i64,
                    reply.failure(),
                    reply.phase().map(Phase::as_str),
                    reply.status(),
                    reply.detail(),
                ))
            })
            .to("write an attempt")
            .map(drop)
    }

    /// Notes when a delivery is tried again.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn postpone_delivery(&self, subscription: SubscriptionId, delivery: &HotDelivery) -> Result<()> {
        let HotDelivery { key, attempts, delay_ms, waited_ms, due, .. } = delivery;
        self.connection
            .prepare_cached(&format!(
                "UPDATE deliveries SET attempts = ?4, delay_ms = ?5, due = ?6, waited_ms = ?7 WHERE {IS_IT}"
            ))
            .and_then(|mut sql| {
                sql.execute((
                    subscription.0,
                    key.number.0,
                    key.part.code(),
                    attempts,
                    *delay_ms as i64,
                    due.0,
                    *waited_ms as i64,
                ))
            })
            .to("postpone a delivery")
            .map(drop)
    }

    /// Removes a delivery that was accepted, or that other ones stand for, with its attempts; returns what was known of
    /// it.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn finish_delivery(
        &self,
        subscription: SubscriptionId,
        key: DeliveryKey,
        failed_attempts: u32,
    ) -> Result<Option<Finished>> {
        if failed_attempts > 0 {
            self.connection
                .prepare_cached("DELETE FROM attempts WHERE delivery = ?1 AND part = ?2")
                .and_then(|mut sql| sql.execute((key.number.0, key.part.code())))
                .to("remove a delivery's attempts")?;
        }
        self.take_row("deliveries", subscription, key)
    }

    /// Removes the row of a delivery from one of its two tables, and returns what was known of it.
    pub(super) fn take_row(
        &self,
        table: &str,
        subscription: SubscriptionId,
        key: DeliveryKey,
    ) -> Result<Option<Finished>> {
        let row = self
            .connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE {IS_IT} RETURNING entries, told, created"))
            .and_then(|mut sql| {
                sql.query_row((subscription.0, key.number.0, key.part.code()), |row| {
                    // For people: what cannot be read of it does not matter to who has got it.
                    let (entries, created) = (row.get::<_, i64>(0).unwrap_or(0), row.get(2).unwrap_or(0));
                    Ok((entries, row.get::<_, Vec<u8>>(1).ok(), created))
                })
                .optional()
            })
            .to("remove a delivery")?;
        Ok(row.map(|(entries, told, created)| Finished {
            entries: usize::try_from(entries).unwrap_or(0),
            told: told_or_unknown(told.as_deref()),
            created: Wall(created),
        }))
    }

    /// Turns a delivery into a dead letter, its bytes and attempts kept.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn kill_delivery(&self, subscription: SubscriptionId, key: DeliveryKey, at: Wall) -> Result<()> {
        let columns = "number, part, subscription, entries, told, body, content_type, created";
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO dead ({columns}, died) SELECT {columns}, ?4 FROM deliveries WHERE {IS_IT}"
            ))
            .and_then(|mut sql| {
                sql.execute((subscription.0, key.number.0, key.part.code(), self.not_before_mark(at).0))
            })
            .to("write a dead letter")?;
        self.note_written();
        self.connection
            .prepare_cached(&format!("DELETE FROM deliveries WHERE {IS_IT}"))
            .and_then(|mut sql| sql.execute((subscription.0, key.number.0, key.part.code())))
            .to("remove a delivery")
            .map(drop)
    }

    /// How many dead letters are kept, and the bytes of their bodies.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn dead_totals(&self) -> Result<(u64, u64)> {
        self.connection
            .prepare_cached("SELECT amount, bytes FROM totals WHERE name = 'dead'")
            .and_then(|mut sql| sql.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))))
            .to("count dead letters")
            .map(|(amount, bytes)| (amount.max(0) as u64, bytes.max(0) as u64))
    }

    /// When the oldest dead letter that is kept was given up.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn oldest_dead(&self) -> Result<Option<Wall>> {
        self.connection
            .prepare_cached("SELECT died FROM dead ORDER BY died LIMIT 1")
            .and_then(|mut sql| sql.query_row([], |row| row.get(0)).optional())
            .to("read dead letters")
            .map(|died| died.map(Wall))
    }
}

/// A delivery, by whose it is and what it is known by.
const IS_IT: &str = "subscription = ?1 AND number = ?2 AND part = ?3";

/// What each entry tells, for people: unknown where the column is missing or damaged.
fn told_or_unknown(column: Option<&[u8]>) -> Vec<Vec<Seq>> {
    column.and_then(|column| seqs::decode_told(column).ok()).unwrap_or_default()
}

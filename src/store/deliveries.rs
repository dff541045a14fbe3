//! Batches on their way, what came of their attempts, and dead letters.

use rusqlite::{OptionalExtension as _, Row};

use super::error::Operation as _;
use super::{Ledger, Result, StoreError};
use crate::model::attempt::{Attempted, Phase};
use crate::model::delivery::{Body, Delivery};
use crate::model::ids::{DeliveryNo, SubscriptionId};
use crate::model::time::Wall;

/// A delivery on its way, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotDelivery {
    /// Its number.
    pub number: DeliveryNo,
    /// Whose it is.
    pub subscription: SubscriptionId,
    /// Attempts made so far.
    pub attempts: u32,
    /// The delay that was chosen after the last failure, milliseconds; 0 before any.
    pub delay_ms: u64,
    /// How long it has been tried, milliseconds.
    pub waited_ms: u64,
    /// When the next attempt is due.
    pub due: Wall,
}

/// A delivery on its way whose row does not hold the numbers of a delivery.
#[derive(Debug)]
pub struct DamagedDelivery {
    /// Its number.
    pub number: DeliveryNo,
    /// Whose it is; `None` when that cannot be read either.
    pub subscription: Option<SubscriptionId>,
    /// What cannot be read.
    pub error: StoreError,
}

/// Deliveries on their way, oldest first.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Those whose rows can be read.
    pub whole: Vec<HotDelivery>,
    /// The others.
    pub damaged: Vec<DamagedDelivery>,
}

impl HotDelivery {
    const COLUMNS: &str = "number, subscription, attempts, delay_ms, due, waited_ms";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (attempts, delay_ms, waited_ms): (i32, i64, i64) = (row.get(2)?, row.get(3)?, row.get(5)?);
        let out_of_range = |column, value| move |_| rusqlite::Error::IntegralValueOutOfRange(column, value);
        Ok(Self {
            number: DeliveryNo(row.get(0)?),
            subscription: SubscriptionId(row.get(1)?),
            attempts: attempts.try_into().map_err(out_of_range(2, attempts.into()))?,
            delay_ms: delay_ms.try_into().map_err(out_of_range(3, delay_ms))?,
            waited_ms: waited_ms.try_into().map_err(out_of_range(5, waited_ms))?,
            due: Wall(row.get(4)?),
        })
    }
}

const DELIVERY: &str = "number, subscription, entries, body, content_type, created, attempts, delay_ms, due, waited_ms";

impl Ledger {
    /// Writes a new delivery.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_delivery(&self, delivery: &Delivery) -> Result<()> {
        let Delivery { number, subscription, entries, body, created, attempts, delay_ms, waited_ms, due } = delivery;
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO deliveries ({DELIVERY}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            ))
            .and_then(|mut sql| {
                sql.execute((
                    number.0,
                    subscription.0,
                    *entries as i64,
                    &body.bytes[..],
                    &*body.content_type,
                    created.0,
                    attempts,
                    *delay_ms as i64,
                    due.0,
                    *waited_ms as i64,
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
        let mut sql =
            self.connection.prepare_cached(&format!("SELECT {columns} FROM deliveries ORDER BY number")).to(READ)?;
        let mut rows = sql.query([]).to(READ)?;
        let mut found = Deliveries::default();
        while let Some(row) = rows.next().to(READ)? {
            match HotDelivery::read(row).to("read a delivery") {
                Ok(delivery) => found.whole.push(delivery),
                Err(error) => {
                    let number: i64 = row.get(0).to(READ)?;
                    let error = error.in_row("deliveries", number);
                    let subscription = row.get(1).ok().map(SubscriptionId);
                    found.damaged.push(DamagedDelivery { number: DeliveryNo(number), subscription, error });
                }
            }
        }
        Ok(found)
    }

    /// One delivery on its way, without its body.
    ///
    /// # Errors
    /// When the ledger refuses, has no such delivery, or its row is damaged.
    pub fn delivery(&self, number: DeliveryNo) -> Result<HotDelivery> {
        let columns = HotDelivery::COLUMNS;
        self.connection
            .prepare_cached(&format!("SELECT {columns} FROM deliveries WHERE number = ?1"))
            .and_then(|mut sql| sql.query_row([number.0], HotDelivery::read))
            .to("read a delivery")
            .map_err(|error| error.in_row("deliveries", number.0))
    }

    /// The frozen body of a delivery on its way.
    ///
    /// # Errors
    /// When the ledger refuses, or has no such delivery.
    pub fn delivery_body(&self, number: DeliveryNo) -> Result<Body> {
        let read = |row: &Row<'_>| {
            let (bytes, content_type): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
            Ok(Body { bytes: bytes.into(), content_type: content_type.into() })
        };
        self.connection
            .prepare_cached("SELECT body, content_type FROM deliveries WHERE number = ?1")
            .and_then(|mut sql| sql.query_row([number.0], read))
            .to("read a delivery's body")
            .map_err(|error| error.in_row("deliveries", number.0))
    }

    /// Notes what came of an attempt that failed. Once more is the same: a commit whose sync failed may be repeated.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_attempt(&self, attempted: &Attempted, at: Wall) -> Result<()> {
        let Attempted { number, attempt, duration_ms, reply } = attempted;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO attempts (delivery, number, at, duration_ms, outcome, phase, status, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut sql| {
                sql.execute((
                    number.0,
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
    pub fn postpone_delivery(&self, delivery: &HotDelivery) -> Result<()> {
        let HotDelivery { number, subscription: _, attempts, delay_ms, waited_ms, due } = delivery;
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET attempts = ?2, delay_ms = ?3, due = ?4, waited_ms = ?5 WHERE number = ?1",
            )
            .and_then(|mut sql| sql.execute((number.0, attempts, *delay_ms as i64, due.0, *waited_ms as i64)))
            .to("postpone a delivery")
            .map(drop)
    }

    /// Removes a delivery that was accepted, with its attempts.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn finish_delivery(&self, number: DeliveryNo, failed_attempts: u32) -> Result<()> {
        if failed_attempts > 0 {
            self.connection
                .prepare_cached("DELETE FROM attempts WHERE delivery = ?1")
                .and_then(|mut sql| sql.execute([number.0]))
                .to("remove a delivery's attempts")?;
        }
        self.remove_delivery(number)
    }

    /// Turns a delivery into a dead letter, its bytes and attempts kept.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn kill_delivery(&self, number: DeliveryNo, at: Wall) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO dead (number, subscription, entries, body, content_type, created, died)
                 SELECT number, subscription, entries, body, content_type, created, ?2 FROM deliveries WHERE number = ?1",
            )
            .and_then(|mut sql| sql.execute((number.0, self.not_before_mark(at).0)))
            .to("write a dead letter")?;
        self.note_written();
        self.remove_delivery(number)
    }

    fn remove_delivery(&self, number: DeliveryNo) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM deliveries WHERE number = ?1")
            .and_then(|mut sql| sql.execute([number.0]))
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

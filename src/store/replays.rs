//! Dead letters: which there are, which are to be sent again, and dropping what somebody does not want sent any more.

use rusqlite::OptionalExtension as _;

use super::error::Operation as _;
use super::{DispatchTables, HotDelivery, Result, seqs};
use crate::model::ids::{DeliveryNo, Seq, SubscriptionId};
use crate::model::part::{DeliveryKey, Part};
use crate::model::time::Wall;

/// A delivery that somebody may retry, replay or drop, as far as he says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it is known by.
    pub key: DeliveryKey,
    /// How many entries are in it.
    pub entries: u64,
    /// When it was cut.
    pub created: Wall,
    /// The newest change that it tells; 0 where that is not known.
    pub last: Seq,
    /// The outcome of its last attempt, where there was one.
    pub outcome: Option<String>,
}

/// Who drops deliveries, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedBy<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Wall,
}

impl DispatchTables<'_> {
    /// The first subscription after a number that has dead letters.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn next_with_dead(&self, after: SubscriptionId) -> Result<Option<SubscriptionId>> {
        self.connection
            .prepare_cached("SELECT subscription FROM dead WHERE subscription > ?1 ORDER BY subscription LIMIT 1")
            .and_then(|mut sql| sql.query_row([after.0], |row| row.get(0)).optional())
            .to("read dead letters")
            .map(|id| id.map(SubscriptionId))
    }

    /// Whose a delivery is that is on its way or was given up.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn owner_of(&self, key: DeliveryKey) -> Result<Option<SubscriptionId>> {
        for table in ["deliveries", "dead"] {
            let found = self
                .connection
                .prepare_cached(&format!("SELECT subscription FROM {table} WHERE number = ?1 AND part = ?2"))
                .and_then(|mut sql| sql.query_row((key.number.0, key.part.code()), |row| row.get(0)).optional())
                .to("find a delivery")?;
            if found.is_some() {
                return Ok(found.map(SubscriptionId));
            }
        }
        Ok(None)
    }

    /// A subscription's dead letters after a key, in order, at most `most`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn dead_letters(&self, id: SubscriptionId, after: Option<DeliveryKey>, most: usize) -> Result<Vec<Candidate>> {
        let (number, part) = after.map_or((i64::MIN, 0), |key| (key.number.0, key.part.code()));
        self.candidates("dead", "(number, part) > (?2, ?3)", (id.0, number, part), most)
    }

    /// One delivery on its way.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn candidate(&self, id: SubscriptionId, key: DeliveryKey) -> Result<Option<Candidate>> {
        let values = (id.0, key.number.0, key.part.code());
        self.candidates("deliveries", "number = ?2 AND part = ?3", values, 1).map(|mut found| found.pop())
    }

    fn candidates(&self, table: &str, which: &str, values: (i64, i64, i64), most: usize) -> Result<Vec<Candidate>> {
        let (id, number, part) = values;
        self.connection
            .prepare_cached(&format!(
                "SELECT number, part, entries, created, told,
                     (SELECT outcome FROM attempts AS a WHERE a.delivery = d.number AND a.part = d.part
                      ORDER BY a.number DESC LIMIT 1)
                 FROM {table} AS d WHERE subscription = ?1 AND {which} ORDER BY number, part LIMIT ?4"
            ))
            .and_then(|mut sql| {
                sql.query_map((id, number, part, most as i64), |row| {
                    // For people: what cannot be read of it is not known.
                    let told = row.get::<_, Option<Vec<u8>>>(4).ok().flatten();
                    let told = told.and_then(|told| seqs::decode_told(&told).ok()).unwrap_or_default();
                    Ok(Candidate {
                        key: DeliveryKey {
                            number: DeliveryNo(row.get(0)?),
                            part: Part::from_code(row.get(1)?).unwrap_or(Part::WHOLE),
                        },
                        entries: row.get::<_, i64>(2).map_or(0, |entries| entries.max(0).cast_unsigned()),
                        created: Wall(row.get(3).unwrap_or(0)),
                        last: told.into_iter().flatten().max().unwrap_or(Seq(0)),
                        outcome: row.get(5)?,
                    })
                })?
                .collect()
            })
            .to("read deliveries that may be chosen")
    }

    /// Notes that a dead letter is to be sent again. Returns whether that is new.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn ask_replay(&self, id: SubscriptionId, key: DeliveryKey) -> Result<bool> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO replays (subscription, number, part) VALUES (?1, ?2, ?3)")
            .and_then(|mut sql| sql.execute((id.0, key.number.0, key.part.code())))
            .to("note what is sent again")
            .map(|rows| rows > 0)
    }

    /// Returns whether a dead letter is to be sent again.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn is_replay_asked(&self, id: SubscriptionId, key: DeliveryKey) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM replays WHERE subscription = ?1 AND number = ?2 AND part = ?3")
            .and_then(|mut sql| sql.exists((id.0, key.number.0, key.part.code())))
            .to("read what is sent again")
    }

    /// How many dead letters of each subscription are to be sent again, by number.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn replay_totals(&self) -> Result<Vec<(SubscriptionId, u64)>> {
        self.connection
            .prepare_cached("SELECT subscription, count(*) FROM replays GROUP BY subscription ORDER BY subscription")
            .and_then(|mut sql| {
                sql.query_map([], |row| Ok((SubscriptionId(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?
                    .collect()
            })
            .to("count what is sent again")
    }

    /// Puts the first dead letter that a subscription is to be sent again on its way: the same bytes under the same
    /// key, due at once. `None` when there is none.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn take_up_replay(&self, id: SubscriptionId, now: Wall) -> Result<Option<HotDelivery>> {
        const TAKE_UP: &str = "take up a dead letter";
        loop {
            let next = self
                .connection
                .prepare_cached(
                    "DELETE FROM replays WHERE (subscription, number, part) IN
                     (SELECT subscription, number, part FROM replays WHERE subscription = ?1 ORDER BY number, part LIMIT 1)
                     RETURNING number, part",
                )
                .and_then(|mut sql| {
                    sql.query_row([id.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional()
                })
                .to(TAKE_UP)?;
            let Some((number, part)) = next else { return Ok(None) };
            let columns = "number, part, subscription, entries, content_type, created, told, body";
            let taken = self
                .connection
                .prepare_cached(&format!(
                    "INSERT INTO deliveries ({columns}, attempts, delay_ms, due, waited_ms, replay)
                     SELECT {columns}, made, 0, ?4, 0, made + 1
                     FROM dead, (SELECT coalesce(max(a.number), 0) AS made FROM attempts AS a
                                 WHERE a.delivery = ?2 AND a.part = ?3)
                     WHERE subscription = ?1 AND number = ?2 AND part = ?3"
                ))
                .and_then(|mut sql| sql.execute((id.0, number, part, now.0)))
                .to(TAKE_UP)?;
            // One that was forgotten meanwhile is passed over.
            if taken > 0 {
                self.connection
                    .prepare_cached("DELETE FROM dead WHERE subscription = ?1 AND number = ?2 AND part = ?3")
                    .and_then(|mut sql| sql.execute((id.0, number, part)))
                    .to(TAKE_UP)?;
                let part = Part::from_code(part).unwrap_or(Part::WHOLE);
                return self.hot_delivery(id, DeliveryKey { number: DeliveryNo(number), part }).map(Some);
            }
        }
    }

    /// Drops a delivery that is on its way or was given up: history keeps that, and its bytes are gone.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn drop_delivery(&self, id: SubscriptionId, key: DeliveryKey, dropped: &DroppedBy<'_>) -> Result<()> {
        for table in ["deliveries", "dead"] {
            if let Some(finished) = self.take_row(table, id, key)? {
                self.add_dropped(id, key, &finished, dropped)?;
            }
        }
        self.connection
            .prepare_cached("DELETE FROM replays WHERE subscription = ?1 AND number = ?2 AND part = ?3")
            .and_then(|mut sql| sql.execute((id.0, key.number.0, key.part.code())))
            .to("drop a delivery")
            .map(drop)
    }
}

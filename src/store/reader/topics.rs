//! Topics: the entries that subscriptions without a target are told.

use std::collections::{BTreeSet, HashMap};

use super::super::Result;
use super::super::error::Operation as _;
use super::super::journal::JournalRows;
use super::Reader;
use super::changes::{forgotten, newest};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::listing::{Forgotten, TopicPage};

const READ: &str = "read a topic";

impl Reader {
    /// The entries of a topic after a place, in order, at most `limit`. Several subscriptions make up one topic where
    /// one was registered for several tenants. `since`: `None` begins with the oldest.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged. The inner one: entries after `since` are forgotten.
    pub fn topic(
        &self,
        of: &[SubscriptionId],
        since: Option<Seq>,
        limit: usize,
    ) -> Result<std::result::Result<TopicPage, Forgotten>> {
        self.ask(|connection| {
            let oldest = forgotten(connection)?;
            if since.is_some_and(|since| since < oldest) {
                return Ok(Err(Forgotten { oldest }));
            }
            let since = since.unwrap_or(oldest);
            let mut places: Vec<(Seq, SubscriptionId)> = Vec::new();
            for id in of {
                let mut sql = connection
                    .prepare_cached(
                        "SELECT seq FROM topic_entries WHERE subscription = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
                    )
                    .to(READ)?;
                let rows = sql.query_map((id.0, since.0, limit as i64 + 1), |row| row.get(0)).to(READ)?;
                for seq in rows {
                    places.push((Seq(seq.to(READ)?), *id));
                }
            }
            places.sort_unstable();
            places.dedup_by_key(|(seq, _)| *seq);
            let more = places.len() > limit;
            places.truncate(limit);
            let next = match places.last() {
                Some((last, _)) if more => *last,
                _ => newest(connection)?.max(since),
            };
            let whose: HashMap<Seq, SubscriptionId> = places.iter().copied().collect();
            let seqs: Vec<_> = places.iter().map(|(seq, _)| *seq).collect();
            let entries = JournalRows(connection).entries(&seqs)?;
            let rows = entries.into_iter().filter_map(|entry| Some((*whose.get(&entry.seq())?, entry))).collect();
            Ok(Ok(TopicPage { rows, next, more }))
        })
    }

    /// The subscriptions whose topics have something from after one place up to another.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn topics_with_news(&self, after: Seq, until: Seq) -> Result<BTreeSet<SubscriptionId>> {
        self.ask(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT subscription FROM topic_entries WHERE seq > ?1 AND seq <= ?2")
                .and_then(|mut sql| sql.query_map((after.0, until.0), |row| row.get(0).map(SubscriptionId))?.collect())
                .to(READ)
        })
    }
}

//! Topics: what subscriptions without a target are told. A row is a place in the journal, whose entries readers render.

use super::error::Operation as _;
use super::{DispatchTables, Result};
use crate::model::ids::{Seq, SubscriptionId};

impl DispatchTables<'_> {
    /// Notes that a subscription's topic has an entry of the journal.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn add_to_topic(&self, subscription: SubscriptionId, seq: Seq) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO topic_entries (subscription, seq) VALUES (?1, ?2)")
            .and_then(|mut sql| sql.execute((subscription.0, seq.0)))
            .to("add to a topic")
            .map(drop)
    }
}

#[cfg(test)]
impl super::Ledger {
    /// The places of all topics.
    pub(crate) fn topic_places(&self) -> Vec<Seq> {
        let mut sql = self.connection.prepare("SELECT seq FROM topic_entries ORDER BY seq").expect("a statement");
        let rows = sql.query_map([], |row| row.get(0).map(Seq)).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("places")
    }
}

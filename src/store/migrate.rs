//! The schema's history. A ledger is brought up to date one numbered step at a time, each in its own transaction; a
//! ledger from a newer ringback is refused.

use rusqlite::Connection;

use super::error::{Cause, Operation as _};
use super::{Result, StoreError};

/// All steps, the first is number 1. Never edited once released: a change is a new step.
const STEPS: [&str; 22] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
    include_str!("migrations/0015.sql"),
    include_str!("migrations/0016.sql"),
    include_str!("migrations/0017.sql"),
    include_str!("migrations/0018.sql"),
    include_str!("migrations/0019.sql"),
    include_str!("migrations/0020.sql"),
    include_str!("migrations/0021.sql"),
    include_str!("migrations/0022.sql"),
];

/// Brings the schema up to date. `PRAGMA user_version` says how many steps a ledger has had.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let done: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).to("read its schema version")?;
    let newest = STEPS.len() as i64;
    if !(0..=newest).contains(&done) {
        return Err(StoreError { operation: "be opened", source: Cause::Newer { found: done, newest } });
    }
    for (number, step) in (1..).zip(STEPS).skip(done as usize) {
        let transaction = connection.transaction().to("begin a migration")?;
        transaction.execute_batch(step).to("migrate its schema")?;
        transaction.pragma_update(None, "user_version", number).to("write its schema version")?;
        transaction.commit().to("commit a migration")?;
    }
    Ok(())
}

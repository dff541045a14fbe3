//! Sessions: which tokens principals were given, and until when.

use super::error::Operation as _;
use super::{Ledger, Result};
use crate::model::session::Session;
use crate::model::time::Wall;

const WRITE: &str = "write a session";

impl Ledger {
    /// Writes a session that begins now. What has ended is removed, and of the principal's others the oldest, as far as
    /// there would be more than [`Session::MAX`].
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_session(&self, session: &Session, now: Wall) -> Result<()> {
        let Session { token_sha256, principal, credential_sha256, expires } = session;
        self.connection
            .prepare_cached("DELETE FROM sessions WHERE expires <= ?1")
            .and_then(|mut sql| sql.execute([now.0]))
            .to(WRITE)?;
        self.connection
            .prepare_cached(
                "DELETE FROM sessions WHERE token IN (
                     SELECT token FROM sessions WHERE principal = ?1 ORDER BY created DESC, token LIMIT -1 OFFSET ?2)",
            )
            .and_then(|mut sql| sql.execute((principal, Session::MAX as i64 - 1)))
            .to(WRITE)?;
        self.connection
            .prepare_cached(
                "INSERT INTO sessions (token, principal, credential, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut sql| sql.execute((&token_sha256[..], principal, &credential_sha256[..], now.0, expires.0)))
            .to(WRITE)
            .map(drop)
    }

    /// The sessions that have not ended, in the order of their beginnings.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn sessions(&self, now: Wall) -> Result<Vec<Session>> {
        self.connection
            .prepare_cached(
                "SELECT token, principal, credential, expires FROM sessions WHERE expires > ?1 ORDER BY created, token",
            )
            .and_then(|mut sql| {
                let session = |row: &rusqlite::Row<'_>| {
                    let (token_sha256, principal, credential_sha256) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(Session { token_sha256, principal, credential_sha256, expires: Wall(row.get(3)?) })
                };
                sql.query_map([now.0], session)?.collect()
            })
            .to("read sessions")
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Ledger, Session};
    use crate::model::time::Wall;

    #[test]
    fn a_principal_has_as_many_sessions_as_the_limit_and_the_newest_of_them() {
        let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
        ledger.begin().expect("a group");
        let session = |number: usize, principal: &str| {
            let mut token_sha256 = [0; 32];
            token_sha256[..8].copy_from_slice(&number.to_be_bytes());
            let (principal, expires) = (principal.to_owned(), Wall(1_000_000));
            Session { token_sha256, principal, credential_sha256: [9; 32], expires }
        };
        ledger.put_session(&session(9_999, "li"), Wall(0)).expect("a row");
        for number in 0..=Session::MAX {
            ledger.put_session(&session(number, "jo"), Wall(1 + number as i64)).expect("a row");
            assert_eq!(ledger.sessions(Wall(0)).expect("rows").len(), 1 + (number + 1).min(Session::MAX));
        }
        let kept = ledger.sessions(Wall(0)).expect("rows");
        assert!(!kept.contains(&session(0, "jo")) && kept.contains(&session(1, "jo")), "the oldest ended");
        assert!(kept.contains(&session(9_999, "li")), "nobody else's ended");
        assert_eq!(ledger.sessions(Wall(1_000_000)).expect("rows"), []);
        let last = Session { expires: Wall(2_000_000), ..session(7, "bo") };
        ledger.put_session(&last, Wall(1_500_000)).expect("a row");
        assert_eq!(ledger.sessions(Wall(0)).expect("rows"), [last], "what has ended is removed");
    }
}

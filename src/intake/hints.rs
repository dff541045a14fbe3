//! `POST /v1/hints`: a caller says where something was written. Each path is a hint as a watch source gives it, and
//! nothing more: no path is trusted, and nothing is written for it.

use super::Intake;
use crate::model::hint::{Hint, HintKind};
use crate::model::path::LogicalPath;
use crate::model::time::Now;
use crate::store::{IntakeTables, StoreError};

impl Intake {
    /// Takes hints of a caller who is done with what is there. Returns why the ledger could not say by which names it
    /// knows some of them; those are looked at by the names that were given.
    pub fn hints(&mut self, now: Now, paths: &[LogicalPath], ledger: IntakeTables<'_>) -> Option<StoreError> {
        let mut fault = None;
        for path in paths {
            // What the caller writes in one Unicode form may be on the disk in another, or in both.
            match self.known_as(path, ledger) {
                Ok(known) if known != *path => self.hint(now, &Hint { path: known, kind: HintKind::Closed }),
                Ok(_) => {}
                Err(error) => fault = fault.or(Some(error)),
            }
            self.hint(now, &Hint { path: path.clone(), kind: HintKind::Closed });
        }
        fault
    }
}

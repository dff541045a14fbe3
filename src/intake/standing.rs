//! Events of mounts: each tells that one stands otherwise than the last one told. The ledger keeps what was told, so a
//! restart tells nothing again and misses nothing.

use super::Intake;
use super::mounts::{Mounts, Presence, State};
use crate::model::event::EventFields;
use crate::model::mount::Standing;
use crate::model::time::Now;
use crate::store::{IntakeTables, MountRow, StoreError};

impl State {
    /// How it stands, where that is other news than its last event told. What is wrong in it is known once a scan has
    /// ended: until then one that was degraded stays so.
    fn news(&self) -> Option<Standing> {
        let is_scanned = self.scanned && self.scan.is_none();
        let now = match (&self.presence, self.is_degraded()) {
            (Presence::Unknown, _) => return None,
            (Presence::Offline(_), _) => Standing::Offline,
            (Presence::Online(..), true) => Standing::Degraded,
            (Presence::Online(..), false) if self.row.told == Standing::Degraded && !is_scanned => return None,
            (Presence::Online(..), false) => Standing::Online,
        };
        (now != self.row.told).then_some(now)
    }

    /// Whether something in it is not well, as far as is known.
    fn is_degraded(&self) -> bool {
        self.withheld > 0
            || self.watching.as_ref().is_some_and(|watching| watching.is_fallback)
            || !self.unwatched.is_empty()
            || !self.faults.is_empty()
            || self.inside.hides_assets()
    }
}

impl Mounts {
    /// Whether a mount stands otherwise than its last event told.
    pub(super) fn any_news(&self) -> bool {
        self.ids().any(|mount| self.state(mount).news().is_some())
    }
}

impl Intake {
    /// Appends what is news of the mounts to the journal, if the group may write.
    pub(super) fn tell_standings(
        &mut self,
        now: Now,
        ledger: IntakeTables<'_>,
        may_write: bool,
    ) -> Result<(), StoreError> {
        if !may_write {
            return Ok(());
        }
        for mount in self.mounts.ids() {
            let state = self.mounts.state(mount);
            let Some(standing) = state.news() else { continue };
            let row = MountRow { told: standing, ..state.row };
            let (path, tenant) = (state.path.clone(), self.mounts.tenant(mount).cloned());
            ledger.tell(now.wall, standing.event_name(), tenant, fields(state, standing))?;
            ledger.put_mount(&path, &row)?;
            self.mounts.state_mut(mount).row = row;
        }
        Ok(())
    }
}

fn fields(state: &State, standing: Standing) -> EventFields {
    let fields = EventFields::default().text("path", &state.path.display());
    match state.shown().1 {
        Some(reason) if standing != Standing::Online => fields.text("reason", &reason),
        _ => fields,
    }
}

//! What is done every hour: forgetting what is past its age or its number, in pieces.

use std::collections::BTreeMap;

use super::clock::{Clock, Tick};
use super::{Engine, Machines};
use crate::model::event::EventFields;
use crate::model::ids::SubscriptionId;
use crate::model::retention::Bound;
use crate::model::tenant::Tenant;
use crate::model::time::{Mono, Now, Wall};
use crate::store::{PIECE_ROWS, Pass, RemovedRow, StoreError};

/// The first time comes this long after the start, milliseconds: a start has other things to do.
pub(super) const FIRST_MS: u64 = 60_000;
/// Between the pieces of a pass, milliseconds: 40,000 rows of each kind a second, more than are written.
const AGAIN_MS: u64 = 50;
/// Between passes, milliseconds.
const EVERY_MS: u64 = 3_600_000;
/// The time is written to the ledger this often, milliseconds: less than the jump that a start looks for.
const REMEMBER_MS: u64 = 600_000;
/// After so many rows a pass comes early: what lies past a bound by number until then is at most as much, and a pass
/// that begins more often would find little to forget.
const WRITTEN_MAX: u64 = 100_000;
/// A removed subscription's backlog is kept this long, milliseconds, for the return of its name.
const REMOVED_MS: i64 = 24 * 3_600_000;

/// Where forgetting is.
pub(super) struct Upkeep {
    pub(super) clock: Clock,
    /// When the next pass begins, or the next piece of it is due.
    pub(super) at: Mono,
    pass: Option<Pass>,
    remember_at: Mono,
    mark_at: Mono,
    /// What the pass under way has forgotten for its number.
    acting: BTreeMap<Bound, u64>,
    /// Bounds by number that the last pass acted on.
    pub(super) acted: BTreeMap<Bound, Acted>,
}

/// A bound by number has acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acted {
    pub(super) since: Wall,
    /// Rows, or bytes, forgotten since.
    pub(super) amount: u64,
}

impl Upkeep {
    pub(super) fn start(now: Now, clock: Clock) -> Self {
        Self {
            clock,
            at: now.mono.plus_ms(FIRST_MS),
            pass: None,
            remember_at: now.mono.plus_ms(FIRST_MS),
            mark_at: now.mono.plus_ms(FIRST_MS),
            acting: BTreeMap::new(),
            acted: BTreeMap::new(),
        }
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Mono {
        self.at.min(self.remember_at)
    }
}

impl Engine {
    /// Compares the clocks. To be called in each group, before anything is dated.
    pub(super) fn watch_clock(&mut self, now: Now) {
        match self.upkeep.clock.tick(now) {
            Tick::Steady => {}
            Tick::Suspended => {
                let why = self.upkeep.clock.suspended().map_or("", |why| why.text.as_str());
                tracing::warn!("{why}");
                self.upkeep.pass = None;
                self.upkeep.remember_at = now.mono;
            }
            Tick::Believed => {
                tracing::info!("the clock has been steady for a day; what is past its age is forgotten again");
                self.upkeep.at = now.mono;
                self.upkeep.remember_at = now.mono;
            }
        }
        self.ledger.set_high_water(self.upkeep.clock.high_water());
    }

    /// Returns whether nothing says that the wall clock is wrong.
    pub(super) fn clock_is_believed(&self, now: Now) -> bool {
        self.upkeep.clock.believed(now).is_some()
    }

    /// One piece of what is due.
    pub(super) fn maintain(&mut self, now: Now) -> Result<(), StoreError> {
        if self.upkeep.remember_at <= now.mono {
            self.upkeep.remember_at = now.mono.plus_ms(REMEMBER_MS);
            self.remember_time(now)?;
        }
        if now.mono < self.upkeep.at {
            return Ok(());
        }
        let believed = self.upkeep.clock.believed(now);
        let mut pass = match self.upkeep.pass.take() {
            Some(pass) => pass,
            None => {
                if self.upkeep.mark_at <= now.mono {
                    self.ledger.mark(now.wall)?;
                    self.upkeep.mark_at = now.mono.plus_ms(EVERY_MS);
                }
                if let Some(wall) = believed {
                    self.ledger.forget_tasks(wall)?;
                }
                self.ledger.begin_pass(&self.retention, believed)?
            }
        };
        let mut more = match believed {
            Some(wall) => self.ledger.redate_future(wall)? | self.drop_removed(now, wall)?,
            None => false,
        };
        let mut first_owed = None;
        if let Some(Machines { dispatch, .. }) = &mut self.machines {
            more |= dispatch.drop_old(now, pass.journal, self.ledger.dispatch())?;
            first_owed = dispatch.first_owed();
        }
        let piece = self.ledger.forget_piece(&self.retention, &mut pass, first_owed)?;
        if let Some(Machines { dispatch, .. }) = &mut self.machines {
            dispatch.recount_dead(self.ledger.dispatch())?;
        }
        for (bound, amount) in piece.by_number {
            self.note_bound(now, bound, amount);
        }
        if more || piece.more {
            self.upkeep.pass = Some(pass);
            self.upkeep.at = now.mono.plus_ms(AGAIN_MS);
        } else {
            let acting = std::mem::take(&mut self.upkeep.acting);
            self.upkeep.acted.retain(|bound, _| acting.contains_key(bound));
            self.upkeep.at = now.mono.plus_ms(EVERY_MS);
        }
        Ok(())
    }

    /// Writes the time down, for the next start to compare with.
    pub(super) fn remember_time(&self, now: Now) -> Result<(), StoreError> {
        self.ledger.remember_time(now.wall, self.upkeep.clock.wait_ms())
    }

    /// A pass comes early when much was written.
    pub(super) fn maintain_early(&mut self, now: Now) {
        self.maintain_after(now, WRITTEN_MAX);
    }

    /// A pass comes early once so many rows were written.
    fn maintain_after(&mut self, now: Now, rows: u64) {
        if self.ledger.written() >= rows && self.upkeep.pass.is_none() {
            self.upkeep.at = now.mono;
        }
    }

    fn note_bound(&mut self, now: Now, bound: Bound, amount: u64) {
        *self.upkeep.acting.entry(bound).or_default() += amount;
        let is_new = !self.upkeep.acted.contains_key(&bound);
        let acted = self.upkeep.acted.entry(bound).or_insert(Acted { since: now.wall, amount: 0 });
        acted.amount += amount;
        if is_new {
            let (what, most) = (bound.what(), bound.most(&self.retention));
            tracing::warn!(most, "there are more {what} than are kept: the oldest are forgotten");
        }
    }

    /// Drops a piece of what is owed to subscriptions whose rules went over a day ago. Returns whether more is left.
    fn drop_removed(&mut self, now: Now, wall: Wall) -> Result<bool, StoreError> {
        let before = Wall(wall.0.saturating_sub(REMOVED_MS));
        let mut left = PIECE_ROWS;
        for RemovedRow { id, name, tenant } in self.ledger.removed_subscriptions(before, PIECE_ROWS)? {
            if left == 0 {
                return Ok(true);
            }
            if let Some(Machines { dispatch, .. }) = &mut self.machines {
                dispatch.gather_owed(id, self.ledger.dispatch())?;
            }
            let dropped = self.ledger.drop_subscription(id, left)?;
            left = left.saturating_sub(dropped.entries.max(1));
            if dropped.entries > 0 {
                let tenant = tenant.and_then(|name| Tenant::parse(&name).ok());
                self.tell_dropped(now, &name, tenant, dropped.entries)?;
                let entries = dropped.entries;
                tracing::warn!(
                    subscription = name,
                    entries,
                    "dropped what a subscription removed over 24 hours ago was owed"
                );
            }
            self.forget_lane(id, dropped.entries, dropped.is_whole)?;
            if !dropped.is_whole {
                return Ok(true);
            }
        }
        Ok(left == 0)
    }

    fn forget_lane(&mut self, id: SubscriptionId, entries: u64, is_whole: bool) -> Result<(), StoreError> {
        let Some(Machines { dispatch, .. }) = &mut self.machines else { return Ok(()) };
        match is_whole {
            true => dispatch.forget(id),
            false => dispatch.recount(id, entries, self.ledger.dispatch())?,
        }
        Ok(())
    }

    fn tell_dropped(&self, now: Now, name: &str, tenant: Option<Tenant>, entries: u64) -> Result<(), StoreError> {
        let fields = EventFields::default().text("subscription", name).number("skipped", entries);
        self.ledger.tell(now.wall, "callback.dropped", tenant, fields)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rusqlite::Connection;

    use super::{FIRST_MS, REMOVED_MS};
    use crate::engine::Engine;
    use crate::intake::Setup;
    use crate::model::asset::{Asset, ContentRead, Identity, Stat};
    use crate::model::ids::{AssetId, Rrn, Seq};
    use crate::model::path::LogicalPath;
    use crate::model::retention::Retention;
    use crate::model::time::{Mono, Now, Wall};
    use crate::settle::Patience;
    use crate::store::Ledger;

    const START: Now = Now { mono: Mono(0), wall: Wall(1_800_000_000_000) };
    const LATER: Now = Now { mono: Mono(1_000), wall: Wall(1_800_000_001_000) };

    fn engine() -> Engine {
        let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
        let setup = Setup { mounts: Vec::new(), patience: Patience { quiet_ms: 1_000, max_ms: None } };
        Engine::new(ledger, setup, Retention::default(), START).expect("an engine")
    }

    /// Writes so many rows that age: assets that are gone.
    fn write(engine: &Engine, rows: i64) {
        engine.ledger.begin().expect("a group");
        for id in 1..=rows {
            let path = LogicalPath::parse(format!("/m/{id}").as_bytes()).expect("a path");
            let identity = Identity { volume: 1, inode: id as u64, birth_ns: 1 };
            let stat = Stat { identity, size: 1, mtime_ns: 1, ctime_ns: 1, links: 1 };
            let asset = Asset {
                id: AssetId(id),
                path,
                stat,
                racy: false,
                owner: "jo".into(),
                rrn: Rrn(1),
                content: ContentRead::Yes,
            };
            let mount = LogicalPath::parse(b"/m").expect("a path");
            let dir = engine.ledger.intake().dir_or_new(&mount, &mount).expect("a row");
            engine.ledger.intake().put_asset(dir, &asset).expect("a row");
            engine.ledger.intake().bury_asset(&asset, Rrn(1), Seq(1), START.wall).expect("a row");
        }
        engine.ledger.commit().expect("a commit");
    }

    #[test]
    fn what_a_removed_subscription_is_owed_by_rows_of_groups_is_dropped_with_it() {
        let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
        ledger.begin().expect("a group");
        let [gone, kept] = ["gone", "kept"].map(|name| ledger.enrol(None, name).expect("a number"));
        ledger.remove_subscription(gone, Wall(START.wall.0 - 2 * REMOVED_MS)).expect("a row");
        let owed = [(gone, &[Seq(1), Seq(2)][..]), (kept, &[Seq(2)])];
        ledger.dispatch().add_owed_group(1, &BTreeSet::new(), owed.into_iter()).expect("a row");
        ledger.commit().expect("a commit");
        let setup = Setup { mounts: Vec::new(), patience: Patience { quiet_ms: 1_000, max_ms: None } };
        let mut engine = Engine::new(ledger, setup, Retention::default(), START).expect("an engine");
        assert_eq!(engine.status(START).outbox.entries, 3);
        let later = Now { mono: Mono(FIRST_MS), wall: Wall(START.wall.0 + FIRST_MS as i64) };
        let ran = engine.run(later, Vec::new());
        assert!(ran.faults.is_empty(), "{:?}", ran.faults);
        let left: Vec<_> = engine.ledger.subscriptions().expect("rows").into_iter().map(|row| row.id).collect();
        assert_eq!((left, engine.status(later).outbox.entries), (vec![kept], 1));
        let groups = engine.ledger.dispatch().owed_groups().expect("rows");
        assert_eq!(groups.lanes.into_keys().collect::<Vec<_>>(), [kept], "nothing of it comes back at a start");
        assert_eq!(engine.ledger.dispatch().outbox_totals().expect("totals"), []);
    }

    /// The limit in force is too many rows for a test: here it is lower.
    #[test]
    fn a_pass_comes_early_once_as_many_rows_were_written_as_the_limit() {
        let mut engine = engine();
        write(&engine, 9);
        engine.maintain_after(LATER, 10);
        assert_eq!(engine.upkeep.at, Mono(FIRST_MS), "one row fewer than the limit");
        engine.maintain_after(LATER, 9);
        assert_eq!(engine.upkeep.at, LATER.mono, "at the limit");
        let ran = engine.run(LATER, Vec::new());
        assert!(ran.faults.is_empty(), "{:?}", ran.faults);
        assert_eq!(engine.ledger.written(), 0, "the pass counts anew");
        assert!(engine.upkeep.at > LATER.mono);
    }
}

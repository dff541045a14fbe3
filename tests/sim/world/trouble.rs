//! What callers and fate do.

use std::sync::atomic::Ordering;

use ringback::engine::Input;
use ringback::model::ask::Ask;
use ringback::model::event::{EventFields, EventName};
use ringback::model::ids::{AssetId, ReplyId};
use ringback::model::path::LogicalPath;
use ringback::model::record::{Assignment, Record, RecordsRequest, Report, Subject};
use ringback::model::rescan::{RescanRequest, Until};
use ringback::model::scope::Scope;

use super::{Checked, World};
use crate::check::SyncPoint;
use crate::faults::Fullness;
use crate::ops;

impl World {
    /// One thing goes wrong, or none.
    pub(super) fn misfortune(&mut self) -> Checked {
        let plan = self.plan.clone();
        // Each chance is of a thousand steps, and every twentieth step comes here.
        let mut happens = |chance: u32| self.rng.chance((chance * 20).min(1_000));
        let (crash, power, commit, input) =
            (happens(plan.crash), happens(plan.power_cut), happens(plan.commit_fails), happens(plan.input_fails));
        let full = happens(plan.ledger_full);
        let (jump, mount, rules) = (happens(plan.clock_jumps), happens(plan.mounts_away), happens(plan.rules_change));
        let (inner, remade) = (happens(plan.inner), happens(plan.roots_remade) && plan.bare_roots);
        let (unreadable, dispersed) = (happens(plan.unreadable), plan.crowd && happens(5));
        let (locked, days) = (happens(plan.locked), happens(plan.days));
        if commit && plan.stays_refused && self.rng.chance(300) {
            self.hooks.refused.store(self.rng.between(2, 6) as u32, Ordering::Relaxed);
            self.note("the next groups will fail");
        } else if commit {
            let hook = if self.rng.chance(700) { &self.hooks.commit } else { &self.hooks.delivery };
            hook.store(true, Ordering::Relaxed);
            self.note("the next group will fail");
        }
        if input {
            self.hooks.journal.store(true, Ordering::Relaxed);
            self.note("the next change will fail");
        }
        if self.hooks.is_full() {
            if self.rng.chance(200) {
                self.hooks.fill(Fullness::Room);
                self.note("the ledger's disk has room");
            }
        } else if full {
            let fullness = if self.rng.chance(700) { Fullness::Ballast } else { Fullness::Brim };
            self.hooks.fill(fullness);
            self.note(format!("the ledger's disk is full: {fullness:?}"));
        }
        if jump {
            let hours = match plan.leaps && self.rng.chance(500) {
                true => self.rng.between(0, 3_000) as i64 - 1_500,
                false => self.rng.between(0, 2) as i64 - 1,
            };
            let by_ms = hours * 3_600_000 + 977;
            self.host.lock().wall_ms += by_ms;
            self.ages.jumped(self.now().mono.0 as i64, by_ms);
            self.note(format!("the clock jumps by {hours} h"));
        }
        if days {
            self.days_pass();
        }
        if plan.policies.outage_ms > 0 && self.rng.chance(30) {
            self.outage()?;
        }
        if locked {
            self.hooks.locked.store(self.rng.between(1, 8) as u32, Ordering::Relaxed);
            self.note("another process takes the ledger's lock");
        }
        if mount {
            // An empty directory under a mount that was never there would be its first scan.
            let known = self.plan.power_cut == 0 && self.ledger.scanned(self.plan.mounts);
            let stand_in = known && self.rng.chance(500);
            // In a mount without assets a stray is as good as any file.
            let catalog = self.ledger.catalog();
            let is_filled = |name: &[u8]| catalog.keys().any(|path| path.starts_with(&[b"/", name, b"/"].concat()));
            let mut inner = self.host.lock();
            let at = self.rng.below(inner.mounts.len());
            match inner.mounts[at].away.is_some() {
                true => ops::bring_mount_back(&mut inner, at),
                false => {
                    let stray = self.plan.strays && is_filled(&inner.mounts[at].name);
                    ops::take_mount_away(&mut inner, at, stand_in, stray);
                }
            }
            drop(inner);
            self.note_disk();
            self.forgive();
        }
        if inner {
            let known = self.ledger.catalog().into_keys().collect();
            ops::change_inner(&mut self.host.lock(), &known);
            self.note_disk();
        }
        if unreadable {
            // That attributes are still to be read is known in memory only, and the first scan does not note it.
            let files_too = plan.keeps_evidence() && self.ledger.scanned(plan.mounts);
            ops::change_readable(&mut self.host.lock(), files_too);
            self.note_disk();
        }
        if dispersed {
            ops::disperse(&mut self.host.lock());
            self.note_disk();
        }
        if remade {
            let mut inner = self.host.lock();
            let at = self.rng.below(inner.mounts.len());
            ops::remake_root(&mut inner, at);
            drop(inner);
            self.note_disk();
        }
        if rules {
            let at = self.rng.below(3);
            self.rules[at] = !self.rules[at];
            self.heard_all &= self.rules[0];
            self.note(format!("rules {:?}", self.rules));
            if self.rng.chance(plan.commit_fails * 20) {
                self.hooks.commit.store(true, Ordering::Relaxed);
            }
            self.take_up_rules()?;
        }
        if self.rng.chance((plan.source_dies * 20).min(1_000)) {
            self.host.lock().kill_source();
            self.note_disk();
        }
        if crash {
            self.crash_somewhere()?;
        }
        if power {
            self.power_cut()?;
        }
        // The keeper, who comes every 200 ms.
        if self.rng.chance(150)
            && let Some(engine) = &self.engine
        {
            engine.ledger().sync().expect("a sync");
            self.note("sync");
        }
        Ok(())
    }

    /// A crash between two groups, in the middle of one, or after a commit and before its effects.
    fn crash_somewhere(&mut self) -> Checked {
        let most = self.rng.between(1, 8) as usize;
        let take = most.min(self.inbox.len());
        match self.rng.below(3) {
            0 => {}
            at => {
                if at == 1 {
                    self.hooks.commit.store(true, Ordering::Relaxed);
                }
                let inputs = self.inbox.drain(..take).collect();
                let effects = self.group(inputs)?;
                self.note(format!("  {} effects are never carried out", effects.len()));
            }
        }
        let connection = self.crash();
        self.restart(connection)
    }

    /// Somebody calls the API.
    pub(super) fn call(&mut self) {
        if self.rng.chance((self.plan.records * 20).min(1_000)) {
            self.call_records();
        }
        if self.rng.chance((self.plan.syncs * 20).min(1_000)) {
            let reply = self.reply();
            self.syncs.insert(reply, SyncPoint::new(&self.host.lock()));
            self.note(format!("call sync {reply:?}"));
            let rescan = |path| {
                let (request, until, by) = (RescanRequest::of(path), Until::Matched, "operator".to_owned());
                Ask::Rescan { request, until, by, listener: None }
            };
            if self.rng.chance(300) {
                // A scan as a task: nobody waits for its end, and it has one.
                self.syncs.remove(&reply);
                let path = LogicalPath::parse(if self.rng.chance(500) { b"/a/dir" } else { b"/a/none" }).ok();
                let until = if self.rng.chance(500) { Until::Begun } else { Until::Asked };
                let (request, by) = (RescanRequest::of(path), "operator".to_owned());
                self.inbox.push_back(Input::Ask(reply, Ask::Rescan { request, until, by, listener: None }));
                return;
            }
            let ask = match self.rng.below(4) {
                0 => rescan(None),
                1 => rescan(LogicalPath::parse(b"/a/dir").ok()),
                _ => Ask::Sync,
            };
            self.inbox.push_back(Input::Ask(reply, ask));
        }
    }

    pub(super) fn reply(&mut self) -> ReplyId {
        self.next_reply += 1;
        ReplyId(self.next_reply)
    }

    fn call_records(&mut self) {
        let reply = self.reply();
        let key = format!("R{}k", reply.0);
        let subject = match self.rng.below(4) {
            0 => Subject::Asset(AssetId(self.rng.between(1, 40) as i64)),
            1 => Subject::Path(LogicalPath::parse(b"/a/x").expect("a path")),
            _ => {
                let inner = self.host.lock();
                let files = inner.files();
                let Some((at, _)) = self.rng.pick(&files) else { return };
                let path = inner.logical(at).expect("it is in a mount");
                Subject::Path(LogicalPath::parse(&path).expect("a path"))
            }
        };
        self.note(format!("call records {key} {subject:?}"));
        let set = vec![(key.clone(), vec!["1".to_owned()]), ("XATTR_user.project".to_owned(), vec!["v1".to_owned()])];
        let unset = if self.rng.chance(300) { vec!["XATTR_user.state".to_owned()] } else { Vec::new() };
        let report = Report {
            event: EventName::parse("build.created").expect("a name"),
            tenant: None,
            entity: EventFields::of_texts([("key", key.as_str())]),
            display_name: None,
        };
        let records = vec![Record::Assignment(Assignment { subject, set, unset }), Record::Report(report)];
        let request = RecordsRequest { records, scope: Scope::All, idempotency: None };
        self.records.insert(reply, key);
        self.inbox.push_back(Input::Ask(reply, Ask::Records(request)));
    }
}

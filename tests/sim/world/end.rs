//! The end of a seed: nothing goes wrong any more, everybody finishes, and the books are compared.

use ringback::engine::Input;
use ringback::model::ask::Ask;
use ringback::model::part::DeliveryKey;
use ringback::model::rescan::{RescanRequest, Until};
use ringback::model::status::TroubleKind;
use ringback::model::time::Mono;
use ringback::model::watching::SourceKind;

use super::{Checked, Job, World};
use crate::disk::InnerDisk;
use crate::faults::Fullness;
use crate::receiver::Sent;
use crate::{check, ops};

/// Virtual time without anything but looks at the mounts' roots after which all is quiet: longer than a failed look is
/// waited for, and than any retry.
const SILENCE_MS: u64 = 35_000;
/// Groups after which it should have been quiet.
const GROUPS_MAX: u32 = 20_000;
/// Virtual time after the last close within which every file is in the catalog, milliseconds, where nothing else goes
/// wrong: no wait for a writer is longer than a second, and a root is looked at again within two.
const PROMPT_MS: u64 = 4_000;

impl World {
    pub(super) fn end(&mut self) -> Checked {
        {
            let mut inner = self.host.lock();
            inner.unreadable.clear();
            (inner.meddle, inner.limit, inner.deaf, inner.deaths, inner.remakes) = (0, 0, 0, 0, 0);
            for mount in 0..inner.mounts.len() {
                ops::bring_mount_back(&mut inner, mount);
            }
            for place in inner.inner_places() {
                if let Some(it) = inner.nodes[place].inner {
                    let mounted = inner.crosses;
                    ops::set_inner(&mut inner, place, InnerDisk { mounted, ..it });
                }
            }
            while !inner.writers.is_empty() {
                ops::close(&mut inner, 0);
            }
        }
        self.note_disk();
        self.hooks.clear();
        self.hooks.fill(Fullness::Room);
        let calm = crate::faults::Plan {
            refusals: 0,
            attempt_fails: 0,
            slow: 0,
            doubled: 0,
            reordered: 0,
            lost: 0,
            policies: self.plan.policies.calm(),
            ..self.plan.clone()
        };
        let plan = std::mem::replace(&mut self.plan, calm);
        self.note("calm");
        if self.rules != [true; 3] {
            self.rules = [true; 3];
            self.take_up_rules()?;
        }
        self.until_it_takes_in()?;
        self.register_all_again();
        self.run_engine(usize::MAX)?;
        if plan.ledger_full > 0 {
            self.deliver_while_full()?;
        }
        self.until_it_takes_in()?;
        if plan.inner > 0 || (plan.roots_remade > 0 && !plan.keeps_evidence()) {
            self.vouch_for_roots();
        }
        if plan.is_prompt() {
            self.run_for(PROMPT_MS)?;
            check::converged(&self.host.lock(), &self.ledger, false).map_err(|why| format!("not at once: {why}"))?;
        }
        self.quiesce()?;
        self.is_quiet()?;
        if !self.syncs.is_empty() && plan.commit_fails == 0 {
            return Err(format!("{} sync calls are never answered", self.syncs.len()));
        }
        self.rewrites_were_reported()?;
        check::converged(&self.host.lock(), &self.ledger, false).map_err(|why| format!("without a scan: {why}"))?;
        // Whatever was done to the directories, each of them is watched where it is now.
        ops::create_in_each(&mut self.host.lock(), "last");
        self.note_disk();
        self.quiesce()?;
        check::converged(&self.host.lock(), &self.ledger, false).map_err(|why| format!("not watched: {why}"))?;
        if plan.damage {
            self.deliver_beside_damage()?;
            self.deliver_while_damaged()?;
        }
        let connection = self.crash();
        self.restart(connection)?;
        self.quiesce()?;
        self.is_quiet()?;
        self.books_balance()?;
        self.leap_ahead_and_back()?;
        self.everything_is_forgotten()?;
        self.note("the end");
        check::converged(&self.host.lock(), &self.ledger, true)?;
        self.pristine_was_silent()?;
        for number in &self.lost_deliveries {
            self.receivers.sent.remove(number);
        }
        let view = check::told(&self.ledger, &self.journal, &self.receivers, &self.ages, &self.books)?;
        if self.heard_all {
            check::believed(&self.host.lock(), &self.ledger, &self.journal, view, &self.uncertain)?;
        }
        let dead = &self.ages.dead_ever;
        let settled = |(key, sent): &(&DeliveryKey, &Sent)| {
            self.receivers.taken.contains(key)
                || dead.contains(key)
                || self.books.is_split(**key, &sent.seqs)
                || self.ledger.lane(&sent.subscription).is_cancelled
        };
        match self.receivers.sent.iter().find(|sent| !settled(sent)) {
            Some((_, sent)) => Err(format!("{} was sent, is not taken and not a dead letter", sent.id)),
            None => Ok(()),
        }
    }

    /// What the source has to say, or to be read of its queue.
    fn signals_waiting(&self) -> usize {
        let inner = self.host.lock();
        inner.source.len() + inner.instances.last_words.len()
    }

    /// A process that was killed has no evidence that a root was removed, and what a filesystem hides may never be
    /// visible again: an operator says that what is there is meant.
    fn vouch_for_roots(&mut self) {
        let paths: Vec<_> = self.host.lock().mounts.iter().map(|mount| mount.logical.clone()).collect();
        for path in paths {
            let reply = self.reply();
            let request = RescanRequest { accept_root: true, ..RescanRequest::of(Some(path)) };
            let (until, by) = (Until::Begun, "operator".to_owned());
            self.inbox.push_back(Input::Ask(reply, Ask::Rescan { request, until, by, listener: None }));
        }
    }

    /// An operator resumes what ringback has paused. Returns whether there was anything. What has ended has no name to
    /// be resumed by, until it is registered again.
    fn resume_what_is_paused(&mut self) -> bool {
        let now = self.now();
        let Some(engine) = &mut self.engine else { return false };
        let troubles = engine.status(now).troubles.into_iter();
        let paused: Vec<_> = troubles
            .filter(|trouble| trouble.kind == TroubleKind::Paused)
            .filter_map(|trouble| trouble.subject)
            .filter_map(|name| self.number(&name).map(|subscription| (name, subscription)))
            .collect();
        let is_any = !paused.is_empty();
        for (name, subscription) in paused {
            let (reply, ask) = (self.reply(), Ask::Resume { subscription, by: "operator".to_owned() });
            self.note(format!("{name} is resumed"));
            self.inbox.push_back(Input::Ask(reply, ask));
        }
        is_any
    }

    /// Runs until nothing happens any more.
    pub(super) fn quiesce(&mut self) -> Checked {
        self.run_until(None)
    }

    /// Runs for so much virtual time, or until nothing happens any more.
    pub(super) fn run_for(&mut self, ms: u64) -> Checked {
        let until = self.now().mono.plus_ms(ms);
        self.run_until(Some(until))
    }

    fn run_until(&mut self, until: Option<Mono>) -> Checked {
        let mut silent_since = self.now().mono;
        for _ in 0..GROUPS_MAX {
            let idle = self.inbox.is_empty()
                && self.results.is_empty()
                && self.receivers.is_idle()
                && self.signals_waiting() == 0
                && self.jobs.iter().all(|job| match job {
                    Job::SeeRoot(_) => true,
                    // Whoever is not hinted, or not of everything, scans for ever.
                    Job::List(_) => self.plan.source == SourceKind::Poll || self.plan.deaf > 0,
                    Job::Look(_) | Job::SyncSource(_) => false,
                });
            let now = self.now();
            if !idle {
                silent_since = now.mono;
            }
            while !self.jobs.is_empty() {
                self.work();
            }
            while !self.results.is_empty() {
                self.report();
            }
            while self.signals_waiting() > 0 {
                self.hear();
            }
            for _ in 0..8 + 2 * self.plan.lanes {
                self.deliver()?;
            }
            let due = self.engine.as_ref().is_some_and(|engine| engine.deadline() <= now.mono);
            if !self.inbox.is_empty() || due {
                self.run_engine(20)?;
                continue;
            }
            // While the disk is full, that takes as much room as the outcome of an attempt.
            let has_room = self.hooks.is_full() && !self.hooks.is_brimful();
            let may_resume = has_room || self.engine.as_ref().is_some_and(|engine| engine.is_well());
            if may_resume && self.resume_what_is_paused() {
                continue;
            }
            if until.is_some_and(|until| now.mono >= until) {
                return Ok(());
            }
            if now.mono.since_ms(silent_since) > SILENCE_MS {
                match self.next_due().filter(|_| until.is_none() && !self.hooks.is_brimful()) {
                    Some(ms) => self.pass(ms),
                    None => return Ok(()),
                }
                continue;
            }
            let deadline = self.engine.as_ref().map_or(now.mono, |engine| engine.deadline());
            self.pass(deadline.since_ms(now.mono).clamp(1, 1_000));
        }
        Err("it never becomes quiet".to_owned())
    }

    /// While nothing can be taken in, what is owed is delivered all the same; while nothing at all can be written, that
    /// is waited out.
    fn deliver_while_full(&mut self) -> Checked {
        self.hooks.fill(Fullness::Brim);
        self.note("the ledger's disk is full to the brim");
        self.quiesce()?;
        self.hooks.fill(Fullness::Ballast);
        self.note("the ledger's disk is full");
        self.quiesce()?;
        let (hot, _) = self.ledger.hot_and_dead();
        let owed = self.ledger.owed_to();
        self.hooks.fill(Fullness::Room);
        match hot.is_empty() && owed.is_empty() {
            true => Ok(()),
            false => Err(format!("not delivered while the disk is full: {hot:?}, owed {owed:?}")),
        }
    }

    /// What the status says of a quiet world.
    fn is_quiet(&mut self) -> Checked {
        let now = self.now();
        let status = self.engine.as_mut().expect("it runs").status(now);
        let mounts = status.mounts.iter().all(|mount| mount.lag_ms == 0);
        let (outbox, deliveries) = (&status.outbox, &status.deliveries);
        let on_the_way = outbox.entries + deliveries.pending + deliveries.in_flight + deliveries.waiting;
        let assets = status.mounts.iter().map(|mount| mount.assets).sum::<u64>();
        let rows = self.ledger.catalog().len() as u64;
        if !status.ready || !mounts || on_the_way > 0 || assets != rows {
            return Err(format!("quiet, and not done ({rows} assets): {status:?}"));
        }
        match self.ledger.running_rescans() {
            0 => Ok(()),
            running => Err(format!("quiet, and {running} scans go on as tasks")),
        }
    }

    /// What nobody touched since before the first scan is never told.
    fn pristine_was_silent(&self) -> Checked {
        let inner = self.host.lock();
        // A path that a caller rescans is looked at by itself, also while the first scan runs.
        let rescanned = |path: &[u8]| self.plan.syncs > 0 && path == b"/a/dir";
        let untouched = |path: &&Vec<u8>| {
            inner.versions.get(*path).copied().unwrap_or(0) == self.pristine[*path] && !rescanned(path)
        };
        let told = |path: &&Vec<u8>| {
            let row =
                self.journal.rows.iter().find(|row| row.path.as_bytes() == **path && row.action.as_str() != "none");
            // To a clock that was set back before the first scan they are younger than it.
            !self.plan.report_first && self.plan.clock_jumps == 0 && row.is_some()
        };
        match self.pristine.keys().filter(untouched).find(told) {
            Some(path) => Err(format!("{} was there all along, and is told", path.escape_ascii())),
            None => Ok(()),
        }
    }
}

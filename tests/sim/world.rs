//! The world around the engine: it does to the disk what users do, carries the engine's effects out late and in any
//! order, lets things go wrong, and has every step checked.

mod ageing;
mod damage;
mod end;
mod identity;
mod life;
mod operator;
mod registering;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringback::diagnostic::SourceFile;
use ringback::engine::{Effect, Engine, Input, NewRules};
use ringback::intake::{self, Setup};
use ringback::look;
use ringback::model::ask::{Answer, Ask};
use ringback::model::attempt::Attempted;
use ringback::model::delivery::SendRequest;
use ringback::model::hint::Signal;
use ringback::model::ids::{ReplyId, Ticket};
use ringback::model::job::Job;
use ringback::model::look::{Seen, Writer};
use ringback::model::mount::{FirstScan, Mount};
use ringback::model::part::DeliveryKey;
use ringback::model::record::RecordsAnswer;
use ringback::model::retention::Retention;
use ringback::model::time::{Mono, Now, Wall};
use ringback::model::watching::SourceKind;
use ringback::rules::RuleSet;
use ringback::settle::Patience;
use ringback::watch::WatchSource as _;
use ringback::watch::mounts::Mounts;

use super::ages::Ages;
use super::books::Books;
use super::check::{self, SyncPoint};
use super::disk::{Host, Inner};
use super::faults::{Hooks, Plan, connect};
use super::journal::Journal;
use super::ledger::Reader;
use super::ops;
use super::receiver::{Going, Receivers, Told};
use super::rng::Rng;
use super::source::Source;
use super::trace::Trace;

use registering::Registering;

pub const QUIET_MS: u64 = 1_000;

/// Files of a directory that is removed in several pieces: an input deletes 2,000 at most.
const CROWD_FILES: usize = 2_050;
const RULES: [&str; 3] = [
    "[[subscription]]\nname = 'all'\ncallback = 'http://r1/all'\nwatchPath = ['* /']\nwatchMetadata = ['*==*']\n\
     retry = ['1s', '5s']\nretryCount = 4\n",
    "[[subscription]]\nname = 'part'\ncallback = 'http://r2/part'\nwatchPath = ['* /a/dir', '+ /a']\nmaxEntries = 2\n\
     retry = ['500ms']\nretryCount = 2\n",
    "[[subscription]]\nname = 'meta'\ncallback = 'http://r1/meta'\n\
     watchMetadata = ['XATTR_user.project==v1', 'XATTR_user.state!=v2']\nlogicalOperand = 'AND'\nlinger = '300ms'\n\
     retry = ['2s', '20s']\n",
];

pub struct World {
    pub trace: Trace,
    rng: Rng,
    plan: Plan,
    host: Host,
    mounts: Arc<Mounts>,
    setup: Setup,
    retention: Retention,
    engine: Option<Engine>,
    ledger: Reader,
    hooks: Arc<Hooks>,
    /// How often the process has started.
    life: u32,
    /// Inputs on their way to the engine, in order.
    inbox: VecDeque<Input>,
    jobs: Vec<Job>,
    /// What edges have done and not yet said.
    results: Vec<Input>,
    /// Paths that were seen with a writer, by look.
    written: BTreeMap<Ticket, BTreeSet<Vec<u8>>>,
    receivers: Receivers,
    journal: Journal,
    ages: Ages,
    books: Books,
    /// Errors that groups have given.
    faults: usize,
    uncertain: BTreeSet<Vec<u8>>,
    /// Sent, not taken, and forgotten in a power cut.
    lost_deliveries: BTreeSet<DeliveryKey>,
    rules: [bool; 3],
    /// The subscription that hears all always had its rule, and lost nothing that a backfill cannot make up for.
    heard_all: bool,
    next_reply: u64,
    records: BTreeMap<ReplyId, String>,
    /// Outcomes of groups that were lost: deliveries that were taken.
    not_yet_accepted: Vec<Attempted>,
    /// Record keys whose answer was given.
    kept_records: Vec<String>,
    syncs: BTreeMap<ReplyId, SyncPoint>,
    registering: Registering,
    pristine: BTreeMap<Vec<u8>, u32>,
}

/// A broken promise, in words.
pub type Checked = Result<(), String>;

impl World {
    pub fn new(seed: u64, print: bool) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::of(&mut rng);
        let volumes: &[(&str, u64)] = match (plan.mounts, rng.chance(500)) {
            (1, _) => &[("a", 1)],
            (_, true) => &[("a", 1), ("b", 1)],
            (_, false) => &[("a", 1), ("b", 2)],
        };
        let mut inner = Inner::new(Rng::new(rng.next()), volumes, 1_700_000_000_000);
        inner.leases = plan.leases;
        (inner.births, inner.granularity_ns) = (plan.births, plan.granularity_ns);
        (inner.crosses, inner.mount_roots) = (plan.crosses, !plan.bare_roots);
        // What a coarse clock may hide is judged by this machine's clock.
        let may_be_behind = plan.source == SourceKind::Poll && plan.granularity_ns == 0;
        inner.behind_ms = if may_be_behind { plan.behind_ms } else { 0 };
        inner.source = Source::new(plan.source);
        for _ in 0..rng.below(60) {
            ops::random(&mut inner);
        }
        while !inner.writers.is_empty() {
            ops::close(&mut inner, 0);
        }
        if plan.crowd {
            ops::crowd(&mut inner, CROWD_FILES);
        }
        inner.wall_ms += 10_000;
        inner.log.clear();
        inner.rewrites.clear();
        let first_scan = if plan.report_first { FirstScan::Report } else { FirstScan::Silent };
        let mount = |point: &super::disk::MountPoint| Mount {
            ignore: vec!["*.tmp".to_owned()],
            first_scan,
            poll_interval_ms: 3_000,
            cross_filesystems: plan.crosses,
            verify_ms: if plan.deaf > 0 { 7_000 } else { 0 },
            ..Mount::new(point.logical.clone(), super::disk::disk_path(point.logical.as_bytes()))
        };
        let configured: Vec<Mount> = inner.mounts.iter().map(mount).collect();
        let mounts = Arc::new(Mounts::new(configured.clone(), None).expect("mounts"));
        let patience = Patience { quiet_ms: QUIET_MS, max_ms: None };
        let setup = Setup { mounts: configured, patience };
        let pristine = check::pristine(&inner);
        let pristine =
            pristine.into_iter().map(|p| (p.clone(), inner.versions.get(&p).copied().unwrap_or(0))).collect();
        let host = Host { inner: Arc::new(std::sync::Mutex::new(inner)), sees_closes: plan.sees_closes };
        let retention = Retention { owed: plan.owed_max, ..Retention::default() };
        let late = plan.rules_change > 0 && rng.chance(500);
        let (writer, reader) = connect(&format!("sim-{seed}-{print}-{:?}", std::thread::current().id()));
        let hooks = Arc::new(Hooks::default());
        let mut trace = Trace::new(print);
        trace.line(format!("{plan:?}"));
        let mut world = Self {
            trace,
            rng,
            plan,
            host,
            mounts,
            setup,
            retention,
            engine: None,
            ledger: Reader(reader),
            hooks,
            life: 0,
            inbox: VecDeque::new(),
            jobs: Vec::new(),
            results: Vec::new(),
            written: BTreeMap::new(),
            receivers: Receivers::default(),
            journal: Journal::default(),
            ages: Ages::default(),
            books: Books::default(),
            faults: 0,
            uncertain: BTreeSet::new(),
            lost_deliveries: BTreeSet::new(),
            rules: [!late, true, true],
            heard_all: !late,
            next_reply: 1,
            records: BTreeMap::new(),
            not_yet_accepted: Vec::new(),
            kept_records: Vec::new(),
            syncs: BTreeMap::new(),
            registering: Registering::default(),
            pristine,
        };
        world.create_ledger(writer);
        world
    }

    /// Runs the seed.
    pub fn run(&mut self) -> Checked {
        {
            let mut inner = self.host.lock();
            (inner.meddle, inner.limit, inner.deaf) = (self.plan.meddle, self.plan.limit, self.plan.deaf);
            inner.lingers = self.plan.lingers;
            inner.deaths = self.plan.source_dies;
            inner.remakes = if self.plan.bare_roots { self.plan.roots_remade * 20 } else { 0 };
        }
        self.start()?;
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.end()
    }

    fn now(&self) -> Now {
        let inner = self.host.lock();
        Now { mono: Mono(inner.mono_ms), wall: Wall(inner.wall_ms) }
    }

    fn pass(&mut self, ms: u64) {
        let mut inner = self.host.lock();
        inner.mono_ms += ms;
        inner.wall_ms += ms as i64;
    }

    fn note(&mut self, line: impl Into<String>) {
        let at = self.now().mono.0;
        self.trace.line(format!("{at:>7} {}", line.into()));
    }

    fn note_disk(&mut self) {
        let log = std::mem::take(&mut self.host.lock().log);
        for line in log {
            self.note(format!("  disk: {line}"));
        }
    }

    fn step(&mut self) -> Checked {
        match self.rng.below(20) {
            0..5 => {
                ops::random(&mut self.host.lock());
                self.note_disk();
            }
            5..8 => self.hear(),
            8..11 => self.work(),
            11..13 => self.report(),
            13..15 => self.deliver()?,
            15 => {
                let ms = if self.rng.chance(100) { self.rng.between(100, 3_000) } else { self.rng.between(0, 40) };
                self.pass(ms);
            }
            16 => {
                self.call();
                self.operate();
                self.register();
            }
            17 => return self.misfortune(),
            _ => {
                let most = self.rng.between(1, 12) as usize;
                self.run_engine(most)?;
            }
        }
        if self.engine.as_ref().is_some_and(|engine| engine.deadline() <= self.now().mono) && self.rng.chance(300) {
            self.run_engine(3)?;
        }
        Ok(())
    }

    /// The source's thread reads events; what it says may come twice, late and out of order, or be lost and said so.
    fn hear(&mut self) {
        let most = self.rng.between(1, 12) as usize;
        let lost = self.rng.chance(self.plan.lost);
        let signals = {
            let mut inner = self.host.lock();
            let mut signals = std::mem::take(&mut inner.instances.last_words);
            let mut source = std::mem::take(&mut inner.source);
            signals.extend(match lost {
                true => source.lose(most, &self.mounts),
                false => source.read(most, &inner, &self.mounts, self.plan.sees_closes),
            });
            inner.source = source;
            signals
        };
        if signals.is_empty() {
            return;
        }
        let mut said: Vec<Signal> = Vec::new();
        for signal in signals {
            let is_hint = matches!(signal, Signal::Hint(_));
            if is_hint && self.rng.chance(self.plan.doubled) {
                said.push(signal.clone());
            }
            said.push(signal);
            let at = said.len() - 1;
            // Nothing passes a Synced or a Lost.
            if is_hint && at > 0 && matches!(said[at - 1], Signal::Hint(_)) && self.rng.chance(self.plan.reordered) {
                said.swap(at - 1, at);
            }
        }
        if said.iter().any(|signal| matches!(signal, Signal::Lost(_))) {
            self.forgive();
        }
        for signal in &said {
            self.note(match signal {
                Signal::Hint(hint) => format!("  hint {:?} {}", hint.kind, hint.path.as_bytes().escape_ascii()),
                other => format!("  {other:?}"),
            });
        }
        self.inbox.push_back(Input::Intake(intake::Input::Signals(said)));
    }

    /// An edge does one of its jobs.
    fn work(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let at = self.rng.below(self.jobs.len());
        let job = self.jobs.remove(at);
        let host = self.host.clone();
        let clock = {
            let host = self.host.clone();
            move || Wall(host.lock().wall_ms)
        };
        match job {
            Job::Look(request) => {
                let looked = look::look(&host, &self.mounts, &host, &clock, &request);
                self.note_disk();
                let busy = |seen: &Seen| matches!(seen, Seen::File(look) if look.writer == Writer::Some);
                let written = looked.seen.iter().filter(|(_, seen)| busy(seen));
                self.written.insert(looked.ticket, written.map(|(path, _)| path.as_bytes().to_vec()).collect());
                for (path, seen) in &looked.seen {
                    self.note(format!("  looked {} {}", path.as_bytes().escape_ascii(), brief(seen)));
                }
                self.results.push(Input::Intake(intake::Input::Looked(looked)));
            }
            Job::List(request) => {
                let listed = look::list(&host, &self.mounts, &host, &clock, &request);
                self.note_disk();
                let found = listed.content.as_ref().map(|listing| (listing.files.len(), listing.directories.len()));
                self.note(format!("  listed {} {found:?}", listed.path.as_bytes().escape_ascii()));
                self.results.push(Input::Intake(intake::Input::Listed(listed)));
            }
            Job::SeeRoot(request) => {
                let seen = look::root(&host, &self.mounts, &host, &request);
                self.note_disk();
                self.results.push(Input::Intake(intake::Input::RootSeen(request.mount, seen)));
            }
            Job::SyncSource(number) => {
                if let Err(error) = host.sync(number) {
                    self.note(format!("  no sync {number}: {error}"));
                    // As `daemon/looker.rs` has it.
                    let lost = self.mounts.ids().map(Signal::Lost);
                    let signals = lost.chain([Signal::Synced(number)]).collect();
                    self.results.push(Input::Intake(intake::Input::Signals(signals)));
                }
            }
        }
    }

    /// An edge says what it has done.
    fn report(&mut self) {
        if !self.results.is_empty() {
            let at = self.rng.below(self.results.len());
            let result = self.results.remove(at);
            self.inbox.push_back(result);
        }
    }

    /// Something happens on the wire.
    fn deliver(&mut self) -> Checked {
        let mut log = Vec::new();
        let outcome = self.receivers.step(self.life, &mut self.rng, &mut log);
        for line in log {
            self.note(format!("  wire: {line}"));
        }
        if let Some(attempted) = outcome? {
            self.inbox.push_back(Input::Attempted(attempted));
        }
        Ok(())
    }

    /// Runs one group of at most this many inputs, and carries its effects out.
    fn run_engine(&mut self, most: usize) -> Checked {
        let take = most.min(self.inbox.len());
        let inputs: Vec<Input> = self.inbox.drain(..take).collect();
        let effects = self.group(inputs)?;
        self.carry_out(effects)
    }

    /// Runs one group and checks what it committed.
    fn group(&mut self, inputs: Vec<Input>) -> Result<Vec<Effect>, String> {
        let now = self.now();
        let names: Vec<_> = inputs.iter().map(brief_input).collect();
        let looked = inputs.iter().filter_map(|input| match input {
            Input::Intake(intake::Input::Looked(looked)) => self.written.remove(&looked.ticket),
            _ => None,
        });
        let written: BTreeSet<Vec<u8>> = looked.flatten().collect();
        let attempted: Vec<_> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Attempted(attempted) => Some(attempted.clone()),
                _ => None,
            })
            .collect();
        let resumed: Vec<_> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Ask(_, Ask::Resume { subscription, .. }) => Some(*subscription),
                _ => None,
            })
            .collect();
        let Some(engine) = &mut self.engine else { return Ok(Vec::new()) };
        if self.hooks.is_full() {
            // What a full disk undoes goes back to the last sync here; a file keeps what was committed.
            engine.ledger().sync().expect("a sync");
        }
        // Before the mounts are looked at, hints are dropped in favour of the scan to come.
        let was_ready = engine.status(now).ready;
        let locks = self.hooks.locked.load(Ordering::Relaxed);
        let (was_locked, was_well) = (locks > 0, engine.is_well());
        let ran = engine.run(now, inputs);
        // While the disk refuses, callers are refused at once.
        let is_refusal = |effect: &Effect| matches!(effect, Effect::Answer(..));
        if was_locked && engine.is_locked_out() && !(ran.faults.is_empty() && ran.effects.iter().all(is_refusal)) {
            return Err(format!("a lock of another process loses a group: {:?}", ran.faults));
        }
        let met_lock = self.hooks.locked.load(Ordering::Relaxed) < locks;
        if met_lock && was_well && !engine.is_locked_out() {
            return Err("a group that met a lock of another process is not kept".to_owned());
        }
        self.faults += ran.faults.len();
        if engine.held().is_some() && engine.status(now).ready {
            return Err("nothing is taken in, and it says that it is ready".to_owned());
        }
        self.note(format!("run [{}]", names.join(" ")));
        for fault in &ran.faults {
            let source = std::error::Error::source(fault).map(ToString::to_string).unwrap_or_default();
            self.note(format!("  fault: {fault}: {source}"));
        }
        if !was_ready || !ran.faults.is_empty() || self.plan.source_dies > 0 {
            // The machines, and what they remember of hints, may be lost.
            self.forgive();
        }
        let unbinds = self.host.lock().unbinds.clone();
        let truth = self.truth();
        let rows = self.journal.take(&self.ledger, &unbinds, &truth)?;
        self.note_reported(&rows);
        self.read_registrations();
        for row in rows {
            self.was_seen(&row)?;
            let (seq, rrn, path) = (row.seq, row.rrn, row.path.as_bytes().escape_ascii());
            self.note(format!("  journal {seq} rrn {rrn} asset {} {:?} {path} {:?}", row.asset, row.action, row.delta));
            let tells = matches!(row.action.as_str(), "added" | "modified");
            if row.path.as_bytes().ends_with(ops::STRAY) {
                return Err(format!("what lies below something unmounted is reported: {row:?}"));
            }
            if tells && written.contains(row.path.as_bytes()) {
                return Err(format!("told while somebody writes it: {row:?}"));
            }
        }
        self.check_ages()?;
        if !was_well || !ran.faults.is_empty() {
            self.receivers.forget_classes(self.life);
        }
        self.take_outcomes(&attempted, &resumed)?;
        Ok(ran.effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Checked {
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Answer(reply, answer) => Some((*reply, answer.clone())),
            _ => None,
        });
        self.answer_registering(&answers.collect::<Vec<_>>())?;
        for effect in effects {
            match effect {
                Effect::Do(job) => self.jobs.push(job),
                Effect::Answer(reply, answer) if self.records.contains_key(&reply) => {
                    self.answer_records(reply, &answer)?;
                }
                Effect::Answer(_, Answer::Records(answer)) => return Err(format!("answered twice: {answer:?}")),
                Effect::Answer(reply, Answer::Sync(answer)) => {
                    self.journal.greatest_rrn = self.journal.greatest_rrn.max(answer.rrn.0);
                    self.note(format!("  answer sync {reply:?} {answer:?}"));
                    if let Some(point) = self.syncs.remove(&reply)
                        && answer.offline.is_empty()
                        // A failed input is tried again later, and no sync waits for that.
                        && self.plan.input_fails == 0
                        // Nothing is promised for writes that nothing hints.
                        && self.plan.deaf == 0
                        && self.host.lock().mounts.iter().all(|mount| mount.away.is_none())
                    {
                        point.check(&self.host.lock(), &self.ledger)?;
                    }
                }
                Effect::Answer(reply, answer) => {
                    // There is nothing to scan.
                    self.syncs.remove(&reply);
                    self.note(format!("  answer {reply:?} {answer:?}"));
                }
                Effect::Send(request) => {
                    let path = |told: &Told| {
                        format!("{} {} #{} rrn {}", told.action, told.path.escape_ascii(), told.asset, told.rrn)
                    };
                    let (key, id) = (request.id.key, request.id);
                    let line = format!("  send {} {id} attempt {}", request.subscription.name, request.attempt);
                    self.send(request)?;
                    let told: Vec<_> = self.receivers.sent[&key].entries.iter().map(path).collect();
                    self.note(format!("{line} [{}]", told.join(", ")));
                    self.check_known(key)?;
                }
            }
        }
        Ok(())
    }

    /// An attempt goes out.
    fn send(&mut self, request: SendRequest) -> Checked {
        let (key, id, now) = (request.id.key, request.id, self.now());
        let name = request.subscription.name.to_string();
        let (body, whose, seqs) =
            self.ledger.delivery(key).ok_or_else(|| format!("{id} is sent, and the ledger does not hold it"))?;
        if (&body[..], &whose) != (&request.body.bytes[..], &name) {
            return Err(format!("{id} is sent, and the ledger holds it otherwise"));
        }
        self.books.check_turn(&request, now, &self.ledger, self.plan.clock_jumps > 0 || self.plan.damage)?;
        self.books.sent(&request, &self.ledger);
        let class = self.ledger.lane(&name).class();
        let going = Going { life: self.life, request, class, seqs, at: now.wall };
        self.receivers.send(going, &mut self.rng, &self.plan)
    }

    /// Everything that a delivery tells is in the journal; a backfill tells of assets, and of no change.
    fn check_known(&self, key: DeliveryKey) -> Checked {
        let sent = &self.receivers.sent[&key];
        let known = |told: &Told| {
            let same = |row: &&ringback::model::change::Change| {
                (row.rrn.0, row.asset.0, row.path.as_bytes()) == (told.rrn, told.asset, &told.path)
            };
            let event = |seq: &i64| Told::of_event(*seq, &told.action) == *told;
            self.journal.rows.iter().rev().find(same).is_some() || self.journal.events.iter().rev().any(event)
        };
        let stands = |told: &Told| self.ledger.assets_ever().contains(&told.asset);
        let mut entries = sent.entries.iter().zip(&sent.seqs);
        match entries.find(|(told, seqs)| !(known(told) || seqs.is_empty() && stands(told))) {
            Some((told, _)) => Err(format!("{} tells what the journal does not hold: {told:?}", sent.id)),
            None => Ok(()),
        }
    }

    fn answer_records(&mut self, reply: ReplyId, answer: &Answer) -> Checked {
        let Some(key) = self.records.remove(&reply) else { return Err(format!("answered twice: {reply:?}")) };
        self.note(format!("  answer records {key} {answer:?}"));
        let kept = self.ledger.keeps_record(&key);
        if kept != self.ledger.keeps_report(&key) {
            return Err(format!("of the request of {key} a part is kept: the record {kept}"));
        }
        match answer {
            Answer::Records(RecordsAnswer::Accepted { rrn, .. }) => {
                self.journal.greatest_rrn = self.journal.greatest_rrn.max(rrn.0);
                if !kept {
                    return Err(format!("record {key} is accepted and not kept"));
                }
                self.kept_records.push(key);
            }
            _ if kept => return Err(format!("record {key} is refused and kept")),
            _ => {}
        }
        Ok(())
    }

    /// The rules in force or to come, as a set.
    fn rule_set(&self) -> NewRules {
        let on = RULES.iter().zip(self.rules).filter(|(_, on)| *on);
        let mut text: String = on.map(|(text, _)| *text).collect();
        text.extend(self.plan.policies.all.iter().map(|policy| policy.rule.as_str()));
        for lane in 0..self.plan.lanes {
            let place = if lane < 3 { "/" } else { "/a/dir" };
            text += &format!(
                "[[subscription]]\nname = 'n{lane}'\ncallback = 'http://t{}/n{lane}'\nwatchPath = ['* {place}']\n\
                 retry = ['500ms']\nretryCount = 3\n",
                lane % 3
            );
        }
        let file = SourceFile { name: "sim.toml".to_owned(), text: text.into_bytes().into() };
        let set: RuleSet = ringback::rules::load(std::slice::from_ref(&file)).set.expect("good rules");
        NewRules { set: Arc::new(set), files: vec![file], changes: Vec::new() }
    }
}

fn brief(seen: &Seen) -> String {
    match seen {
        Seen::File(look) => {
            format!("file ino {} size {} {:?}", look.stat.identity.inode, look.stat.size, look.writer)
        }
        other => format!("{other:?}"),
    }
}

fn brief_input(input: &Input) -> String {
    match input {
        Input::Intake(intake::Input::Signals(signals)) => format!("signals({})", signals.len()),
        Input::Intake(intake::Input::Looked(looked)) => {
            let paths: Vec<_> =
                looked.seen.iter().map(|(path, _)| path.as_bytes().escape_ascii().to_string()).collect();
            format!("looked({})", paths.join(","))
        }
        Input::Intake(intake::Input::Listed(listed)) => format!("listed({})", listed.path.as_bytes().escape_ascii()),
        Input::Intake(intake::Input::ContentRead(path)) => format!("read({})", path.as_bytes().escape_ascii()),
        Input::Intake(intake::Input::RootSeen(mount, seen)) => format!("root({} {seen:?})", mount.0),
        Input::Attempted(attempted) => {
            format!("attempted({} {})", attempted.key, attempted.reply.failure())
        }
        Input::Ask(reply, Ask::Records(_)) => format!("records({})", reply.0),
        Input::Ask(reply, ask) => format!("ask({} {ask:?})", reply.0),
        Input::Rules(_) => "rules".to_owned(),
        Input::RuleFaults(_) => "rule faults".to_owned(),
        Input::Tuned(_) => "settings".to_owned(),
    }
}

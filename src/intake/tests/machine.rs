//! Intake with a ledger in memory, for tests: each test answers its effects from files of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use crate::intake::{Effect, Input, Intake, RescanAsked, RulesInForce, Setup, TakenOver};
use crate::model::asset::Stat;
use crate::model::ids::ReplyId;
use crate::model::job::Job;
use crate::model::look::{FileLook, ListedFile, Listing, MetadataLook, Writer};
use crate::model::metadata::Metadata;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::rescan::{RescanRequest, Until};
use crate::model::time::{Mono, Now, Wall};
use crate::settle::Patience;
use crate::store::Ledger;

/// When a machine starts.
pub(in crate::intake) const NOW: Now = Now { mono: Mono(0), wall: Wall(1_800_000_000_000) };

/// Rounds after which there is no end to what intake wants.
const ROUNDS_LIMIT: usize = 1_000;

/// Intake, its ledger and its clock.
pub(in crate::intake) struct Machine {
    pub setup: Setup,
    pub intake: Intake,
    pub ledger: Ledger,
    /// Reads what is committed.
    pub reader: Connection,
    pub now: Now,
}

impl Machine {
    /// Intake with one mount at `/`, without rules.
    pub(in crate::intake) fn new(configure: impl Fn(&mut Mount)) -> Self {
        static MACHINES: AtomicU64 = AtomicU64::new(0);
        let name = format!("file:intake-{}?mode=memory&cache=shared", MACHINES.fetch_add(1, Ordering::Relaxed));
        let connection = Connection::open(&name).expect("SQLite");
        let reader = Connection::open(&name).expect("SQLite");
        reader.pragma_update(None, "read_uncommitted", true).expect("a shared cache");
        let ledger = Ledger::in_memory(connection, 1).expect("a ledger");
        let root = LogicalPath::parse(b"/").expect("a path");
        let mut mount = Mount { ignore: Vec::new(), ..Mount::new(root, "/unused".into()) };
        configure(&mut mount);
        let setup = Setup { mounts: vec![mount], patience: Patience { quiet_ms: 1_000, max_ms: None } };
        let rules = RulesInForce::default();
        let intake = Intake::load(setup.clone(), rules, ledger.intake(), NOW, TakenOver::default()).expect("intake");
        Self { setup, intake, ledger, reader, now: NOW }
    }

    /// Starts intake again from its ledger.
    pub(in crate::intake) fn restart(&mut self) {
        let rules = RulesInForce::default();
        let taken_over = TakenOver { next_ticket: self.intake.next_ticket(), syncs: Vec::new(), rescans: Vec::new() };
        self.intake =
            Intake::load(self.setup.clone(), rules, self.ledger.intake(), self.now, taken_over).expect("intake");
    }

    /// Lets time pass.
    pub(in crate::intake) fn pass(&mut self, ms: u64) {
        let Now { mono, wall } = self.now;
        self.now = Now { mono: mono.plus_ms(ms), wall: Wall(wall.0 + i64::try_from(ms).expect("a time")) };
    }

    /// Scans as somebody asks who does not wait.
    pub(in crate::intake) fn scan(&mut self, reply: ReplyId, request: &RescanRequest) {
        self.ledger.begin().expect("a group");
        let fault = self.intake.scan(
            self.now,
            RescanAsked { reply, until: Until::Begun, request, task: None },
            self.ledger.intake(),
        );
        assert!(fault.is_none(), "{fault:?}");
        self.ledger.commit().expect("a commit");
    }

    /// Ends a group, and returns what intake wants done.
    pub(in crate::intake) fn release(&mut self) -> Vec<Effect> {
        self.ledger.begin().expect("a group");
        let effects = self.intake.release(self.now, self.ledger.intake(), true).expect("a release");
        self.ledger.commit().expect("a commit");
        effects
    }
}

/// A file as a look finds it, without attributes.
pub(in crate::intake) fn looked(stat: Stat, writer: Writer) -> FileLook {
    FileLook { stat, racy: false, owner: "jo".into(), metadata: MetadataLook::Seen(BTreeMap::new()), writer }
}

/// What is in a directory, of all files in the order of their paths.
pub(in crate::intake) fn listing<'a>(
    directory: &LogicalPath,
    files: impl Iterator<Item = (&'a LogicalPath, Stat)>,
) -> Listing {
    let mut listing = Listing::default();
    for (file, stat) in files.filter(|(file, _)| file.is_below(directory)) {
        let rest = file.relative_to(directory).expect("it is below");
        let name = rest.split(|&b| b == b'/').next().expect("a name").to_vec();
        if name == rest {
            listing.files.push(ListedFile { name, stat, racy: false, owner: "jo".into(), xattrs: Ok(Metadata::new()) });
        } else {
            listing.directories.push(name);
        }
    }
    listing.directories.dedup();
    listing
}

/// A test's world around a machine.
pub(in crate::intake) trait World {
    /// The machine.
    fn machine(&mut self) -> &mut Machine;

    /// Does what intake wants done.
    fn carry_out(&mut self, job: Job) -> Input;

    /// Somebody is answered.
    fn answered(&mut self, _: ReplyId) {}

    /// Takes an input in a group of its own.
    fn step(&mut self, input: Input) {
        let machine = self.machine();
        machine.ledger.begin().expect("a group");
        let done = machine.intake.step(machine.now, input, machine.ledger.intake()).expect("a step");
        assert!(done.fault.is_none(), "{:?}", done.fault);
        machine.ledger.commit().expect("a commit");
    }

    /// Does what intake wants done until it wants nothing.
    fn run(&mut self) {
        for _ in 0..ROUNDS_LIMIT {
            let effects = self.machine().release();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Do(job) => {
                        let input = self.carry_out(job);
                        self.step(input);
                    }
                    Effect::Answer(reply, _) => self.answered(reply),
                }
            }
        }
        panic!("there is no end to what intake wants");
    }
}

//! What goes wrong in a seed, and how a connection is made to refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use ringback::model::watching::SourceKind;
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{Connection, OpenFlags};

use super::policies::Policies;
use super::rng::Rng;

/// A seed's world. Chances are per thousand steps, or per thousand of what they are about.
#[derive(Debug, Clone)]
pub struct Plan {
    pub mounts: usize,
    pub steps: usize,
    pub source: SourceKind,
    pub sees_closes: bool,
    pub leases: bool,
    pub meddle: u32,
    pub doubled: u32,
    pub reordered: u32,
    pub lost: u32,
    pub limit: u32,
    /// Writes in a thousand that no event tells; a sweep is to find them.
    pub deaf: u32,
    pub crash: u32,
    pub power_cut: u32,
    pub commit_fails: u32,
    pub input_fails: u32,
    pub refusals: u32,
    pub slow: u32,
    pub clock_jumps: u32,
    pub mounts_away: u32,
    pub rules_change: u32,
    pub records: u32,
    pub syncs: u32,
    pub report_first: bool,
    pub ledger_full: u32,
    /// Closes in a thousand after which the file counts as open for writing a while longer.
    pub lingers: u32,
    /// Times in a thousand steps, and in ten thousand system calls of looks, at which the source's queue dies.
    pub source_dies: u32,
    /// Attempts in a thousand whose task fails: they end without an outcome of the wire.
    pub attempt_fails: u32,
    /// The filesystems keep birth times.
    pub births: bool,
    /// How coarse the times of files are, nanoseconds; 0: no two are the same.
    pub granularity_ns: i64,
    /// Times at which another process takes the ledger's lock for a few groups.
    pub locked: u32,
    /// Commits are refused several times in a row.
    pub stays_refused: bool,
    /// Times at which some days pass at once.
    pub days: u32,
    /// The clock jumps by weeks, too.
    pub leaps: bool,
    /// Subscriptions beside the three that are always there: more than there are slots.
    pub lanes: usize,
    /// Entries that a subscription may be owed.
    pub owed_max: u64,
    /// At the end rows are damaged, and then the whole ledger.
    pub damage: bool,
    /// Filesystems are mounted inside the mounts, and unmounted.
    pub inner: u32,
    /// The mounts enter them.
    pub crosses: bool,
    /// The mounts' roots are plain directories.
    pub bare_roots: bool,
    /// A root that is a plain directory is removed and made anew.
    pub roots_remade: u32,
    /// A stray file lies in the directory that stands in for a mount that is away.
    pub strays: bool,
    /// Times at which something becomes unreadable, or all of it readable again.
    pub unreadable: u32,
    /// A directory holds more files than one input deletes, and goes.
    pub crowd: bool,
    /// The clock of a polled filesystem is this far behind, milliseconds.
    pub behind_ms: i64,
    /// Subscriptions with other delivery policies, and their targets.
    pub policies: Policies,
    /// Times at which programs register, replace or end subscriptions.
    pub registers: u32,
}

impl Plan {
    /// Half of the seeds are calm in each respect, so that a fault is not always hidden by another.
    pub fn of(rng: &mut Rng) -> Self {
        let mut some = |most: u64| if rng.chance(500) { rng.between(1, most) as u32 } else { 0 };
        let (meddle, doubled, reordered, lost) = (some(60), some(100), some(100), some(60));
        let (crash, power_cut, commit_fails, input_fails) = (some(12), some(8), some(10), some(10));
        let (refusals, slow) = (some(500), some(400));
        let (clock_jumps, mounts_away) = (some(5), some(10));
        let (rules_change, records, syncs) = (some(8), some(40), some(30));
        let limit = some(200);
        let ledger_full = some(20);
        let lingers = some(500);
        let (inner, roots_remade) = (some(12), some(4));
        let deaf = if rng.chance(250) { rng.between(1, 300) as u32 } else { 0 };
        let mut plan = Self {
            mounts: if rng.chance(500) { 2 } else { 1 },
            steps: rng.between(150, 900) as usize,
            source: [SourceKind::Fanotify, SourceKind::Inotify, SourceKind::Notify, SourceKind::Poll][match rng
                .below(10)
            {
                0..4 => 0,
                4..7 => 1,
                7 | 8 => 2,
                _ => 3,
            }],
            sees_closes: rng.chance(800),
            leases: rng.chance(800),
            meddle,
            doubled,
            reordered,
            lost,
            limit,
            deaf,
            crash,
            power_cut,
            commit_fails,
            input_fails,
            refusals,
            slow,
            clock_jumps,
            mounts_away,
            rules_change,
            records,
            syncs,
            report_first: rng.chance(150),
            ledger_full,
            lingers,
            inner,
            crosses: rng.chance(600),
            bare_roots: rng.chance(500),
            roots_remade,
            strays: rng.chance(600),
            unreadable: 0,
            crowd: false,
            behind_ms: if rng.chance(500) { 300_000 } else { 0 },
            source_dies: 0,
            attempt_fails: 0,
            births: true,
            granularity_ns: 0,
            locked: 0,
            stays_refused: false,
            days: 0,
            leaps: false,
            lanes: 0,
            owed_max: 1_000_000,
            damage: false,
            policies: Policies::default(),
            registers: 0,
        };
        plan.source_dies = if rng.chance(250) { rng.between(1, 12) as u32 } else { 0 };
        plan.attempt_fails = if rng.chance(250) { rng.between(1, 300) as u32 } else { 0 };
        plan.births = rng.chance(600);
        plan.granularity_ns = [0, 0, 10_000_000, 1_000_000_000][rng.below(4)];
        plan.locked = if rng.chance(300) { rng.between(1, 20) as u32 } else { 0 };
        plan.stays_refused = rng.chance(400) && plan.commit_fails > 0;
        // What a power cut takes back and what was forgotten cannot be told apart from outside.
        let days = if rng.chance(300) { rng.between(1, 8) as u32 } else { 0 };
        plan.days = if plan.power_cut == 0 { days } else { 0 };
        plan.leaps = rng.chance(400) && plan.clock_jumps > 0;
        if rng.chance(150) {
            plan.lanes = rng.between(30, 120) as usize;
            plan.steps = plan.steps.min(300);
        }
        if rng.chance(250) {
            plan.owed_max = rng.between(1, 12);
            // What is seldom refused is seldom owed for long.
            plan.refusals = if rng.chance(600) { rng.between(400, 900) as u32 } else { plan.refusals };
        }
        plan.damage = rng.chance(250) && plan.power_cut == 0;
        // So many troubles lose the evidence of a removed root that hardly a seed has none of them by chance.
        if rng.chance(80) {
            (plan.bare_roots, plan.roots_remade, plan.inner) = (true, 4, 0);
            (plan.crash, plan.power_cut, plan.commit_fails) = (0, 0, 0);
            (plan.ledger_full, plan.locked, plan.mounts_away) = (0, 0, 0);
        }
        plan.unreadable = if rng.chance(300) { rng.between(5, 30) as u32 } else { 0 };
        if plan.unreadable > 0 {
            // A sync does not wait for the end of a fault.
            plan.syncs = 0;
        }
        plan.crowd = rng.chance(25);
        plan.policies = Policies::of(&mut Rng::new(rng.next()), plan.power_cut == 0);
        plan.registers = if rng.chance(500) { rng.between(2, 50) as u32 } else { 0 };
        plan
    }
}

impl Plan {
    /// Whether a file must be in the catalog soon after its last close: nothing that may delay it goes wrong.
    pub fn is_prompt(&self) -> bool {
        let troubles = [self.limit, self.deaf, self.input_fails, self.ledger_full, self.source_dies, self.inner];
        let calm = troubles.into_iter().chain([self.roots_remade]).all(|chance| chance == 0);
        calm && self.leases && self.sees_closes && self.source != SourceKind::Poll
    }
}

impl Plan {
    /// Whether the process remembers from its start to the end which directory each root was: no restart, no group that
    /// fails, and no mount that is away.
    pub fn keeps_evidence(&self) -> bool {
        let losses = [self.crash, self.power_cut, self.commit_fails, self.ledger_full, self.locked, self.mounts_away];
        losses.into_iter().all(|chance| chance == 0)
    }
}

/// What the next statements of a connection meet.
#[derive(Debug, Default)]
pub struct Hooks {
    /// The next commit of a group is refused.
    pub commit: AtomicBool,
    /// The next journal row is refused: one input fails.
    pub journal: AtomicBool,
    /// The next delivery is refused: a group fails from within.
    pub delivery: AtomicBool,
    /// So many groups more find the ledger locked by another process.
    pub locked: AtomicU32,
    /// So many commits more are refused.
    pub refused: AtomicU32,
    /// Pages of the ledger are damaged: changes cannot be recorded.
    pub damaged: AtomicBool,
    /// How full the ledger's disk is, until somebody makes room.
    full: AtomicU8,
}

/// How full the ledger's disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fullness {
    /// There is room.
    Room,
    /// What the ballast leaves is enough for what becomes of deliveries, and for nothing else.
    Ballast,
    /// That is used up too.
    Brim,
}

impl Hooks {
    /// The disk is as full as this from now on.
    pub fn fill(&self, fullness: Fullness) {
        self.full.store(fullness as u8, Ordering::Relaxed);
    }

    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed) != Fullness::Room as u8
    }

    /// Whether nothing at all can be written.
    pub fn is_brimful(&self) -> bool {
        self.full.load(Ordering::Relaxed) == Fullness::Brim as u8
    }

    /// Everything but the disk's fullness, which outlives the process.
    pub fn clear(&self) {
        for hook in [&self.commit, &self.journal, &self.delivery, &self.damaged] {
            hook.store(false, Ordering::Relaxed);
        }
        self.locked.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
    }
}

/// An empty database in memory, and a second connection that reads what the first has written and not yet synced.
pub fn connect(name: &str) -> (Connection, Connection) {
    let uri = format!("file:{name}?mode=memory&cache=shared");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
    let writer = Connection::open_with_flags(&uri, flags).expect("a database in memory");
    let reader = Connection::open_with_flags(&uri, flags).expect("a database in memory");
    reader.pragma_update(None, "read_uncommitted", true).expect("a shared cache");
    (writer, reader)
}

/// Lets the hooks refuse. To be called when the schema is there and everything is synced.
pub fn install(connection: &mut Connection, hooks: &Arc<Hooks>) {
    let own = Arc::clone(hooks);
    let authorize = move |context: AuthContext<'_>| match context.action {
        AuthAction::Savepoint { operation: TransactionOperation::Release, savepoint_name: "grp" }
            if own.commit.swap(false, Ordering::Relaxed) || count_down(&own.refused) =>
        {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    };
    connection.authorizer(Some(authorize)).expect("an authorizer");
    for name in ["journal", "deliveries"] {
        let own = Arc::clone(hooks);
        let refuses = move |_: &rusqlite::functions::Context<'_>| {
            let hook = if name == "journal" { &own.journal } else { &own.delivery };
            Ok(hook.swap(false, Ordering::Relaxed))
        };
        let function = format!("refuse_{name}");
        connection
            .create_scalar_function(function.as_str(), 0, FunctionFlags::SQLITE_UTF8, refuses)
            .expect("a function");
        let sql = format!(
            "CREATE TEMP TRIGGER refuse_{name} BEFORE INSERT ON main.{name} WHEN refuse_{name}()
             BEGIN SELECT RAISE(ABORT, 'injected'); END"
        );
        connection.execute_batch(&sql).expect("a trigger");
    }
    fill_up(connection, hooks);
    lock(connection, hooks);
}

/// Takes one off what is left; returns whether there was any.
fn count_down(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// Lets another process hold the lock that a group needs, and lets pages be damaged.
fn lock(connection: &Connection, hooks: &Arc<Hooks>) {
    let refuse = |code| Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
    let own = Arc::clone(hooks);
    let is_free = move |_: &rusqlite::functions::Context<'_>| match count_down(&own.locked) {
        true => refuse(rusqlite::ffi::SQLITE_BUSY),
        false => Ok(true),
    };
    connection.create_scalar_function("is_free", 0, FunctionFlags::SQLITE_UTF8, is_free).expect("a function");
    let own = Arc::clone(hooks);
    let is_whole = move |_: &rusqlite::functions::Context<'_>| match own.damaged.load(Ordering::Relaxed) {
        // Not SQLITE_CORRUPT, after which SQLite refuses all writes until the outer savepoint is rolled back, too.
        true => refuse(rusqlite::ffi::SQLITE_NOTADB),
        false => Ok(true),
    };
    connection.create_scalar_function("is_whole", 0, FunctionFlags::SQLITE_UTF8, is_whole).expect("a function");
    connection
        .execute_batch(
            "CREATE TEMP TRIGGER is_free BEFORE UPDATE ON main.meta WHEN new.key = 'node' BEGIN SELECT is_free(); END;
             CREATE TEMP TRIGGER is_whole BEFORE INSERT ON main.journal BEGIN SELECT is_whole(); END",
        )
        .expect("triggers");
}

/// Lets the disk be full: SQLite says so itself, and undoes what it undoes then.
fn fill_up(connection: &Connection, hooks: &Arc<Hooks>) {
    let own = Arc::clone(hooks);
    let takes = move |context: &rusqlite::functions::Context<'_>| match own.full.load(Ordering::Relaxed) {
        full if full >= context.get::<u8>(0)? => {
            Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None))
        }
        _ => Ok(true),
    };
    connection.create_scalar_function("has_room", 1, FunctionFlags::SQLITE_UTF8, takes).expect("a function");
    let deliveries = ["INSERT", "UPDATE", "DELETE"].map(|what| (what, "deliveries", Fullness::Brim));
    // The last is how the engine finds out.
    let others = ["journal", "assets", "meta"].map(|table| ("INSERT", table, Fullness::Ballast));
    for (what, table, full) in deliveries.into_iter().chain(others) {
        let when = if table == "meta" { "WHEN new.key = 'holds'" } else { "" };
        let full = full as u8;
        let sql = format!(
            "CREATE TEMP TRIGGER room_{what}_{table} BEFORE {what} ON main.{table} {when}
             BEGIN SELECT has_room({full}); END"
        );
        connection.execute_batch(&sql).expect("a trigger");
    }
}

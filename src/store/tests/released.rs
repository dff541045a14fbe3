//! Ledgers of each schema that was ever released: `fixtures/db/NNNN.db`, a few rows of every table, opened as an
//! upgrade opens them.
//!
//! With `RINGBACK_BLESS=1` in the environment the file of the newest schema is written anew. Do that only for a schema
//! that is not released yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{asset, group, path, put};
use crate::diagnostic::SourceFile;
use crate::model::ask::{Bulk, Deed, Selection};
use crate::model::asset::{Asset, ContentRead, Identity};
use crate::model::attempt::{Answer, Attempted, Phase, Reply};
use crate::model::change::{Action, Change};
use crate::model::delivery::{Accepted, Body, Delivery};
use crate::model::entry::Entry;
use crate::model::event::{Dialect, EventFields, Occurrence, Origin};
use crate::model::ids::{AssetId, DeliveryNo, Rrn, Seq, SubscriptionId, TaskNo};
use crate::model::lane::{AcceptedSize, Failing, LanePolicy, Pause, Skipped};
use crate::model::listing::{DeliveryState, Point, Span};
use crate::model::look::SidecarFile;
use crate::model::metadata::{BySource, KeyDelta, Metadata, Said, Source};
use crate::model::mount::Standing;
use crate::model::part::{DeliveryKey, Part};
use crate::model::path::LogicalPath;
use crate::model::registration::Registration;
use crate::model::rescan::{RescanRequest, Rescanned, RunningRescan};
use crate::model::scope::Scope;
use crate::model::session::Session;
use crate::model::subscription::Name;
use crate::model::task::{Replay, RunningBulk};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::{
    Backfill, DirId, EarlyRecord, GivenAnswer, HotDelivery, LaggingRow, LastPlace, Ledger, MountRow, NewReplay,
    OldestOwed, OwedInGroups, OwedTotal, Place, Reading, ReadingFault, SubscriptionRow,
};

const AT: Wall = Wall(1_800_000_000_000);
const NODE: u64 = 0xfedc_ba98_7654_3210;

fn rule_file() -> SourceFile {
    SourceFile { name: "a.toml".to_owned(), text: (*b"# none\n").into() }
}

/// Schemas of which a ledger is kept; the last is the newest.
const SCHEMAS: [u32; 16] = [1, 2, 3, 5, 8, 10, 11, 12, 13, 14, 15, 17, 19, 20, 21, 22];

#[test]
fn every_released_ledger_can_be_read() {
    if std::env::var_os("RINGBACK_BLESS").is_some_and(|value| value == "1") {
        write_newest(&file_of(SCHEMAS[SCHEMAS.len() - 1]));
    }
    let mut files: Vec<_> =
        fs::read_dir(folder()).expect("the files").map(|file| file.expect("a listing goes on").path()).collect();
    files.sort();
    assert_eq!(files, SCHEMAS.map(file_of));
    for schema in SCHEMAS {
        let temporary = tempfile::tempdir().expect("a directory");
        fs::copy(file_of(schema), temporary.path().join("ledger.db")).expect("a copy");
        let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
        read(schema, &ledger);
        read_since(schema, &ledger);
        group(&ledger, |ledger| {
            let from = LastPlace { path: gone().path, deletion: (schema >= 8).then_some(Seq(9)) };
            assert_eq!(ledger.intake().unbury_asset(gone().id).expect("a gone asset"), from);
        });
        drop(ledger);
        let connection = Connection::open(temporary.path().join("ledger.db")).expect("the file");
        read_raw(&connection);
        // Schemas before the third had no marks.
        let marks: i64 = connection.query_row("SELECT count(*) FROM marks", [], |row| row.get(0)).expect("marks");
        assert_eq!(marks, i64::from(schema >= 3));
        let topics: i64 =
            connection.query_row("SELECT count(*) FROM topic_entries", [], |row| row.get(0)).expect("rows");
        assert_eq!(topics, i64::from(schema >= 19));
        // The first schema had no events.
        read_events(&connection, usize::from(schema >= 2));
    }
}

#[test]
fn a_subscription_s_number_is_not_given_again_by_an_upgrade() {
    let temporary = tempfile::tempdir().expect("a directory");
    let file = temporary.path().join("ledger.db");
    for (schema, left) in [(1, 1), (10, 0)] {
        fs::copy(file_of(schema), &file).expect("a copy");
        let connection = Connection::open(&file).expect("the file");
        connection.execute("DELETE FROM subscriptions WHERE id > ?1", [left]).expect("the newest are gone");
        drop(connection);
        let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
        group(&ledger, |ledger| {
            let three = ledger.enrol(None, "three").expect("a number");
            assert_eq!(three, SubscriptionId(3), "schema {schema}: two was another's");
        });
    }
}

fn file_of(schema: u32) -> PathBuf {
    folder().join(format!("{schema:04}.db"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/db")
}

/// A ledger with rows in every table, as one small file.
fn write_newest(file: &Path) {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, keeper) = Ledger::open(temporary.path(), NODE).expect("a ledger");
    group(&ledger, fill);
    group(&ledger, |ledger| ledger.close_ids().expect("a clean end"));
    drop((ledger, keeper));
    let written = temporary.path().join("ledger.db");
    let connection = Connection::open(&written).expect("the file");
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .and_then(|mut sql| sql.query_map([], |row| row.get(0))?.collect())
        .expect("tables");
    for table in tables {
        let rows: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count");
        assert!(rows > 0, "no row in {table}");
    }
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;").expect("one file");
    drop(connection);
    fs::copy(written, file).expect("a copy");
}

/// A replay that has come half its way.
fn replay() -> Replay {
    let (subscription, after) = (SubscriptionId(1), Some(key(1)));
    Replay { task: TaskNo(1), subscription, since: AT, after, until: DeliveryNo(2), done: 3 }
}

fn rescan() -> RunningRescan {
    let path = LogicalPath::parse(b"/acme/\xff").expect("a path");
    let scope = Scope::of([Tenant::parse("acme").expect("a name")]);
    let request = RescanRequest { path: Some(path), scope, accept_deletions: true, accept_root: false };
    RunningRescan { task: TaskNo(4), request, done: 5 }
}

/// A backfill that is amid the assets of a directory, and that another walk follows.
fn backfill() -> Backfill {
    let place = Place::Present(DirId(3), b"caf\xe9.mov".to_vec());
    Backfill { task: TaskNo(2), subscription: SubscriptionId(1), rrn: Rrn(4), again: Some(Rrn(9)), place, done: 7 }
}

/// Dead letters of two tenants that are dropped, piece by piece.
fn dropping() -> RunningBulk {
    let tenants = ["acme", "b"].map(|name| Tenant::parse(name).expect("a name"));
    let which = Selection {
        host: Some("h:80".to_owned()),
        state: Some(DeliveryState::Dead),
        outcome: Some("timeout".to_owned()),
        span: Span { since: Some(Point::Time(AT)), before: Some(Point::Seq(Seq(9))) },
        after: Some((SubscriptionId(1), DeliveryKey { number: DeliveryNo(3), part: Part::WHOLE })),
        ..Selection::of(Scope::of(tenants))
    };
    let reason = Some("moved away".to_owned());
    RunningBulk { task: TaskNo(3), bulk: Bulk { deed: Deed::Drop, which, by: "jo".to_owned(), reason }, done: 1_000 }
}

fn registration() -> Registration {
    let name = Name::registered(Dialect::Zoom, "one").expect("an id");
    Registration { request: "as asked".into(), ..Registration::new(name, None, "https://example.com") }
}

fn in_group() -> OwedInGroups {
    OwedInGroups { row: 1, seqs: vec![Seq(5), Seq(9)] }
}

fn mount() -> LogicalPath {
    path("/acme")
}

fn odd() -> LogicalPath {
    path("/acme/dailies").join(b"caf\xe9\n.mov")
}

fn mount_row() -> MountRow {
    let root = Some(Identity { volume: u64::MAX, inode: 2, birth_ns: 3 });
    MountRow {
        root,
        first_scan_began_ns: 1_700_000_000_000_000_000,
        first_scan_done: true,
        is_mount_root: None,
        had_assets: true,
        holds_deletions: false,
        told: Standing::Online,
    }
}

fn inner_root() -> (LogicalPath, Identity) {
    (path("/acme/dailies"), Identity { volume: 9, inode: u64::MAX, birth_ns: 3 })
}

fn gone() -> Asset {
    Asset { racy: false, ..asset(3, &path("/acme/gone.mov"), u64::MAX) }
}

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect()
}

fn sidecar_says() -> Said {
    Said { values: metadata(&[("IPTC_Creator", "Jo")]), ordered: BTreeSet::from(["IPTC_Creator".to_owned()]) }
}

/// Older ledgers did not know whether a sidecar was read soon after its last change.
fn reading(schema: u32) -> Reading {
    let fault = ReadingFault { why: "XMP is damaged".into(), again: true, silent: true };
    let sidecar = SidecarFile { name: b"caf\xe9\n.mov.xmp".to_vec(), stat: gone().stat, racy: schema >= 22 };
    Reading { sidecar: Some(sidecar), fault: Some(fault) }
}

fn early() -> EarlyRecord {
    EarlyRecord { set: metadata(&[("Project", "Acme")]), unset: vec!["Rating".into()] }
}

fn answer() -> GivenAnswer {
    GivenAnswer { body_sha256: [9; 32], rrn: Rrn(4), accepted: 2, applied: 2, events: 0 }
}

fn change(seq: i64) -> Change {
    let source = Some(Source::FullSidecar);
    let touched =
        KeyDelta { key: "IPTC_City".into(), old: vec!["SFO".into()], new: vec!["Z\u{fc}rich".into()], source };
    Change {
        seq: Seq(seq),
        rrn: Rrn(4),
        time: AT,
        asset: AssetId(2),
        path: odd(),
        owner: "jo".into(),
        action: if seq == 1 { Action::Added } else { Action::None },
        delta: if seq == 1 { Vec::new() } else { vec![touched] },
        size: Some(u64::MAX),
        mtime_ns: Some(-1),
        previous_path: (seq == 1).then(|| odd().join(b"was \xff")),
        moved: (seq == 1).then_some(Seq(-7)),
    }
}

/// The change as a ledger of that schema kept it: where its values came from was not kept before.
fn as_of(schema: u32, mut change: Change) -> Change {
    for touched in change.delta.iter_mut().filter(|_| schema < 21) {
        touched.source = None;
    }
    change
}

fn event() -> Occurrence {
    Occurrence {
        seq: Seq(3),
        rrn: Rrn(4),
        time: AT,
        name: "scanned".into(),
        tenant: Some(Tenant::parse("acme").expect("a name")),
        change: Some(Box::new(change(2))),
        origin: Origin::Store,
        display_name: Some("A scan".into()),
        fields: EventFields::of_texts([("result", "pass\"ed")]),
    }
}

fn read_events(connection: &Connection, expect: usize) {
    type Row = (i64, i64, i64, String, Option<String>, Option<i64>, Option<String>);
    let rows: Vec<Row> = connection
        .prepare("SELECT seq, rrn, time, name, tenant, asset, fields FROM events ORDER BY seq")
        .and_then(|mut sql| {
            sql.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
            })?
            .collect()
        })
        .expect("events");
    let fields = r#"{"result":"pass\"ed"}"#;
    let row = (3, 4, AT.0, "scanned".into(), Some("acme".into()), Some(2), Some(fields.into()));
    assert_eq!(rows, vec![row; expect]);
}

fn key(number: i64) -> DeliveryKey {
    DeliveryKey::whole(DeliveryNo(number))
}

fn delivery(number: i64, attempts: u32) -> Delivery {
    Delivery {
        key: key(number),
        subscription: SubscriptionId(1),
        entries: 2,
        told: vec![vec![Seq(1)], vec![Seq(2)]],
        body: Body::json(format!("{{\"number\":{number}}}")),
        created: AT,
        attempts,
        delay_ms: 60_000,
        waited_ms: 0,
        replayed_after: None,
        due: Wall(AT.0 + 60_000),
    }
}

fn accepted() -> Accepted {
    Accepted {
        key: DeliveryKey { number: DeliveryNo(9), part: Part::parse("0.1").expect("a part") },
        subscription: SubscriptionId(1),
        entries: 2,
        seqs: vec![Seq(1), Seq(7)],
        created: AT,
        at: AT,
        attempts: 3,
        status: Some(204),
        duration_ms: 12,
    }
}

fn lane() -> LanePolicy {
    LanePolicy {
        paused: Some(Pause { at: AT, by: "jo".into(), reason: Some("a move".into()) }),
        cancelled_at: Some(AT),
        accepted: Some(AcceptedSize { entries: 7, at: AT }),
        failing: Some(Failing { since: AT, outcome: "http-error".into(), status: Some(503) }),
        last_success: Some(AT),
        refused: 3,
        refused_of: Some(DeliveryNo(9)),
        untold: Some(Skipped { entries: 7, first: Seq(1), last: Seq(9) }),
    }
}

/// Delivery 1 once an attempt has failed. A ledger of a schema that did not note how long says nothing of it.
fn postponed() -> HotDelivery {
    let Delivery { key, entries, delay_ms, due, waited_ms, created, .. } = delivery(1, 0);
    HotDelivery { key, entries, attempts: 1, delay_ms, waited_ms, due, replayed_after: None, created }
}

fn session() -> Session {
    let (principal, expires) = ("jo".into(), Wall(AT.0 + 1));
    Session { token_sha256: [7; 32], principal, credential_sha256: [8; 32], expires }
}

fn fill(ledger: &Ledger) {
    ledger.dispatch().add_to_topic(SubscriptionId(1), Seq(1)).expect("a topic's row");
    ledger.intake().put_mount(&mount(), &mount_row()).expect("a mount");
    ledger.intake().put_inner_root(&mount(), &inner_root().0, &inner_root().1).expect("an inner root");
    put(ledger, &mount(), &asset(1, &path("/acme/logo.png"), 5)).expect("an asset");
    put(ledger, &mount(), &asset(2, &odd(), u64::MAX)).expect("an asset");
    let dailies = ledger.intake().dir(&mount(), &path("/acme/dailies")).expect("a directory").expect("a directory");
    ledger.intake().set_dir_scanned(dailies).expect("a directory");
    put(ledger, &mount(), &gone()).expect("an asset");
    ledger.intake().bury_asset(&gone(), Rrn(4), Seq(9), AT).expect("a gone asset");
    ledger
        .intake()
        .set_metadata(AssetId(2), Source::Xattr, &metadata(&[("XATTR_user.a", "b")]).into())
        .expect("metadata");
    ledger.intake().set_metadata(AssetId(2), Source::Records, &metadata(&[("Rating", "")]).into()).expect("metadata");
    ledger.intake().set_metadata(AssetId(2), Source::FullSidecar, &sidecar_says()).expect("metadata");
    ledger.intake().set_reading(AssetId(2), Source::FullSidecar, Some(&reading(22))).expect("a reading");
    ledger.intake().put_early_record(&path("/acme/later.mov"), &early(), AT).expect("an early record");
    ledger.intake().put_given_answer("ingest/1", &answer(), AT).expect("an answer");
    ledger.replace_rule_files(&[], &[rule_file()]).expect("rules");
    let (one, two) = (ledger.enrol(None, "one").expect("a number"), ledger.enrol(None, "two").expect("a number"));
    ledger.remove_subscription(two, AT).expect("a subscription");
    for seq in [1, 2] {
        ledger.intake().append(&change(seq)).expect("a change");
        ledger.dispatch().owe(one, &[Seq(seq)]).expect("an entry");
    }
    ledger.dispatch().add_owed_group(1, &BTreeSet::new(), [(one, &in_group().seqs[..])].into_iter()).expect("a row");
    ledger.append_event(&event()).expect("an event");
    for number in [1, 2] {
        ledger.dispatch().add_delivery(&delivery(number, 0)).expect("a delivery");
    }
    let refused = Reply::Answered(Answer { status: 503, retry_after: None, text: "later".into() });
    let unreachable = Reply::Unreachable { phase: Phase::Connect, why: "refused".into() };
    for (number, reply) in [(1, refused), (2, unreachable)] {
        let attempted = Attempted { key: key(number), attempt: 1, duration_ms: 12, reply };
        ledger.dispatch().add_attempt(&attempted, AT).expect("an attempt");
    }
    ledger.dispatch().postpone_delivery(one, &postponed()).expect("a delivery");
    ledger.dispatch().kill_delivery(one, key(2), AT).expect("a dead letter");
    ledger.dispatch().add_accepted(&accepted()).expect("a row");
    assert!(ledger.dispatch().ask_replay(one, key(2)).expect("a row"));
    ledger.dispatch().put_lane(one, &lane()).expect("a row");
    let new = NewReplay { subscription: one, since: AT, until: DeliveryNo(2), total: Some(5), by: "jo", at: AT };
    let (begun, _) = ledger.dispatch().begin_replay(&new).expect("a task");
    assert_eq!(begun, Replay { after: None, done: 0, ..replay() });
    ledger.dispatch().note_replayed(&replay()).expect("a row");
    let begun = ledger.dispatch().backfill_from(one, Seq(1), None, AT).expect("a task");
    assert_eq!(begun, Backfill { again: None, place: Place::before(Rrn(4)), done: 0, ..backfill() });
    ledger.dispatch().note_backfilled(&backfill()).expect("a row");
    ledger.dispatch().begin_bulk(&dropping().bulk, 5_000, AT).expect("a task");
    ledger.dispatch().note_bulk(&dropping()).expect("a row");
    let (begun, uuid) = ledger.dispatch().begin_rescan(&rescan().request, Some(9), "jo", AT).expect("a task");
    assert_eq!(begun, rescan().task);
    ledger.dispatch().set_listener(&uuid, one).expect("a row");
    let rescanned = Rescanned { task: begun, done: rescan().done, end: None };
    ledger.dispatch().note_rescanned(&rescanned, AT).expect("a row");
    ledger.put_registration(one, &registration(), "jo", AT).expect("a row");
    ledger.put_session(&session(), AT).expect("a row");
    ledger.mark(AT).expect("a mark");
    ledger.dispatch().note_lagged(one, 7, AT).expect("a row");
    ledger.remember_time(AT, 5).expect("a time");
}

/// What [`fill`] wrote, through the ledger.
fn read(schema: u32, ledger: &Ledger) {
    // Nobody had read the content of files before.
    let content = if schema >= 21 { ContentRead::Yes } else { ContentRead::Never };
    let as_known = |asset: Asset| Some(Asset { content, ..asset });
    assert_eq!(ledger.node().0, NODE);
    assert_eq!(ledger.intake().mount(&mount()).expect("a mount"), Some(mount_row()));
    assert_eq!(ledger.intake().count(&mount()).expect("counts"), (2, 2));
    assert_eq!(ledger.intake().asset_at(&mount(), &odd()).expect("an asset"), as_known(asset(2, &odd(), u64::MAX)));
    let logo = asset(1, &path("/acme/logo.png"), 5);
    assert_eq!(ledger.intake().asset(AssetId(1)).expect("an asset"), as_known(logo));
    let scanned = |text: &str| {
        let dir = ledger.intake().dir(&mount(), &path(text)).expect("a directory").expect("a directory");
        ledger.intake().dir_scanned(dir).expect("a directory")
    };
    assert_eq!((scanned("/acme"), scanned("/acme/dailies")), (false, true));
    let mut identities = Vec::new();
    ledger
        .intake()
        .each_identity(&path("/acme"), |volume, inode, id| identities.push((volume, inode, id.0)))
        .expect("identities");
    identities.sort_unstable();
    assert_eq!(identities, [(5, u64::MAX - 1, 1), (u64::MAX, u64::MAX - 1, 2)]);
    assert_eq!(ledger.intake().gone_as(&gone().stat.identity).expect("a gone asset"), as_known(gone()));
    assert_eq!(ledger.intake().gone_from(&gone().path, AT).expect("a gone asset"), as_known(gone()));
    let mut says: BySource =
        [(Source::Records, metadata(&[("Rating", "")])), (Source::Xattr, metadata(&[("XATTR_user.a", "b")]))].into();
    if schema >= 21 {
        says.insert(Source::FullSidecar, sidecar_says());
    }
    let readings = ledger.intake().readings(AssetId(2)).expect("readings");
    assert_eq!(readings, Vec::from_iter((schema >= 21).then(|| (Source::FullSidecar, reading(schema)))));
    assert_eq!(ledger.metadata(AssetId(2)).expect("metadata"), says);
    assert_eq!(ledger.intake().early_record(&path("/acme/later.mov")).expect("an early record"), Some(early()));
    assert_eq!(ledger.intake().given_answer("ingest/1").expect("an answer"), Some(answer()));
    assert_eq!(ledger.rule_files().expect("rules"), [rule_file()]);
    let row = |id, name: &str, removed_at| SubscriptionRow { id: SubscriptionId(id), name: name.into(), removed_at };
    assert_eq!(ledger.subscriptions().expect("rows"), [row(1, "one", None), row(2, "two", Some(AT))]);
    let one = SubscriptionId(1);
    assert_eq!(ledger.dispatch().oldest_owed(one).expect("an entry"), Some(OldestOwed { seq: Seq(1), at: AT }));
    let total = OwedTotal { subscription: one, entries: 2, last: Seq(2) };
    assert_eq!(ledger.dispatch().outbox_totals().expect("totals"), [total]);
    let Delivery { key, body, .. } = delivery(1, 1);
    let deliveries = ledger.dispatch().deliveries().expect("deliveries");
    assert!(deliveries.whole == [(one, postponed())] && deliveries.damaged.is_empty(), "{deliveries:?}");
    assert_eq!(ledger.dispatch().delivery_body(one, key).expect("a body"), body);
    let body = delivery(2, 1).body.bytes.len() as u64;
    assert_eq!(ledger.dispatch().dead_totals().expect("a count"), (1, body));
    assert_eq!(ledger.dispatch().oldest_dead().expect("a time"), Some(AT));
}

/// What [`fill`] wrote and older schemas had no place for: they know nothing of it.
fn read_since(schema: u32, ledger: &Ledger) {
    let lagging = LaggingRow { id: SubscriptionId(1), name: "one".into(), at: AT, skipped: 7 };
    assert_eq!(ledger.dispatch().lagging().expect("rows"), Vec::from_iter((schema >= 3).then_some(lagging)));
    assert_eq!(ledger.remembered_time().expect("a time"), (schema >= 3).then_some((AT, 5)));
    let owed = ledger.dispatch().owed(SubscriptionId(1), Seq(0), 10).expect("entries");
    assert_eq!(owed, [Seq(1), Seq(2)]);
    let owed = ledger.entries(&owed).expect("changes");
    let kept = |number| match schema {
        8.. => as_of(schema, change(number)),
        _ => {
            let change = as_of(schema, change(number));
            Change { size: None, mtime_ns: None, previous_path: None, moved: None, ..change }
        }
    };
    assert_eq!(
        owed.into_iter().map(|entry| (*entry).clone()).collect::<Vec<_>>(),
        [1, 2].map(|n| Entry::Change(kept(n)))
    );
    // Rows of before are of no change that they know, and nobody was owed them.
    let told = ledger.entries(&[Seq(3)]).expect("an event").pop().map(|entry| Entry::clone(&entry));
    let before = Occurrence { change: None, origin: Origin::Ringback, display_name: None, ..event() };
    let expect = match schema {
        1 => None,
        2..16 => Some(Entry::Event(before)),
        _ => Some(Entry::Event(Occurrence { change: Some(Box::new(as_of(schema, change(2)))), ..event() })),
    };
    assert_eq!(told, expect);
    let groups = ledger.dispatch().owed_groups().expect("rows");
    assert_eq!(groups.lanes, BTreeMap::from_iter((schema >= 14).then(|| (SubscriptionId(1), in_group()))));
    assert!(groups.damaged.is_empty(), "{groups:?}");
    let lanes = ledger.dispatch().lanes().expect("lanes");
    assert_eq!(lanes, Vec::from_iter((schema >= 9).then(|| (SubscriptionId(1), lane()))));
    let replays = ledger.dispatch().running_replays().expect("tasks");
    assert_eq!(replays, Vec::from_iter((schema >= 12).then(replay)));
    let backfills = ledger.dispatch().running_backfills().expect("tasks");
    assert_eq!(backfills, Vec::from_iter((schema >= 13).then(backfill)));
    assert_eq!(ledger.dispatch().running_bulks().expect("tasks"), Vec::from_iter((schema >= 15).then(dropping)));
    assert_eq!(ledger.dispatch().running_rescans().expect("tasks"), Vec::from_iter((schema >= 20).then(rescan)));
    let mut registered = Vec::new();
    ledger.each_registration(|id, _| registered.push(id)).expect("rows");
    assert_eq!(registered, Vec::from_iter((schema >= 17).then_some(SubscriptionId(1))));
    assert_eq!(ledger.sessions(AT).expect("rows"), Vec::from_iter((schema >= 18).then(session)));
    let inner = ledger.intake().inner_roots(&mount()).expect("inner roots");
    assert_eq!(inner, BTreeMap::from_iter((schema >= 4).then(inner_root)));
}

/// What no part of the ledger reads yet, and what later schemas must carry over all the same.
fn read_raw(connection: &Connection) {
    type Attempt = (i64, i64, i64, i64, String, Option<String>, Option<i64>, String);
    let attempts: Vec<Attempt> = connection
        .prepare(
            "SELECT delivery, number, at, duration_ms, outcome, phase, status, detail FROM attempts ORDER BY delivery",
        )
        .and_then(|mut sql| {
            sql.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                    row.get(7)?,
                ))
            })?
            .collect()
        })
        .expect("attempts");
    let refused = (1, 1, AT.0, 12, "http-error".into(), None, Some(503), "later".into());
    let unreachable = (2, 1, AT.0, 12, "unreachable".into(), Some("connect".into()), None, "refused".into());
    assert_eq!(attempts, [refused, unreachable]);
    let dead: (i64, i64, Vec<u8>, String, i64) = connection
        .query_row("SELECT number, entries, body, content_type, died FROM dead", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .expect("a dead letter");
    // Schemas up to the sixth did not say what a body is: it was JSON.
    let body = delivery(2, 1).body;
    assert_eq!(dead, (2, 2, body.bytes.to_vec(), body.content_type.into_owned(), AT.0));
}

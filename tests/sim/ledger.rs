//! The ledger, read from outside: what is committed, synced or not.

use std::collections::{BTreeMap, BTreeSet};

use ringback::model::change::{Action, Change};
use ringback::model::ids::{AssetId, DeliveryNo, Rrn, Seq};
use ringback::model::metadata::{BySource, Metadata, Source};
use ringback::model::part::{DeliveryKey, Part};
use ringback::model::path::LogicalPath;
use ringback::model::time::Wall;
use rusqlite::{Connection, Params, Row};

/// An asset's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRow {
    pub id: i64,
    /// Volume, inode, birth.
    pub identity: (u64, u64, i64),
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub links: u64,
    pub owner: String,
}

/// The journal's numbers that each entry of a delivery tells.
pub type ToldSeqs = Vec<Vec<i64>>;

/// What is known of a lane's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Proven,
    New,
    Failing,
}

/// What a lane remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneRow {
    pub is_paused: bool,
    pub is_cancelled: bool,
    is_failing: bool,
    has_accepted: bool,
}

impl LaneRow {
    pub fn class(self) -> Class {
        match (self.is_failing, self.has_accepted) {
            (true, _) => Class::Failing,
            (false, true) => Class::Proven,
            (false, false) => Class::New,
        }
    }
}

/// A delivery under way, as far as it says when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub attempts: u32,
    pub delay_ms: u64,
    pub waited_ms: u64,
}

/// The second connection.
pub struct Reader(pub Connection);

impl Reader {
    fn all<T>(&self, sql: &str, params: impl Params, row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut sql = self.0.prepare_cached(sql).expect("SQL");
        let rows = sql.query_map(params, row).expect("a query");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    pub fn journal_after(&self, seq: i64) -> Vec<Change> {
        let sql = "SELECT seq, rrn, time, asset, action, path, owner, delta, size, mtime_ns, previous_path, moved
                   FROM journal WHERE seq > ?1 ORDER BY seq";
        self.all(sql, [seq], |row| {
            let delta: Option<String> = row.get(7)?;
            let previous_path: Option<Vec<u8>> = row.get(10)?;
            Ok(Change {
                seq: Seq(row.get(0)?),
                rrn: Rrn(row.get(1)?),
                time: Wall(row.get(2)?),
                asset: AssetId(row.get(3)?),
                path: LogicalPath::parse(&row.get::<_, Vec<u8>>(5)?).expect("a path"),
                owner: row.get(6)?,
                action: Action::from_code(row.get(4)?).expect("an action"),
                delta: delta.map(|text| serde_json::from_str(&text).expect("a delta")).unwrap_or_default(),
                size: row.get::<_, Option<i64>>(8)?.map(|size| size as u64),
                mtime_ns: row.get(9)?,
                previous_path: previous_path.map(|path| LogicalPath::parse(&path).expect("a path")),
                moved: row.get::<_, Option<i64>>(11)?.map(Seq),
            })
        })
    }

    /// Scans that go on as tasks.
    pub fn running_rescans(&self) -> usize {
        self.all("SELECT number FROM tasks WHERE task = 'rescan' AND state = 'running'", [], |_| Ok(())).len()
    }

    /// The size and the modification time of an asset's row, gone or not.
    pub fn size_and_mtime(&self, asset: i64) -> Option<(u64, i64)> {
        let sql = "SELECT size, mtime_ns FROM assets WHERE id = ?1
                   UNION ALL SELECT size, mtime_ns FROM gone WHERE id = ?1";
        self.all(sql, [asset], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).pop()
    }

    /// The catalog by path.
    pub fn catalog(&self) -> BTreeMap<Vec<u8>, CatalogRow> {
        let dirs: BTreeMap<i64, (i64, Vec<u8>)> = self
            .all("SELECT id, parent, name FROM dirs", [], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
            .into_iter()
            .collect();
        let path = |mut dir: i64, name: Vec<u8>| {
            let mut out = [b"/".as_slice(), &name].concat();
            while let Some((parent, name)) = dirs.get(&dir) {
                out = [if *parent == 0 { b"".as_slice() } else { b"/" }, name, &out].concat();
                dir = *parent;
            }
            out
        };
        let sql = "SELECT dir, name, assets.id, fsid, inode, birth_ns, size, mtime_ns, ctime_ns, links, owner
                   FROM assets JOIN volumes ON volumes.id = volume";
        let rows = self.all(sql, [], |row| {
            let asset = CatalogRow {
                id: row.get(2)?,
                identity: (row.get::<_, i64>(3)? as u64, row.get::<_, i64>(4)? as u64, row.get(5)?),
                size: row.get::<_, i64>(6)? as u64,
                mtime_ns: row.get(7)?,
                ctime_ns: row.get(8)?,
                links: row.get::<_, i64>(9)? as u64,
                owner: row.get(10)?,
            };
            Ok((path(row.get(0)?, row.get(1)?), asset))
        });
        rows.into_iter().collect()
    }

    /// Whether the content of an asset's file has been read as it is.
    pub fn is_read(&self, asset: i64) -> bool {
        let sql = "SELECT 1 FROM assets WHERE id = ?1 AND read_by = 1
                   AND NOT EXISTS (SELECT 1 FROM readings WHERE asset = ?1 AND fault IS NOT NULL)";
        !self.all(sql, [asset], |row| row.get::<_, i64>(0)).is_empty()
    }

    pub fn sources(&self, asset: i64) -> BySource {
        let sql = "SELECT source, content FROM metadata WHERE asset = ?1";
        let rows = self.all(sql, [asset], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
        let mut out = BySource::new();
        for (code, text) in rows {
            let content: Metadata = serde_json::from_str(&text).expect("metadata");
            out.insert(Source::from_code(code).expect("a source"), content);
        }
        out
    }

    /// A delivery under way: its body, the name of whose it is, and what it tells.
    pub fn delivery(&self, key: DeliveryKey) -> Option<(Vec<u8>, String, ToldSeqs)> {
        let sql = "SELECT body, name, told FROM deliveries JOIN subscriptions ON id = subscription
                   WHERE number = ?1 AND part = ?2";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, told_seqs(&row.get::<_, Vec<u8>>(2)?)));
        self.all(sql, (key.number.0, key.part.code()), read).pop()
    }

    /// The deliveries of a subscription that are under way, in order.
    pub fn queue(&self, name: &str) -> Vec<DeliveryKey> {
        let sql = "SELECT number, part FROM deliveries JOIN subscriptions ON id = subscription
                   WHERE name = ?1 ORDER BY number, part";
        self.all(sql, [name], key)
    }

    /// When a delivery under way is tried again.
    pub fn wait(&self, key: DeliveryKey) -> Option<Wait> {
        let sql = "SELECT attempts, delay_ms, waited_ms FROM deliveries WHERE number = ?1 AND part = ?2";
        let read = |row: &Row<'_>| {
            let (delay_ms, waited_ms): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(Wait { attempts: row.get(0)?, delay_ms: delay_ms as u64, waited_ms: waited_ms as u64 })
        };
        self.all(sql, (key.number.0, key.part.code()), read).pop()
    }

    /// When the next delivery under way is due after a point in time; paused lanes are left out.
    pub fn next_due(&self, after: i64) -> Option<i64> {
        let sql = "SELECT min(due) FROM deliveries LEFT JOIN lanes USING (subscription)
                   WHERE due > ?1 AND paused_at IS NULL";
        self.all(sql, [after], |row| row.get::<_, Option<i64>>(0)).pop().flatten()
    }

    /// What a subscription's lane remembers.
    pub fn lane(&self, name: &str) -> LaneRow {
        let sql = "SELECT paused_at NOTNULL, cancelled_at NOTNULL, failing_since NOTNULL, last_success NOTNULL
                   FROM lanes JOIN subscriptions ON id = subscription WHERE name = ?1";
        let read = |row: &Row<'_>| {
            let (is_paused, is_cancelled, is_failing, has_accepted) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(LaneRow { is_paused, is_cancelled, is_failing, has_accepted })
        };
        self.all(sql, [name], read).pop().unwrap_or_default()
    }

    /// Deliveries of a table (`deliveries`, `dead`) by key: whose each is, and what it tells. The name is empty where
    /// the subscription was dropped.
    pub fn told_in(&self, table: &str) -> BTreeMap<DeliveryKey, (String, ToldSeqs)> {
        let sql = format!(
            "SELECT number, part, coalesce(name, ''), told FROM {table} LEFT JOIN subscriptions ON id = subscription"
        );
        let read = |row: &Row<'_>| Ok((key(row)?, (row.get(2)?, told_seqs(&row.get::<_, Vec<u8>>(3)?))));
        self.all(&sql, [], read).into_iter().collect()
    }

    /// Deliveries that were accepted, by key: whose each was, and the numbers that it told, in order.
    pub fn history(&self) -> BTreeMap<DeliveryKey, (String, Vec<i64>)> {
        let sql = "SELECT number, part, coalesce(name, ''), first, last, seqs
                   FROM history LEFT JOIN subscriptions ON id = subscription";
        let read = |row: &Row<'_>| {
            let (first, last, gaps): (_, i64, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?, row.get(5)?);
            // What says that entries were dropped tells none.
            let told = if last == 0 { Vec::new() } else { run(first, last, gaps.as_deref()) };
            Ok((key(row)?, (row.get(2)?, told)))
        };
        self.all(sql, [], read).into_iter().collect()
    }

    /// The subscriptions that have, or had, a rule: number and name.
    pub fn subscriptions(&self) -> BTreeMap<i64, String> {
        let rows = self.all("SELECT id, name FROM subscriptions", [], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.into_iter().collect()
    }

    /// What is registered: the name, and the request that is kept.
    pub fn registrations(&self) -> BTreeMap<String, usize> {
        let sql = "SELECT name, request FROM registrations JOIN subscriptions ON id = subscription";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?.parse().expect("a number")));
        self.all(sql, [], read).into_iter().collect()
    }

    /// What each subscription is owed.
    pub fn owed_to(&self) -> Vec<(String, i64)> {
        let names = self.subscriptions();
        let owed = self.all_owed().into_iter();
        owed.filter_map(|(seq, id)| Some((names.get(&id)?.clone(), seq))).collect()
    }

    /// Deliveries under way, and dead letters.
    pub fn hot_and_dead(&self) -> (BTreeSet<DeliveryKey>, BTreeSet<DeliveryKey>) {
        let keys = |sql| self.all(sql, [], key).into_iter().collect();
        (keys("SELECT number, part FROM deliveries"), keys("SELECT number, part FROM dead"))
    }

    /// All asset numbers, gone ones included.
    pub fn assets_ever(&self) -> BTreeSet<i64> {
        self.all("SELECT id FROM assets UNION SELECT id FROM gone", [], |row| row.get(0)).into_iter().collect()
    }

    /// How many entries are owed; each row counts its own rightly.
    pub fn owed(&self) -> usize {
        self.all_owed().len()
    }

    /// Whom each place in the journal is owed. The runs are read here by themselves.
    fn all_owed(&self) -> Vec<(i64, i64)> {
        type Run = (i64, i64, i64, i64, i64, Option<Vec<u8>>);
        let sql = "SELECT subscription, first, last, after, entries, seqs FROM owed ORDER BY subscription, first";
        let runs: Vec<Run> =
            self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)));
        let mut owed = Vec::new();
        for (subscription, first, last, after, entries, gaps) in runs {
            let mut seqs = run(first, last, gaps.as_deref());
            seqs.retain(|seq| *seq > after);
            assert_eq!(seqs.len() as i64, entries, "a row counts what is left of it");
            owed.extend(seqs.into_iter().map(|seq| (seq, subscription)));
        }
        owed.extend(self.owed_in_groups());
        owed
    }

    /// Whom the rows of groups owe what. A lane that moved has what the rows before hold in rows of its own.
    fn owed_in_groups(&self) -> Vec<(i64, i64)> {
        let rows: Vec<Vec<u8>> = self.all("SELECT content FROM owed_groups ORDER BY number", [], |row| row.get(0));
        let mut owed: Vec<(i64, i64)> = Vec::new();
        for row in rows {
            let mut numbers = numbers(&row).into_iter().map(u64::cast_signed);
            let mut next = || numbers.next().expect("the row goes on");
            let (mut moved, mut id) = (BTreeSet::new(), 0);
            for _ in 0..next() {
                id += next();
                moved.insert(id);
            }
            owed.retain(|(_, id)| !moved.contains(id));
            let (lanes, lowest, mut id) = (next(), next(), 0);
            for _ in 0..lanes {
                id += next();
                let (count, mut seq) = (next(), lowest);
                for _ in 0..count {
                    seq += next();
                    owed.push((seq, id));
                }
            }
            assert_eq!(numbers.next(), None, "the row ends");
        }
        owed
    }

    /// Whether a key that the store assigned is kept: with an asset, or for one to come.
    pub fn keeps_record(&self, key: &str) -> bool {
        let sql = "SELECT content FROM metadata WHERE source = 1 UNION ALL SELECT content FROM early_records";
        let quoted = format!("\"{key}\"");
        self.all(sql, [], |row| row.get::<_, String>(0)).iter().any(|text| text.contains(&quoted))
    }

    /// The paths for whose first asset an assignment waits: behind a NUL, where a path is not in NFC.
    pub fn early_records(&self) -> Vec<Vec<u8>> {
        let keys: Vec<Vec<u8>> = self.all("SELECT path FROM early_records ORDER BY path", [], |row| row.get(0));
        keys.into_iter().map(|key| key.rsplit(|&b| b == 0).next().unwrap_or_default().to_vec()).collect()
    }

    /// Whether every mount has been scanned.
    pub fn scanned(&self, mounts: usize) -> bool {
        let sql = "SELECT count(*) FROM mounts WHERE first_scan_done";
        self.all(sql, [], |row| row.get::<_, i64>(0)) == [mounts as i64]
    }

    /// When each mount's first scan began.
    pub fn first_scans(&self) -> BTreeMap<Vec<u8>, i64> {
        let sql = "SELECT path, first_scan_began_ns FROM mounts";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).into_iter().collect()
    }

    /// Events of no change after a place in the journal: their place, transaction and name.
    pub fn told_after(&self, seq: i64) -> Vec<(i64, i64, String)> {
        let sql = "SELECT seq, rrn, name FROM events WHERE seq > ?1 AND change IS NULL ORDER BY seq";
        self.all(sql, [seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// Whether an event is kept that was reported with this key.
    pub fn keeps_report(&self, key: &str) -> bool {
        let sql = "SELECT 1 FROM events WHERE reported AND fields = ?1";
        !self.all(sql, [format!("{{\"key\":\"{key}\"}}")], |_| Ok(())).is_empty()
    }

    /// Events after a place in the journal: their place, name and fields.
    pub fn events_after(&self, seq: i64) -> Vec<(i64, String, BTreeMap<String, serde_json::Value>)> {
        let sql = "SELECT seq, name, coalesce(fields, '{}') FROM events WHERE seq > ?1 ORDER BY seq";
        self.all(sql, [seq], |row| {
            let fields: String = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, serde_json::from_str(&fields).expect("fields")))
        })
    }

    /// The oldest change that is kept, and the oldest that anything is owed of; `i64::MAX` where there is none.
    pub fn oldest(&self) -> (i64, i64) {
        let one = |sql| self.all(sql, [], |row| row.get(0))[0];
        (
            one("SELECT coalesce(min(seq), 0x7fffffffffffffff) FROM journal"),
            self.all_owed().into_iter().map(|(seq, _)| seq).min().unwrap_or(i64::MAX),
        )
    }

    /// The oldest event that is kept; `i64::MAX` where there is none.
    pub fn oldest_event(&self) -> i64 {
        self.all("SELECT coalesce(min(seq), 0x7fffffffffffffff) FROM events", [], |row| row.get(0))[0]
    }

    /// Rows of tables that age, and metadata of no asset.
    pub fn ageing_rows(&self) -> BTreeMap<&'static str, i64> {
        let orphans = "metadata WHERE asset NOT IN (SELECT id FROM assets UNION SELECT id FROM gone)";
        let tables = ["journal", "events", "gone", "dead", "history", "early_records", "idempotency", orphans];
        tables
            .into_iter()
            .map(|table| (table, self.all(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))[0]))
            .collect()
    }

    /// The oldest change that is owed, its path, and to which subscriptions.
    pub fn oldest_owed(&self) -> Option<(i64, Vec<u8>, BTreeSet<String>)> {
        let owed = self.all_owed();
        let oldest = owed.iter().map(|(seq, _)| *seq).min()?;
        let path = self.all("SELECT path FROM journal WHERE seq = ?1", [oldest], |row| row.get(0)).pop()?;
        let name = |id| self.all("SELECT name FROM subscriptions WHERE id = ?1", [id], |row| row.get::<_, String>(0));
        let names = owed.iter().filter(|(seq, _)| *seq == oldest).flat_map(|(_, id)| name(*id)).collect();
        Some((oldest, path, names))
    }

    /// Who is owed anything, or has a delivery under way.
    pub fn waiting(&self) -> BTreeSet<String> {
        let under_way = self.all("SELECT subscription FROM deliveries", [], |row| row.get(0));
        let waiting: BTreeSet<i64> = self.all_owed().into_iter().map(|(_, id)| id).chain(under_way).collect();
        self.subscriptions().into_iter().filter_map(|(id, name)| waiting.contains(&id).then_some(name)).collect()
    }
}

/// A delivery's key, in the first two columns.
fn key(row: &Row<'_>) -> rusqlite::Result<DeliveryKey> {
    let part = Part::from_code(row.get(1)?).expect("a part");
    Ok(DeliveryKey { number: DeliveryNo(row.get(0)?), part })
}

/// The places of a run of the journal.
fn run(first: i64, last: i64, gaps: Option<&[u8]>) -> Vec<i64> {
    let Some(gaps) = gaps else { return (first..=last).collect() };
    let mut seqs = vec![first];
    for gap in numbers(gaps) {
        seqs.push(seqs[seqs.len() - 1] + gap.cast_signed());
    }
    assert_eq!(seqs.last(), Some(&last), "the gaps lead to the last place");
    seqs
}

/// What each entry of a delivery tells: how many places, and the way to each, its sign in the lowest bit.
fn told_seqs(column: &[u8]) -> ToldSeqs {
    let (mut numbers, mut told, mut at) = (numbers(column).into_iter(), Vec::new(), 0);
    while let Some(count) = numbers.next() {
        let steps = numbers.by_ref().take(count as usize);
        let places = steps.map(|step| {
            at += (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
            at
        });
        told.push(places.collect());
    }
    told
}

/// Numbers of seven bits a byte, the lowest first.
fn numbers(bytes: &[u8]) -> Vec<u64> {
    let (mut numbers, mut number, mut shift) = (Vec::new(), 0, 0);
    for byte in bytes {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    numbers
}

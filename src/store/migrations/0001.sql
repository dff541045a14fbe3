-- The first schema. All times are milliseconds since the Unix epoch, UTC, except where a name ends in _ns.

-- What is true of the whole ledger: its node id.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- For each kind of id the first number that no transaction may hand out without raising it (store/ids.rs).
CREATE TABLE ids (kind INTEGER PRIMARY KEY, next INTEGER NOT NULL);

-- Filesystems, so that a row names one in a byte or two.
CREATE TABLE volumes (id INTEGER PRIMARY KEY, fsid INTEGER NOT NULL UNIQUE);

-- What is known of each mount, by its logical path. The root is the directory that stood there last.
CREATE TABLE mounts (
    path BLOB PRIMARY KEY,
    volume INTEGER, inode INTEGER, birth_ns INTEGER,
    first_scan_began_ns INTEGER NOT NULL,
    first_scan_done INTEGER NOT NULL
) WITHOUT ROWID;

-- Directories that exist. A mount's root has parent 0 and the mount's whole logical path as its name.
-- `scanned`: it has been listed since it was first seen.
CREATE TABLE dirs (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL, name BLOB NOT NULL,
    scanned INTEGER NOT NULL,
    UNIQUE (parent, name)
);

-- Assets that exist. No index on inodes: the engine keeps a map in memory and verifies against the row.
CREATE TABLE assets (
    dir INTEGER NOT NULL, name BLOB NOT NULL,
    id INTEGER NOT NULL,
    volume INTEGER NOT NULL, inode INTEGER NOT NULL, birth_ns INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, links INTEGER NOT NULL,
    racy INTEGER NOT NULL, rrn INTEGER NOT NULL, owner TEXT NOT NULL,
    PRIMARY KEY (dir, name)
) WITHOUT ROWID;
CREATE UNIQUE INDEX assets_id ON assets (id);

-- Assets that were deleted, kept so that a file that comes back is the same asset. The path is whole: its directory
-- may be gone too.
CREATE TABLE gone (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL,
    volume INTEGER NOT NULL, inode INTEGER NOT NULL, birth_ns INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, links INTEGER NOT NULL,
    rrn INTEGER NOT NULL, owner TEXT NOT NULL,
    gone_at INTEGER NOT NULL
);
CREATE INDEX gone_identity ON gone (volume, inode);
CREATE INDEX gone_path ON gone (path);
CREATE INDEX gone_age ON gone (gone_at);

-- What each source says of an asset: a JSON object of key to list of values. In a table of its own: 600 bytes in the
-- asset's row would double the cost of a change.
CREATE TABLE metadata (
    asset INTEGER NOT NULL, source INTEGER NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (asset, source)
) WITHOUT ROWID;

-- Assignments to paths that hold no asset yet: {"set": {key: [values]}, "unset": [keys]}.
CREATE TABLE early_records (path BLOB PRIMARY KEY, content TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX early_records_age ON early_records (at);

-- Answers already given to requests with an Idempotency-Key.
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, body_sha256 BLOB NOT NULL,
    rrn INTEGER NOT NULL, accepted INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (at);

-- The log of changes. The path is whole: a directory's id would show owed entries under a later name.
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, rrn INTEGER NOT NULL, time INTEGER NOT NULL,
    asset INTEGER NOT NULL, action INTEGER NOT NULL, path BLOB NOT NULL, owner TEXT NOT NULL,
    delta TEXT
);

-- The rule files of the last good set, as they were read.
CREATE TABLE rule_files (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;

-- Every subscription that ever had a name here and still has something to lose. `removed_at` is null while a rule
-- names it.
-- Their numbers are not used again: dead letters may outlive them.
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, removed_at INTEGER);

-- Entries matched and not yet cut; their content is the journal's.
CREATE TABLE owed (subscription INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subscription, seq)) WITHOUT ROWID;

-- Batches on their way. `due` is never further off than `delay_ms`, whatever the clock does.
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, body BLOB NOT NULL, created INTEGER NOT NULL,
    attempts INTEGER NOT NULL, delay_ms INTEGER NOT NULL, due INTEGER NOT NULL
);
CREATE INDEX deliveries_subscription ON deliveries (subscription, number);

-- What came of each failed attempt.
CREATE TABLE attempts (
    delivery INTEGER NOT NULL, number INTEGER NOT NULL,
    at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL, phase TEXT, status INTEGER, detail TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

-- Deliveries that were given up, with the bytes that were refused.
CREATE TABLE dead (
    number INTEGER PRIMARY KEY, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, body BLOB NOT NULL, created INTEGER NOT NULL, died INTEGER NOT NULL
);
CREATE INDEX dead_age ON dead (died);

-- What is owed, as runs of the journal's numbers: a row a lane and group. `seqs` holds the gaps between them, null where
-- there are none (store/seqs.rs). `after`: what comes after this is still owed, and `entries` counts that.
CREATE TABLE owed_runs (
    subscription INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    after INTEGER NOT NULL, entries INTEGER NOT NULL, seqs BLOB,
    PRIMARY KEY (subscription, first)
) WITHOUT ROWID;
INSERT INTO owed_runs SELECT subscription, seq, seq, seq - 1, 1, NULL FROM owed;
DROP TABLE owed;
ALTER TABLE owed_runs RENAME TO owed;

-- A delivery may be a part of one that was split: it is known by its number and its part, 0 for the whole
-- (model/part.rs). `told`: for each entry, in order, the journal's numbers that it tells; null where that is not known.
CREATE TABLE new_deliveries (
    number INTEGER NOT NULL, part INTEGER NOT NULL, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, told BLOB, body BLOB NOT NULL, content_type TEXT NOT NULL, created INTEGER NOT NULL,
    attempts INTEGER NOT NULL, delay_ms INTEGER NOT NULL, due INTEGER NOT NULL, waited_ms INTEGER NOT NULL
);
INSERT INTO new_deliveries
    SELECT number, 0, subscription, entries, NULL, body, content_type, created, attempts, delay_ms, due, waited_ms
    FROM deliveries ORDER BY number;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE UNIQUE INDEX deliveries_key ON deliveries (subscription, number, part);

CREATE TABLE new_attempts (
    delivery INTEGER NOT NULL, part INTEGER NOT NULL, number INTEGER NOT NULL,
    at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL, phase TEXT, status INTEGER, detail TEXT NOT NULL,
    PRIMARY KEY (delivery, part, number)
) WITHOUT ROWID;
INSERT INTO new_attempts SELECT delivery, 0, number, at, duration_ms, outcome, phase, status, detail FROM attempts;
DROP TABLE attempts;
ALTER TABLE new_attempts RENAME TO attempts;

CREATE TABLE new_dead (
    number INTEGER NOT NULL, part INTEGER NOT NULL, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, told BLOB, body BLOB NOT NULL, content_type TEXT NOT NULL, created INTEGER NOT NULL,
    died INTEGER NOT NULL
);
INSERT INTO new_dead
    SELECT number, 0, subscription, entries, NULL, body, content_type, created, died FROM dead ORDER BY number;
DROP TABLE dead;
ALTER TABLE new_dead RENAME TO dead;
CREATE UNIQUE INDEX dead_key ON dead (subscription, number, part);
CREATE INDEX dead_age ON dead (died);
CREATE TRIGGER dead_added AFTER INSERT ON dead BEGIN
    UPDATE totals SET amount = amount + 1, bytes = bytes + length(new.body) WHERE name = 'dead';
END;
CREATE TRIGGER dead_removed AFTER DELETE ON dead BEGIN
    UPDATE totals SET amount = amount - 1, bytes = bytes - length(old.body) WHERE name = 'dead';
END;

-- Deliveries that were accepted, apart from those on their way: what was sent when, and of which changes. `seqs` as in
-- `owed`.
CREATE TABLE history (
    number INTEGER NOT NULL, part INTEGER NOT NULL, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, seqs BLOB,
    created INTEGER NOT NULL, ended INTEGER NOT NULL,
    attempts INTEGER NOT NULL, status INTEGER, duration_ms INTEGER NOT NULL,
    PRIMARY KEY (number, part)
) WITHOUT ROWID;
CREATE INDEX history_subscription ON history (subscription, ended);

-- What a lane remembers of its delivery policy (model/lane.rs); a lane without a row has nothing to remember.
CREATE TABLE lanes (
    subscription INTEGER PRIMARY KEY,
    paused_at INTEGER, paused_by TEXT, pause_reason TEXT, cancelled_at INTEGER,
    accepted_entries INTEGER, accepted_at INTEGER,
    failing_since INTEGER, failing_outcome TEXT, failing_status INTEGER,
    last_success INTEGER, refused INTEGER NOT NULL, refused_of INTEGER,
    untold INTEGER, untold_first INTEGER, untold_last INTEGER
);

-- The newest delivery at a point in time: history is forgotten in the order of its numbers, as all that is numbered.
ALTER TABLE marks ADD COLUMN delivery INTEGER NOT NULL DEFAULT 0;

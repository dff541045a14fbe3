-- The body comes last: what lists deliveries, and what takes them up at a start, need not read through it.
-- `replay`: 0, or one more than the attempts that had been made when the dead letter was sent again.
CREATE TABLE new_deliveries (
    number INTEGER NOT NULL, part INTEGER NOT NULL, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, content_type TEXT NOT NULL, created INTEGER NOT NULL,
    attempts INTEGER NOT NULL, delay_ms INTEGER NOT NULL, due INTEGER NOT NULL, waited_ms INTEGER NOT NULL,
    replay INTEGER NOT NULL DEFAULT 0, told BLOB, body BLOB NOT NULL
);
INSERT INTO new_deliveries
    SELECT number, part, subscription, entries, content_type, created, attempts, delay_ms, due, waited_ms, 0, told, body
    FROM deliveries ORDER BY number, part;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE UNIQUE INDEX deliveries_key ON deliveries (subscription, number, part);
CREATE INDEX deliveries_number ON deliveries (number, part);

CREATE TABLE new_dead (
    number INTEGER NOT NULL, part INTEGER NOT NULL, subscription INTEGER NOT NULL,
    entries INTEGER NOT NULL, content_type TEXT NOT NULL, created INTEGER NOT NULL, died INTEGER NOT NULL,
    told BLOB, body BLOB NOT NULL
);
INSERT INTO new_dead
    SELECT number, part, subscription, entries, content_type, created, died, told, body FROM dead ORDER BY number, part;
DROP TABLE dead;
ALTER TABLE new_dead RENAME TO dead;
CREATE UNIQUE INDEX dead_key ON dead (subscription, number, part);
CREATE INDEX dead_number ON dead (number, part);
CREATE INDEX dead_age ON dead (died);
CREATE TRIGGER dead_added AFTER INSERT ON dead BEGIN
    UPDATE totals SET amount = amount + 1, bytes = bytes + length(new.body) WHERE name = 'dead';
END;
CREATE TRIGGER dead_removed AFTER DELETE ON dead BEGIN
    UPDATE totals SET amount = amount - 1, bytes = bytes - length(old.body) WHERE name = 'dead';
END;

-- Dead letters that are to be sent again, and have not been taken up yet.
CREATE TABLE replays (
    subscription INTEGER NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL,
    PRIMARY KEY (subscription, number, part)
) WITHOUT ROWID;

-- History holds what somebody dropped, too: by whom, and why.
ALTER TABLE history ADD COLUMN dropped_by TEXT;
ALTER TABLE history ADD COLUMN reason TEXT;
-- A subscription's deliveries, the newest first.
DROP INDEX history_subscription;
CREATE INDEX history_subscription ON history (subscription, number, part);

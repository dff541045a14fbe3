-- Gone assets are found by the columns that are asked for, in the order in which the newest one is wanted: a look-up
-- reads one row, however many files of the same inode or path have come and gone.
DROP INDEX gone_identity;
DROP INDEX gone_path;
CREATE INDEX gone_identity ON gone (volume, inode, birth_ns, gone_at);
CREATE INDEX gone_path ON gone (path, gone_at);

-- What is numbered is forgotten in the order of its numbers. A clock that jumped leaves rows from the past and from the
-- future; numbers only rise.
DROP INDEX gone_age;
CREATE INDEX gone_rrn ON gone (rrn);
DROP INDEX idempotency_age;
CREATE INDEX idempotency_rrn ON idempotency (rrn);

-- The newest numbers at points in time, about one row for each hour that a daemon ran.
CREATE TABLE marks (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, rrn INTEGER NOT NULL, time INTEGER NOT NULL);

-- When a subscription last lost entries because it was owed too many or too old ones, and how many since it was last
-- level.
ALTER TABLE subscriptions ADD COLUMN lagged_at INTEGER;
ALTER TABLE subscriptions ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

-- How many dead letters there are, and the bytes of their bodies: kept, because counting them reads them all.
CREATE TABLE totals (name TEXT PRIMARY KEY, amount INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO totals SELECT 'dead', count(*), coalesce(sum(length(body)), 0) FROM dead;
CREATE TRIGGER dead_added AFTER INSERT ON dead BEGIN
    UPDATE totals SET amount = amount + 1, bytes = bytes + length(new.body) WHERE name = 'dead';
END;
CREATE TRIGGER dead_removed AFTER DELETE ON dead BEGIN
    UPDATE totals SET amount = amount - 1, bytes = bytes - length(old.body) WHERE name = 'dead';
END;

-- Removed subscriptions, of which there are few, among all of them.
CREATE INDEX subscriptions_removed ON subscriptions (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX subscriptions_lagged ON subscriptions (id) WHERE lagged_at IS NOT NULL;

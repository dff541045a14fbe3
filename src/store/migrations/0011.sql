-- Registrations are known by their dialect and id within a tenant: two tenants may give the same. '' is nobody's, as a
-- rule file's names are.
CREATE TABLE new_subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, tenant TEXT NOT NULL DEFAULT '', removed_at INTEGER,
    lagged_at INTEGER, skipped INTEGER NOT NULL DEFAULT 0
);
INSERT INTO new_subscriptions SELECT id, name, '', removed_at, lagged_at, skipped FROM subscriptions ORDER BY id;
-- A number is never given twice, also where the newest are gone.
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'subscriptions')
    WHERE name = 'new_subscriptions';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_subscriptions', seq FROM sqlite_sequence
    WHERE name = 'subscriptions' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'new_subscriptions');
DROP TABLE subscriptions;
ALTER TABLE new_subscriptions RENAME TO subscriptions;
CREATE UNIQUE INDEX subscriptions_name ON subscriptions (name, tenant);
-- Removed subscriptions, of which there are few, among all of them.
CREATE INDEX subscriptions_removed ON subscriptions (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX subscriptions_lagged ON subscriptions (id) WHERE lagged_at IS NOT NULL;

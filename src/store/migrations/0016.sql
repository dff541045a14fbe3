-- What subscriptions are told of events. `change`: the seq of the change that the event is; null where it is about no asset,
-- and in rows of before, which nobody is owed. `reported`: the asset store says so, and calls it `display_name`.
ALTER TABLE events ADD COLUMN change INTEGER;
ALTER TABLE events ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN display_name TEXT;
-- How many of a request's records were events: neither applied to an asset nor kept for one.
ALTER TABLE idempotency ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
-- The state of a mount of which the last event told: 0 online, 1 degraded, 2 offline.
ALTER TABLE mounts ADD COLUMN told_state INTEGER NOT NULL DEFAULT 0;

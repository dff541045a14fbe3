-- How many of a request's records were applied to an asset; the others were kept for one to come. What was answered before
-- did not say, and is forgotten within a day: it counts as applied.
ALTER TABLE idempotency ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;
UPDATE idempotency SET applied = accepted;

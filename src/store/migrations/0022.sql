
-- A sidecar was read so soon after its last change that another change could leave the same times.
ALTER TABLE readings ADD COLUMN racy INTEGER NOT NULL DEFAULT 0;

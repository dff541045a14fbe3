-- What is believed of roots. `is_mount_root`: something was mounted at the root's very directory, null where that is not
-- known. `had_assets`: the mount has, or once had, an asset, so that its first scan is behind it for good.
ALTER TABLE mounts ADD COLUMN is_mount_root INTEGER;
ALTER TABLE mounts ADD COLUMN had_assets INTEGER NOT NULL DEFAULT 0;
-- `holds_deletions`: the last scan found more deletions than the mount's brake lets through.
ALTER TABLE mounts ADD COLUMN holds_deletions INTEGER NOT NULL DEFAULT 0;
UPDATE mounts SET had_assets = EXISTS (SELECT 1 FROM assets) OR EXISTS (SELECT 1 FROM gone);

-- The roots of the filesystems that are entered inside a mount, as `mounts` has the mount's own: what was seen below one
-- is not gone because another directory stands there.
CREATE TABLE inner_roots (
    mount BLOB NOT NULL, path BLOB NOT NULL,
    volume INTEGER NOT NULL, inode INTEGER NOT NULL, birth_ns INTEGER NOT NULL,
    PRIMARY KEY (mount, path)
) WITHOUT ROWID;

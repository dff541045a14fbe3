-- Which version of the readers has read a file's content as the row describes it; 0: none yet, -1: another than
-- today's. What has to be read in the background is found newest first.
ALTER TABLE assets ADD COLUMN read_by INTEGER NOT NULL DEFAULT 0;
CREATE INDEX assets_unread ON assets (mtime_ns, id) WHERE read_by <> 1;
-- A gone asset keeps its metadata, and what is known of its file.
ALTER TABLE gone ADD COLUMN read_by INTEGER NOT NULL DEFAULT 0;

-- The keys of a source whose values are a sequence, as a JSON array; NULL: none.
ALTER TABLE metadata ADD COLUMN ordered TEXT;

-- What the catalog needs to know of a source beside what it says: of a sidecar, which file it is; of one that could not
-- be read, why, and whether it is read again (1) or not before its bytes change (0). A source without a row was read
-- with its file, or is not there.
CREATE TABLE readings (
    asset INTEGER NOT NULL,
    source INTEGER NOT NULL,
    name BLOB,
    volume INTEGER,
    inode INTEGER,
    birth_ns INTEGER,
    size INTEGER,
    mtime_ns INTEGER,
    ctime_ns INTEGER,
    links INTEGER,
    fault TEXT,
    again INTEGER NOT NULL DEFAULT 0,
    -- The first scan could not read it: what it says once it can be read is no news.
    silent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (asset, source)
) WITHOUT ROWID;

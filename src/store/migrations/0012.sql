-- Work that goes on in pieces until it is done (model/task.rs). A replay sends a subscription again what it was told
-- since a time: `after_number` and `after_part` are the last delivery that it has dealt with, null before the first, and
-- `until` is the newest that there was when somebody asked.
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,
    subscription INTEGER, since INTEGER, after_number INTEGER, after_part INTEGER, until INTEGER,
    done INTEGER NOT NULL DEFAULT 0, total INTEGER,
    started_by TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, problem TEXT
);
CREATE UNIQUE INDEX tasks_uuid ON tasks (uuid);
CREATE INDEX tasks_running ON tasks (subscription) WHERE state = 'running';

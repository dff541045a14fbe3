-- Events: rows of the journal that are no changes. They share its numbers. `fields` is a JSON object.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, rrn INTEGER NOT NULL, time INTEGER NOT NULL,
    name TEXT NOT NULL, tenant TEXT, asset INTEGER, fields TEXT
);

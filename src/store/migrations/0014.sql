-- What became owed lately to lanes that have to wait: a row a group, for all of them (store/owed_groups.rs). What a lane
-- is owed is its rows of `owed`, and then this. The numbers rise; rows that no lane needs any more are removed.
CREATE TABLE owed_groups (number INTEGER PRIMARY KEY, content BLOB NOT NULL);

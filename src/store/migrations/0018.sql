-- What somebody has registered in a dialect is listed by them.
CREATE INDEX registrations_owner ON registrations (dialect, owner, subscription);
-- Sessions: tokens that a principal was given for a while. `token` is the SHA-256 of one, `credential` that of the
-- principal's own token then; times are wall time.
CREATE TABLE sessions (
    token BLOB PRIMARY KEY, principal TEXT NOT NULL, credential BLOB NOT NULL, created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_principal ON sessions (principal, created);
CREATE INDEX sessions_expires ON sessions (expires);

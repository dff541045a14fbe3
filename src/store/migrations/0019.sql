-- Whose topic has which places of the journal. What the journal forgets is forgotten here.
CREATE TABLE topic_entries (
    subscription INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE INDEX topic_entries_seq ON topic_entries (seq, subscription);

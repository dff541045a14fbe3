-- A scan that somebody asks for is a task: where, and what else was asked, as JSON. What a task came to, as JSON. Which
-- subscription listens for its end.
ALTER TABLE tasks ADD COLUMN path BLOB;
ALTER TABLE tasks ADD COLUMN request TEXT;
ALTER TABLE tasks ADD COLUMN result TEXT;
ALTER TABLE tasks ADD COLUMN listener INTEGER;

-- What a body is (`Content-Type`), frozen with it. Every body of an earlier schema is JSON in the `zoom` text.
ALTER TABLE deliveries ADD COLUMN content_type TEXT NOT NULL DEFAULT 'application/json';
ALTER TABLE dead ADD COLUMN content_type TEXT NOT NULL DEFAULT 'application/json';

-- How long a delivery has been tried, milliseconds: what its failed attempts took, and the delays between them.
ALTER TABLE deliveries ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;
-- The phases of an attempt have other names now.
UPDATE attempts SET phase = CASE phase WHEN 'resolve' THEN 'dns' WHEN 'exchange' THEN 'headers' ELSE phase END;

-- Something that is done, piece by piece, with all that a filter covers (store/bulks.rs): `choice` is the filter, as
-- JSON, and `after_lane` with `after_number` and `after_part` is where the last piece stopped.
ALTER TABLE tasks ADD COLUMN choice TEXT;
ALTER TABLE tasks ADD COLUMN after_lane INTEGER;

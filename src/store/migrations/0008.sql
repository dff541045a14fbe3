-- What entries say beyond the five keys. Null in rows of before: not known.
-- `size` and `mtime_ns`: what the asset had, for a deletion what was last known. `previous_path`: of an addition that is
-- a move, where the asset was before. `moved`: the seq of the deletion there.
ALTER TABLE journal ADD COLUMN size INTEGER;
ALTER TABLE journal ADD COLUMN mtime_ns INTEGER;
ALTER TABLE journal ADD COLUMN previous_path BLOB;
ALTER TABLE journal ADD COLUMN moved INTEGER;
-- `seq`: the deletion, to which the addition refers if the asset comes back elsewhere.
ALTER TABLE gone ADD COLUMN seq INTEGER;

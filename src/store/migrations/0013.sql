-- A backfill tells a subscription that lost entries how the assets stand that changed since (dispatch/backfill.rs):
-- those whose `rrn` is that of the first change that it lost, or a later one. `again`: it lost more meanwhile, and a
-- walk from that transaction follows. The walk is past the gone asset of `after_rrn` and `after_asset`, and once
-- `after_dir` is not null, past the asset of that directory and of `after_name`.
ALTER TABLE tasks ADD COLUMN rrn INTEGER;
ALTER TABLE tasks ADD COLUMN again INTEGER;
ALTER TABLE tasks ADD COLUMN after_rrn INTEGER;
ALTER TABLE tasks ADD COLUMN after_asset INTEGER;
ALTER TABLE tasks ADD COLUMN after_dir INTEGER;
ALTER TABLE tasks ADD COLUMN after_name BLOB;

-- Exact facts of the load machine (null: an older version of perf_pipeline did not write them down).
alter table runs add column machine map(varchar, varchar);

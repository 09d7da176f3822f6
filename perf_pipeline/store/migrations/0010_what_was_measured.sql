-- Version of the target, and commit, branch, pull_request and build by CI (null: an older version of
-- perf_pipeline did not ask).
alter table runs add column revision map(varchar, varchar);

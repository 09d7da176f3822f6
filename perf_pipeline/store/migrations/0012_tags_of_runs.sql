-- What people called a run, by `--tag` or in Dagster (null: an older version of perf_pipeline had no
-- such tags). It is not named `tags`, because many tables that are joined with this one have those.
alter table runs add column run_tags map(varchar, varchar);

create table baselines (
    made_at timestamp not null,
    action varchar not null,
    name varchar not null,
    run_id varchar not null,
    metric varchar not null,
    made_by varchar not null,
    reason varchar not null
);

create table change_points (
    run_id varchar not null,
    benchmark varchar not null,
    metric varchar not null,
    tags varchar not null,
    statistic varchar not null,
    found_by varchar not null,
    before double,
    after double,
    p_value double,
    found_at timestamp not null,
    primary key (run_id, benchmark, metric, tags, statistic, found_by)
);

create table lineage (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    reference varchar not null,
    baseline_run_ids varchar[] not null,
    reason varchar not null,
    config_hash varchar not null,
    code_version varchar not null,
    judged_at timestamp not null,
    primary key (run_id, benchmark, position)
);

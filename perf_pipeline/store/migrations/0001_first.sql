create table environments (
    environment_id varchar primary key,
    facts map(varchar, varchar) not null
);

create table runs (
    run_id varchar primary key,
    profile varchar not null,
    profile_json varchar not null,
    config_hash varchar not null,
    seed bigint not null,
    target varchar not null,
    triggered_by varchar not null,
    code_version varchar not null,
    began_at timestamp not null,
    environment_id varchar not null,
    notices varchar[] not null
);

create table benchmarks (
    run_id varchar not null,
    benchmark varchar not null,
    status varchar not null,
    began_at timestamp,
    wall_s double,
    measured_s double,
    valid boolean not null,
    invalid_reasons varchar[] not null,
    health map(varchar, double) not null,
    load_hash varchar not null,
    problems varchar[] not null,
    torn_lines bigint not null,
    raw_kept boolean not null,
    ingested_at timestamp not null,
    primary key (run_id, benchmark)
);

create table scenarios (
    run_id varchar not null,
    benchmark varchar not null,
    scenario varchar not null,
    iterations bigint not null,
    dropped_iterations bigint,
    interrupted_iterations bigint,
    intended_iterations bigint,
    measured_from_us bigint not null,
    measured_until_us bigint not null,
    primary key (run_id, benchmark, scenario)
);

create table samples (
    run_id varchar not null,
    benchmark varchar not null,
    scenario varchar not null,
    protocol varchar not null,
    vu bigint not null,
    iteration bigint not null,
    operation varchar not null,
    phase varchar not null,
    intended_us bigint not null,
    started_us bigint not null,
    ended_us bigint not null,
    outcome varchar not null,
    status bigint not null,
    error varchar not null,
    bytes_out bigint not null,
    bytes_in bigint not null,
    records bigint not null,
    checks_passed bigint not null,
    checks_failed bigint not null
);

create table checks (
    run_id varchar not null,
    benchmark varchar not null,
    scenario varchar not null,
    operation varchar not null,
    check_name varchar not null,
    passes bigint not null,
    fails bigint not null,
    primary key (run_id, benchmark, scenario, operation, check_name)
);

create table readings (
    run_id varchar not null,
    benchmark varchar not null,
    at_us bigint not null,
    source varchar not null,
    name varchar not null,
    value double not null
);

create table figures (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    name varchar not null,
    value double not null,
    scenario varchar not null,
    operation varchar not null
);

create table ledger (
    run_id varchar not null,
    benchmark varchar not null,
    message_id varchar not null,
    event varchar not null,
    at_us bigint not null
);

create table summaries (
    run_id varchar not null,
    benchmark varchar not null,
    metric varchar not null,
    tags varchar not null,
    kind varchar not null,
    unit varchar not null,
    count double not null,
    rate double,
    minimum double,
    average double,
    median double,
    p90 double,
    p95 double,
    p99 double,
    p99_9 double,
    maximum double,
    last double,
    primary key (run_id, benchmark, metric, tags)
);

create table verdicts (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    metric varchar not null,
    tags varchar not null,
    statistic varchar not null,
    percentile double,
    comparison varchar not null,
    bound double not null,
    source varchar not null,
    severity varchar not null,
    abort_on_fail boolean not null,
    delay_abort_eval_us bigint not null,
    observed double,
    status varchar not null,
    reason varchar not null,
    primary key (run_id, benchmark, position)
);

create table diffs (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    metric varchar not null,
    tags varchar not null,
    statistic varchar not null,
    value double,
    baseline_kind varchar not null,
    baseline_runs bigint not null,
    baseline_median double,
    change_ratio double,
    change_low double,
    change_high double,
    minimum_detectable_ratio double,
    status varchar not null,
    primary key (run_id, benchmark, position)
);

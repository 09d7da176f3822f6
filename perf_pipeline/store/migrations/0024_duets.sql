-- Comparisons of two sides that were loaded at the same time: each is a run of its own kind.
create table duets (
    run_id varchar primary key,
    began_at timestamp not null,
    profile varchar not null,
    seed bigint not null,
    baseline varchar not null,
    candidate varchar not null,
    verdict varchar not null,
    exit_code integer not null,
    margin double not null,
    alpha double not null,
    limit_s double not null,
    measured_s double not null
);
-- What each statistic of each operation said; ratios are candidate to baseline, times are in ms.
create table duet_verdicts (
    run_id varchar not null,
    benchmark varchar not null,
    step integer not null,
    operation varchar not null,
    statistic varchar not null,
    baseline_value double,
    candidate_value double,
    ratio double,
    low double,
    high double,
    blocks bigint not null,
    margin double not null,
    verdict varchar not null,
    operation_verdict varchar not null,
    reason varchar not null,
    baseline_requests bigint not null,
    candidate_requests bigint not null,
    baseline_failed bigint not null,
    candidate_failed bigint not null,
    primary key (run_id, benchmark, step, operation, statistic)
);

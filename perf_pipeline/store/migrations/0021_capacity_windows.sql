-- The windows of searches for a capacity: what each rate showed.
create table capacity_windows (
    run_id varchar not null,
    benchmark varchar not null,
    number bigint not null,
    purpose varchar not null,
    rate_per_s double not null,
    length_s double not null,
    achieved_per_s double not null,
    p95_ms double not null,
    failed_ratio double not null,
    dropped bigint not null,
    growth_per_s double not null,
    growth_of varchar not null,
    cpu varchar not null,
    shown varchar not null,
    reason varchar not null,
    found varchar not null,
    primary key (run_id, benchmark, number)
);

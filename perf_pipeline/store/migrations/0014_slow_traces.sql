-- The slowest requests of each operation whose traces were sampled: their samples go, and these stay.
create table slow_traces (
    run_id varchar not null,
    benchmark varchar not null,
    operation varchar not null,
    position bigint not null,
    scenario varchar not null,
    trace_id varchar not null,
    started_us bigint not null,
    service_ms double not null,
    status bigint not null,
    error varchar not null,
    primary key (run_id, benchmark, operation, position)
);

alter table samples add column blocked_us bigint default -1;
alter table samples add column connecting_us bigint default -1;
alter table samples add column tls_us bigint default -1;
alter table samples add column sending_us bigint default -1;
alter table samples add column waiting_us bigint default -1;
alter table samples add column receiving_us bigint default -1;

create table iterations (
    run_id varchar not null,
    benchmark varchar not null,
    scenario varchar not null,
    vu bigint not null,
    iteration bigint not null,
    phase varchar not null,
    intended_us bigint not null,
    started_us bigint not null,
    ended_us bigint not null,
    outcome varchar not null
);

create table histograms (
    run_id varchar not null,
    benchmark varchar not null,
    metric varchar not null,
    scenario varchar not null,
    operation varchar not null,
    status varchar not null,
    outcome varchar not null,
    error varchar not null,
    count bigint not null,
    total double not null,
    minimum double not null,
    maximum double not null,
    relative_error double not null,
    buckets integer[] not null,
    counts bigint[] not null,
    primary key (run_id, benchmark, metric, scenario, operation, status, outcome, error)
);

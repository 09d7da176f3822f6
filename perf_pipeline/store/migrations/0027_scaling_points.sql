-- What searches for a capacity found at several numbers of units.
create table scaling_points (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    units bigint not null,
    kind varchar not null,
    per_s double not null,
    low_per_s double not null,
    high_per_s double not null,
    first_window bigint not null,
    last_window bigint not null,
    told varchar not null,
    primary key (run_id, benchmark, position)
);

-- How fast each quantity of a benchmark that tells what grows grew, with the interval of that.
create table growth (
    run_id varchar not null,
    benchmark varchar not null,
    metric varchar not null,
    part varchar not null,
    points bigint not null,
    hours double not null,
    level double not null,
    per_h double not null,
    low_per_h double,
    high_per_h double,
    finding varchar not null,
    needed_h double,
    primary key (run_id, benchmark, metric, part)
);

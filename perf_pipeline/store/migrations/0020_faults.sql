-- What was broken on purpose while a load ran, when that really was, and when all was as before.
create table faults (
    run_id varchar not null,
    benchmark varchar not null,
    position bigint not null,
    fault varchar not null,
    kind varchar not null,
    what varchar not null,
    injected_us bigint not null,
    undo_us bigint not null,
    undone_us bigint not null,
    effect_us bigint,
    recovered_us bigint,
    within_us bigint,
    primary key (run_id, benchmark, position)
);

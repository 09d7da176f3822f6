-- What the rows of a benchmark were when they were written. A part of the file that was overwritten
-- by a copy of another part is whole for DuckDB, which knows each block's own checksum only.
create table digests (
    run_id varchar not null,
    benchmark varchar not null,
    table_name varchar not null,
    row_count bigint not null,
    digest hugeint not null,
    made_by varchar not null,
    primary key (run_id, benchmark, table_name)
);

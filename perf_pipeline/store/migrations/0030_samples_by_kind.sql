-- The texts of samples repeat: they stand once, as a kind, and a sample names its kind by a number.
-- Whose a sample is stands in its own row, so that damage to kinds moves no sample to another run.
-- `samples` is a view that has them side by side, with the columns that the table had.
alter table samples rename to samples_with_texts;
create table sample_kinds (
    run_id varchar not null,
    benchmark varchar not null,
    kind integer not null,
    scenario varchar not null,
    protocol varchar not null,
    operation varchar not null,
    phase varchar not null,
    outcome varchar not null,
    status bigint not null,
    error varchar not null
);
create table sample_rows (
    run_id varchar not null,
    benchmark varchar not null,
    kind integer not null,
    vu bigint not null,
    iteration bigint not null,
    intended_us bigint not null,
    started_us bigint not null,
    ended_us bigint not null,
    bytes_out bigint not null,
    bytes_in bigint not null,
    records bigint not null,
    checks_passed bigint not null,
    checks_failed bigint not null,
    blocked_us bigint not null,
    connecting_us bigint not null,
    tls_us bigint not null,
    sending_us bigint not null,
    waiting_us bigint not null,
    receiving_us bigint not null
);
insert into sample_kinds
select run_id, benchmark, row_number() over (order by all_texts), scenario, protocol, operation,
    phase, outcome, status, error
from (
    select *, row(run_id, benchmark, scenario, protocol, operation, phase, outcome, status, error)
        as all_texts
    from (
        select distinct run_id, benchmark, scenario, protocol, operation, phase, outcome, status,
            error
        from samples_with_texts
    )
);
insert into sample_rows
select run_id, benchmark, kind, vu, iteration, intended_us, started_us, ended_us, bytes_out, bytes_in, records,
    checks_passed, checks_failed, coalesce(blocked_us, -1), coalesce(connecting_us, -1),
    coalesce(tls_us, -1), coalesce(sending_us, -1), coalesce(waiting_us, -1),
    coalesce(receiving_us, -1)
from samples_with_texts
join sample_kinds using (run_id, benchmark, scenario, protocol, operation, phase, outcome, status,
    error);
create view samples as
select run_id, benchmark, scenario, protocol, vu, iteration, operation, phase, intended_us,
    started_us, ended_us, outcome, status, error, bytes_out, bytes_in, records, checks_passed,
    checks_failed, blocked_us, connecting_us, tls_us, sending_us, waiting_us, receiving_us
from sample_rows join sample_kinds using (run_id, benchmark, kind);

-- The digests of what is as it was sealed go over to the new tables. What is not gets one of its
-- rows that no rows have, with the number that was written, so that it stays refused; what nobody
-- can prove any more is taken as it is.
insert into digests (run_id, benchmark, table_name, row_count, digest, made_by)
with before as (
    select sealed.run_id, sealed.benchmark, sealed.row_count,
        coalesce(found.row_count, 0) = sealed.row_count
            and coalesce(found.digest, 0) = sealed.digest as is_whole
    from digests as sealed left join (
        select run_id, benchmark, count(*) as row_count, sum(hash(each)::hugeint) as digest
        from samples_with_texts as each group by run_id, benchmark
    ) as found using (run_id, benchmark)
    where sealed.table_name = 'samples' and sealed.made_by = 'duckdb ' || ltrim(version(), 'v')
        || ': run_id benchmark scenario protocol vu iteration operation phase intended_us '
        || 'started_us ended_us outcome status error bytes_out bytes_in records checks_passed '
        || 'checks_failed blocked_us connecting_us tls_us sending_us waiting_us receiving_us'
),
makers as (
    select table_name, 'duckdb ' || ltrim(version(), 'v') || ': '
        || string_agg(column_name, ' ' order by column_index) as made_by
    from duckdb_columns()
    where database_name = current_database() and table_name in ('sample_kinds', 'sample_rows')
    group by table_name
),
after as (
    select 'sample_kinds' as table_name, run_id, benchmark, count(*) as row_count,
        sum(hash(each)::hugeint) as digest
    from sample_kinds as each group by run_id, benchmark
    union all
    select 'sample_rows', run_id, benchmark, count(*), sum(hash(each)::hugeint)
    from sample_rows as each group by run_id, benchmark
)
select run_id, benchmark, table_name,
    if(is_whole or table_name = 'sample_kinds', coalesce(after.row_count, 0), before.row_count),
    if(is_whole or table_name = 'sample_kinds', coalesce(after.digest, 0), -1), made_by
from before cross join makers left join after using (run_id, benchmark, table_name);
delete from digests where table_name = 'samples';
drop table samples_with_texts;

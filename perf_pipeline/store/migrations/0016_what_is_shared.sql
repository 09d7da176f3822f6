-- The digest of what a run measured, by which a team's history knows it, and the sum of its seals
-- when it was worked out, which changes when the run is stored anew.
create table run_contents (
    run_id varchar primary key,
    content varchar not null,
    seals hugeint not null
);
-- Runs that were removed here, and that a pull does not bring back.
create table removed_runs (
    run_id varchar primary key,
    removed_at timestamp not null
);

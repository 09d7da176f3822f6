-- Figures that another tool worked out itself: its file has no samples to work them out from. The
-- statistic is count, rate, avg, p(95) ..., or the text of a threshold with 1 where it held there.
create table reported_figures (
    run_id varchar not null,
    benchmark varchar not null,
    metric varchar not null,
    tags varchar not null,
    statistic varchar not null,
    value double not null
);

update diffs set statistic = 'med' where statistic = 'p(50)';

delete from change_points as other
where statistic = 'p(50)' and exists (
    select 1 from change_points as same
    where same.statistic = 'med' and same.run_id = other.run_id
        and same.benchmark = other.benchmark and same.metric = other.metric
        and same.tags = other.tags and same.found_by = other.found_by
);

update change_points set statistic = 'med' where statistic = 'p(50)';

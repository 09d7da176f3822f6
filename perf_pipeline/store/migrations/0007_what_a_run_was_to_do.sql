-- What a run was to do (null: an older version did not write it down), what ended it early, and
-- the order in which runs were made, which no clock decides.
alter table runs add column planned varchar[];
alter table runs add column problems varchar[];
alter table runs add column made_as bigint;

update runs set made_as = counted.place
from (select run_id, row_number() over (order by began_at, run_id) as place from runs) as counted
where runs.run_id = counted.run_id;

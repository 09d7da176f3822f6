"""The statements that take k6's points apart.

Add here: a statement of k6's points. Keep out: statements of other formats.
"""

from typing import Final

from perf_pipeline.store.imports.k6_names import REQUESTS
from perf_pipeline.store.imports.requests_sql import CREDIBLE_MOMENT, LONGEST_MS

_HTTP: Final = ", ".join(f"'{name}'" for name in REQUESTS)

POINTS: Final = """
create table points (
    n bigint, metric varchar, at_us bigint, value double, scenario varchar, name varchar,
    status varchar, expected varchar, error_code varchar, check_name varchar
);
create table declared (
    name varchar, kind varchar, contains varchar, thresholds varchar, submetrics varchar
);
"""
READ_JSON: Final = """
create table raw as select metric, type, data.* from read_json({path}, format = 'newline_delimited',
    ignore_errors = true, columns = {{metric: 'VARCHAR', type: 'VARCHAR', data: 'STRUCT(
        "time" VARCHAR, "value" DOUBLE, tags JSON, name VARCHAR, "type" VARCHAR, contains VARCHAR,
        thresholds VARCHAR, submetrics VARCHAR)'}})
"""
# A phase of a request is a difference of two moments, of which k6 has none for some requests.
_CREDIBLE: Final = f"""
coalesce({{0}} not in ({_HTTP}, 'iterations', 'dropped_iterations', 'iteration_duration')
    or {{1}} between
        if(starts_with({{0}}, 'http_req_') and {{0}} <> 'http_req_duration', -{LONGEST_MS}, 0)
        and {LONGEST_MS}, false)
"""
BAD_JSON: Final = f"""
select min(rowid), count(*), (select max(rowid) from raw) from raw
where type is null or metric is null or type not in ('Metric', 'Point')
    or type = 'Point' and (value is null or not {_CREDIBLE.format("metric", "value")}
        or not {CREDIBLE_MOMENT.format('try_cast("time" as timestamptz)')})
"""
FROM_JSON: Final = """
insert into points
select rowid, metric, epoch_us(cast("time" as timestamptz)), value, tag[1], tag[2], tag[3], tag[4],
    tag[5], tag[6]
from (
    select rowid, metric, "time", value, json_extract_string(tags, ['$.scenario', '$.name',
        '$.status', '$.expected_response', '$.error_code', '$.check']) as tag
    from raw where type = 'Point'
);
insert into declared
select name, type_1, contains, thresholds, submetrics from raw where type = 'Metric';
"""
CSV_COLUMNS: Final = (
    "metric_name", "timestamp", "metric_value", "check", "error_code", "expected_response", "name",
    "scenario", "status",
)  # fmt: skip
"""What is read of CSV; k6 writes a column for each of its system tags, which can be chosen."""
EXTRA_TAGS: Final = "extra_tags"
"""The column of CSV with the tags that have none of their own, as `name=value&name=value`."""
# As texts, and a row may be too short, so that a line that can't be read leaves its number.
READ_CSV: Final = """
create table raw as
select {columns}, {tags} as tags
from read_csv({path}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
    null_padding = true, auto_detect = true, strict_mode = false)
"""
_MOMENT: Final = """
case when regexp_full_match("timestamp", '[0-9]+') then
    case when length("timestamp") < 12 then try_cast("timestamp" as bigint) * 1000000
        when length("timestamp") < 15 then try_cast("timestamp" as bigint) * 1000
        when length("timestamp") < 18 then try_cast("timestamp" as bigint)
        else try_cast("timestamp" as bigint) // 1000 end
    else epoch_us(try_cast("timestamp" as timestamptz)) end
"""
BAD_CSV: Final = f"""
select min(rowid), count(*), (select max(rowid) from raw) from raw
where coalesce(metric_name, '') = '' or try_cast(metric_value as double) is null
    or not {_CREDIBLE.format("metric_name", "try_cast(metric_value as double)")}
    or not {CREDIBLE_MOMENT.format(f"make_timestamptz({_MOMENT})")}
"""
FROM_CSV: Final = f"""
insert into points
select rowid, metric_name, {_MOMENT}, cast(metric_value as double), nullif(scenario, ''),
    nullif(name, ''), nullif(status, ''), nullif(expected_response, ''), nullif(error_code, ''),
    nullif("check", '')
from raw
"""
HAS_POINTS: Final = "select exists (from points)"
HAS_TAGS: Final = """
select exists (
    from raw where list_count(json_extract_string(tags, $paths::varchar[])) = len($paths::varchar[])
)
"""
DECLARED: Final = "select name, kind, contains, thresholds, submetrics from declared"
NAMES: Final = "select distinct metric from points order by metric"

# The n-th point of each metric of a request is of the n-th request.
NUMBERED: Final = f"""
create table numbered as
select row_number() over (partition by metric order by n) as request, *
from points where metric in ({_HTTP})
"""
UNPAIRED: Final = """
with grouped as (
    select request, count(*) as points, min(at_us) = max(at_us)
        and count(distinct coalesce(scenario, '')) = 1 as is_same
    from numbered group by request
), whole as (select count(distinct metric) as metrics, max(request) as last from numbered)
select count(*) filter (where not is_same or points <> metrics and request <> last) > 0,
    coalesce(bool_or(points <> metrics and request = last), false)
from grouped, whole
"""
# In k6's own words: http_req_duration = sending + waiting + receiving.
_REQUEST: Final = """
insert into requests (scenario, operation, started_us, ended_us, outcome, status, error{columns})
select scenario, operation, ended_us - duration_us, ended_us,
    case when ok then 'ok' when error_code = '1050' then 'timeout' else 'failed' end, code,
    case when ok then ''
        when error_code = '1050' then 'timeout'
        when code > 0 then 'status'
        when error_code like '11__' then 'dns'
        when error_code = '1211' then 'connect_timeout'
        when error_code = '1212' then 'refused'
        when error_code = '1220' then 'reset'
        when error_code like '13__' then 'tls'
        when coalesce(error_code, '') = '' then 'error'
        else 'error_' || error_code end{columns}
from (
    select coalesce(d.scenario, 'default') as scenario, coalesce(d.name, 'request') as operation,
        d.at_us as ended_us, cast(round(d.value * 1000) as bigint) as duration_us,
        coalesce(try_cast(d.status as integer), 0) as code, d.error_code,
        coalesce({failed}d.expected = 'true', try_cast(d.status as integer) between 200 and 399,
            false) as ok{phases}
    from numbered as d{joined}
    where d.metric = 'http_req_duration' order by d.request
)
"""
_PHASES: Final = ("blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
_COLUMNS: Final = tuple(f"{name.removesuffix('_handshaking')}_us" for name in _PHASES)
_PHASE: Final = (
    "coalesce(cast(round(max(value) filter (metric = 'http_req_{}') * 1000) as bigint), -1) as {}"
)
REQUESTS_WHOLE: Final = _REQUEST.format(
    columns=", " + ", ".join(_COLUMNS),
    failed="failed = 0, ",
    phases=", " + ", ".join(f"p.{name}" for name in _COLUMNS),
    joined=f"""
    join (
        select request, max(value) filter (metric = 'http_req_failed') as failed,
            {", ".join(map(_PHASE.format, _PHASES, _COLUMNS))}
        from numbered group by request
        having count(*) = (select count(distinct metric) from numbered)
    ) as p using (request)""",
)
REQUESTS_ALONE: Final = _REQUEST.format(columns="", failed="", phases="", joined="")

ITERATIONS: Final = """
insert into iterations
select coalesce(scenario, 'default'), at_us - cast(round(value * 1000) as bigint), at_us
from points where metric = 'iteration_duration' order by n
"""
STARTS: Final = """
insert into starts
select coalesce(scenario, 'default'), sum(value) filter (metric = 'iterations'),
    coalesce(sum(value) filter (metric = 'dropped_iterations'), 0)
from points where metric in ('iterations', 'dropped_iterations')
group by all
"""
CHECKS: Final = """
insert into checks
select coalesce(scenario, ''), '', coalesce(check_name, 'check'),
    count(*) filter (value <> 0), count(*) filter (value = 0)
from points where metric = 'checks' group by all
"""
VUS: Final = """
insert into readings select at_us, '', metric, value from points
where metric in ('vus', 'vus_max', 'dropped_iterations') order by n
"""
OTHERS: Final = """
insert into readings
select at_us, $source, $name, if($is_rate, if(value <> 0, 1, 0), value) from points
where metric = $metric order by n
"""
# A filter by tags that no column holds; only the raw lines have them.
FILTERED: Final = """
insert into readings
select p.at_us, $source, $name, if($is_rate, if(p.value <> 0, 1, 0), p.value)
from points as p join raw on raw.rowid = p.n
where p.metric = $metric and {conditions}
order by p.n
"""

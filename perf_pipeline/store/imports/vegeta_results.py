"""Read vegeta's results, one JSON object a line: `vegeta encode --to json`.

Add here: another form of vegeta's results. Keep out: its reports (importing/).
"""

from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun
from perf_pipeline.store.imports.lines import ends_with_line, nth_line, why_no_json
from perf_pipeline.store.imports.requests_sql import (
    CREDIBLE_MOMENT,
    ERROR_OF_TEXT,
    LONGEST_MS,
    PLAIN,
)
from perf_pipeline.store.imports.workbench import quoted_path, run_of, workbench

_READ: Final = """
create table raw as select * from read_json({path}, format = 'newline_delimited',
    ignore_errors = true, columns = {{attack: 'VARCHAR', code: 'INTEGER', "timestamp": 'VARCHAR',
        latency: 'BIGINT', bytes_out: 'BIGINT', bytes_in: 'BIGINT', error: 'VARCHAR',
        method: 'VARCHAR', url: 'VARCHAR'}})
"""
_BAD: Final = f"""
select min(rowid), (select max(rowid) from raw) from raw
where not {CREDIBLE_MOMENT.format('try_cast("timestamp" as timestamptz)')}
    or not coalesce(latency // 1000000 between 0 and {LONGEST_MS}, false) or code is null
"""
_REQUESTS: Final = f"""
insert into requests (scenario, operation, started_us, ended_us, outcome, status, error, bytes_out,
    bytes_in)
select {PLAIN.format("coalesce(attack, '')", "vegeta")},
    trim(concat(method, ' ', split_part(coalesce(url, ''), '?', 1))), begun_us,
    begun_us + latency // 1000,
    case when ok then 'ok' when code = 0 and why = 'timeout' then 'timeout' else 'failed' end, code,
    case when ok then '' when code > 0 then 'status' else why end,
    coalesce(bytes_out, 0), coalesce(bytes_in, 0)
from (
    select *, epoch_us(cast("timestamp" as timestamptz)) as begun_us,
        code between 200 and 399 as ok, {ERROR_OF_TEXT.format("coalesce(error, '')")} as why
    from raw
)
"""
_NO_RESULT: Final = "it is not a result of vegeta: it has no timestamp, latency or code"
_NOTICES: Final = ("vegeta does not report iterations: each request counts as one",)


def read_results(path: Path, folder: Path, *, shown: Path) -> ForeignRun:
    """Write vegeta's results as a benchmark's spool.

    Args:
        path: the path of the file, not compressed.
        folder: the folder of the benchmark, which exists.
        shown: the file as people know it.

    Raises:
        ForeignFileError: a line can't be read.
    """
    with workbench(folder.parent) as connection:
        cut = _fill(connection, path, shown)
        connection.execute(_REQUESTS)
        return run_of(connection, folder, shown, cut=cut, notices=_NOTICES)


def _fill(connection: duckdb.DuckDBPyConnection, path: Path, shown: Path) -> str:
    try:
        connection.execute(_READ.format(path=quoted_path(path)))
    except duckdb.Error as error:
        raise ForeignFileError(shown, str(error).splitlines()[0]) from error
    bad, last = connection.execute(_BAD).fetchone() or (None, None)
    if bad is None:
        return ""
    line, text = nth_line(path, bad)
    why = why_no_json(text)
    if not (why and bad == last and not ends_with_line(path)):
        raise ForeignFileError(shown, why or _NO_RESULT, line=line)
    connection.execute("delete from raw where rowid = ?", [last])
    return "its last line was cut off"

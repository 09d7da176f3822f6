"""Read JMeter's results (JTL), as CSV and as XML.

Every sampler counts as a request. A transaction controller's row is the sum of others, and becomes
a series of its own. Sub-results are part of their sample, as in JMeter's own reports.
Source: apache/jmeter, "Listeners" in its user's manual, and SaveService.

Add here: another column of JMeter. Keep out: other tools.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import duckdb

from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun
from perf_pipeline.store.imports.lines import ends_with_line, first_line
from perf_pipeline.store.imports.requests_sql import (
    CREDIBLE_MOMENT,
    ERROR_OF_TEXT,
    LONGEST_MS,
    PLAIN,
)
from perf_pipeline.store.imports.workbench import (
    quoted,
    quoted_path,
    run_of,
    selected,
    workbench,
)

# By the attribute of the XML: the column of the CSV.
_COLUMNS: Final = {
    "ts": "timeStamp", "t": "elapsed", "lb": "label", "rc": "responseCode",
    "rm": "responseMessage", "tn": "threadName", "s": "success", "by": "bytes", "sby": "sentBytes",
    "na": "allThreads", "lt": "Latency", "ct": "Connect",
}  # fmt: skip
_NEEDED: Final = ("timeStamp", "elapsed", "label", "success")
_SAMPLES: Final = frozenset({"sample", "httpSample"})
_HINT: Final = (
    "save results with their field names, and time stamps as milliseconds "
    "(jmeter.save.saveservice.print_field_names=true, timestamp_format=ms)"
)
_WRONG: Final = (
    "it has no timeStamp in ms, no elapsed, or no success of true or false, or another number of "
    "columns than the first line"
)
_NOTICES: Final = (
    "JMeter's times include the time to connect, and so does http_req_duration here",
    "JMeter does not report iterations: each sample counts as one",
)
_READ: Final = """
create table raw as select {columns} from read_csv({path}, header = true, auto_detect = false,
    columns = {{{types}}}, delim = '{delim}', quote = '"', escape = '"', null_padding = true,
    strict_mode = false, parallel = false)
"""
_BAD: Final = f"""
select min(rowid), (select max(rowid) from raw) from raw
where not {CREDIBLE_MOMENT.format("to_timestamp(try_cast(timeStamp as bigint) / 1000)")}
    or not coalesce(try_cast(elapsed as bigint) between 0 and {LONGEST_MS}, false)
    or coalesce(lower(success), '') not in ('true', 'false')
"""
# A text in quotes may have lines of its own.
_LINES_BEFORE: Final = """
select count(*) + coalesce(sum(length(texts) - length(replace(texts, chr(10), ''))), 0)
from (select concat(label, responseMessage, failureMessage) as texts from raw where rowid < ?)
"""
_TRANSACTION: Final = "coalesce(responseMessage, '') like 'Number of samples in transaction%'"
_THREADS: Final = r"regexp_replace(coalesce(threadName, ''), '\s*\d+-\d+$', '')"
_ERROR: Final = ERROR_OF_TEXT.format("concat(responseCode, ' ', responseMessage)")
_REQUESTS: Final = f"""
insert into requests (scenario, operation, started_us, ended_us, outcome, status, error, bytes_out,
    bytes_in, connecting_us, waiting_us)
select {PLAIN.format(_THREADS, "jmeter")}, coalesce(nullif(label, ''), 'sample'),
    cast(timeStamp as bigint) * 1000,
    (cast(timeStamp as bigint) + cast(elapsed as bigint)) * 1000,
    case when lower(success) = 'true' then 'ok' when code = 0 and error = 'timeout' then 'timeout'
        else 'failed' end,
    code,
    case when lower(success) = 'true' then '' when coalesce(failureMessage, '') <> '' then 'check'
        when code > 0 then 'status' else error end,
    coalesce(try_cast(sentBytes as bigint), 0), coalesce(try_cast(bytes as bigint), 0),
    coalesce(try_cast(Connect as bigint) * 1000, -1),
    coalesce((try_cast(Latency as bigint) - coalesce(try_cast(Connect as bigint), 0)) * 1000, -1)
from (
    select *, coalesce(try_cast(responseCode as integer), 0) as code, {_ERROR} as error
    from raw where not {_TRANSACTION}
)
"""
_TRANSACTIONS: Final = f"""
insert into readings
select (cast(timeStamp as bigint) + cast(elapsed as bigint)) * 1000, label, 'imported_time',
    cast(elapsed as double)
from raw where {_TRANSACTION}
"""
_VUS: Final = """
insert into readings
select cast(timeStamp as bigint) // 1000 * 1000000, '', 'vus', max(try_cast(allThreads as double))
from raw where try_cast(allThreads as double) is not null group by 1 order by 1
"""


def read_jtl(path: Path, folder: Path, *, shown: Path) -> ForeignRun:
    """Write JMeter's results as a benchmark's spool.

    Args:
        path: the path of the file, not compressed.
        folder: the folder of the benchmark, which exists.
        shown: the file as people know it.

    Raises:
        ForeignFileError: a line can't be read, or it holds no sample.
    """
    cut = ""
    if first_line(path).startswith("<"):
        rows = folder.parent / "rows.csv"
        cut = _from_xml(path, rows, shown)
        path = rows
    with workbench(folder.parent) as connection:
        cut = _fill(connection, path, shown) or cut
        for statement in (_REQUESTS, _TRANSACTIONS, _VUS):
            connection.execute(statement)
        run = run_of(connection, folder, shown, cut=cut, notices=_NOTICES)
    (folder.parent / "rows.csv").unlink(missing_ok=True)
    return run


def _fill(connection: duckdb.DuckDBPyConnection, path: Path, shown: Path) -> str:
    """Read the rows, and say whether the last one was cut off."""
    first = first_line(path)
    delim = max(",;\t|", key=first.count)
    names = [name.strip('"') for name in first.split(delim)]
    if missing := [name for name in _NEEDED if name not in names]:
        told = f"its first line has no {', '.join(missing)}: {first[:60]!r}"
        raise ForeignFileError(shown, told, line=1, hint=_HINT)
    known = (*_COLUMNS.values(), "failureMessage")
    columns = selected(known, names)
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    read = _READ.format(columns=columns, path=quoted_path(path), delim=delim, types=types)
    try:
        connection.execute(read)
    except duckdb.Error as error:
        raise ForeignFileError(shown, str(error).splitlines()[0]) from error
    bad, last = connection.execute(_BAD).fetchone() or (None, None)
    is_cut = last is not None and not ends_with_line(path)
    if bad is not None and not (is_cut and bad == last):
        (before,) = connection.execute(_LINES_BEFORE, [bad]).fetchone() or (0,)
        raise ForeignFileError(shown, _WRONG, line=int(before) + 2, hint=_HINT)
    if is_cut:
        connection.execute("delete from raw where rowid = ?", [last])
    return "its last line was cut off" if is_cut else ""


def _from_xml(path: Path, rows: Path, shown: Path) -> str:
    """Write the samples of XML as CSV; say whether the document ends too early."""
    with rows.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_COLUMNS.values(), "failureMessage"])
        try:
            writer.writerows(_samples(path, shown))
        except ET.ParseError as error:
            line, _ = error.position
            if "no element found" in error.msg or "unclosed token" in error.msg:
                return f"its XML ends in line {line:,}"
            raise ForeignFileError(shown, f"it is not XML: {error.msg}", line=line) from error
    return ""


def _samples(path: Path, shown: Path) -> Iterator[list[Any]]:
    depth, root = 0, None
    for event, element in ET.iterparse(path, events=("start", "end")):  # noqa: S314 - Expat 2.4.1 and later stop a bomb
        if event == "start":
            if root is None:
                root = element
                if element.tag != "testResults":
                    raise ForeignFileError(shown, f"it is not a JTL: its root is <{element.tag}>")
            depth += element.tag in _SAMPLES
            continue
        if element.tag in _SAMPLES:
            depth -= 1
            if not depth:
                failed = element.findtext("assertionResult/failureMessage") or ""
                yield [*(element.get(name, "") for name in _COLUMNS), failed]
                root.clear()  # type: ignore[union-attr]  # it began before its samples

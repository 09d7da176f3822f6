"""Samples in two tables: their numbers, a row each, and their texts, which repeat, a row a kind.

The run and benchmark of a sample are in its own row and never depend on its kind, so that damage to
one table moves no sample of the other. A kind's number is its own in its benchmark, and new ones
are larger than all others, so that DuckDB passes over the rows of other benchmarks. Every kind has
a sample. The view `samples` has texts and numbers side by side, and whoever reads few columns of
many samples asks the two tables, each by run and benchmark.
Add here: another way in which samples come or go. Keep out: what is worked out from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import duckdb

from perf_pipeline.metrics.spool_rows import KIND, SAMPLE_ROWS
from perf_pipeline.store.engines import in_any_order
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.spool_binary import RowFile
from perf_pipeline.store.spool_csv import SpoolFiles

SAMPLE_TABLES: Final = ("sample_rows", "sample_kinds")
_TEXTS: Final = SAMPLE_ROWS.of_kind
_NUMBERS: Final = SAMPLE_ROWS.numbers[1:]
_TEXT_NAMES: Final = ", ".join(_TEXTS)
_NUMBER_NAMES: Final = ", ".join(_NUMBERS)
# Of both tables, so that not even rows whose kind was lost share a number with a new kind.
_LAST_KIND: Final = f"""
select greatest(coalesce((select max({KIND}) from sample_kinds), 0),
    coalesce((select max({KIND}) from sample_rows), 0))
"""
_MANY_ROWS: Final = 200_000
_INSERT_KINDS: Final = f"insert into sample_kinds (run_id, benchmark, {KIND}, {_TEXT_NAMES})"
_INSERT_ROWS: Final = f"insert into sample_rows (run_id, benchmark, {KIND}, {_NUMBER_NAMES})"
_GIVEN_KINDS: Final = (
    f"{_INSERT_KINDS} select $run_id, $benchmark, unnest($kinds::integer[]), "
    + ", ".join(
        f"unnest(${name}::{'bigint' if name == 'status' else 'varchar'}[])" for name in _TEXTS
    )
)
_NEW_KINDS: Final = f"""
{_INSERT_KINDS}
select run_id, benchmark, $last + row_number() over (order by run_id, benchmark, {_TEXT_NAMES}),
    {_TEXT_NAMES}
from (select distinct run_id, benchmark, {_TEXT_NAMES} from {{source}})
"""
_NEW_ROWS: Final = f"""
{_INSERT_ROWS}
select run_id, benchmark, {KIND}, {_NUMBER_NAMES} from {{source}}
join (from sample_kinds where {KIND} > $last) using (run_id, benchmark, {_TEXT_NAMES})
"""
_READ: Final = f"""
create or replace temp table read_samples as
select ? as run_id, ? as benchmark, {_TEXT_NAMES}, {_NUMBER_NAMES} from {{rows}}
"""
_DROP_READ: Final = "drop table read_samples"
_ANY: Final = """
select 1 from sample_rows where {chosen} union all select 1 from sample_kinds where {chosen} limit 1
"""
_DELETE: Final = "delete from {table} where {chosen}"
_DELETE_EMPTY: Final = f"""
delete from sample_kinds
where {OF_KEY} and {KIND} not in (select {KIND} from sample_rows where {OF_KEY})
"""


def load_samples(connection: duckdb.DuckDBPyConnection, key: RunKey, found: SpoolFiles) -> int:
    """Add the samples of spool files; return the number of lines that can't be read."""
    if not found.paths:
        _load_packed(connection, key, found.binary)
        return found.torn_lines
    torn_lines = found.load(connection, _READ, [key.run_id, key.benchmark])
    take_samples(connection, "read_samples", {})
    connection.execute(_DROP_READ)
    return torn_lines


def take_samples(
    connection: duckdb.DuckDBPyConnection, source: str, given: Mapping[str, object]
) -> None:
    """Add samples that have their texts beside them.

    Args:
        connection: to the history.
        source: what to select from, twice; it has the columns of the view `samples`.
        given: its parameters.
    """
    ((last,),) = connection.execute(_LAST_KIND).fetchall()
    for statement in (_NEW_KINDS, _NEW_ROWS):
        connection.execute(statement.format(source=source), {**given, "last": last})


def delete_samples(
    connection: duckdb.DuckDBPyConnection, chosen: str, given: Mapping[str, object]
) -> None:
    """Delete samples.

    Args:
        connection: to the history.
        chosen: condition on `run_id` and `benchmark`.
        given: its parameters.
    """
    some = connection.execute(_ANY.format(chosen=chosen), given).fetchone()
    for table in SAMPLE_TABLES if some else ():
        connection.execute(_DELETE.format(table=table, chosen=chosen), given)


def drop_empty_kinds(connection: duckdb.DuckDBPyConnection, key: RunKey) -> None:
    """Delete the kinds of which a benchmark has no sample any more."""
    connection.execute(_DELETE_EMPTY, key.parameters)


def _load_packed(
    connection: duckdb.DuckDBPyConnection, key: RunKey, files: Sequence[RowFile]
) -> None:
    """Add the rows of files as they are; only their kinds get the numbers of the history."""
    ((last,),) = connection.execute(_LAST_KIND).fetchall()
    numbers: dict[tuple[object, ...], int] = {}
    with ExitStack() as registered:
        sources = []
        for place, file in enumerate(files):
            name = f"packed_{place}"
            connection.register(name, _renumbered(file, numbers, int(last) + 1))
            registered.callback(connection.unregister, name)
            sources.append(f"select $run_id, $benchmark, {KIND}, {_NUMBER_NAMES} from {name}")
        if not numbers:
            return
        _insert_kinds(connection, key, numbers)
        if sum(len(file.rows) for file in files) >= _MANY_ROWS:
            registered.enter_context(in_any_order(connection))
        connection.execute(f"{_INSERT_ROWS} {' union all '.join(sources)}", key.parameters)


def _renumbered(
    file: RowFile, numbers: dict[tuple[object, ...], int], first: int
) -> dict[str, object]:
    """Return a file's columns, with the kinds of the history; new ones are added to `numbers`."""
    import numpy as np  # noqa: PLC0415 - as in spool_binary.py

    texts = zip(*(file.kinds[name].tolist() for name in _TEXTS), strict=True)
    times = np.bincount(file.rows[KIND], minlength=len(file.kinds[KIND])).tolist()
    kinds = [
        numbers.setdefault(text, first + len(numbers)) if count else 0
        for text, count in zip(texts, times, strict=True)
    ]
    columns: dict[str, object] = {name: file.rows[name] for name in _NUMBERS}
    return {KIND: np.array(kinds, "<i4")[file.rows[KIND]], **columns}


def _insert_kinds(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    numbers: Mapping[tuple[object, ...], int],
) -> None:
    columns: Iterable[tuple[object, ...]] = zip(*numbers, strict=True)
    texts = {name: [*column] for name, column in zip(_TEXTS, columns, strict=True)}
    connection.execute(_GIVEN_KINDS, {**key.parameters, "kinds": [*numbers.values()], **texts})

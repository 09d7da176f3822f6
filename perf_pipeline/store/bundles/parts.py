"""The rows of one run as Parquet files, a file for each table that has any.

Add here: a table of a run that has no benchmark. Keep out: what is decided about runs (decided.py).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.store.ingest import KEYED_TABLES
from perf_pipeline.store.sample_tables import SAMPLE_TABLES

RAW: Final = ("samples", "iterations", "ledger")
"""Tables that a bundle may leave out: all figures are in its summaries and histograms."""

OF_RUN: Final = ("runs", "environments")
TABLES: Final = (
    *OF_RUN,
    "samples",  # as people read them, so that a bundle says nothing of how they are stored
    *(table for table in KEYED_TABLES if table not in SAMPLE_TABLES),
)
"""All tables that a bundle may have, in the order in which they are stored."""

_COPY: Final = "copy ({rows}) to $path (format parquet, compression zstd)"
_ROWS: Final = "select * from {table} where run_id = $run_id"
_MACHINE: Final = """
select environments.* from environments join runs using (environment_id) where run_id = $run_id
"""


@dataclass(frozen=True, slots=True)
class PartFile:
    """Hold a file that was written.

    Attributes:
        table: whose rows it has.
        path: the path of the file.
        rows: how many.
    """

    table: str
    path: Path
    rows: int


def write_parts(
    connection: duckdb.DuckDBPyConnection, run_id: str, folder: Path, *, with_raw: bool
) -> list[PartFile]:
    """Write what a history has of a run into a folder, which is made; leave out empty tables.

    Args:
        connection: to the history.
        run_id: the id of a stored run.
        folder: for the files.
        with_raw: samples as well.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for table in TABLES:
        if table in RAW and not with_raw:
            continue
        rows = _MACHINE if table == "environments" else _ROWS.format(table=table)
        path = folder / f"{table}.parquet"
        given = {"run_id": run_id, "path": str(path)}
        try:
            [(count,)] = connection.execute(_COPY.format(rows=rows), given).fetchall()
        except (duckdb.IOException, OSError) as error:
            raise StoreError(
                f"{path} cannot be written: {error}",
                hint="make room in the folder for temporary files, or name another in TMPDIR",
            ) from error
        if count:
            found.append(PartFile(table, path, count))
    return found

"""Read the binary rows of the spool into DuckDB, also those of a run that was cut off.

The file's size decides how many rows there are, not its head (metrics/spool_rows.py says why). What
is less than a row at its end was being written when the process died; it is left out and counted.

Add here: what an older layout of rows needs. Keep out: CSV (spool_csv.py), what the rows mean.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import duckdb

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.spool_rows import HEAD_BYTES, KIND, KINDS_PREFIX, RowLayout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_INTEGERS: Final = frozenset({KIND, "status"})


@dataclass(frozen=True, slots=True)
class RowFile:
    """Hold a file's rows, mapped into memory, and their kinds.

    Attributes:
        layout: of the rows.
        rows: as they are on disk; all have a kind.
        kinds: columns of the table of kinds.
        torn: rows that were cut off, or whose kind was.
    """

    layout: RowLayout
    rows: "NDArray[np.void]"
    kinds: "dict[str, NDArray[np.generic]]"
    torn: int

    @contextmanager
    def registered(self, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[str]:
        """Let the connection see the rows inside the context; give what to select from.

        Args:
            connection: is in nobody else's hands.
            name: no table or view of the connection begins with it.
        """
        rows, kinds = f"{name}_rows", f"{name}_kinds"
        connection.register(rows, {column: self.rows[column] for column in self.layout.numbers})
        connection.register(kinds, self.kinds)
        columns = ", ".join(
            f"{'k' if column in self.layout.of_kind else 'r'}.{column}"
            for column in self.layout.columns
        )
        try:
            yield f"(select {columns} from {rows} as r join {kinds} as k using ({KIND}))"
        finally:
            connection.unregister(rows)
            connection.unregister(kinds)


def row_files(folder: Path, pattern: str, layout: RowLayout) -> Iterator[RowFile]:
    """Read the files of one kind that have rows, or lost some.

    Raises:
        PerfPipelineError: a file has other columns than this version writes.
    """
    for path in sorted(folder.glob(pattern)):
        found = _read(path, layout)
        if len(found.rows) or found.torn:
            yield found


def _read(path: Path, layout: RowLayout) -> RowFile:
    # NumPy takes 0.1 s to import, which only a spool with rows is worth.
    import numpy as np  # noqa: PLC0415

    dtype = np.dtype(layout.types)
    # First the size, for a file may still grow: a kind is on the disk before its first row.
    size = path.stat().st_size
    kinds = _kinds(path.with_name(f"{KINDS_PREFIX}{path.stem}.csv"), layout)
    if size < HEAD_BYTES:
        return RowFile(layout, np.empty(0, dtype), kinds, int(size > 0))
    with path.open("rb") as file:
        _check_head(file, dtype, path)
    count, rest = divmod(size - HEAD_BYTES, dtype.itemsize)
    torn = int(rest > 0)
    rows = np.memmap(path, dtype, "r", HEAD_BYTES, (count,)) if count else np.empty(0, dtype)
    known = rows[KIND] < len(kinds[KIND])
    if not known.all():
        torn += int((~known).sum())
        rows = rows[known]
    return RowFile(layout, rows, kinds, torn)


def other_columns(path: Path, found: Sequence[str], read: Sequence[str]) -> PerfPipelineError:
    """Give the error of a spool file of another version, binary or not."""
    return PerfPipelineError(
        f"{path} has the columns {','.join(found)[:200]!r}; this version reads {','.join(read)}",
        hint="ingest it with the version of perf_pipeline that wrote it",
    )


def _check_head(file: BinaryIO, dtype: "np.dtype[np.void]", path: Path) -> None:
    from numpy.lib import format as npy  # noqa: PLC0415

    try:
        npy.read_magic(file)
        _, _, found = npy.read_array_header_1_0(file)
    except ValueError as error:
        raise PerfPipelineError(
            f"{path} is damaged: {error}", hint="move it away and ingest what the others hold"
        ) from error
    if found != dtype:
        raise other_columns(path, found.names or (str(found),), dtype.names or ())


def _kinds(path: Path, layout: RowLayout) -> "dict[str, NDArray[np.generic]]":
    """Read the kinds that were written down whole."""
    import numpy as np  # noqa: PLC0415

    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1].decode()
    names = (KIND, *layout.of_kind)
    lines = list(csv.reader(StringIO(whole, newline="")))[1:]
    columns = list(zip(*lines, strict=True)) or [()] * len(names)
    return {
        name: np.array(column, "<u4" if name in _INTEGERS else object)
        for name, column in zip(names, columns, strict=True)
    }

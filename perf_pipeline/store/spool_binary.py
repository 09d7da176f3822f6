"""Read the binary rows of the spool into DuckDB, also those of a run that was cut off.

The file's size decides how many rows there are, not its head (metrics/spool_rows.py says why). What
is less than a row at its end was being written when the process died; it is left out and counted.

Add here: what an older layout of rows needs. Keep out: CSV (spool_csv.py), what the rows mean.
"""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import duckdb

from perf_pipeline.errors import SpoolDamagedError
from perf_pipeline.metrics.spool_rows import HEAD_BYTES, KIND, KINDS_PREFIX, RowLayout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_INTEGERS: Final = frozenset({KIND, "status"})
_TIMES: Final = ("intended_us", "started_us", "ended_us")
# 285 years: a time beyond it is no time, and sums of it would overflow.
_LATEST_US: Final = 2**53
_ROWS_AT_ONCE: Final = 4_096


_MOVE_HINT: Final = "move it away and ingest what the others hold"


@dataclass(frozen=True, slots=True)
class RowFile:
    """Hold a file's rows, mapped into memory, and their kinds.

    Attributes:
        layout: the layout of the rows.
        rows: as they are on disk; all have a kind.
        kinds: columns of the table of kinds.
        torn: rows that were cut off, or whose kind was.
        name: the name of the file.
        told: how many rows its head tells of; 0 when it was never closed.
    """

    layout: RowLayout
    rows: "NDArray[np.void]"
    kinds: "dict[str, NDArray[np.generic]]"
    torn: int
    name: str = ""
    told: int = 0

    @property
    def lost(self) -> str:
        """Say that the closed file has fewer rows than its header says; empty when it has them."""
        if len(self.rows) >= self.told:
            return ""
        return f"{self.name} holds {len(self.rows):,} of {self.told:,} rows"

    @contextmanager
    def registered(self, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[str]:
        """Let the connection see the rows inside the context; yield what to select from.

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


def row_files(
    folder: Path, pattern: str, layout: RowLayout, left_out: Collection[str] = ()
) -> Iterator[RowFile]:
    """Read the files of a kind that have rows, or that lost rows.

    Args:
        folder: the folder of the benchmark.
        pattern: the pattern of their names.
        layout: the layout of their rows.
        left_out: names of files that are not read.

    Raises:
        SpoolDamagedError: a file has other columns than this version writes.
    """
    for path in sorted(folder.glob(pattern)):
        if path.name in left_out:
            continue
        found = _read(path, layout)
        if len(found.rows) or found.torn or found.told:
            yield found


def _read(path: Path, layout: RowLayout) -> RowFile:
    # NumPy takes 0.1 s to import, which only a spool with rows is worth.
    import numpy as np  # noqa: PLC0415

    dtype = np.dtype(layout.types)
    # First the size, for a file may still grow: a kind is on the disk before its first row.
    size = path.stat().st_size
    kinds = _kinds(path.with_name(f"{KINDS_PREFIX}{path.stem}.csv"), layout)
    if size < HEAD_BYTES:
        return RowFile(layout, np.empty(0, dtype), kinds, int(size > 0), path.name)
    with path.open("rb") as file:
        told = _told_rows(file, dtype, path)
    count, rest = divmod(size - HEAD_BYTES, dtype.itemsize)
    torn = int(rest > 0)
    rows = np.memmap(path, dtype, "r", HEAD_BYTES, (count,)) if count else np.empty(0, dtype)
    if not all(_known(part, kinds).all() for part in _parts(rows)):
        known = np.concatenate([_known(part, kinds) for part in _parts(rows)])
        torn += int((~known).sum())
        rows = rows[known]
    return RowFile(layout, rows, kinds, torn, path.name, told)


def _parts(rows: "NDArray[np.void]") -> "Iterator[NDArray[np.void]]":
    """Cut rows into parts that stay in the processor while each of their columns is looked at."""
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[first : first + _ROWS_AT_ONCE]


def _known(
    rows: "NDArray[np.void]", kinds: "Mapping[str, NDArray[np.generic]]"
) -> "NDArray[np.bool_]":
    """Say of each row whether somebody wrote down its kind, and its times are some."""
    known: NDArray[np.bool_] = rows[KIND] < len(kinds[KIND])
    for column in _TIMES:
        known &= (rows[column] > -_LATEST_US) & (rows[column] < _LATEST_US)
    return known


def other_columns(path: Path, found: Sequence[str], read: Sequence[str]) -> SpoolDamagedError:
    """Return the error of a spool file of another version, binary or not."""
    return SpoolDamagedError(
        f"{path} has the columns {','.join(found)[:200]!r}; this version reads {','.join(read)}",
        hint="ingest it with the version of perf_pipeline that wrote it",
    )


def _told_rows(file: BinaryIO, dtype: "np.dtype[np.void]", path: Path) -> int:
    """Return the number of rows that the header of a file says."""
    from numpy.lib import format as npy  # noqa: PLC0415

    try:
        npy.read_magic(file)
        shape, _, found = npy.read_array_header_1_0(file)
        told = int(shape[0]) if shape else 0
    # NumPy evaluates the head as Python text, which a damaged head may no longer be.
    except (ValueError, TypeError, SyntaxError, OverflowError, MemoryError) as error:
        raise SpoolDamagedError(f"{path} is damaged: {error}", hint=_MOVE_HINT) from error
    if found != dtype:
        raise other_columns(path, found.names or (str(found),), dtype.names or ())
    return told


def _kinds(path: Path, layout: RowLayout) -> "dict[str, NDArray[np.generic]]":
    """Read the kinds that were written down whole.

    Raises:
        SpoolDamagedError: a line of it is none of a kind.
    """
    import numpy as np  # noqa: PLC0415

    data = path.read_bytes() if path.exists() else b""
    names = (KIND, *layout.of_kind)
    try:
        whole = data[: data.rfind(b"\n") + 1].decode()
        lines = list(csv.reader(StringIO(whole, newline=""), strict=True))[1:]
        columns = list(zip(*lines, strict=True)) or [()] * len(names)
        kinds = {
            name: np.array(column, "<u4" if name in _INTEGERS else object)
            for name, column in zip(names, columns, strict=True)
        }
    except (ValueError, OverflowError, csv.Error) as error:
        raise SpoolDamagedError(f"{path} is damaged: {error}", hint=_MOVE_HINT) from error
    if not np.array_equal(kinds[KIND], np.arange(len(kinds[KIND]))):
        raise SpoolDamagedError(
            f"{path} is damaged: its kinds are not numbered one by one", hint=_MOVE_HINT
        )
    return kinds

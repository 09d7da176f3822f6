"""Read the CSV files of the spool into DuckDB, also those of a run that was cut off.

A line that was being written when the process died is left out and counted. It is found by its
missing line end and not by its shape: `...,0,1` may be the first half of `...,0,15`.

Add here: another way in which a file may be damaged. Keep out: which kinds of files there are
(spool_kinds.py), what the rows mean.
"""

import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from perf_pipeline.metrics.spool_rows import ROWS_SUFFIX
from perf_pipeline.store.spool_binary import RowFile, other_columns, row_files
from perf_pipeline.store.spool_kinds import KINDS, TEXT_COLUMNS, SpoolKind

_BLOCK_BYTES: Final = 1 << 16
_COUNT_REJECTS: Final = (
    "select count(*) from (select distinct scan_id, file_id, line from reject_errors)"
)


@dataclass(frozen=True, slots=True)
class SpoolFiles:
    """Hold the readable files of a kind, and how many torn last lines were left out.

    Attributes:
        kind: the kind of all of them.
        paths: the paths of those in CSV.
        binary: the others.
        torn_lines: the number of torn lines in both.
    """

    kind: SpoolKind
    paths: tuple[Path, ...]
    binary: tuple[RowFile, ...]
    torn_lines: int

    def load(self, connection: duckdb.DuckDBPyConnection, statement: str, key: list[str]) -> int:
        """Run an INSERT or CREATE with `{rows}` standing for the files' rows.

        Args:
            connection: where the table is.
            statement: with one `{rows}` in FROM.
            key: the statement's parameters.

        Returns:
            The number of lines that could not be read, the cut ones included.
        """
        with ExitStack() as registered:
            sources = _read_all(self.kind, self.paths) + [
                registered.enter_context(file.registered(connection, f"spool_{number}"))
                for number, file in enumerate(self.binary)
            ]
            rows = " union all ".join(
                f"from {source}" for source in sources or [_no_rows(self.kind)]
            )
            connection.execute(statement.format(rows=f"({rows})"), key)
        if not self.paths:
            return self.torn_lines
        row = connection.execute(_COUNT_REJECTS).fetchone()
        connection.execute("drop table reject_errors")
        connection.execute("drop table reject_scans")
        return self.torn_lines + (int(row[0]) if row else 0)


@contextmanager
def spool_files(folder: Path, kind: str, left_out: Collection[str] = ()) -> Iterator[SpoolFiles]:
    """Find the files of a kind in a benchmark's folder that have rows, without torn last lines.

    Args:
        folder: the folder of the benchmark.
        kind: a key of `KINDS`.
        left_out: names of files that are not read.

    Raises:
        PerfPipelineError: a file has other columns than this version writes.
    """
    spec = KINDS[kind]
    with TemporaryDirectory(prefix="perf-pipeline-") as scratch:
        readable, torn_lines = [], 0
        for path in sorted(folder.glob(spec.pattern)):
            if path.name in left_out:
                continue
            whole_bytes, size_bytes = _whole_lines(path), path.stat().st_size
            torn_lines += whole_bytes < size_bytes
            if whole_bytes == 0:
                continue
            _check_header(path, spec)
            if whole_bytes == len(_first_line(path)):  # nobody wrote a row
                continue
            readable.append(
                path if whole_bytes == size_bytes else _copy_of(path, whole_bytes, Path(scratch))
            )
        binary: tuple[RowFile, ...] = ()
        if spec.layout is not None:
            pattern = Path(spec.pattern).with_suffix(ROWS_SUFFIX).name
            binary = tuple(row_files(folder, pattern, spec.layout, left_out))
        torn_lines += sum(file.torn for file in binary)
        yield SpoolFiles(spec, tuple(readable), binary, torn_lines)


def _read_all(kind: SpoolKind, paths: tuple[Path, ...]) -> list[str]:
    """Name the rows of the files, with a name for each version that wrote them."""
    by_header: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        by_header.setdefault(_header(path), []).append(path)
    return [_read_csv(kind, header, some) for header, some in by_header.items()]


def _read_csv(kind: SpoolKind, header: tuple[str, ...], paths: list[Path]) -> str:
    """Name the rows of files with the same header.

    DuckDB reads NULL from an empty field: it is '' of a text, and the default of what has one.
    """
    names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    types = ", ".join(f"'{name}': '{kind.types[name]}'" for name in header)
    columns = ", ".join(_column(kind, name, is_there=name in header) for name in kind.columns)
    # store_rejects implies ignore_errors; strict types keep the sniffer (and its guesses) out.
    return (
        f"(select {columns} from read_csv([{names}], columns = {{{types}}}, header = true, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', store_rejects = true))"
    )


def _column(kind: SpoolKind, name: str, *, is_there: bool) -> str:
    if not is_there:
        return f"{kind.defaults[name]} as {name}"
    if name in TEXT_COLUMNS:
        return f"coalesce({name}, '') as {name}"
    return f"coalesce({name}, {kind.defaults[name]}) as {name}" if name in kind.defaults else name


def _no_rows(kind: SpoolKind) -> str:
    columns = ", ".join(
        f"cast(null as {type_name}) as {name}" for name, type_name in kind.types.items()
    )
    return f"(select {columns} where false)"


def _whole_lines(path: Path) -> int:
    """Count the bytes up to the last line end, which is included."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end > 0:
            begin = max(0, end - _BLOCK_BYTES)
            file.seek(begin)
            at = file.read(end - begin).rfind(b"\n")
            if at >= 0:
                return begin + at + 1
            end = begin
    return 0


def _check_header(path: Path, kind: SpoolKind) -> None:
    header = _header(path)
    if not kind.reads(header):
        raise other_columns(path, header, kind.columns)


def _header(path: Path) -> tuple[str, ...]:
    return tuple(_first_line(path).decode("utf-8", "replace").strip().split(","))


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline()


def _copy_of(path: Path, size_bytes: int, scratch: Path) -> Path:
    copy = scratch / path.name
    shutil.copyfile(path, copy)
    with copy.open("r+b") as file:
        file.truncate(size_bytes)
    return copy

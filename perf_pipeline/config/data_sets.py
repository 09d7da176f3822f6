"""Test data that steps draw from: a CSV file, a list in the profile, a query, or seeded users' ids.

Add here: another origin of rows, or another way to pick one. Keep out: which VU gets which row
while the load runs (workloads/steps/values.py).
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.files import LARGEST_DATA_BYTES, read_text
from perf_pipeline.config.frozen import Frozen, equals

VALUE_COLUMN: Final = "value"
ID_COLUMN: Final = "id"
_ORIGINS: Final = ("csv", "values", "seeded", "query")
Pick = Literal["random", "sequential", "unique per vu"]
Rows = tuple[tuple[str, ...], ...]


class DataSet(Frozen):
    """Name the one origin of the rows, and say which row an iteration gets.

    Attributes:
        csv: a UTF-8 file with a header line; its path is relative to the profile.
        values: rows written in the profile; their one column is called `value`.
        seeded: ids of users that this run seeded, `reads` or `deletes`; the one column is called
            `id`.
        query: a statement that is run once before the load on the target's PostgreSQL; its columns
            keep their names.
        pick: `random` picks by the VU's seed; `sequential` takes each row once and then starts
            again, with the rows dealt out to the workers; with `unique per vu`, VU n keeps row n.
    """

    csv: str | None = Field(default=None, min_length=1)
    values: tuple[str, ...] | None = Field(default=None, min_length=1, strict=False)
    seeded: Literal["reads", "deletes"] | None = None
    query: str | None = Field(default=None, min_length=1, exclude_if=equals(None))
    pick: Pick = "random"

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        origins = [name for name in _ORIGINS if getattr(self, name) is not None]
        if len(origins) != 1:
            given = " and ".join(origins) or "none"
            raise ValueError(f"names {given}; write exactly one of csv, values, seeded and query")
        return self

    @property
    def is_of_the_run(self) -> bool:
        """Say whether the rows are known only once a run has its target."""
        return self.seeded is not None or self.query is not None


def read_csv(path: Path, wanted: Iterable[str]) -> Rows:
    """Read the wanted columns of a CSV file, in the given order, as one tuple per row.

    Raises:
        ValueError: the file can't be read, has no such column, no rows, or a row that is too
            short; the sentence names the line.
    """
    columns = tuple(wanted)
    try:
        text = read_text(path, LARGEST_DATA_BYTES)
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from error
    try:
        reader = csv.reader(io.StringIO(text, newline=""))
        header = next(reader, [])
        places = [_place(path, header, column) for column in columns]
        rows = tuple(_row(path, reader.line_num, row, places) for row in reader if row)
    except csv.Error as error:
        raise ValueError(f"{path.name} can't be read: {error}") from error
    if not rows:
        raise ValueError(f"{path.name} has no rows below its header line; add at least one")
    return rows


def _place(path: Path, header: list[str], column: str) -> int:
    if column not in header:
        there = ", ".join(header) or "no header line"
        raise ValueError(f"{path.name} has no column {column!r}; its columns are {there}")
    return header.index(column)


def _row(path: Path, line: int, row: list[str], places: list[int]) -> tuple[str, ...]:
    if places and max(places) >= len(row):
        raise ValueError(
            f"{path.name} line {line} has {len(row)} columns, fewer than its header line"
        )
    return tuple(row[place] for place in places)

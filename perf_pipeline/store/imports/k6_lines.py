"""Read the lines of k6's points, JSON or CSV, into the tables `points`, `declared` and `raw`.

Add here: a column that a later version of k6 writes. Keep out: what points mean (k6_points.py).
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.store.imports.foreign import ForeignFileError
from perf_pipeline.store.imports.k6_sql import (
    BAD_CSV,
    BAD_JSON,
    CSV_COLUMNS,
    EXTRA_TAGS,
    FROM_CSV,
    FROM_JSON,
    POINTS,
    READ_CSV,
    READ_JSON,
)
from perf_pipeline.store.imports.lines import ends_with_line, first_line, nth_line, why_no_json
from perf_pipeline.store.imports.workbench import quoted, quoted_path, selected

CSV_HEAD: Final = "metric_name,timestamp,metric_value"
_NO_POINT: Final = "it is not a line of k6: a metric, a point with time and value"
_NO_CSV: Final = "it has no timestamp or no value, or another number of columns than the first line"


def fill_points(
    connection: duckdb.DuckDBPyConnection, path: Path, *, shown: Path, tags: Collection[str] = ()
) -> bool:
    """Read a file of points; say whether its last line was cut off, which is left out then.

    Args:
        connection: to the workbench.
        path: the path of the file.
        shown: the file as people know it.
        tags: that somebody asks for; JSON keeps them all.

    Raises:
        ForeignFileError: a line can't be read.
    """
    connection.execute(POINTS)
    head = first_line(path)
    is_csv = head.startswith(CSV_HEAD)
    written = head.split(",")
    columns, kept = selected(CSV_COLUMNS, written), _tags_of_csv(tags, written)
    read, bad, fill = (READ_CSV, BAD_CSV, FROM_CSV) if is_csv else (READ_JSON, BAD_JSON, FROM_JSON)
    try:
        connection.execute(read.format(path=quoted_path(path), columns=columns, tags=kept))
    except duckdb.InvalidInputException as error:
        raise ForeignFileError(shown, str(error).splitlines()[0]) from error
    row = connection.execute(bad).fetchone()
    first, count, last = row or (None, 0, None)
    # A number that was cut off is still a number, so no line of CSV without its end is believed.
    is_cut = not ends_with_line(path) and (is_csv or _is_half_json(path, first, last))
    if count and not (is_cut and first == last):
        raise _wrong_line(path, shown, int(first) + is_csv, is_csv=is_csv)
    if is_cut:
        connection.execute("delete from raw where rowid = ?", [last])
    connection.execute(fill)
    return is_cut


def _tags_of_csv(tags: Collection[str], columns: Collection[str]) -> str:
    """Write the tags that somebody asks for as a JSON object in SQL."""
    parts = []
    for tag in sorted(tags):
        column = tag.replace('"', '""')
        value = "null::varchar"
        if tag in columns:
            value = f'"{column}"'
        elif EXTRA_TAGS in columns:
            pattern = f"(?:^|&){re.escape(tag)}=([^&]*)"
            value = f"regexp_extract({EXTRA_TAGS}, {quoted(pattern)}, 1)"
        parts += [quoted(tag), f"nullif({value}, '')"]
    return f"json_object({', '.join(parts)})" if parts else "null::json"


def _is_half_json(path: Path, first: int | None, last: int | None) -> bool:
    return first is not None and first == last and bool(why_no_json(nth_line(path, first)[1]))


def _wrong_line(path: Path, shown: Path, number: int, *, is_csv: bool) -> ForeignFileError:
    line, text = nth_line(path, number)
    why = _NO_CSV if is_csv else why_no_json(text) or _NO_POINT
    return ForeignFileError(shown, why, line=line)

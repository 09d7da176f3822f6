"""Rows of a query, for eyes or for other programs.

Add here: another form of rows. Keep out: the query (store/).
"""

import csv
import io
from collections.abc import Sequence
from typing import Final

from rich.table import Table

from perf_pipeline.report.terminal import rendered
from perf_pipeline.report.wording import printable

_UNWRAPPED: Final = 10_000
_NULL: Final = "null"


def render_rows(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, as_csv: bool = False
) -> str:
    """Give rows as an aligned table with their number, or as CSV (RFC 4180, null is empty)."""
    if as_csv:
        stream = io.StringIO()
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
        return stream.getvalue()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(_NULL if value is None else printable(str(value)) for value in row))
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    return f"{rendered(table, _UNWRAPPED, color=False)}({count})\n"

"""Read Locust's CSV files: of statistics, and of their history.

Add here: another column of Locust. Keep out: other tools.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from perf_pipeline.importing.reporting import reported, reported_run, share_failed, text_of
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.store.imports.foreign import LARGEST, ForeignFileError, ForeignRun

_WHOLE: Final = "Aggregated"
_STATISTICS: Final = "Request Count"
_HISTORY: Final = "Total Request Count"
_PERCENTILES: Final = ("50", "66", "75", "80", "90", "95", "98", "99", "99.9", "99.99")
_NO_ITERATIONS: Final = "Locust does not report iterations: each request counts as one"
_ROUNDED: Final = "Locust rounds percentiles to two digits above 100 ms, and keeps no samples"
_WITHOUT_TAIL: Final = (
    "Locust's history has no percentiles over the whole run; import FILE_stats.csv for them"
)


def read_locust(path: Path, *, shown: Path) -> ForeignRun:
    """Read FILE_stats.csv or FILE_stats_history.csv.

    Raises:
        ForeignFileError: it is neither, it was cut off, or a line can't be read.
    """
    text = text_of(path, shown)
    rows = list(csv.DictReader(text.splitlines()))
    first = rows[0] if rows else {}
    if not {"Type", "Name"} <= first.keys() or not {_STATISTICS, _HISTORY} & first.keys():
        raise ForeignFileError(
            shown, "it is neither Locust's _stats.csv nor its _stats_history.csv", line=1
        )
    if not text.endswith("\n") or rows[-1].get("Name") != _WHOLE:
        raise ForeignFileError(shown, "its last row, Aggregated, is missing; it was cut off")
    if _HISTORY in first:
        return _from_history(rows, shown)
    figures, count, length_s = _totals(rows, shown, prefix="")
    return reported_run("locust", count, length_s, figures, notices=(_NO_ITERATIONS, _ROUNDED))


def _from_history(rows: list[dict[str, str]], shown: Path) -> ForeignRun:
    newest = {(row["Type"], row["Name"]): row for row in rows}
    figures, count, _ = _totals(list(newest.values()), shown, prefix="Total ")
    moments = [_number(row, "Timestamp", shown, line) for line, row in enumerate(rows, 2)]
    length_s = max(moments) - min(moments)
    figures += reported("http_reqs", {"rate": count / length_s if length_s else None})
    users = [_number(row, "User Count", shown, line) for line, row in enumerate(rows, 2)]
    figures += reported("vus", {"value": users[-1], "min": min(users), "max": max(users)})
    return reported_run(
        "locust",
        count,
        length_s,
        figures,
        began_at=datetime.fromtimestamp(min(moments), UTC),
        notices=(_NO_ITERATIONS, _WITHOUT_TAIL),
    )


def _totals(
    rows: list[dict[str, str]], shown: Path, *, prefix: str
) -> tuple[list[ReportedFigure], int, float]:
    """Return the figures of all rows, and the number and time of all requests."""
    figures: list[ReportedFigure] = []
    count, length_s = 0, 0.0
    for line, row in enumerate(rows, 2):
        requests = _number(row, f"{prefix}Request Count", shown, line)
        rate = None if prefix else _number(row, "Requests/s", shown, line)
        is_whole = row["Name"] == _WHOLE
        operation = f"{row['Type']} {row['Name']}".strip()
        tags: Mapping[str, str] = {} if is_whole else {"operation": operation}
        figures += reported("http_reqs", {"count": requests, "rate": rate}, tags)
        figures += share_failed(_number(row, f"{prefix}Failure Count", shown, line), requests, tags)
        if requests:
            found = {"count": requests, **dict(_durations(row, shown, line, prefix))}
            figures += reported("http_req_duration", found, tags)
        if is_whole:
            count, length_s = int(requests), requests / rate if rate else 0.0
    return figures, count, length_s


def _durations(
    row: Mapping[str, str], shown: Path, line: int, prefix: str
) -> Iterator[tuple[str, float]]:
    for statistic, column in (
        ("med", "Median Response Time"),
        ("avg", "Average Response Time"),
        ("min", "Min Response Time"),
        ("max", "Max Response Time"),
    ):
        yield statistic, _number(row, prefix + column, shown, line)
    if not prefix:
        for percentile in _PERCENTILES:
            if row.get(f"{percentile}%") not in {None, "", "N/A"}:
                yield f"p({percentile})", _number(row, f"{percentile}%", shown, line)


def _number(row: Mapping[str, str], column: str, shown: Path, line: int) -> float:
    text = row.get(column)
    try:
        found = float(text or "")
    except ValueError as error:
        raise ForeignFileError(shown, f"its {column} is {text!r}, no number", line=line) from error
    if not 0 <= found <= LARGEST:
        told = f"its {column} is {text!r}, which cannot have been measured"
        raise ForeignFileError(shown, told, line=line)
    return found

"""Read the points of k6, one line each: `k6 run --out json=FILE` and `--out csv=FILE`.

A request is nine points in this order, of which the n-th of each metric belong together. Where that
does not hold (lines were filtered or sorted), only the points of `http_req_duration` count, which
have the tags of their request.
Source: grafana/k6 lib/netext/httpext/tracer.go (SaveSamples) and output/csv.

Add here: another form of points. Keep out: summaries (importing/), names (k6_names.py).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun, WrittenThreshold
from perf_pipeline.store.imports.k6_lines import fill_points
from perf_pipeline.store.imports.k6_names import BUILT_IN, K6Metric, meant_by
from perf_pipeline.store.imports.k6_sql import (
    CHECKS,
    DECLARED,
    FILTERED,
    HAS_POINTS,
    ITERATIONS,
    NAMES,
    NUMBERED,
    OTHERS,
    REQUESTS_ALONE,
    REQUESTS_WHOLE,
    STARTS,
    UNPAIRED,
    VUS,
)
from perf_pipeline.store.imports.workbench import run_of_tables, workbench

_IN_MIDDLE: Final = "it ends in the middle of a request"
_LAST_LINE: Final = "its last line was cut off"
_UNDECLARED: Final = (
    "this form of k6's output holds neither thresholds nor the kinds of the script's own metrics; "
    "give thresholds with --summary or --threshold"
)
_USUAL: Final = "expected_response:true"


@dataclass(frozen=True, slots=True)
class _Declared:
    """Hold a metric with its thresholds and submetrics as k6 writes them.

    Attributes:
        metric: as k6 declares it.
        thresholds: texts, or tables with more of a threshold.
        submetrics: the metric under filters.
        is_known: the file itself declares it.
    """

    metric: K6Metric
    thresholds: Sequence[Any]
    submetrics: Sequence[Any]
    is_known: bool = True

    def filters(self) -> Iterator[tuple[Mapping[str, str], list[WrittenThreshold]]]:
        """Yield each filter with its thresholds; those of k6 1 and 2 don't stand in the file."""
        yield {}, list(self.thresholds)
        for submetric in self.submetrics:
            if isinstance(submetric, dict):
                yield submetric.get("tags") or {}, list(submetric.get("thresholds") or ())

    def unjudged(self) -> Iterator[tuple[str, str]]:
        """Yield the filters without thresholds, as k6 calls them and as they are called here.

        k6 makes a filter for thresholds only, but for one that it shows in every summary.
        """
        for submetric in self.submetrics:
            is_own = isinstance(submetric, dict) and submetric.get("suffix") != _USUAL
            if is_own and not submetric.get("thresholds"):
                yield (
                    str(submetric.get("name")),
                    meant_by(self.metric, submetric.get("tags") or {}).key,
                )


def read_points(path: Path, folder: Path, *, shown: Path) -> ForeignRun:
    """Write a file of points as a benchmark's spool.

    Args:
        path: of the file, not compressed.
        folder: of the benchmark, which exists.
        shown: the file as people know it.

    Raises:
        ForeignFileError: a line can't be read, or there is no point in it.
    """
    with workbench(folder.parent) as connection:
        is_cut = fill_points(connection, path, shown=shown)
        if not connection.execute(HAS_POINTS).fetchall()[0][0]:
            raise ForeignFileError(shown, "it has no points of k6")
        by_name = dict(_declared(connection))
        declared = by_name.values()
        in_middle = _fill_requests(connection)
        _fill_others(connection, declared)
        thresholds = _thresholds(connection, declared)
        run = run_of_tables(connection, folder)
        if run is None:
            raise ForeignFileError(shown, "no point in it has a time")
        return replace(
            run,
            thresholds=thresholds,
            has_requests="http_req_duration" in by_name,
            cut=_LAST_LINE if is_cut else _IN_MIDDLE if in_middle else "",
            unjudged=dict(threshold for known in declared for threshold in known.unjudged()),
            notices=(_UNDECLARED,) if not any(known.is_known for known in declared) else (),
        )


def _declared(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, _Declared]]:
    """Yield each metric as it is known by its name, and then as k6 declares it."""
    for (name,) in connection.execute(NAMES).fetchall():
        yield name, _Declared(BUILT_IN.get(name, K6Metric(name, "trend")), (), (), is_known=False)
    for name, kind, contains, thresholds, submetrics in connection.execute(DECLARED).fetchall():
        metric = K6Metric(name, kind or "trend", contains == "time")
        yield name, _Declared(metric, _listed(thresholds), _listed(submetrics))


def _listed(text: str | None) -> tuple[Any, ...]:
    found = json.loads(text) if text else None
    return tuple(found) if isinstance(found, list) else ()


def _fill_requests(connection: duckdb.DuckDBPyConnection) -> bool:
    """Put the requests together; say whether the file ends in the middle of one."""
    connection.execute(NUMBERED)
    row = connection.execute(UNPAIRED).fetchone()
    is_unpaired, in_middle = row or (False, False)
    connection.execute(REQUESTS_ALONE if is_unpaired else REQUESTS_WHOLE)
    return bool(in_middle) and not is_unpaired


def _fill_others(connection: duckdb.DuckDBPyConnection, declared: Iterable[_Declared]) -> None:
    for statement in (ITERATIONS, STARTS, CHECKS, VUS):
        connection.execute(statement)
    for known in declared:
        if not known.metric.is_same:
            _fill_series(connection, known.metric, {})


def _fill_series(
    connection: duckdb.DuckDBPyConnection, metric: K6Metric, tags: Mapping[str, str]
) -> None:
    """Make a metric under a filter a series of its own."""
    meant = meant_by(metric, tags)
    given = {
        "source": meant.tags["source"],
        "name": meant.metric,
        "metric": metric.name,
        "is_rate": metric.kind == "rate",
    }
    if not tags:
        connection.execute(OTHERS, given)
        return
    conditions = []
    for number, (name, value) in enumerate(tags.items()):
        conditions.append(f"json_extract_string(raw.tags, $path{number}) = $value{number}")
        given |= {f"path{number}": f'$."{name}"', f"value{number}": value}
    connection.execute(FILTERED.format(conditions=" and ".join(conditions)), given)


def _thresholds(
    connection: duckdb.DuckDBPyConnection, declared: Iterable[_Declared]
) -> dict[str, list[WrittenThreshold]]:
    """Translate the thresholds that k6 declares; a filter of its own becomes a series."""
    found: dict[str, list[WrittenThreshold]] = {}
    for known in declared:
        for tags, written in known.filters():
            meant = meant_by(known.metric, tags)
            if tags and not meant.is_same:
                _fill_series(connection, known.metric, tags)
            if written:
                found.setdefault(meant.key, []).extend(written)
    return found

"""Read the points of k6, one line each: `k6 run --out json=FILE` and `--out csv=FILE`.

A request is nine points in this order, of which the n-th of each metric belong together. Where that
does not hold (lines were filtered or sorted), only the points of `http_req_duration` count, which
have the tags of their request.
Source: grafana/k6 lib/netext/httpext/tracer.go (SaveSamples) and output/csv.

Add here: another form of points. Keep out: summaries (importing/), names (k6_names.py).
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from perf_pipeline.store.imports.foreign import (
    NOTHING_DONE,
    ForeignFileError,
    ForeignRun,
    WrittenThreshold,
)
from perf_pipeline.store.imports.k6_lines import fill_points
from perf_pipeline.store.imports.k6_names import (
    BUILT_IN,
    USUAL_FILTER,
    AskedSeries,
    K6Metric,
    asked_series,
    meant_by,
)
from perf_pipeline.store.imports.k6_sql import (
    CHECKS,
    DECLARED,
    FILTERED,
    HAS_POINTS,
    HAS_TAGS,
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
            tags = (submetric.get("tags") or {}) if isinstance(submetric, dict) else {}
            if tags and tags != USUAL_FILTER and not submetric.get("thresholds"):
                yield str(submetric.get("name")), meant_by(self.metric, tags).key


def read_points(
    path: Path, folder: Path, *, shown: Path, asked: Collection[str] = ()
) -> ForeignRun:
    """Write a file of points as a benchmark's spool.

    Args:
        path: the path of the file, not compressed.
        folder: the folder of the benchmark, which exists.
        shown: the file as people know it.
        asked: keys of thresholds that somebody gives; filters in them become series.

    Raises:
        ForeignFileError: a line can't be read, or there is no point in it.
    """
    with workbench(folder.parent) as connection:
        is_cut = fill_points(connection, path, shown=shown, tags=_tags_in(asked))
        if not connection.execute(HAS_POINTS).fetchall()[0][0]:
            raise ForeignFileError(shown, "it has no points of k6")
        by_name = dict(_declared(connection, asked))
        declared = by_name.values()
        metrics = {name: known.metric for name, known in by_name.items()}
        series = [*_with_known_tags(connection, asked_series(asked, metrics))]
        in_middle = _fill_requests(connection)
        _fill_others(connection, declared)
        _fill_filtered(connection, declared, series)
        run = run_of_tables(connection, folder)
        if run is None:
            raise ForeignFileError(shown, "no point in it has a time")
        if not run.scenarios:
            raise ForeignFileError(shown, NOTHING_DONE)
        return replace(
            run,
            thresholds=_thresholds(declared),
            renamed={found.key: found.meant.key for found in series},
            has_requests="http_req_duration" in by_name,
            cut=_LAST_LINE if is_cut else _IN_MIDDLE if in_middle else "",
            unjudged=dict(threshold for known in declared for threshold in known.unjudged()),
            notices=(_UNDECLARED,) if not any(known.is_known for known in declared) else (),
        )


def _tags_in(asked: Collection[str]) -> set[str]:
    """Name the tags in the filters of keys, for whatever metrics the file turns out to have."""
    names = [key.partition("{")[0].strip() for key in asked]
    anything = {name: K6Metric(name, "trend") for name in names}
    return {tag for found in asked_series(asked, anything) for tag in found.tags}


def _with_known_tags(
    connection: duckdb.DuckDBPyConnection, asked: Iterable[AskedSeries]
) -> Iterator[AskedSeries]:
    """Leave out what is filtered by a tag that no point has: somebody misspelt it."""
    for found in asked:
        paths = [f'$."{name}"' for name in found.tags]
        if not paths or connection.execute(HAS_TAGS, {"paths": paths}).fetchall() == [(True,)]:
            yield found


def _declared(
    connection: duckdb.DuckDBPyConnection, asked: Collection[str]
) -> Iterator[tuple[str, _Declared]]:
    """Yield each metric as it is known by its name or by what is asked, then as k6 declares it."""
    kinds = {found.metric.name: found.metric for found in asked_series(asked, BUILT_IN)}
    for (name,) in connection.execute(NAMES).fetchall():
        metric = BUILT_IN.get(name) or kinds.get(name) or K6Metric(name, "trend")
        yield name, _Declared(metric, (), (), is_known=False)
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


def _fill_filtered(
    connection: duckdb.DuckDBPyConnection,
    declared: Iterable[_Declared],
    asked: Iterable[AskedSeries],
) -> None:
    """Make each filter that samples can't answer a series of its own, once."""
    filters = [(known.metric, tags) for known in declared for tags, _ in known.filters()]
    filters += [(found.metric, found.tags) for found in asked]
    wanted = {meant_by(metric, tags).key: (metric, tags) for metric, tags in filters if tags}
    for metric, tags in wanted.values():
        if not meant_by(metric, tags).is_same:
            _fill_series(connection, metric, tags)


def _thresholds(declared: Iterable[_Declared]) -> dict[str, list[WrittenThreshold]]:
    """Translate the thresholds that k6 declares."""
    found: dict[str, list[WrittenThreshold]] = {}
    for known in declared:
        for tags, written in known.filters():
            if written:
                found.setdefault(meant_by(known.metric, tags).key, []).extend(written)
    return found

"""Points of each second, from the samples that ended in it.

Counters cover the benchmark so far, quantiles the operations of their second; warm-up is in both,
because a live view shows the whole load. Interrupted operations are in neither: they ended with the
load.
Add here: another figure of the samples of a second. Keep out: reading them (following.py), names
(naming.py).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from perf_pipeline.engine.operation_count import UNEXPECTED_STATUS
from perf_pipeline.metrics.catalog import Metric
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.outputs.counters import MS_PER_S, Counters
from perf_pipeline.outputs.naming import QUANTILES, quantile_suffix, sent_of, series_of
from perf_pipeline.outputs.point import OURS, Labels, Point, PointSeries, labels_of
from perf_pipeline.store.spool_binary import RowFile
from perf_pipeline.units import US_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLUMNS: Final = (
    *("intended_us", "started_us", "ended_us"),
    *("records", "bytes_out", "bytes_in"),
)
_NUMBERS: Final = [
    ("group", "<i4"),
    ("way", "<i4"),
    ("second", "<i8"),
    *((name, "<i8") for name in _COLUMNS),
]
_OK: Final = 0
sent_of_operation = cache(sent_of)


class PointsBySecond:
    """Gather the samples of a benchmark and give the points of each second once.

    Samples that are written late are in the counters and quantiles of the next second.

    Args:
        labels: that every series has.
        origin_ms: the benchmark's origin, in ms since 1970.
    """

    def __init__(self, labels: Mapping[str, str], origin_ms: int) -> None:
        self._labels = labels
        self._origin_ms = origin_ms
        self._groups: dict[tuple[str, str, str], int] = {}
        self._ways: dict[str, int] = {"": _OK}
        self._pending: list[Any] = []
        self._next = -(2**62)
        self._counters = Counters()

    def add(self, file: RowFile) -> None:
        """Take in new samples."""
        if not len(file.rows):
            return
        kinds = list(self._known(file.kinds))
        groups, ways = (np.array(column, "<i4") for column in zip(*kinds, strict=True))
        rows = file.rows[groups[file.rows["kind"]] >= 0]
        taken = np.empty(len(rows), _NUMBERS)
        taken["group"], taken["way"] = groups[rows["kind"]], ways[rows["kind"]]
        for column in _COLUMNS:
            taken[column] = rows[column]
        taken["second"] = taken["ended_us"] // US_PER_S
        self._pending.append(taken)

    def points(self, before: int | None = None) -> Iterator[Point]:
        """Give the points of the seconds that are over.

        Args:
            before: seconds since the origin that are not over yet begin here; None when all are.
        """
        rows = np.concatenate([np.empty(0, _NUMBERS), *self._pending])
        due = np.ones(len(rows), bool) if before is None else rows["second"] < before
        self._pending = [rows[~due]]
        rows = rows[due]
        rows["second"] = np.maximum(rows["second"], self._next)
        if not len(rows):
            return
        self._next = int(rows["second"].max()) + 1 if before is None else before
        rows = rows[np.lexsort((rows["group"], rows["second"]))]
        new = np.flatnonzero(np.diff(rows["group"]) | np.diff(rows["second"])) + 1
        names = list(self._groups)
        for its in np.split(rows, new):
            at_ms = self._origin_ms + (int(its["second"][0]) + 1) * MS_PER_S
            yield from self._of_operation(names[its["group"][0]], its, at_ms)

    def _known(self, kinds: Mapping[str, "NDArray[np.generic]"]) -> Iterator[tuple[int, int]]:
        """Number the operation of each kind, and how it ended; -1 for what is not counted."""
        for row in zip(
            *(
                kinds[name]
                for name in ("scenario", "protocol", "operation", "outcome", "status", "error")
            ),
            strict=True,
        ):
            scenario, protocol, operation, outcome, status, error = map(str, row)
            if outcome == Outcome.INTERRUPTED:
                yield -1, _OK
                continue
            group = self._groups.setdefault((scenario, protocol, operation), len(self._groups))
            way = f"status {status}" if error == UNEXPECTED_STATUS else error or outcome
            way = "" if outcome == Outcome.OK else way
            yield group, self._ways.setdefault(way, len(self._ways))

    def _of_operation(
        self, group: tuple[str, str, str], rows: "NDArray[np.void]", at_ms: int
    ) -> Iterator[Point]:
        scenario, protocol, operation = group
        labels = labels_of(**self._labels, scenario=scenario, name=operation)
        yield from self._counters.grown(
            PointSeries(OURS, "operations_total", "counter", labels), len(rows), at_ms
        )
        for metric in sent_of_operation(protocol, operation):
            yield from self._of_metric(metric, rows, labels, at_ms)
        names = list(self._ways)
        found, counts = np.unique(rows["way"][rows["way"] != _OK], return_counts=True)
        for way, count in zip(found, counts, strict=True):
            of_way = labels_of(**dict(labels), error=names[way])
            series = PointSeries(OURS, "failures_total", "counter", of_way)
            yield from self._counters.grown(series, int(count), at_ms)

    def _of_metric(
        self, metric: Metric, rows: "NDArray[np.void]", labels: Labels, at_ms: int
    ) -> Iterator[Point]:
        assert metric.source is not None
        value = metric.source.value
        if value == "failed":
            share = float((rows["way"] != _OK).mean())
            yield Point(series_of(metric.name, "_rate", "gauge", labels), at_ms, share)
        elif value in _SPANS:
            begin, end = _SPANS[value]
            found = np.quantile(rows[end] - rows[begin], QUANTILES) / US_PER_S
            for quantile, seconds in zip(QUANTILES, found, strict=True):
                series = series_of(metric.name, quantile_suffix(quantile), "gauge", labels)
                yield Point(series, at_ms, float(seconds))
        else:
            series = series_of(metric.name, "_total", "counter", labels)
            yield from self._counters.grown(series, _sum_of(value, rows), at_ms)


_SPANS: Final[Mapping[str, tuple[str, str]]] = {
    "service_ms": ("started_us", "ended_us"),
    "response_ms": ("intended_us", "ended_us"),
    "lag_ms": ("intended_us", "started_us"),
}


def _sum_of(value: str, rows: "NDArray[np.void]") -> int:
    if value == "count":
        return len(rows)
    if value == "records":
        return int(rows["records"][rows["way"] == _OK].sum())
    return int(rows[value].sum())

"""Summaries of the metrics of samples, from how often each value occurs (tallies.py).

Percentiles are those of DuckDB's quantile_cont, by which thresholds are judged, to the last bit:
linear interpolation between closest ranks. Sums and means are exact, rounded once.
Add here: a figure of a summary. Keep out: which metrics there are, and histograms.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from perf_pipeline.metrics.catalog import CATALOG, Kind, Metric
from perf_pipeline.metrics.statistic import QUANTILES
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.store.metric_sql import BY_OPERATION, SAMPLE_VALUES
from perf_pipeline.store.statistics import BREAKDOWNS, whole_of, with_rate
from perf_pipeline.store.tallies import SampleKind, Tallies, Tally
from perf_pipeline.store.windows import Windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Figures = tuple[Any, ...]
_LARGEST: Final = 2.0**62


@dataclass(frozen=True, slots=True)
class _Group:
    """Hold what the figures of a group of values are made of, as whole numbers.

    Attributes:
        count: how many values.
        total: their sum.
        least: the smallest.
        most: the largest.
        newest: the largest of those that ended last.
        ranks: of each of `QUANTILES` the value at the rank below, that at the rank above, and how
            far it is from the one to the other.
    """

    count: int
    total: int
    least: int
    most: int
    newest: int
    ranks: tuple[tuple[int, int, float], ...]


def summaries_of_samples(tallies: Tallies, windows: Windows) -> dict[str, list[Summary]]:
    """Summarise the metrics of samples: overall, by scenario, by operation where that differs.

    Counts of requests and statements are also split by how they ended: by status, and by class
    of error. Status 0 is that of requests without an answer.

    Returns:
        The summaries of each metric; an empty list for one without values in this benchmark.
    """
    by_word: dict[str, list[Metric]] = {}
    for name in tallies.fed:
        metric = CATALOG[name]
        assert metric.source is not None
        by_word.setdefault(metric.source.value, []).append(metric)
    found: dict[str, list[Summary]] = {}
    for word, tally in tallies.by_word():
        for metric in by_word[word]:
            found[metric.name] = _summaries(tallies, tally, metric, windows)
    return found


def _summaries(tallies: Tallies, tally: Tally, metric: Metric, windows: Windows) -> list[Summary]:
    fed = {number: tallies.kinds[number] for number in tallies.fed[metric.name]}

    def summed(tag: str, name_of: Callable[[SampleKind], str | None]) -> list[Summary]:
        names = {number: name_of(kind) for number, kind in fed.items()}
        figures = _figures(tally, metric, fed, names)
        return [
            Summary(metric.name, {tag: name} if tag else {}, *figures[name])
            for name in sorted(figures)
        ]

    found = summed("", lambda _: "")
    if found and len(windows.scenarios) > 1:
        found += summed("scenario", lambda kind: kind.scenario)
    telling = windows.telling_operations
    if found and telling and metric.name in BY_OPERATION:
        found += summed("operation", lambda kind: _among(telling, kind.operation))
    found = [*whole_of(metric, found, windows), *found]
    for column in BREAKDOWNS.get(metric.name, ()):
        found += summed(column, partial(_ending_of, column))
    return [with_rate(summary, metric, windows) for summary in found]


def _ending_of(column: str, kind: SampleKind) -> str | None:
    return (kind.status if column == "status" else kind.error) or None


def _among(wanted: Iterable[str], name: str) -> str | None:
    return name if name in wanted else None


def _figures(
    tally: Tally,
    metric: Metric,
    kinds: Mapping[int, SampleKind],
    names: Mapping[int, str | None],
) -> dict[str, Figures]:
    """Work out the figures of each group that has values.

    Args:
        tally: the tally that holds the metric's word.
        metric: the metric of samples.
        kinds: that feed it.
        names: the group of each of them; None for one that is in no group.
    """
    assert metric.source is not None
    divisor = SAMPLE_VALUES[metric.source.value][1]
    groups = _grouped(tally, names)
    if metric.kind is not Kind.TREND:
        of_kind = _counter if metric.kind is Kind.COUNTER else _rate
        return {name: of_kind(group) for name, group in groups.items()}
    found = {name: _trend(group, divisor) for name, group in groups.items()}
    if any(kind.is_undecided for kind in kinds.values()):
        decided = {n: None if kinds[n].is_undecided else name for n, name in names.items()}
        for name, ended in _grouped(tally, decided).items():
            found[name] = _raised(found[name], _trend(ended, divisor))
    return found


def _grouped(tally: Tally, names: Mapping[int, str | None]) -> dict[str, _Group]:
    """Put the values of each group together; a group without any is left out."""
    import numpy as np  # noqa: PLC0415 - as in spool_binary.py

    known = sorted({name for name in names.values() if name is not None})
    place = {name: number for number, name in enumerate(known)}
    if not known or not len(tally.kinds):
        return {}
    first = int(min(*names, tally.kinds.min()))
    group_of = np.full(int(max(*names, tally.kinds.max())) - first + 1, -1, np.int32)
    for kind, name in names.items():
        if name is not None:
            group_of[kind - first] = place[name]
    group = group_of[tally.kinds - first]
    order = np.flatnonzero(group >= 0)
    if len(known) > 1:
        # Stable, so that each group's values stay in their order.
        order = order[np.argsort(group[order], kind="stable")]
    if not len(order):
        return {}
    group = group[order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    found = _groups(tally.values[order], tally.times[order], tally.last_us[order], begins)
    return {
        known[number]: tallied
        for number, tallied in zip(group[begins].tolist(), found, strict=True)
    }


def _groups(
    values: "NDArray[np.int64]",
    times: "NDArray[np.int64]",
    last_us: "NDArray[np.int64]",
    begins: "NDArray[np.intp]",
) -> Iterator[_Group]:
    """Return the groups that begin at some places of these columns, all of them at once."""
    import numpy as np  # noqa: PLC0415 - as in spool_binary.py

    ends = np.append(begins[1:], len(values)) - 1
    upto = np.cumsum(times)
    before = upto[begins] - times[begins]
    counts = upto[ends] - before
    lengths = ends - begins + 1
    latest = np.flatnonzero(last_us == np.repeat(np.maximum.reduceat(last_us, begins), lengths))
    newest = values[latest[latest.searchsorted(ends, side="right") - 1]]
    ranks = []
    for share in QUANTILES:
        rank = (counts - 1) * share
        below = rank.astype(np.int64)
        above = np.minimum(below + 1, counts - 1)
        pair = (values[upto.searchsorted(before + at, side="right")] for at in (below, above))
        ranks.append(zip(*(column.tolist() for column in (*pair, rank - below)), strict=True))
    totals = _totals(values, times, begins)
    columns = (column.tolist() for column in (counts, values[begins], values[ends], newest))
    for total, count, least, most, last, *of_ranks in zip(totals, *columns, *ranks, strict=True):
        yield _Group(count, total, least, most, last, tuple(of_ranks))


def _totals(
    values: "NDArray[np.int64]", times: "NDArray[np.int64]", begins: "NDArray[np.intp]"
) -> list[int]:
    """Add up whole numbers exactly, however large."""
    import numpy as np  # noqa: PLC0415 - as in spool_binary.py

    bound = float(times.sum()) * float(np.abs(values).max())
    products = values * times if bound < _LARGEST else values.astype(object) * times
    totals: list[int] = np.add.reduceat(products, begins).tolist()
    return totals


def _counter(group: _Group) -> Figures:
    return (float(group.total), *[None] * 10)


def _rate(group: _Group) -> Figures:
    return (float(group.count), group.total / group.count, *[None] * 9)


def _trend(group: _Group, divisor: int) -> Figures:
    return (
        float(group.count),
        None,
        group.least / divisor,
        group.total / (divisor * group.count),
        *(_between(low / divisor, high / divisor, by) for low, high, by in group.ranks),
        group.most / divisor,
        group.newest / divisor,
    )


def _between(low: float, high: float, by: float) -> float:
    """Return low * (1 - by) + high * by with the roundings of DuckDB.

    Its compiler makes one step of the first product and the sum, with one rounding (fma): shown for
    DuckDB 2.0.1 on linux_amd64 only. Elsewhere the last bit may be another one, and the comparison
    of summaries with what thresholds judge (test_tallied_figures.py) shows whether it is.
    """
    if not by:
        return low
    (a, under_a), (b, under_b), (c, under_c) = (
        number.as_integer_ratio() for number in (low, 1 - by, high * by)
    )
    return (a * b * under_c + c * under_a * under_b) / (under_a * under_b * under_c)


def _raised(figures: Figures, ended: Figures) -> Figures:
    """Let lower bounds raise figures and never lower one (lower_bounds.py)."""
    count, rate, _, *middle, maximum, last = figures
    _, _, minimum, *others, _, _ = ended
    raised = (max(pair) for pair in zip(middle, others, strict=True))
    return (count, rate, minimum, *raised, maximum, last)

"""Describe a finding: the series that shows it best, and others that moved by the same cause.

Add here: another fact of a finding that reports show. Keep out: which series belong together
(analysis/causes.py), and layout.
"""

from collections.abc import Iterator

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.analysis.causes import Cause
from perf_pipeline.quoting import first_few
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.wording import change_of, plural, words

_MOST_NAMED = 4


def regressions(report: RunReport) -> list[Cause]:
    """List the confirmed regressions of a run, one for each cause."""
    return [cause for cause in report.causes if cause.status is DiffStatus.REGRESSED]


def name_of(cause: Cause) -> str:
    """Name a finding by its leading series."""
    benchmark, diff = cause.leading
    return f"{benchmark} {diff.series.label}"


def other_texts(cause: Cause) -> list[str]:
    """Describe each other series of a finding: its name, its change, its status if different.

    The benchmark is left out if it is that of the leading series, and so is the metric if only the
    statistic differs.
    """
    return list(_others(cause))


def with_others(cause: Cause) -> str:
    """Say what else moved by the same cause, as the end of a sentence; empty if nothing did."""
    if not cause.others:
        return ""
    where = f" in the same tier ({cause.tier})" if cause.tier else ""
    more = plural(len(cause.others), "more series", "more series")
    named = first_few(other_texts(cause), _MOST_NAMED)
    return f"; one finding with {more}{where}: {named}"


def _others(cause: Cause) -> Iterator[str]:
    home, leading = cause.leading
    for benchmark, diff in cause.others:
        same_key = benchmark == home and diff.series.key == leading.series.key
        place = "" if benchmark == home else f"{benchmark} "
        name = diff.series.statistic if same_key else f"{place}{diff.series.label}"
        status = "" if diff.status is leading.status else f" ({words(diff.status)})"
        yield f"{name} {change_of(diff)}{status}"

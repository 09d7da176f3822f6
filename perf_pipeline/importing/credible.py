"""Refuse what no tool can have measured: times below zero, figures that are none, years far away.

A file that was damaged or edited may hold them, and a negative time would keep every bound.
Add here: another rule for the figures of any tool. Keep out: how files are read.
"""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.store.imports.foreign import LARGEST, ForeignFileError, ForeignRun
from perf_pipeline.store.imports.requests_sql import LONGEST_MS
from perf_pipeline.store.tags_text import read_tags

_MS_PER_S: Final = 1_000
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_OF_SCRIPTS: Final = "imported_"
"""How metrics begin that a script may fill with whatever it likes, so also with less than zero."""


def require_credible(run: ForeignRun, shown: Path) -> None:
    """Refuse a run of which a figure or a moment cannot have been measured.

    Args:
        run: what the file says.
        shown: the file as people know it.

    Raises:
        ForeignFileError: a figure is not finite or outside its range, or a moment is.
    """
    if not 0 <= run.length_s <= LONGEST_MS / _MS_PER_S:
        raise ForeignFileError(shown, f"its load took {run.length_s:g} s, which cannot be")
    if run.began_at is not None and not _EARLIEST <= _aware(run.began_at) <= _LATEST:
        told = f"its load began at {run.began_at.isoformat()}, which cannot be"
        raise ForeignFileError(shown, told)
    for figure in run.reported:
        if not _is_credible(figure):
            key = metric_key(figure.metric, written_filter(read_tags(figure.tags)))
            told = f"its {figure.statistic} of {key} is {figure.value:g}"
            raise ForeignFileError(shown, f"{told}, which cannot have been measured")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_credible(figure: ReportedFigure) -> bool:
    if not math.isfinite(figure.value):
        return False
    if figure.metric.startswith(_OF_SCRIPTS):
        return True
    is_share = CATALOG[figure.metric].kind is Kind.RATE and figure.statistic == "rate"
    return 0 <= figure.value <= (1 if is_share else LARGEST)

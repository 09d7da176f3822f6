"""Find slower levels that became the baseline automatically and that nobody has accepted.

If every tier becomes slower at the same time and nothing is calibrated, a slower machine can't be
told from a slower system; reports mention it until somebody decides (docs/decisions/0026). Add
here: another baseline that somebody should check. Keep out: when a level becomes the baseline
    (machine_change.py).
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from perf_pipeline.judging.machines import machine_of
from perf_pipeline.judging.past import is_like
from perf_pipeline.judging.series import measured_of
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.report.wording import plural
from perf_pipeline.store.baselines import CONFIRMED, ChangePointRow, SeriesKey, changes
from perf_pipeline.store.history import History
from perf_pipeline.store.order import places_of
from perf_pipeline.store.records import RunRecord

_RECOVERED: Final = 1.05


def unaccepted_levels(history: History, run: RunRecord) -> Iterator[str]:
    """Yield a sentence for each run with which a slower level became the baseline.

    Levels that the calibration explains are left out, and so are levels that somebody accepted or
    that the system has left again.

    Args:
        history: the open history, with the comparisons of the run.
        run: the run whose report mentions these levels.
    """
    by_run: dict[str, list[float]] = {}
    for first, ratio in _slower_levels(history, run):
        by_run.setdefault(first, []).append(ratio)
    for first, ratios in by_run.items():
        began = history.run(first)
        if is_like(began, run) and not _is_calibrated(history, first):
            yield _sentence(began, ratios)


def _slower_levels(history: History, run: RunRecord) -> Iterator[tuple[str, float]]:
    """Yield (first run, ratio) for each series whose level came from a slower machine."""
    places = places_of(history)
    benchmarks = {outcome.benchmark for outcome in history.outcomes(run.run_id)}
    by_series: dict[SeriesKey, list[ChangePointRow]] = {}
    for row in changes(history):
        is_before = places[row.run_id] <= places[run.run_id]
        if row.found_by in CONFIRMED and row.series.benchmark in benchmarks and is_before:
            by_series.setdefault(row.series, []).append(row)
    for rows in by_series.values():
        yield from _still_slower(rows)


def _still_slower(rows: Sequence[ChangePointRow]) -> Iterator[tuple[str, float]]:
    """Yield the last level that came from a machine, unless it was accepted or left again."""
    last = max((n for n, row in enumerate(rows) if row.found_by == "machine"), default=None)
    if last is None:
        return
    made = rows[last]
    later = [row for n, row in enumerate(rows) if n > last or row.run_id == made.run_id]
    if any(row.found_by == "accepted" for row in later) or not (made.before and made.after):
        return
    now = later[-1].after or made.after
    is_less_better = CATALOG[made.series.metric].better == "lower"
    worse, left = (
        level / made.before if is_less_better else made.before / level
        for level in (made.after, now)
    )
    if min(worse, left) > _RECOVERED:
        yield made.run_id, worse


def _is_calibrated(history: History, run_id: str) -> bool:
    return any(machine_of(measured) is not None for measured in measured_of(history, run_id))


def _sentence(began: RunRecord, ratios: Sequence[float]) -> str:
    amount = f"{100 * (median(ratios) - 1):.0f} %"
    return (
        f"since run {began.run_id} of {began.began_at[:10]} the baseline is a slower level, which "
        f"nobody has accepted: every tier became slower at once, by about {amount} in "
        f"{plural(len(ratios), 'series', 'series')}, and nothing was calibrated. If that was the "
        "system and not the machine, it is a regression that only this line reports. To do: "
        f'`perf-pipeline baseline accept {began.run_id} --reason "..."` if the level is right; '
        "otherwise pin an earlier run, so that every run is compared with it"
    )

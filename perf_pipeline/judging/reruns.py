"""Decide a suspect benchmark by its re-runs: the majority of its runs decides.

Add here: another rule about re-runs. Keep out: making re-runs (runs/confirm.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.confirmation import Count, counted, is_confirmed, together
from perf_pipeline.analysis.suspicion import IN_LINE, WORSE
from perf_pipeline.config.reruns import RERUNS
from perf_pipeline.judging.series import failed_on_failures
from perf_pipeline.report.wording import diff_unit, interval, plural, signed
from perf_pipeline.store.baselines import SeriesKey, confirmations, diffs_with_history
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History
from perf_pipeline.store.tags_text import tags_text

TRIGGER: Final = "confirm"
"""What a re-run says who started it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Hold what a re-run says about one series.

    Attributes:
        status: its comparison with history.
        change: its change, on the scale of its effect; None if it has none.
        is_void: its target failed and it is not out of line, which shows nothing, because failures
            may be quick. It is only one more run that is not out of line.
    """

    status: DiffStatus
    change: float | None
    is_void: bool


Reruns = Mapping[str, Mapping[SeriesKey, Again]]
"""For each re-run of a run, oldest first, what it says about each series."""


def reruns_of(history: History, run_id: str) -> Reruns:
    """Read the comparisons of a run's re-runs; empty if nothing was run again."""
    return {rerun: _of(history, rerun) for rerun in confirmations(history, run_id)}


def _of(history: History, rerun: str) -> dict[SeriesKey, Again]:
    broken = failed_on_failures(history, rerun)
    rows = diffs_with_history(history, rerun)
    return {key: _again(row, is_broken=key.benchmark in broken) for key, row in rows.items()}


def _again(row: DiffRow, *, is_broken: bool) -> Again:
    status = DiffStatus(row.status)
    return Again(status, row.change_ratio, is_broken and status not in WORSE)


def settled(reruns: Reruns, benchmark: str, diff: Diff) -> Diff:
    """Decide a suspect comparison by its re-runs; without re-runs it stays as it is.

    It is REGRESSED if more than half of all runs are out of line: the run, the two before it, and
    the re-runs. If only the run and its re-runs are out of line, they must be so beyond doubt. It
    is OK if two re-runs were in line, with a target that did its work. Otherwise it is SUSPECT.
    """
    if diff.status not in WORSE or diff.pinned is not None:
        return diff
    rows = _rows(reruns, benchmark, diff)
    says = [row.status for row in rows.values() if not row.is_void]
    if counted(diff, says).runs == 1 + len(diff.before):
        return diff
    again = [row.status for row in rows.values()]
    count = counted(diff, again)
    if is_confirmed(diff, again, _changes(rows)):
        return _regressed(diff, rows, count)
    in_line = sum(status in IN_LINE for status in says)
    if in_line >= RERUNS:
        reason = f"the first run differed from the baseline, but {in_line} re-runs did not"
        return replace(diff, status=DiffStatus.OK, reason=reason, changed_since=None)
    takes = "more than half"
    if count.is_majority and diff.status is DiffStatus.REGRESSED:
        takes = "a change that is clear in the run and its re-runs together"
    elif count.is_majority:
        takes = "another run, as re-runs at once may share their noise"
    reason = f"{count} are out of line, {_with(rows)}, and a regression takes {takes}"
    return replace(diff, status=DiffStatus.SUSPECT, reason=reason, changed_since=None)


def is_undecided(diff: Diff, at_most: int) -> bool:
    """Say whether more re-runs, up to `at_most`, may change the verdict on a series.

    It is decided once more than half of all possible runs are out of line.
    """
    if diff.pinned is not None or diff.status not in WORSE:
        return False
    before = counted(diff, ())
    return diff.status is DiffStatus.SUSPECT or 2 * before.out <= before.runs + at_most


def attempts(reruns: Reruns, benchmark: str, diff: Diff) -> dict[str, DiffStatus]:
    """Return what each re-run says about one series, oldest first.

    Re-runs in which the series was not measured are left out, and so are those that say nothing
    because their target failed.
    """
    rows = _rows(reruns, benchmark, diff)
    return {rerun: row.status for rerun, row in rows.items() if not row.is_void}


def _changes(rows: Mapping[str, Again]) -> list[float]:
    return [row.change for row in rows.values() if row.change is not None and not row.is_void]


def _with(rows: Mapping[str, Again]) -> str:
    return f"with {plural(len(rows), 're-run')} {', '.join(rows)}"


def _regressed(diff: Diff, rows: Mapping[str, Again], count: Count) -> Diff:
    again = _changes(rows)
    effect = together(diff, again)
    reason = f"{count} are out of line in the bad direction, {_with(rows)}"
    if effect is not None:
        unit = diff_unit(diff)
        change = signed(effect.change, effect.scale, unit)
        reason += f"; the {len(again) + 1} runs together {change} ({interval(effect, unit)})"
    return replace(diff, status=DiffStatus.REGRESSED, reason=reason, together=effect)


def _rows(reruns: Reruns, benchmark: str, diff: Diff) -> dict[str, Again]:
    series = diff.series
    key = SeriesKey(benchmark, series.metric, tags_text(series.tags), series.statistic)
    return {rerun: rows[key] for rerun, rows in reruns.items() if key in rows}

"""Decide a suspect benchmark by its re-runs: the majority of its runs decides.

Add here: another rule about re-runs. Keep out: making re-runs (runs/confirm.py).
"""

from collections.abc import Mapping
from dataclasses import replace
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

Reruns = Mapping[str, Mapping[SeriesKey, DiffRow]]
"""For each re-run of a run, oldest first, its comparisons with history."""


def reruns_of(history: History, run_id: str) -> Reruns:
    """Read the comparisons of a run's re-runs; empty if nothing was run again.

    A benchmark that failed a threshold on failures is left out, whatever its figures are: these
    are of a target that did not do its work. It counts neither for a regression nor against one.
    """
    return {rerun: _meaningful(history, rerun) for rerun in confirmations(history, run_id)}


def _meaningful(history: History, rerun: str) -> dict[SeriesKey, DiffRow]:
    broken = failed_on_failures(history, rerun)
    rows = diffs_with_history(history, rerun)
    return {key: row for key, row in rows.items() if key.benchmark not in broken}


def settled(reruns: Reruns, benchmark: str, diff: Diff) -> Diff:
    """Decide a suspect comparison by its re-runs; without re-runs it stays as it is.

    It is REGRESSED if more than half of all runs are out of line: the run, the two before it, and
    the re-runs. If only the run and its re-runs are out of line, they must be so beyond doubt. It
    is OK if two re-runs were in line. Otherwise it is SUSPECT.
    """
    if diff.status not in WORSE or diff.pinned is not None:
        return diff
    rows = _rows(reruns, benchmark, diff)
    again = [DiffStatus(row.status) for row in rows.values()]
    count = counted(diff, again)
    if count.runs == 1 + len(diff.before):
        return diff
    changes = [row.change_ratio for row in rows.values() if row.change_ratio is not None]
    if is_confirmed(diff, again, changes):
        return _regressed(diff, rows, count)
    in_line = sum(status in IN_LINE for status in again)
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

    Re-runs in which the series was not measured are left out.
    """
    rows = _rows(reruns, benchmark, diff)
    return {rerun: DiffStatus(row.status) for rerun, row in rows.items()}


def _with(rows: Mapping[str, DiffRow]) -> str:
    return f"with {plural(len(rows), 're-run')} {', '.join(rows)}"


def _regressed(diff: Diff, rows: Mapping[str, DiffRow], count: Count) -> Diff:
    again = [row.change_ratio for row in rows.values() if row.change_ratio is not None]
    effect = together(diff, again)
    reason = f"{count} are out of line in the bad direction, {_with(rows)}"
    if effect is not None:
        unit = diff_unit(diff)
        change = signed(effect.change, effect.scale, unit)
        reason += f"; the {len(again) + 1} runs together {change} ({interval(effect, unit)})"
    return replace(diff, status=DiffStatus.REGRESSED, reason=reason, together=effect)


def _rows(reruns: Reruns, benchmark: str, diff: Diff) -> dict[str, DiffRow]:
    series = diff.series
    key = SeriesKey(benchmark, series.metric, tags_text(series.tags), series.statistic)
    return {rerun: rows[key] for rerun, rows in reruns.items() if key in rows}

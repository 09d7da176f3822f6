"""Find out whether the machine became permanently slower, so that its new level is the baseline.

Add here: another reason for a new baseline that no single series shows. Keep out: the rule
(analysis/shared.py), and the effect of a new baseline (judging/series.py).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.shared import LASTING_RUNS, Shift, lasts, shared_slowdown, shift_of
from perf_pipeline.judging.machines import machine_of
from perf_pipeline.judging.past import Past
from perf_pipeline.judging.series import MeasuredBenchmark
from perf_pipeline.judging.withholding import machine_changes
from perf_pipeline.store.baselines import ChangePointRow
from perf_pipeline.store.history import History
from perf_pipeline.store.rerun_ids import rerun_of


@dataclass(frozen=True, slots=True)
class _Track:
    """Hold a series of the newest run with its shift, and its values in earlier runs."""

    measured: MeasuredBenchmark
    diff: Diff
    shift: Shift | None
    before: Mapping[str, float]

    def shift_in(self, run_id: str) -> Shift | None:
        """Return the shift of an earlier run against the same centre; None if it has none."""
        value, now = self.before.get(run_id, 0.0), self.diff.value or 0.0
        if self.shift is None or value <= 0 or now <= 0:
            return None
        return replace(self.shift, distance=self.shift.distance + math.log(value / now))


def levels_for_good(
    history: History,
    run_id: str,
    diffs: Sequence[tuple[MeasuredBenchmark, Diff]],
    past: Past,
) -> list[ChangePointRow]:
    """Return the changes of level that follow from a permanently slower machine.

    If the machine was calibrated, there are none unless it was slower than usual and explains at
    least half of the shared slowdown; a person decides about anything else.

    Args:
        history: the open history, with the diffs of the run.
        run_id: the newest run.
        diffs: the run's comparisons with the history.
        past: the series over earlier runs.
    """
    if not _may_be_the_machine(diffs):
        return []
    return [*machine_changes(history, run_id), *lasting_changes(diffs, past)]


def _may_be_the_machine(diffs: Sequence[tuple[MeasuredBenchmark, Diff]]) -> bool:
    """Say whether the machine may be the explanation; without a calibration, it may.

    The effect that the calibration explains is removed from the diffs, so they share the rest.
    """
    if all(machine_of(measured) is None for measured, _ in diffs):
        return True
    slower = [factor for _, diff in diffs if (factor := diff.machine_factor or 1.0) > 1]
    left = shared_slowdown([shift for _, diff in diffs if (shift := shift_of(diff)) is not None])
    return bool(slower) and left <= math.log(median(slower))


def lasting_changes(
    diffs: Sequence[tuple[MeasuredBenchmark, Diff]], past: Past
) -> Iterator[ChangePointRow]:
    """Return a change of level for every series if all tiers were slower in the five newest runs.

    This includes series whose own gate was not withheld, because they depend on the same machine.

    Args:
        diffs: comparisons of one run with the history.
        past: the series over earlier runs.
    """
    tracks = [
        _Track(
            measured,
            diff,
            shift_of(diff),
            {point.run_id: point.value for point in past.before(measured, diff.series)},
        )
        for measured, diff in diffs
    ]
    run_ids = _newest_runs(tracks)
    if not lasts([*(_slowdown(tracks, run_id) for run_id in run_ids), _slowdown(tracks)]):
        return
    for track in tracks:
        if run_ids[0] in track.before:
            key = track.measured.key(track.diff.series)
            values = [track.before[run_id] for run_id in run_ids if run_id in track.before]
            level = median([*values, track.diff.value or values[-1]])
            yield ChangePointRow(run_ids[0], key, "machine", track.diff.noise.median, level)


def _newest_runs(tracks: Sequence[_Track]) -> list[str]:
    """Return the four previous runs, oldest first, without their re-runs."""
    longest = max((list(track.before) for track in tracks), key=len, default=[])
    runs = [run_id for run_id in longest if rerun_of(run_id) not in longest]
    return runs[1 - LASTING_RUNS :]


def _slowdown(tracks: Sequence[_Track], run_id: str = "") -> float:
    """Return the shared slowdown of an earlier run, or of the newest run if no id is given."""
    shifts = (track.shift_in(run_id) if run_id else track.shift for track in tracks)
    return shared_slowdown([shift for shift in shifts if shift is not None])

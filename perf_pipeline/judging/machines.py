"""Read how fast the load machine was in each run, by its calibration, for the gate.

Add here: another calibrated part of the machine. Keep out: timing it (probes/calibration.py), and
consequences for a series (analysis/).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.judging.series import MeasuredBenchmark
from perf_pipeline.probes.calibration import CPU, DISK, LOOPBACK
from perf_pipeline.store.comparison_rows import SeriesPoint

_SIDES: Final = ("before", "after")
_MS_PER_S: Final = 1_000
_PARTS: Final[Mapping[str, tuple[Series, ...]]] = MappingProxyType(
    {
        part: tuple(Series(metric, {"source": side}, "avg") for side in _SIDES)
        for part, metric in (("cpu_s", CPU), ("loopback_s", LOOPBACK), ("disk_s", DISK))
    }
)
CALIBRATION: Final = tuple(series for sides in _PARTS.values() for series in sides)
"""The series that a machine is made of, one for each part and side of the load."""


def machine_of(measured: MeasuredBenchmark) -> Machine | None:
    """Return the calibration of the load machine for this benchmark; None if there is none."""
    parts = {part: _mean_s(map(measured.value, sides)) for part, sides in _PARTS.items()}
    return Machine(**parts) if any(part is not None for part in parts.values()) else None


def machines_over(
    points_of: Callable[[Series], Sequence[SeriesPoint]],
) -> dict[str, Machine]:
    """Return the calibration of the load machine by run, for the runs that have one.

    Args:
        points_of: returns a series over the runs.
    """
    figures: dict[str, dict[str, list[float]]] = {}
    for part, sides in _PARTS.items():
        for series in sides:
            for run_id, _, value in points_of(series):
                figures.setdefault(run_id, {}).setdefault(part, []).append(value)
    return {
        run_id: Machine(**{part: _mean_s(known_ms) for part, known_ms in parts_ms.items()})
        for run_id, parts_ms in figures.items()
    }


def _mean_s(figures_ms: Iterable[float | None]) -> float | None:
    """Return the mean of the calibrations before and after the load, or the only one known."""
    known = [figure for figure in figures_ms if figure is not None]
    return sum(known) / len(known) / _MS_PER_S if known else None

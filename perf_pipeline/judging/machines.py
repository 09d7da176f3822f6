"""Read how fast the load machine was in each run: its calibration, as the gate takes it.

Add here: another part of the machine that is calibrated. Keep out: how it is timed
(probes/calibration.py), and what follows for a series (analysis/).
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
    """Return what the load machine did beside this benchmark; None where it was not calibrated."""
    parts = {part: _mean_s(map(measured.value, sides)) for part, sides in _PARTS.items()}
    return Machine(**parts) if any(part is not None for part in parts.values()) else None


def machines_over(
    points_of: Callable[[Series], Sequence[SeriesPoint]],
) -> dict[str, Machine]:
    """Return what the load machine did beside each run, by run; those of which none is known not.

    Args:
        points_of: gives a series over the runs.
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
    """Return the mean of both sides, or the side that is known."""
    known = [figure for figure in figures_ms if figure is not None]
    return sum(known) / len(known) / _MS_PER_S if known else None

"""Work out the results of a run's scaling runs again from their points.

Add here: another fact that follows from the points. Keep out: SQL (store/), wording (report/).
"""

import math
from collections.abc import Iterable, Iterator

from perf_pipeline.analysis.capacity.search import CapacityKind
from perf_pipeline.analysis.scaling import CapacityAt
from perf_pipeline.analysis.scaling_answer import ScalingAnswer, scaling_answer
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.metrics.scaling_point import ScalingPoint
from perf_pipeline.report.scaling_texts import ScalingReport, scaling_sentence
from perf_pipeline.store.capacity_rows import capacity_windows
from perf_pipeline.store.history import History
from perf_pipeline.store.scaling_rows import scaling_points


def answer_of(config: BenchmarkConfig, points: Iterable[ScalingPoint]) -> ScalingAnswer:
    """Return the answer that points give, as the benchmark's profile asks for it."""
    assert config.capacity is not None
    assert config.scaling is not None
    known = list(_known(points, config.capacity.precision))
    return scaling_answer(known, config.scaling.worth)


def scalings_of(history: History, run_id: str, profile: Profile) -> dict[str, ScalingReport]:
    """Return the result of each scaling run of a run by benchmark.

    Args:
        history: the open history.
        run_id: the id of a stored run.
        profile: the profile that the run was made with.
    """
    found: dict[str, ScalingReport] = {}
    scaled = scaling_points(history, run_id)
    windows = capacity_windows(history, run_id) if scaled else {}
    for name, points in scaled.items():
        config = profile.benchmarks.get(name)
        if config is None or config.capacity is None or config.scaling is None:
            continue
        answer, its = answer_of(config, points), windows.get(name, [])
        sentence = scaling_sentence(config.capacity.of, answer, points, its)
        found[name] = ScalingReport(sentence, answer, tuple(points), tuple(its))
    return found


def _known(points: Iterable[ScalingPoint], precision: float) -> Iterator[CapacityAt]:
    """Return known capacities, with intervals at least as wide as the precision of the search."""
    for point in points:
        if not math.isfinite(point.per_s):
            continue
        low = min(point.low_per_s, point.per_s / (1 + precision))
        high = math.inf
        if math.isfinite(point.high_per_s):
            high = max(point.high_per_s, point.per_s * (1 + precision))
        is_open = point.kind == CapacityKind.AT_LEAST
        yield CapacityAt(
            point.units,
            per_s=None if is_open else point.per_s,
            low=low,
            high=math.inf if is_open else high,
        )

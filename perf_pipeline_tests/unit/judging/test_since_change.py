"""From which run on a baseline counts, where runs have re-runs."""

import pytest

from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.judging.series import since_change
from perf_pipeline.store.baselines import FoundBy
from perf_pipeline.store.comparison_rows import SeriesPoint

P95 = Series("http_req_duration", {}, "p(95)")
BEFORE = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]


@pytest.mark.parametrize("found_by", ["gate", "machine"])
@pytest.mark.parametrize("unusable", ["", "r9"])
@pytest.mark.parametrize(("slower", "first"), [(4, "r0"), (5, "r8")])
def test_a_level_is_known_after_five_runs_and_not_after_five_re_runs(
    slower: int, first: str, unusable: str, found_by: FoundBy
) -> None:
    """A run that is unusable here, as an INVALID one, is counted once: by its first re-run."""
    quick = [(f"r{number}", value) for number, value in enumerate(BEFORE)]
    slow = [
        (f"r{number}{suffix}", 1_000.0)
        for number in range(8, 8 + slower)
        for suffix in ("", "-c1", "-c2")
    ]
    points = [
        SeriesPoint(run_id, "", value) for run_id, value in (*quick, *slow) if run_id != unusable
    ]

    found = since_change(points, "new", [("r8", found_by)], P95, BaselinePolicy())

    assert found[0].run_id == first

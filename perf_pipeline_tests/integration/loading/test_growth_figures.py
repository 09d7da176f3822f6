"""What grew during a load is worked out from its spool, and what nobody can tell of is named."""

from pathlib import Path

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.loading.growth_figures import grown_figures
from perf_pipeline.metrics.sample import Reading
from perf_pipeline_tests.support.histories.spool import Spool, complete, counts

MEMORY = "memory_growth_bytes_per_h"
LOAD = {
    "exec": "create_user",
    "executor": "constant-arrival-rate",
    "rate": 10,
    "duration": "40s",
    "preAllocatedVUs": 5,
}


def test_a_part_with_too_few_points_is_in_no_figure_and_is_named(tmp_path: Path) -> None:
    benchmark = {"scenarios": {"create": LOAD}, "growth": {"settle": "0s"}}
    profile = validate_profile({"name": "grown", "benchmarks": {"end_to_end": benchmark}}, "here")
    # The load is measured from 1 s to 11 s; one part has a reading each second, and one died early.
    readings = [
        Reading(1_500_000 + 1_000_000 * second, part, "process_memory_bytes", 7.0 * second)
        for part, most in (("api", 10), ("worker", 3))
        for second in range(most)
    ]
    folder = Spool(readings=readings, outcome=complete()).write(tmp_path) / "api"

    grown = grown_figures(folder, profile.benchmarks["end_to_end"], [counts()])

    # 7 bytes a second are 25,200 an hour. Which part grows fastest nobody knows, so that a bound on
    # all of them has no figure: the one that died may have been the one that leaks.
    assert [figure.name for figure in grown.figures] == [MEMORY]
    assert [round(figure.value) for figure in grown.figures] == [25_200]
    assert [figure.operation for figure in grown.figures] == ["api"]
    assert grown.problems == (
        f"fewer than ten points after settle do not show whether these grow: {MEMORY} of worker",
    )

"""Every operation of a benchmark of one's own is compared, also one without a threshold."""

from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, Made, add_runs

LOOK = {
    "exec": "http_steps",
    "executor": "constant-vus",
    "vus": 1,
    "duration": "1s",
    "parameters": {"steps": [{"name": "list", "path": "/"}, {"name": "pay", "path": "/pay"}]},
}
PAY = "http_req_duration{operation:pay} p(95)"


def shop() -> Profile:
    benchmarks = {"shop": {"scenarios": {"look": LOOK}}}
    return validate_profile({"name": "shop", "benchmarks": benchmarks}, "shop.toml")


def statuses(state: Path, profile: Profile, benchmark: str) -> dict[str, str]:
    """Give what the last of nine runs shows, in which the operation takes half as long again."""
    values = (*QUIET, 1.5 * QUIET[0])
    tags = {"operation": "pay"}
    runs = [Made({benchmark: value}, profile=profile, tags=tags) for value in values]
    run_id = add_runs(state, runs)[-1]
    return {diff.series.label: str(diff.status) for _, diff in compare_run(State(state), run_id)}


def test_a_slowdown_of_one_operation_is_found_without_a_threshold_on_it(tmp_path: Path) -> None:
    found = statuses(tmp_path, shop(), "shop")

    assert found[PAY] == "SUSPECT"
    assert found["http_req_duration{operation:pay} med"] == "SUSPECT"


@pytest.mark.parametrize("benchmark", ["api_user_creation", "end_to_end"])
def test_shipped_benchmarks_are_compared_by_what_they_were(tmp_path: Path, benchmark: str) -> None:
    assert PAY not in statuses(tmp_path, load_profile("quick"), benchmark)

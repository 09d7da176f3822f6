"""Recoveries over runs: one that nobody needed is no level, and no improvement either."""

from pathlib import Path

from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import END, QUIET, Made, add_runs

RECOVERY = "fault_recovery_s value"


def baselines(state: Path, *recoveries_s: float) -> dict[str, int]:
    """Give the series of the last run, with how many runs are in the baseline of each."""
    profile = load_profile("quick")
    runs = [
        Made({END: p95_ms}, profile=profile, also={"fault_recovery_s": recovery_s / p95_ms})
        for p95_ms, recovery_s in zip(QUIET, recoveries_s, strict=False)
    ]
    run_id = add_runs(state, runs)[-1]
    return {diff.series.label: diff.noise.n for _, diff in compare_run(State(state), run_id)}


def test_a_recovery_that_nobody_needed_is_not_compared(tmp_path: Path) -> None:
    found = baselines(tmp_path, 8.0, 8.1, 7.9, 8.0, 8.2, 8.0, 0.0)

    assert RECOVERY not in found
    assert found["http_req_duration p(95)"] == 6


def test_recoveries_that_nobody_needed_are_in_no_baseline(tmp_path: Path) -> None:
    found = baselines(tmp_path, 8.0, 0.0, 8.1, 0.0, 7.9, 8.0)

    # 8.0, 8.1 and 7.9 s
    assert found[RECOVERY] == 3

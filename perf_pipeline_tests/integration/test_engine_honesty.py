"""What real worker processes say when they were the limit, or a workload has a bug."""

from dataclasses import replace
from pathlib import Path

from perf_pipeline_tests.integration.engine_loads import SECRET, job_of, load, scenario


def test_the_traceback_of_an_iteration_shows_no_secret(tmp_path: Path) -> None:
    quota = {"executor": "per-vu-iterations", "vus": 1, "iterations": 2}
    outcome = load(job_of(tmp_path, scenario("Leaky", quota), workers=1))

    log = (tmp_path / "worker-0.log").read_text()
    assert SECRET not in log
    assert "KeyError: 'no row at ***'" in log
    (reason,) = outcome.health.reasons
    assert reason.startswith("worker 0 met 2 exceptions in iterations")


def test_operations_that_the_generator_had_no_port_for_make_it_invalid(tmp_path: Path) -> None:
    quota = {"executor": "per-vu-iterations", "vus": 2, "iterations": 3}
    outcome = load(job_of(tmp_path, scenario("Starved", quota)))

    assert not outcome.health.valid
    assert outcome.health.figures["own_limits"] == 6
    for reason in outcome.health.reasons:
        assert "failed 3 operations itself, for want of ports" in reason


def test_a_saturated_client_is_told_and_not_invalid_where_the_load_is_a_ceiling(
    tmp_path: Path,
) -> None:
    loop = {"executor": "constant-vus", "vus": 1, "duration": "3s"}
    hog = replace(scenario("Hog", loop, service_ms=2), is_ceiling=True)
    health = load(job_of(tmp_path, hog, workers=1)).health

    assert health.figures["cpu_ratio"] > 0
    # A machine shared with others may keep the worker from its core, and so from its limit.
    assert not any("of a core" in reason for reason in health.reasons)
    assert len(health.notes) == int(health.figures["cpu_busy_s"] >= health.figures["watched_s"] / 2)

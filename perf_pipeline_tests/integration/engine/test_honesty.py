"""What real worker processes say when they were the limit, or a workload has a bug."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.engine import wall_clock
from perf_pipeline_tests.support.loads.engine_loads import SECRET, job_of, load, samples, scenario

RATE = {"executor": "constant-arrival-rate", "rate": 50, "preAllocatedVUs": 9}


def test_the_traceback_of_an_iteration_shows_no_secret(tmp_path: Path) -> None:
    quota = {"executor": "per-vu-iterations", "vus": 1, "iterations": 2}
    outcome = load(job_of(tmp_path, scenario("Leaky", quota), workers=1))

    log = (tmp_path / "worker-0.log").read_text()
    assert SECRET not in log
    assert "KeyError: 'no row at postgresql://me:***@127.0.0.1/x'" in log
    (reason,) = outcome.health.reasons
    assert reason.startswith("worker 0 caught 2 exceptions in iterations")


def test_operations_that_the_generator_had_no_port_for_make_it_invalid(tmp_path: Path) -> None:
    quota = {"executor": "per-vu-iterations", "vus": 2, "iterations": 3}
    outcome = load(job_of(tmp_path, scenario("Starved", quota)))

    assert not outcome.health.valid
    assert outcome.health.figures["own_limits"] == 6
    for reason in outcome.health.reasons:
        assert (
            "failed 3 operations itself, because it ran out of ports, descriptors or memory"
        ) in reason


@pytest.mark.parametrize(("step_ms", "valid"), [(-80.0, False), (51.0, False), (20.0, True)])
def test_a_clock_that_was_set_during_the_load_makes_it_invalid(
    step_ms: float, valid: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is the wall clock: setting the machine's own would hit everybody else on it."""
    offsets_ms = iter([1_000.0, 1_000.0])
    monkeypatch.setattr(
        wall_clock, "wall_clock_offset_ms", lambda: next(offsets_ms, 1_000.0 + step_ms)
    )
    quota = {"executor": "per-vu-iterations", "vus": 1, "iterations": 1}

    health = load(job_of(tmp_path, scenario("Sleeper", quota), workers=1)).health

    told = [reason for reason in health.reasons if reason.startswith("the wall clock was set by")]
    assert health.figures["clock_step_ms"] == step_ms
    assert (told == []) is valid
    if not valid:
        assert f"{step_ms:+.0f} ms during the load (limit 50 ms)" in told[0]
        assert health.valid is False


def test_a_clock_that_was_set_for_a_moment_and_back_makes_it_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an hour, and back before the load ends; no duration knows of it."""
    offsets_ms = iter([1_000.0, 1_000.0, 3_601_000.0])
    monkeypatch.setattr(wall_clock, "wall_clock_offset_ms", lambda: next(offsets_ms, 1_000.0))
    quota = {"executor": "per-vu-iterations", "vus": 1, "iterations": 1}

    outcome = load(job_of(tmp_path, scenario("Sleeper", quota), workers=1))

    assert outcome.health.figures["clock_step_ms"] == 3_600_000
    assert "the wall clock was set by +3600000 ms during the load" in outcome.health.reasons[0]
    assert outcome.wall_s < 60
    assert all(
        int(sample["ended_us"]) - int(sample["started_us"]) < 60_000_000
        for sample in samples(tmp_path)
    )


def test_starts_that_a_pause_of_the_generator_dropped_are_told_with_their_number(
    tmp_path: Path,
) -> None:
    """50/s, and each iteration blocks the loop for 60 ms: of the 3 starts due in it 2 find a VU."""
    rate = {**RATE, "duration": "1s", "preAllocatedVUs": 2, "maxVUs": 2}
    health = load(job_of(tmp_path, scenario("Hog", rate, service_ms=60), workers=1)).health

    assert not health.valid
    late_drops = int(health.figures["late_drops"])
    assert late_drops >= 5
    assert any(
        f"dropped {late_drops} starts because it was late itself" in reason
        for reason in health.reasons
    )


def test_a_saturated_client_is_told_and_not_invalid_where_the_load_is_a_ceiling(
    tmp_path: Path,
) -> None:
    loop = {"executor": "constant-vus", "vus": 1, "duration": "1500ms"}
    hog = replace(scenario("Hog", loop, service_ms=2), is_ceiling=True)
    health = load(job_of(tmp_path, hog, workers=1)).health

    assert health.figures["cpu_ratio"] > 0
    # A machine shared with others may keep the worker from its core, and so from its limit.
    assert not any("of a core" in reason for reason in health.reasons)
    told = [note for note in health.notes if "of a core" in note]
    assert len(told) == int(health.figures["cpu_busy_s"] >= health.figures["watched_s"] / 2)

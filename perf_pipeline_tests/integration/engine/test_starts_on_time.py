"""Starts of real worker processes are on time where nothing else keeps the machine busy."""

from pathlib import Path

import pytest

from perf_pipeline_tests.support.loads.engine_loads import job_of, load, scenario

pytestmark = [pytest.mark.alone, pytest.mark.slow]


def test_starts_at_five_hundred_a_second_are_on_time(tmp_path: Path) -> None:
    executor = {
        "executor": "constant-arrival-rate",
        "rate": 500,
        "duration": "1s",
        "preAllocatedVUs": 50,
    }
    outcome = load(job_of(tmp_path, scenario("Sleeper", executor)))

    assert (
        outcome.health.figures["starts"] + outcome.scenarios[0].measured_dropped_iterations == 500
    )
    assert outcome.health.figures["schedule_lag_p50_ms"] < 10

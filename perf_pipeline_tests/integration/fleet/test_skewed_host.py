"""A load of a host whose clock goes too fast: its times beside those of the driver's clock."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.store.spool_manifest import check_spool
from perf_pipeline_tests.support.direct_agents import DirectEngine
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario
from perf_pipeline_tests.support.skewed_clocks import skewed_clock

# 2 %: in the 3 s of the load it gets as far ahead as one of 500 ppm in two minutes, 60 ms.
PPM = 20_000
RATE = {"executor": "constant-arrival-rate", "rate": 20, "duration": "3s", "preAllocatedVUs": 9}
Loaded = tuple[Path, LoadOutcome, int]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Give the folder of a load, its outcome and its origin."""
    folder = tmp_path_factory.mktemp("skewed")
    job = job_of(folder, scenario("TrueSleeper", RATE, service_ms=200), workers=1)
    with pytest.MonkeyPatch.context() as patch, Fleet(DirectEngine(), {}).workers(1) as start:
        for name, value in skewed_clock(folder / "site", PPM).items():
            patch.setenv(name, value)
        origin_ns = time.monotonic_ns()
        yield folder, load(job, start=start, apart=True, origin_ns=origin_ns), origin_ns


def test_its_times_are_those_of_the_drivers_clock(loaded: Loaded) -> None:
    folder, outcome, origin_ns = loaded
    rows = samples(folder)
    true_us = np.array([int(row["bytes_out"]) for row in rows]) - origin_ns // 1_000
    off_us = np.abs(np.array([int(row["started_us"]) for row in rows]) - true_us)

    assert outcome.health.figures["clock_moved_ms"] > 50  # by the end of the load
    # A worker may be held up between reading the one clock and the other.
    assert np.percentile(off_us, 90) < 1_000 * min(5, outcome.health.figures["clock_error_ms"])


def test_its_latencies_are_those_of_the_drivers_clock(loaded: Loaded) -> None:
    rows = samples(loaded[0])
    took_us = np.array([int(row["ended_us"]) - int(row["started_us"]) for row in rows])
    true_us = np.array([int(row["bytes_in"]) - int(row["bytes_out"]) for row in rows])

    # Its own clock would say 204 ms for 200 ms.
    assert np.percentile(np.abs(took_us - true_us), 90) < 1_000


def test_nothing_is_said_to_start_before_it_was_wanted(loaded: Loaded) -> None:
    rows = samples(loaded[0])

    assert len(rows) == 61
    assert all(int(row["started_us"]) >= int(row["intended_us"]) for row in rows)


def test_the_corrected_spool_is_proven(loaded: Loaded) -> None:
    assert check_spool(loaded[0], run_is_sealed=False).damage == ()

"""Loads whose driver loses a host for a while: they go on, and everything arrives."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.store.spool_manifest import check_spool
from perf_pipeline_tests.support.cables import Cable
from perf_pipeline_tests.support.direct_agents import HOST, DirectEngine
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "3s", "preAllocatedVUs": 9}


def load_while(folder: Path, happens: Callable[[Cable], None]) -> LoadOutcome:
    """Load for 3 s from one host, and let something happen to its cable after a second of it."""
    engine, started = DirectEngine(), threading.Event()
    job = job_of(folder, scenario("Sleeper", RATE), workers=1)

    def meanwhile() -> None:
        started.wait(60)
        time.sleep(1)
        happens(engine.cables[0])

    thread = threading.Thread(target=meanwhile)
    thread.start()
    with Fleet(engine, {}).workers(1) as start:
        outcome = load(job, start=start, apart=True, before_start=started.set)
    thread.join()
    return outcome


def cut_thrice(cable: Cable) -> None:
    for _ in range(3):
        cable.cut()
        time.sleep(0.3)


def pulled_beyond_the_end(cable: Cable) -> None:
    cable.pull()
    time.sleep(4)
    cable.put_in()


@pytest.mark.parametrize("happens", [cut_thrice, pulled_beyond_the_end])
def test_a_load_goes_on_without_its_driver_and_arrives_whole(
    tmp_path: Path, happens: Callable[[Cable], None]
) -> None:
    outcome = load_while(tmp_path, happens)

    (counts,) = outcome.scenarios
    assert counts.iterations + counts.dropped_iterations == 301  # both ends
    assert len(samples(tmp_path)) == counts.iterations
    assert check_spool(tmp_path, run_is_sealed=False).damage == ()
    assert [path.name for path in tmp_path.glob("seal-*")] == ["seal-main-0.json"]
    # A busy machine may have held the worker up; of the connection nothing is held against it.
    reasons = outcome.health.reasons
    lost = ("ended", "did not arrive", "came for", "the clock of", "the times of")
    assert [told for told in reasons if any(word in told for word in lost)] == []
    (note,) = [told for told in outcome.health.notes if "connection" in told]
    assert note.startswith(f"the connection to worker 0 on {HOST} was lost for ")
    assert note.endswith(" s and taken up again; all that it measured arrived")


@pytest.mark.timeout(90)
def test_a_host_that_stays_away_is_named(tmp_path: Path) -> None:
    outcome = load_while(tmp_path, Cable.pull)

    (reason,) = outcome.health.reasons
    assert reason.startswith(f"worker 0 on {HOST} ended unexpectedly ({HOST}: nothing came for 10 ")

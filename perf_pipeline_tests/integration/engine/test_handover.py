"""Several workers share their VUs: what one process would start, they start."""

import os
import signal
import threading
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from perf_pipeline.engine import handover
from perf_pipeline.engine.progress import Progress
from perf_pipeline_tests.support.commands.command_line import load_workers
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "3s", "gracefulStop": "5s"}
# 100/s for 3 s, the start at the very end included.
STARTS = 301


def test_a_start_that_finds_no_free_vu_is_made_by_another_worker(tmp_path: Path) -> None:
    # Worker 1 gets 50/s and holds each for 0.4 s, so it needs 20 of its 13 VUs; it can do 32.5/s.
    # Worker 0 does the other 17.5/s besides its own 50/s in 0.1 s each: 6.75 of its 13 VUs.
    # Left to worker 1, the 17.5/s would be 52 dropped starts in 3 s. A machine that stands still
    # for a moment makes both workers late at once, and then nobody has a VU for some starts.
    rate = {**RATE, "preAllocatedVUs": 26, "maxVUs": 26}
    outcome = load(job_of(tmp_path, scenario("SlowInOneWorker", rate, service_ms=100)))

    (counts,) = outcome.scenarios
    assert counts.dropped_iterations < 15
    assert counts.iterations + counts.dropped_iterations == STARTS == counts.intended_iterations
    made_by_worker_0 = sum(int(row["vu"]) % 2 for row in samples(tmp_path))
    assert made_by_worker_0 > 175  # 151 are its own


def test_no_vu_makes_two_starts_at_once_although_workers_share_them(tmp_path: Path) -> None:
    rate = {**RATE, "preAllocatedVUs": 4, "maxVUs": 20}
    load(job_of(tmp_path, scenario("SlowInOneWorker", rate, service_ms=60), workers=3))

    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in samples(tmp_path):
        spans[row["vu"]].append((int(row["started_us"]), int(row["ended_us"])))
    assert {int(vu) for vu in spans} <= set(range(1, 21))
    for times in spans.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(times)))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_does_not_change_how_many_starts_are_dropped(
    workers: int, tmp_path: Path
) -> None:
    # 20 VUs for 0.245 s each: of the 25 starts that are due in 0.25 s the first 20 find one, and
    # 5 do not; 12 times in 3 s. A machine that is busy frees some VUs late, never early.
    rate = {**RATE, "preAllocatedVUs": 20, "maxVUs": 20}
    outcome = load(job_of(tmp_path, scenario("Sleeper", rate, service_ms=245), workers=workers))

    (counts,) = outcome.scenarios
    assert 48 <= counts.dropped_iterations <= 100
    assert counts.iterations + counts.dropped_iterations == STARTS


def test_every_start_is_counted_when_a_stop_comes_while_starts_are_handed_over(
    tmp_path: Path,
) -> None:
    rate = {**RATE, "rate": 400, "preAllocatedVUs": 8, "maxVUs": 8}
    stop = threading.Event()

    def end_early(progress: Progress) -> None:
        if progress.elapsed_s > 1.5:
            stop.set()

    job = job_of(tmp_path, scenario("SlowInOneWorker", rate, service_ms=5))
    outcome = load(job, stop=stop, on_progress=end_early)

    (counts,) = outcome.scenarios
    made = counts.iterations + counts.interrupted_iterations
    assert made == len(samples(tmp_path))
    # The report of second 2 ends it: 800 starts, and those of the moment that telling it takes.
    assert 600 <= made + counts.dropped_iterations <= 1_200


def test_a_worker_that_stands_still_costs_no_start_of_the_others(tmp_path: Path) -> None:
    """Its own VUs look free, so it is handed starts; they are late, and told, but not lost."""
    rate = {**RATE, "preAllocatedVUs": 40, "maxVUs": 40}
    job = job_of(tmp_path, scenario("Sleeper", rate, service_ms=50))
    paused: list[int] = []

    def pause_one(_: Progress) -> None:
        if not paused:
            worker = load_workers(os.getpid())[0]
            paused.append(worker.pid)
            worker.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            worker.send_signal(signal.SIGCONT)

    outcome = load(job, on_progress=pause_one)

    (counts,) = outcome.scenarios
    assert paused
    assert counts.iterations + counts.dropped_iterations == STARTS
    assert counts.dropped_iterations <= 30


def test_a_system_that_cannot_count_free_vus_for_all_says_that_they_are_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is the system: macOS has no eventfd."""
    monkeypatch.setattr(handover, "CAN_HAND_OVER", False)
    # As many VUs as starts: a worker that gets no processor for a while drops none of its own.
    rate = {**RATE, "duration": "1s", "preAllocatedVUs": 100, "maxVUs": 100}
    outcome = load(job_of(tmp_path, scenario("Sleeper", rate, service_ms=1)))

    assert outcome.scenarios[0].iterations == 101
    assert (
        "on this system each of the 2 workers has VUs of its own, so a start is dropped when all "
        "VUs of its worker are busy, even if another worker has free ones; `workers = 1` avoids "
        "that"
    ) in outcome.health.notes

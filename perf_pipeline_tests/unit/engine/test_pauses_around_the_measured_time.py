"""Which pauses of a worker its watch sees, around the time that is measured."""

import pytest

from perf_pipeline.engine.watch import WorkerWatch
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import run
from perf_pipeline_tests.support.loads.virtual_time import VirtualClock, run_virtually

# 2 s of warm-up, measured until 5 s, answers until 8 s.
LOOP = {"executor": "constant-vus", "vus": 1, "duration": "5s", "gracefulStop": "3s"}


class PausedClock(VirtualClock):
    """Let nobody wake between two times, as SIGSTOP does.

    Args:
        from_us: begin of the pause.
        until_us: its end.
    """

    def __init__(self, from_us: int, until_us: int) -> None:
        self._from_us, self._until_us = from_us, until_us

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us`, or at the end of the pause."""
        is_paused = self._from_us <= at_us < self._until_us
        await super().sleep_until_us(self._until_us if is_paused else at_us)


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "longest_ms", "total_ms"),
    [
        (100, 1_900, 0, 0),  # over before anything is measured
        (1_000, 3_500, 1_500, 1_500),  # 1.5 s of it are measured
        (3_010, 4_020, 1_000, 1_000),  # a tick was due at 3.02 s
        (5_510, 7_020, 1_500, 0),  # answers are awaited: one was due at 5.52 s
        (7_990, 9_000, 0, 0),  # what is under way at 8 s is cut
    ],
)
def test_a_pause_counts_where_a_measured_operation_may_be_under_way(
    from_ms: int, until_ms: int, longest_ms: int, total_ms: int
) -> None:
    part = run(LOOP, 300_000, warm_up_us=2_000_000).part
    watch = WorkerWatch(PausedClock(from_ms * 1_000, until_ms * 1_000))

    run_virtually(watch.run([part]))

    vitals = watch.vitals([])
    assert (vitals.stall_longest_ms, vitals.stall_total_ms) == (longest_ms, total_ms)
    assert vitals.watched_s == 3

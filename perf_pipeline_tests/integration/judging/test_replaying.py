"""A replay that is shared out among processes says what it says in one."""

from functools import partial
from math import sin

import pytest

from perf_pipeline.analysis.backtest import ReplayedSeries, replay, tally
from perf_pipeline.analysis.baseline import BaselinePolicy, Series
from perf_pipeline.judging import replaying
from perf_pipeline.judging.replaying import shared_out

RUNS = 24
POLICY = BaselinePolicy()


def track(number: int) -> ReplayedSeries:
    """Make a series that has noise of 2 %, and gets half as slow again with its 13th run."""
    series = Series("http_req_duration", {"operation": str(number)}, "p(95)")
    values = (100 * (1.5 if n > 12 else 1) * (1 + 0.02 * sin(7 * n + number)) for n in range(RUNS))
    return ReplayedSeries("api", series, tuple(f"r{n:02}" for n in range(RUNS)), tuple(values))


TRACKS = [track(number) for number in range(4)]


def test_a_long_replay_in_two_processes_says_what_it_says_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "_cores", lambda: 2)
    run_ids = list(TRACKS[0].run_ids)

    with shared_out(TRACKS, long=RUNS) as each:
        assert each is not map
        shared = tally(TRACKS, run_ids, POLICY, each=each)
        diffs = list(each(partial(replay, policy=POLICY), TRACKS))

    assert diffs == [replay(one, POLICY) for one in TRACKS]
    assert shared == tally(TRACKS, run_ids, POLICY)
    assert shared.alarms


@pytest.mark.parametrize(("cores", "long"), [(1, RUNS), (2, 1_000)])
def test_one_core_or_a_short_history_begins_no_process(
    monkeypatch: pytest.MonkeyPatch, cores: int, long: int
) -> None:
    monkeypatch.setattr(replaying, "_cores", lambda: cores)

    with shared_out(TRACKS, long=long) as each:
        assert each is map

"""Whether a target is as it was before a load that it did not carry."""

from collections.abc import Callable, Iterator

import pytest

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.runs.recovery import Band, await_recovery
from perf_pipeline.runs.windows import JudgedWindow
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus, ScenarioCounts

BAND = Band(p95_ms=10.0, failed_ratio=0.0, waiting=0.0)


def light(
    p95_ms: float | None = 10.0,
    failed: float = 0.0,
    waiting: float = 0.0,
    status: BenchmarkStatus = "complete",
) -> JudgedWindow:
    """Make a light load of 8 iterations that was answered so."""
    counts = ScenarioCounts("s", 8, 0, 0, 8, 0, 2_000_000)
    outcome = BenchmarkOutcome("load", status, "", 2.0, 2.0, scenarios=(counts,))
    return JudgedWindow(outcome, (), 4.0, p95_ms, failed, (), waiting, {}, ())


def one_after_another(*windows: JudgedWindow) -> Callable[[], JudgedWindow]:
    """Answer with the windows in turn, the last again and again."""
    left: Iterator[JudgedWindow] = iter(windows)
    return lambda: next(left, windows[-1])


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (light(30.0), ""),  # 10 ms and 20 more
        (light(31.0), "the p95 of a light load is 31 ms and was 10 ms before"),
        (light(failed=0.02), "2 % of a light load fail"),
        (light(waiting=8.0), ""),  # as many as it started itself
        (light(waiting=9.0), "9 messages wait still"),
        (light(None), "it does not answer"),
        (light(status="aborted"), "it does not answer"),
    ],
    ids=["near", "slow", "failing", "own", "backlog", "silent", "gone"],
)
def test_a_light_load_shows_whether_a_target_is_as_before(window: JudgedWindow, told: str) -> None:
    assert BAND.misses(window) == told


def test_a_slow_target_may_be_twice_as_slow_as_before() -> None:
    band = Band(p95_ms=400.0, failed_ratio=0.0, waiting=0.0)

    assert band.misses(light(800.0)) == ""
    assert band.misses(light(801.0)).startswith("the p95 of a light load is 801 ms")


def test_recovery_is_asked_for_until_it_is_there() -> None:
    asked: list[int] = []
    answers = one_after_another(light(900.0), light(200.0), light(12.0))

    def ask() -> JudgedWindow:
        asked.append(1)
        return answers()

    assert await_recovery(BAND, ask, 60.0, lambda: False, now_s=lambda: 0.0) == ""
    assert len(asked) == 3


def test_a_limit_that_is_reached_says_what_is_missing() -> None:
    clock = iter(range(0, 100, 4))
    told = await_recovery(
        BAND, one_after_another(light(900.0)), 10.0, lambda: False, now_s=lambda: next(clock)
    )

    assert told == "the p95 of a light load is 900 ms and was 10 ms before"


def test_a_target_that_is_gone_is_asked_again() -> None:
    answers = iter([None, light()])

    def ask() -> JudgedWindow:
        answer = next(answers)
        if answer is None:
            raise TargetUnavailableError("nobody listens")
        return answer

    assert await_recovery(BAND, ask, 60.0, lambda: False) == ""


def test_a_stop_ends_the_waiting() -> None:
    asked = one_after_another(light(900.0))

    assert await_recovery(BAND, asked, 60.0, lambda: True) == ""

"""Whether a target is as it was before a load that it did not carry."""

from collections.abc import Callable, Iterator

import pytest

from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.runs.recovery import Band, await_recovery, band_before
from perf_pipeline.runs.windows import JudgedWindow
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus, ScenarioCounts

BAND = Band(p95_ms=10.0, failed_ratio=0.0, waiting=0.0)


def light(
    p95_ms: float | None = 10.0,
    failed: float = 0.0,
    waiting: float = 0.0,
    status: BenchmarkStatus = "complete",
    problem: str = "",
    limit: str = "",
) -> JudgedWindow:
    """Make a light load of 8 iterations that was answered so."""
    counts = ScenarioCounts("s", 8, 0, 0, 8, 0, 2_000_000)
    outcome = BenchmarkOutcome(
        "load",
        status,
        "",
        2.0,
        2.0,
        scenarios=(counts,),
        valid=not limit,
        invalid_reasons=(limit,) if limit else (),
        problems=(problem,) if problem else (),
    )
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
        (light(waiting=9.0), "9 messages are still waiting"),
        (light(None), "it does not answer"),
        (light(status="aborted"), "it does not answer"),
        (light(status="abort_on_fail", problem="p(95)<9 was crossed"), "p(95)<9 was crossed"),
    ],
    ids=["near", "slow", "failing", "own", "backlog", "silent", "gone", "crossed"],
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


@pytest.mark.parametrize(
    "unknown",
    [light(900.0, limit="worker 0 stood still"), light(None, status="aborted", limit="disk full")],
    ids=["held up", "ended"],
)
def test_a_light_load_of_a_generator_at_its_limit_is_no_word_on_the_target(
    unknown: JudgedWindow,
) -> None:
    clock = iter(range(0, 100, 6))
    with pytest.raises(GeneratorLimitError, match=unknown.outcome.invalid_reasons[0]):
        await_recovery(
            BAND, one_after_another(unknown), 10.0, lambda: False, now_s=lambda: next(clock)
        )
    answers = one_after_another(unknown, light())
    assert await_recovery(BAND, answers, 10.0, lambda: False, now_s=lambda: 0.0) == ""


def test_how_it_was_before_is_not_taken_from_a_generator_at_its_limit() -> None:
    held_up = light(900.0, limit="worker 0 stood still")

    assert band_before(one_after_another(held_up, light()), lambda: False) == BAND
    with pytest.raises(GeneratorLimitError, match="of 5 light loads .*: worker 0 stood still"):
        band_before(one_after_another(held_up), lambda: False)


def test_a_target_that_goes_away_before_the_first_window_is_not_available() -> None:
    gone = light(None, status="aborted", problem="nobody listens any more")

    with pytest.raises(TargetUnavailableError, match="ended early: nobody listens any more"):
        band_before(one_after_another(gone), lambda: False)
    assert band_before(one_after_another(gone), lambda: True) is None

"""Percentiles, stalls and drops against what a server really did, or what a hand works out."""

import math
from collections.abc import Iterator
from typing import Final

import pytest

from perf_pipeline_tests.integration.http_timed_target import TimedTarget, timed_target
from perf_pipeline_tests.integration.k6_scripts import HEAD, steps_of, with_scenarios
from perf_pipeline_tests.integration.runs_command import Answer, CommandLine, new_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

RATES: Final = (100, 500, 1_000)
# The 801st request, which is due at 4 s, meets a server that stands still for 2 s.
STALL: Final = (800, 2.0)


def _arrivals(rate: int, seconds: int, vus: int) -> str:
    """Plan rate * seconds starts: half a period before the end, so that none is at the end."""
    duration_us = seconds * 1_000_000 - 500_000 // rate
    return (
        f'executor = "constant-arrival-rate"\nrate = {rate}\nduration = "{duration_us}us"\n'
        f"preAllocatedVUs = {vus}\nmaxVUs = {vus}\n"
    )


@pytest.fixture(scope="module")
def target() -> Iterator[TimedTarget]:
    with timed_target({b"/stall/open": STALL, b"/stall/one": STALL}) as running:
        yield running


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give the command line with a state folder for all runs."""
    return CommandLine(new_state(tmp_path_factory.mktemp("truth") / "state"))


@pytest.fixture(scope="module")
def answer(target: TimedTarget, command: CommandLine) -> Answer:
    """Run each rate for 5 s, and the stall with enough virtual users and with one."""
    benchmarks = [
        with_scenarios(
            f"held_{rate}", {"s": (_arrivals(rate, 5, rate // 5 + 50), steps_of(f"/held/{rate}"))}
        )
        for rate in RATES
    ]
    for name, vus in (("open", 600), ("one", 1)):
        plan = (_arrivals(200, 10, vus), steps_of(f"/stall/{name}"))
        benchmarks.append(with_scenarios(f"stall_{name}", {"s": plan}))
    path = command.state / "truth.toml"
    path.write_text(HEAD.format(port=target.port, workers=1) + "".join(benchmarks))
    return command("run", "--profile", str(path))


def _summary(command: CommandLine, answer: Answer, benchmark: str, metric: str) -> dict[str, float]:
    (row,) = command.sql(
        f"select count, median, p95, p99 from summaries where run_id = '{answer.run_id}' "
        f"and benchmark = '{benchmark}' and metric = '{metric}' and tags = ''"
    )
    return dict(zip(("count", "p50", "p95", "p99"), row, strict=True))


def _percentile(values: list[float], p: float) -> float:
    """Interpolate between closest ranks: i = p/100 * (n - 1)."""
    ordered, rank = sorted(values), p / 100 * (len(values) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


@pytest.mark.parametrize("rate", RATES)
def test_service_time_is_within_1_ms_or_2_percent_of_what_the_server_took(
    rate: int, target: TimedTarget, command: CommandLine, answer: Answer
) -> None:
    held_ms = target.held_ms[b"/held/%d" % rate]
    found = _summary(command, answer, f"held_{rate}", "http_req_duration")

    assert found["count"] == len(held_ms) == 5 * rate, answer.err
    for p in (50, 95, 99):
        truth_ms = _percentile(held_ms, p)
        # The table alone gives 69.5, 114.05 and 118.01 ms; the server may hold a bit longer.
        assert truth_ms >= 20 + (p / 100 * 99) - 1
        assert found[f"p{p}"] == pytest.approx(truth_ms, abs=1.0, rel=0.02)


def test_a_stall_of_2_s_is_in_the_response_times_of_all_that_were_due_in_it(
    command: CommandLine, answer: Answer
) -> None:
    """By hand: 200/s for 10 s are 2,000 starts; those due at 4,000, 4,005 ... 5,995 ms wait.

    The 400 wait 2,000, 1,995 ... 5 ms; all others take next to nothing. In ascending order number
    1,999 (from 0) is 2,000 ms and each one below it 5 ms less. p99 is at 0.99 * 1,999 = 1,979.01:
    2,000 - 20 * 5 + 0.01 * 5 = 1,900.05 ms; p95 at 1,899.05: 2,000 - 100 * 5 + 0.25 = 1,500.25 ms.
    """
    found = _summary(command, answer, "stall_open", "response_time")

    assert found["count"] == 2_000, answer.err
    assert found["p99"] == pytest.approx(1_900.05, rel=0.02)
    assert found["p95"] == pytest.approx(1_500.25, rel=0.02)
    assert found["p50"] < 20


def test_a_loop_that_sends_only_after_an_answer_hides_the_stall_and_its_drops_tell_it(
    command: CommandLine, answer: Answer
) -> None:
    """By hand: one virtual user waits 2 s in the 801st request; what is due meanwhile is dropped.

    Due at 4,005, 4,010 ... 5,995 ms, and at 6,000 ms, when the answer just comes or just not:
    399 or 400 starts. One slow sample of 1,600 lies above p99 (1 in 100), which shows nothing.
    """
    found = _summary(command, answer, "stall_one", "http_req_duration")
    dropped = int(
        command.value(
            "select sum(dropped_iterations) from scenarios "
            f"where run_id = '{answer.run_id}' and benchmark = 'stall_one'"
        )
    )

    # A shared machine may make one answer or another take longer than the 5 ms to the next start.
    assert 399 <= dropped <= 420, answer.err
    assert found["count"] == 2_000 - dropped
    assert found["p99"] < 100

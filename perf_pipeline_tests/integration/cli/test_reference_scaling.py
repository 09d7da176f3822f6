"""Whole scaling runs of the reference system that is up: its workers come, go, and are as before.

How its capacity grows, with workers of which each carries what is known, is in
benchmarks/bench_scaling.py. Here one low rate is enough, so that it is "at least" that.
"""

from collections.abc import Callable, Iterator

import pytest

from perf_pipeline.stack.embedded import find_running
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.commands.up import Up

pytestmark = pytest.mark.timeout(240)

PROFILE = """
name = "growing"
workers = 1
calibration = false

[benchmarks.look.scenarios.look]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 5
duration = "1s"
preAllocatedVUs = 5
parameters.steps = [{{ name = "look", path = "/health" }}]

[benchmarks.growth]
capacity = {{ of = "look", window = "1s", highest = "5/s", confirm = 1 }}
scaling = {{ part = "worker", units = {units}, cores = 8 }}
"""


@pytest.fixture
def growing(up: Up) -> Iterator[Callable[[str], tuple[str, ...]]]:
    """Give the words of a scaling run; there has to be one worker before and after."""

    def words(units: str) -> tuple[str, ...]:
        path = up.command.state / "growing.toml"
        path.write_text(PROFILE.format(units=units), encoding="utf-8")
        return "run", str(path), "--only", "growth"

    yield words
    wait_until(lambda: find_running(up.command.state) is not None, 60.0)
    assert len(up.pids("worker")) == 1


def test_workers_are_added_searched_with_and_taken_away(
    up: Up, growing: Callable[[str], tuple[str, ...]]
) -> None:
    answer = up.command(*growing("[1, 2]"))

    assert answer.code == 97, answer.out + answer.err
    points = up.command.sql(
        f"select units, kind from scaling_points where run_id = '{answer.run_id}' order by position"
    )
    assert [units for units, _ in points] == [1, 2]
    assert points[0][1] == "AT_LEAST" or "the load generator" in answer.out
    assert "the number of units is 1 again, as usual" in answer.err
    assert not any((up.command.state / "faults").iterdir())


def test_a_killed_run_leaves_as_many_workers_as_usual(
    up: Up, growing: Callable[[str], tuple[str, ...]]
) -> None:
    running = up.command.begin(*growing("[2, 3]"))
    running.wait_for("setting the number of units to 2")
    wait_until(lambda: len(up.pids("worker")) == 2, 30.0)
    running.kill()

    wait_until(lambda: not any((up.command.state / "faults").iterdir()), 60.0)

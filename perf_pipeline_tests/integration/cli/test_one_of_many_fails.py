"""One benchmark gets no answers, or only refusals: it is judged by that, and the others run."""

from collections.abc import Iterator
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.failing_target import failing_target

pytestmark = pytest.mark.timeout(120)

_PROFILE: Final = """
name = "many"
workers = 1
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
"""
_BENCHMARK: Final = """
[benchmarks.{name}]
interval = "10s"
[benchmarks.{name}.scenarios.s]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 10
preAllocatedVUs = 5
duration = "{duration}"
gracefulStop = "5s"
parameters = {{ steps = [{{ name = "get", path = "{path}" }}] }}
[benchmarks.{name}.thresholds]
http_req_duration = ["p(95)<100000"]
"""
# What it asks for, how long it is planned to be.
_LOADS: Final = {
    "unanswered": ("/reset/0.5/a", "60s"),
    "refused": ("/forbidden/0/b", "2s"),
    "well": ("/well/0/c", "1s"),
}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(new_state(tmp_path_factory.mktemp("many") / "state"))


@pytest.fixture(scope="module")
def answer(command: CommandLine) -> Iterator[Answer]:
    """Run all three, one after another."""
    profile = command.state / "many.toml"
    with failing_target() as port:
        text = "".join(
            _BENCHMARK.format(name=name, path=path, duration=duration)
            for name, (path, duration) in _LOADS.items()
        )
        profile.write_text(_PROFILE.format(port=port) + text, encoding="utf-8")
        yield command("run", "--profile", str(profile))


@pytest.mark.parametrize(
    ("benchmark", "status", "answered", "duration"),
    [
        # Without its last 50 s a benchmark promises nothing about durations.
        ("unanswered", "aborted", {"FAIL", "INVALID"}, {"NO_DATA", "INVALID"}),
        ("refused", "complete", {"FAIL", "INVALID"}, {"PASS", "INVALID"}),
        ("well", "complete", {"PASS", "INVALID"}, {"PASS", "INVALID"}),
    ],
)
def test_a_benchmark_without_good_answers_leaves_the_others_their_load(
    answer: Answer,
    command: CommandLine,
    benchmark: str,
    status: str,
    answered: set[str],
    duration: set[str],
) -> None:
    of_it = f"where run_id = '{answer.run_id}' and benchmark = '{benchmark}'"
    verdicts = dict(command.sql(f"select metric, status from verdicts {of_it}"))

    assert command.sql(f"select status from benchmarks {of_it}") == [(status,)], answer.err
    assert verdicts["target_answered"] in answered, answer.out
    assert verdicts["http_req_duration"] in duration, answer.out


def test_the_report_says_how_each_of_them_failed(answer: Answer) -> None:
    assert answer.code in {97, 99}
    assert "403 on get, 9" in answer.out  # the first one went well
    assert "s every operation of unanswered failed: " in answer.out
    assert "the target is gone, so the load was ended" in answer.out
    assert "the run ended early" not in answer.out + answer.err

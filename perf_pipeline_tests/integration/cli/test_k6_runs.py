"""What k6 did with a script, this product does with the same scenario: counts and exit codes.

k6_runs.json holds the scripts and what grafana/k6 did with them. Where the outcome differs on
purpose (docs/k6.md), the test says so. `sleep` is a step's think time; a script that only sleeps
makes a request here before, because an iteration without one has nothing to measure.
"""

import json
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.commands.k6_scripts import (
    ABORTED,
    DROPPING,
    FAILING,
    FAILING_BENCHMARK,
    HEAD,
    PASSING,
    PASSING_BENCHMARKS,
    SECOND,
    steps_of,
    with_scenarios,
    with_shortcut,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target

_CASES: Final = json.loads(Path(__file__).with_name("k6_runs.json").read_text())["runs"]
_RUNS: Final = {run["id"]: run["observed"] for run in _CASES}
_SCRIPTS: Final = {run["id"]: run["k6_script"] for run in _CASES}
# One VU comes to one iteration less or more where its time ends; k6's own counts vary by 2.
_COUNT_TOLERANCE: Final = 2
# This machine is shared: loops of 50 ms lose some of their rounds, and never win any.
_LOST_SHARE: Final = 0.25


@pytest.fixture(scope="module")
def target() -> Iterator[HttpTarget]:
    with http_target() as running:
        yield running


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give the command line with a state folder for all runs."""
    return CommandLine(new_state(tmp_path_factory.mktemp("k6") / "state"))


def _profile(command: CommandLine, port: int, *benchmarks: str, workers: int = 2) -> str:
    path = command.state / "k6.toml"
    text = HEAD.format(port=port, workers=workers) + "".join(benchmarks)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def passed(command: CommandLine, target: HttpTarget) -> Answer:
    """Run all that k6 ended with exit code 0."""
    return command("run", "--profile", _profile(command, target.port, *PASSING_BENCHMARKS))


@pytest.fixture(scope="module")
def failed(command: CommandLine, target: HttpTarget) -> Answer:
    """Run all that k6 ended with exit code 99, at their own end or before it."""
    benchmarks = (FAILING_BENCHMARK, *ABORTED.values())
    return command("run", "--profile", _profile(command, target.port, *benchmarks))


def _counts(command: CommandLine, run_id: str, script: str) -> tuple[int, int]:
    """Sum over the benchmark, or over the scenarios of one, that are the script."""
    (row,) = command.sql(
        "select sum(iterations), sum(dropped_iterations) from scenarios where "
        f"run_id = '{run_id}' and (benchmark = '{script}' or starts_with(scenario, '{script}-'))"
    )
    return int(row[0]), int(row[1])


def _assert_counts_of_k6(
    found: tuple[int, int], observed: Mapping[str, Any], *, is_loop: bool
) -> None:
    iterations, dropped = observed["iterations"], observed["dropped"] or 0
    lost = _LOST_SHARE * iterations if is_loop else 0
    assert iterations - lost - _COUNT_TOLERANCE <= found[0] <= iterations + _COUNT_TOLERANCE
    assert abs(found[1] - dropped) <= _COUNT_TOLERANCE


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PASSING)
def test_a_run_that_k6_passes_has_k6s_counts_and_passes(
    name: str, passed: Answer, command: CommandLine
) -> None:
    assert _RUNS[name]["exit_code"] == 0
    assert passed.code == command.code_of(passed.run_id), passed.out + passed.err
    found = _counts(command, passed.run_id, name)
    _assert_counts_of_k6(found, _RUNS[name], is_loop=name == "start_time")
    wrong = command.sql(
        "select benchmark, metric, tags, observed from verdicts "
        f"where run_id = '{passed.run_id}' and status = 'FAIL'"
    )
    assert wrong == []


@pytest.fixture(scope="module")
def no_pass(command: CommandLine, target: HttpTarget) -> Answer:
    """Run what k6 ended with exit code 0 although it dropped starts, or an iteration raised."""
    raising = _python(command, "iter_fail", "async def flow(vu):\n    raise ValueError('x')\n")
    benchmarks = (*DROPPING.values(), raising)
    return command("run", "--profile", _profile(command, target.port, *benchmarks))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", DROPPING)
def test_many_dropped_starts_that_no_threshold_speaks_of_have_k6s_counts_and_are_no_pass(
    name: str, no_pass: Answer, command: CommandLine
) -> None:
    """On purpose not k6's exit code, 0: the figures are of another load than the planned one."""
    assert (_RUNS[name]["exit_code"], no_pass.code) == (0, 97), no_pass.out + no_pass.err
    assert command.code_of(no_pass.run_id, name) == 97, no_pass.out
    found = _counts(command, no_pass.run_id, name)
    _assert_counts_of_k6(found, _RUNS[name], is_loop=False)
    assert "were dropped" in no_pass.out
    assert "no threshold covers this" in " ".join(no_pass.out.split())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", FAILING)
def test_a_run_that_k6_fails_has_k6s_counts_and_fails(
    name: str, failed: Answer, command: CommandLine
) -> None:
    assert _RUNS[name]["exit_code"] == 99
    assert failed.code == command.code_of(failed.run_id), failed.out + failed.err
    statuses = command.sql(
        f"select status from verdicts where run_id = '{failed.run_id}' "
        f"and benchmark = 'failing' and {FAILING[name]}"
    )
    held_up = command.value(
        f"select not valid from benchmarks where run_id = '{failed.run_id}' "
        "and benchmark = 'failing'"
    )
    assert statuses == [("FAIL",)] or (held_up and statuses == [("INVALID",)]), failed.out
    found = _counts(command, failed.run_id, name)
    _assert_counts_of_k6(found, _RUNS[name], is_loop=name != "dropped_some")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ABORTED)
def test_abort_on_fail_ends_the_run_when_k6_does(
    name: str, failed: Answer, command: CommandLine
) -> None:
    wall_s = float(command.value(f"select wall_s from benchmarks where benchmark = '{name}'"))
    observed = _RUNS[name]
    assert observed["exit_code"] == 99
    assert failed.code == command.code_of(failed.run_id), failed.err
    assert command.fails_unless_held_up(failed.run_id, name), failed.out
    # It is looked at every 2 s, and what is due then ends the load within a moment; here 60 s were
    # due where k6's script has 20, so that a machine in use may be late.
    assert observed["wall_s"] - 0.3 <= wall_s <= observed["wall_s"] + 30
    iterations, _ = _counts(command, failed.run_id, name)
    assert iterations >= (1 - _LOST_SHARE) * observed["iterations"] - _COUNT_TOLERANCE
    assert iterations <= 2 * wall_s / 0.05 + _COUNT_TOLERANCE


@pytest.mark.timeout(180)
def test_an_interrupt_keeps_what_was_measured_and_gives_k6s_exit_code(
    command: CommandLine, target: HttpTarget
) -> None:
    benchmark = with_shortcut("sigint", 'vus = 1\nduration = "30s"')
    running = command.begin("run", "--profile", _profile(command, target.port, benchmark))
    running.wait_for(" s left")
    running.send(signal.SIGINT)
    answer = running.answer()

    assert answer.code == _RUNS["sigint"]["exit_code"] == 105, answer.err
    assert _counts(command, answer.run_id, "sigint")[0] > 0


_ANY: Final = 'vus = 2\nduration = "2s"'
_REFUSED: Final = {
    "unknown_metric": (with_shortcut("a", _ANY, 'nope = ["rate<1"]'), "metric 'nope' is unknown"),
    "unknown_metric_tag": (
        with_shortcut("a", _ANY, '"nope{a:b}" = ["rate<1"]'),
        "metric 'nope' is unknown",
    ),
    "wrong_method_tag": (
        with_shortcut("a", _ANY, '"http_req_failed{scenario:default}" = ["p(95)<1"]'),
        "http_req_failed is a rate and has only: rate",
    ),
    "zero_duration_stage": (
        with_scenarios("a", {"a": ('executor = "ramping-vus"\nstages = []', steps_of())}),
        "there are no stages; write at least one",
    ),
    "unknown_executor": (
        with_scenarios(
            "a",
            {"a": ('executor = "externally-controlled"\nvus = 1\nduration = "1s"', steps_of())},
        ),
        "'externally-controlled'",
    ),
    "vus_and_scenarios": (
        "[benchmarks.a]\nstages = [{ duration = '1s', target = 1 }]\n"
        + with_scenarios("a", {"a": (SECOND, steps_of())}),
        "the shortcut stages and scenarios can't be used together",
    ),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_k6_refuses_is_refused_before_any_load(
    name: str, command: CommandLine, target: HttpTarget
) -> None:
    before = len(target.requests)
    text, sentence = _REFUSED[name]
    answer = command.here("run", "--profile", _profile(command, target.port, text))

    assert answer.code == _RUNS[name]["exit_code"] == 104
    assert sentence in answer.err
    assert len(target.requests) == before


@pytest.mark.parametrize("name", ["tag_no_samples_rate_gt", "tag_no_samples_counter"])
def test_a_filter_that_nothing_can_match_is_a_mistake_and_not_a_verdict(
    name: str, command: CommandLine, target: HttpTarget
) -> None:
    """On purpose not k6's: there the rate passes without a sample, and the counter fails."""
    key, text = {
        "tag_no_samples_rate_gt": ("checks{scenario:none}", "rate>0.99"),
        "tag_no_samples_counter": ("http_reqs{scenario:none}", "count>0"),
    }[name]
    benchmark = with_shortcut("a", _ANY, f'"{key}" = ["{text}"]')
    answer = command.here("run", "--profile", _profile(command, target.port, benchmark))

    assert _RUNS[name]["exit_code"] in (0, 99)
    assert answer.code == 104
    assert "scenario 'none' is not one of default" in answer.err


@pytest.mark.parametrize("name", ["sut_down", "sut_down_threshold"])
def test_a_target_that_is_down_is_no_measurement(name: str, command: CommandLine) -> None:
    """On purpose not k6's, which counts refused requests as a run: exit code 0, or 99."""
    thresholds = 'http_req_failed = ["rate<0.01"]' if name == "sut_down_threshold" else ""
    benchmark = with_shortcut("a", "vus = 1\niterations = 3", thresholds)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        port = closed.getsockname()[1]
        answer = command("run", "--profile", _profile(command, port, benchmark))

    assert _RUNS[name]["exit_code"] in (0, 99)
    assert answer.code == 97
    assert f"127.0.0.1:{port}" in answer.err


def _python(command: CommandLine, name: str, code: str) -> str:
    """Write a module beside the profiles, and give the benchmark that runs its `flow` as k6 did."""
    (command.state / f"k6_{name}.py").write_text(code, encoding="utf-8")
    return f'[benchmarks.{name}]\nexec = "k6_{name}:flow"\nvus = 1\niterations = 3\n'


def test_an_exception_in_an_iteration_ends_it_and_makes_the_run_invalid(
    no_pass: Answer, command: CommandLine
) -> None:
    """On purpose not k6's, which counts the iteration and ends with exit code 0."""
    observed, answer = _RUNS["iter_fail"], no_pass

    assert (observed["exit_code"], answer.code) == (0, 97), answer.err
    assert command.code_of(answer.run_id, "iter_fail") == 97, answer.out
    assert "caught 3 exceptions in iterations, which means that the workload has a bug" in " ".join(
        answer.out.split()
    )
    of_run = f"where run_id = '{answer.run_id}' and benchmark = 'iter_fail'"
    assert _counts(command, answer.run_id, "iter_fail") == (observed["iterations"], 0)
    assert command.sql(f"select outcome, count(*) from iterations {of_run} group by all") == [
        ("failed", observed["iterations"])
    ]
    requests = f"select count(*) from samples {of_run} and error <> 'exception'"
    assert command.value(requests) == observed["http_reqs"]


_NEVER_BEGINS: Final = """
class flow:
    async def open(self, context):
        raise TimeoutError("the shop has no table yet")

    async def iterate(self, iteration): ...

    async def close(self): ...
"""


@pytest.mark.parametrize(
    ("name", "code", "of_k6", "sentence"),
    [
        (
            "init_exception",
            "raise ValueError('x')\nasync def flow(vu): ...",
            107,
            "exec is 'k6_init_exception:flow', which can't be imported: ValueError: x; no load",
        ),
        (
            "setup_timeout",
            _NEVER_BEGINS,
            100,
            "its open() raised TimeoutError: the shop has no table yet; no load was sent",
        ),
    ],
)
def test_code_that_does_not_come_to_its_first_iteration_is_a_refused_configuration(
    name: str, code: str, of_k6: int, sentence: str, command: CommandLine, target: HttpTarget
) -> None:
    """On purpose not k6's exit codes: here 104 is whatever was wrong before any load."""
    before = len(target.requests)
    profile = _profile(command, target.port, _python(command, name, code))
    answer = command("run", "--profile", profile)

    assert (_RUNS[name]["exit_code"], answer.code) == (of_k6, 104), answer.err
    assert sentence in answer.err
    log = Path(answer.err.rpartition("the traceback is in ")[2].strip())
    assert f"k6_{name}.py" in log.read_text(encoding="utf-8")
    assert {request.path for request in target.requests[before:]} <= {"/health"}


def test_a_time_limit_for_a_setup_that_is_not_there_is_a_mistake(
    command: CommandLine, target: HttpTarget
) -> None:
    benchmark = with_shortcut("a", 'vus = 1\niterations = 3\nsetupTimeout = "1s"')
    answer = command.here("run", "--profile", _profile(command, target.port, benchmark))

    assert '"setupTimeout": "1s"' in _SCRIPTS["setup_timeout"]
    assert answer.code == 104
    assert "benchmarks.a.setupTimeout is not a known key" in answer.err

"""Scenarios of the user's own: the shipped examples, run against the reference system.

With a smaller load than their own, which unit/config/test_shipped_examples.py looks at.
"""

from pathlib import Path

import pytest

from perf_pipeline.store.history import open_history
from perf_pipeline_tests.support.commands.command_line import CommandLine, left_running
from perf_pipeline_tests.support.commands.up import Up
from perf_pipeline_tests.support.places import ROOT, new_state

EXAMPLES = ROOT / "examples"
EXAMPLE = EXAMPLES / "signup.toml"
PYTHON_EXAMPLE = EXAMPLES / "shop_visits.toml"
# 10 a second for 3 s, of which the first is warm-up: 20 iterations of three requests each.
ITERATIONS = 20


@pytest.fixture
def command(tmp_path: Path, up: Up) -> CommandLine:
    """Give the command line with a fresh state folder, and the stack that is up as its target."""
    return CommandLine(new_state(tmp_path / "state"), up.as_target)


def patient(benchmark: str, operation: str) -> tuple[str, ...]:
    """Load less, and let a machine that others use be slow: a wide bound, a VU for every start."""
    settings = (
        "scenarios.visitors.rate=10",
        "scenarios.visitors.duration=3s",
        "scenarios.visitors.preAllocatedVUs=30",
        f'thresholds.http_reqs{{operation:sign up}}=["count>={ITERATIONS}"]',
        f'thresholds.http_req_duration{{operation:{operation}}}=["p(95)<60000"]',
    )
    return tuple(f"--set=benchmarks.{benchmark}.{setting}" for setting in settings)


@pytest.mark.timeout(180)
def test_steps_of_a_profile_are_loaded_checked_judged_and_reported(
    command: CommandLine, tmp_path: Path
) -> None:
    profile = tmp_path / "signup.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count('duration = "1s"') == 1
    profile.write_text(text.replace('duration = "1s"', 'duration = "50s"'), encoding="utf-8")

    answer = command(
        "run", "--profile", str(profile), "--only", "signup", *patient("signup", "read back")
    )
    with open_history(command.state / "history.duckdb") as history:
        (run,) = history.runs()
        checks = {(check.operation, check.check): check for check in history.checks(run.run_id)}
        summaries = {
            (summary.metric, summary.tags.get("operation", "")): summary
            for _, summary in history.summaries(run.run_id)
            if set(summary.tags) <= {"operation"}
        }

    assert command.passes_unless_held_up(answer.run_id), answer.out
    assert answer.code == command.code_of(answer.run_id), answer.err
    assert "http_req_duration{operation:read back}" in answer.out
    assert {name: (check.passes, check.fails) for name, check in checks.items()} == {
        ("sign up", "status is 201"): (ITERATIONS, 0),
        ("sign up", "$.timezone is Europe/Berlin"): (ITERATIONS, 0),
        ("sign up", "saved id"): (ITERATIONS, 0),
        ("read back", "status is 200"): (ITERATIONS, 0),
        ("read back", "$.firstName is Ada"): (ITERATIONS, 0),
        ("leave", "status is 200 or 404"): (ITERATIONS, 0),
        ("leave", "duration < 50s"): (ITERATIONS, 0),
    }
    assert summaries["http_reqs", ""].count == 3 * ITERATIONS
    assert summaries["http_reqs", "read back"].count == ITERATIONS
    # An iteration pauses for 50 ms after its second request, and its duration holds the pause.
    assert (summaries["iteration_duration", ""].minimum or 0) >= 50
    assert not left_running(command.state)


def test_wrong_steps_are_refused_with_what_would_be_right(
    command: CommandLine, tmp_path: Path
) -> None:
    profile = tmp_path / "wrong.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    for right, wrong in (
        ('path = "/user"', 'path = "user"'),
        ("/user/${id}", "/user/${ids}"),
        ("[200, 404]", "[99, 404]"),
        ("${random.int(10,28)}", "${random.float(1)}"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    profile.write_text(text, encoding="utf-8")

    answer = command.here("run", "--profile", str(profile), "--only", "signup")

    assert answer.code == 104
    for sentence in (
        "'user' is not a path on the target",
        "99 is not an HTTP status",
        "random.float(1)",
    ):
        assert sentence in answer.err


@pytest.mark.timeout(180)
def test_python_code_is_loaded_checked_judged_and_reported(command: CommandLine) -> None:
    answer = command(
        *("run", "--profile", str(PYTHON_EXAMPLE), "--only", "visits"),
        *patient("visits", "GET /user/{id}"),
    )
    with open_history(command.state / "history.duckdb") as history:
        (run,) = history.runs()
        checks = {(check.operation, check.check): check for check in history.checks(run.run_id)}

    assert command.passes_unless_held_up(answer.run_id), answer.out
    assert answer.code == command.code_of(answer.run_id), answer.err
    assert "http_req_duration{operation:GET /user/{id}}" in answer.out
    assert {name: (check.passes, check.fails) for name, check in checks.items()} == {
        ("sign up", "signed up"): (ITERATIONS, 0),
        ("GET /user/{id}", "is at home"): (ITERATIONS, 0),
        ("leave", "is gone"): (ITERATIONS, 0),
    }
    assert not left_running(command.state)

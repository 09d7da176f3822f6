"""What a run shares with others: the machine, and passwords that it must not tell.

On a stack that `up` left running; a history that is busy is in test_busy_history.py.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from perf_pipeline_tests.support.commands.command_line import (
    CREATION,
    Answer,
    CommandLine,
)
from perf_pipeline_tests.support.commands.up import Up

pytestmark = pytest.mark.timeout(180)
# A load of seconds that costs the system little: it is only to be under way.
SPARSE = (
    "--set=benchmarks.api_user_creation.scenarios.create_users.parameters.thinkTime=300ms..500ms",
)


class Queued(NamedTuple):
    """Hold what became of three runs that wanted the machine at once.

    Attributes:
        pid: of the first.
        first: measured at once.
        second: measured after the first.
        stopped: while it waited.
    """

    pid: int
    first: Answer
    second: Answer
    stopped: Answer


@pytest.fixture(scope="module")
def queued(up: Up) -> Queued:
    """Begin three runs at once, of which the third is stopped while it waits.

    The second is given the same servers as an external target: passwords come in by environment.
    """
    first = up.begun(*CREATION, *SPARSE, seconds=6.0)
    external = CommandLine(up.command.state, up.as_target)
    profile = str(up.command.profile(1.0))
    second, third = (
        command.begin("run", "--profile", profile, *CREATION) for command in (external, up.command)
    )
    second.wait_for("waiting for")
    third.wait_for("waiting for")
    third.send(signal.SIGINT)
    stopped = third.answer(timeout_s=60.0)
    return Queued(first.process.pid, first.answer(), second.answer(), stopped)


def test_of_two_runs_at_once_one_waits_and_says_for_whom(up: Up, queued: Queued) -> None:
    answers = [queued.first, queued.second]
    spans = up.command.sql(
        "select began_at, began_at + to_microseconds((wall_s * 1e6)::bigint) from benchmarks "
        f"where run_id in ('{answers[0].run_id}', '{answers[1].run_id}') order by began_at"
    )
    assert all(answer.code == up.command.code_of(answer.run_id) for answer in answers)
    assert f"waiting for the run of profile short (pid {queued.pid})" in answers[1].err
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0]


def test_a_run_that_waits_for_another_can_be_stopped(queued: Queued) -> None:
    assert queued.stopped.code == 105
    assert "nothing was measured" in queued.stopped.err
    assert queued.first.code in {0, 97}


def test_passwords_are_in_no_file_but_the_stacks_own_and_on_no_screen(
    up: Up, queued: Queued
) -> None:
    ends = up.stack.endpoints
    dsns = [text for text in (ends.postgres_dsn, ends.redis_url) if text is not None]
    passwords = {dsn.split("://")[1].split(":")[1].split("@")[0] for dsn in dsns}
    answer = queued.second

    assert answer.code == up.command.code_of(answer.run_id), answer.err
    assert "using the stack" not in answer.err
    assert all(len(password) >= 12 for password in passwords)
    history = json.dumps(
        [
            up.command.sql(f"select * from {table}")
            for table in ("runs", "environments", "benchmarks", "verdicts", "summaries", "figures")
        ],
        default=str,
    )
    for password in passwords:
        assert password not in answer.out + answer.err + history
        told = list(files_with(up.command.state, password))
        assert all(path.is_relative_to(up.command.state / "stacks" / "up") for path in told), told
        assert all(path.stat().st_mode & 0o077 == 0 for path in told), told


def files_with(state: Path, text: str) -> Iterator[Path]:
    """Find every file below a state folder that holds a text."""
    for path in state.rglob("*"):
        if path.is_file() and "cache" not in path.relative_to(state).parts:
            with suppress(OSError):
                if text.encode() in path.read_bytes():
                    yield path

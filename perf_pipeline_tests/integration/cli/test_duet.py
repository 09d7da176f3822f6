"""Two sides compared by the command line: real servers whose truth is known, real git, real ends.

A machine with much else to do may hold the generator up; then only what is worse is told, and 97
stands where it would have been equivalent.
Add here: another kind of side, or another end. Keep out: the statistics (unit/analysis).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from perf_pipeline.stack.process_register import Owner
from perf_pipeline.stack.service import free_port, open_folder
from perf_pipeline.stack.undoing import Pending, Undo
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.orders import orders
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers import slow_by

_SERVER: Final = Path(slow_by.__file__)
_SHORT: Final = ("--within", "7s", "--warm-up", "1s")


def _side(held_ms: int, status: int = 200, server: str = str(_SERVER)) -> str:
    return f"exec {sys.executable} {server} {{port}} {held_ms} {status}"


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path))


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "shop.toml"
    path.write_text(orders(), encoding="utf-8")
    return str(path)


def _summary(command: CommandLine) -> dict[str, Any]:
    """Return the JSON report of the only duet."""
    (path,) = (command.state / "reports").glob("*/summary.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _orphans(word: str) -> list[int]:
    """Return the processes whose command line holds a word of one test alone."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(word in part for part in process.info["cmdline"] or ())
    ]


def test_a_candidate_that_is_twice_as_slow_ends_with_98_and_is_stored(
    command: CommandLine, profile: str
) -> None:
    answer = command("duet", profile, "--baseline", _side(20), "--candidate", _side(40), *_SHORT)

    assert answer.code == 98, answer.out + answer.err
    assert "SLOWER: the candidate is slower than the baseline (exit code 98)" in answer.out
    median = _summary(command)["loads"][0]["operations"][0]["statistics"]["p50"]
    assert 1.3 < median["ratio"] < 2.2  # 40 / 20 ms, and what a busy machine adds to both
    assert command.sql("select verdict, exit_code from duets") == [("SLOWER", 98)]
    stored = command.sql("select statistic, ratio from duet_verdicts order by statistic")
    assert [statistic for statistic, _ in stored] == ["mean", "p50", "p95"]
    assert dict(stored)["p50"] == pytest.approx(median["ratio"])
    assert not list((command.state / "duets").iterdir())


def test_two_equal_revisions_are_equivalent_and_leave_nothing_in_the_repository(
    command: CommandLine, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = _repository(tmp_path / "shop")
    monkeypatch.chdir(repository)
    before = _git(repository, "worktree", "list"), sorted(repository.rglob("*"))

    answer = command(
        *("duet", profile, "--baseline", "git:HEAD~1", "--candidate", "git:HEAD"),
        *("--command", _side(20, server="server.py"), "--prepare", "test -f server.py"),
        *("--margin", "50%", *_SHORT),
    )

    told = _summary(command)
    assert answer.code in {0, 97}, answer.out + answer.err
    # Much else to do makes the times of both sides wide, or holds the generator up; never worse.
    assert told["verdict"] in {"EQUIVALENT", "UNDECIDED", "NOT MEASURED"}
    is_held_up = bool(told["loads"][0]["pauses"] or told["loads"][0]["limits"])
    assert (told["verdict"] == "NOT MEASURED") == is_held_up, told
    assert told["sides"]["candidate"]["commit"] == _git(repository, "rev-parse", "HEAD")
    assert told["sides"]["baseline"]["commit"] == _git(repository, "rev-parse", "HEAD~1")
    assert (_git(repository, "worktree", "list"), sorted(repository.rglob("*"))) == before
    assert not list((command.state / "stacks").glob("run-*"))


def test_a_candidate_that_fails_quickly_is_not_called_faster(
    command: CommandLine, profile: str
) -> None:
    answer = command(
        "duet", profile, "--baseline", _side(20), "--candidate", _side(1, 500), *_SHORT
    )

    assert answer.code == 98, answer.out + answer.err
    assert "FAILS MORE: more requests to the candidate fail" in answer.out
    assert "FASTER" not in answer.out


def test_a_side_that_nobody_serves_could_not_be_measured(
    command: CommandLine, profile: str
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    answer = command.here("duet", profile, "--baseline", address, "--candidate", address, *_SHORT)

    assert answer.code == 97
    assert address.removeprefix("http://") in answer.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--baseline", "http://192.0.2.1", "--candidate", "http://127.0.0.1:1"),
            "192.0.2.1 (baseUrl) of --baseline is neither this machine nor an allowed host",
        ),
        (
            ("--baseline", "./serve", "--candidate", "http://127.0.0.1:1"),
            "--baseline './serve' is neither a URL nor a command with {port} or {topic} in it",
        ),
        (
            ("--baseline", "http://127.0.0.1:1", "--candidate", "git:main"),
            "--candidate 'git:main' needs --command with {port} or {topic} in it",
        ),
        (("--baseline", "http://127.0.0.1:1", "--candidate", "", "--margin", "0%"), "--margin"),
    ],
    ids=["foreign host", "no command", "no command of a revision", "margin"],
)
def test_what_cannot_be_compared_is_refused_before_any_load(
    command: CommandLine, profile: str, arguments: tuple[str, ...], told: str
) -> None:
    answer = command.here("duet", profile, *arguments)

    assert answer.code == 104, answer.err
    assert told in answer.err


def test_nothing_is_compared_while_a_fault_of_an_earlier_load_is_not_undone(
    command: CommandLine, profile: str, tmp_path: Path
) -> None:
    folder = command.state.absolute() / "faults" / "of-a-killed-run"
    open_folder(folder, owner=Owner(1, "of a boot long ago"))
    Pending(folder).add(Undo("frozen", "command", command=f"test -e {tmp_path}/docker"))
    gone = f"http://127.0.0.1:{free_port()}"
    sides = ("--baseline", gone, "--candidate", gone, *_SHORT)

    answer = command.here("duet", profile, *sides)

    assert answer.code == 97
    told = " ".join(answer.err.split())
    assert "the target is not as usual, so its figures would be another system's" in told
    assert f"the fault frozen is not undone; undo it by hand, then remove {folder}" in told
    (tmp_path / "docker").touch()
    assert "not as usual" not in command.here("duet", profile, *sides).err
    assert not folder.exists()


def test_a_side_that_does_not_start_says_why(command: CommandLine, profile: str) -> None:
    broken = "echo no such shop: {port} >&2; exit 3"
    answer = command("duet", profile, "--baseline", _side(5), "--candidate", broken, *_SHORT)

    assert answer.code == 97
    assert "candidate ended with exit code 3 before it was ready" in answer.err
    assert "no such shop" in answer.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_whatever_ends_a_duet_ends_the_sides_that_it_started(
    command: CommandLine, profile: str, number: signal.Signals, tmp_path: Path
) -> None:
    server = tmp_path / "ended_side.py"
    server.write_text(_SERVER.read_text(encoding="utf-8"), encoding="utf-8")
    side = _side(5, server=str(server))
    running = command.begin(
        "duet", profile, "--baseline", side, "--candidate", side, "--within", "60s"
    )
    running.wait_for("orders: ")
    running.send(number)
    answer = running.answer()

    if number == signal.SIGINT:
        assert answer.code == 105, answer.err
        assert "STOPPED: stopped by the user, so nothing was judged" in answer.out
    until_s = time.monotonic() + 30
    while _orphans(str(server)) and time.monotonic() < until_s:
        time.sleep(0.1)
    assert not _orphans(str(server))


def _repository(folder: Path) -> Path:
    """Make a repository with two commits of the same server."""
    folder.mkdir()
    (folder / "server.py").write_text(_SERVER.read_text(encoding="utf-8"), encoding="utf-8")
    _git(folder, "init", "--quiet")
    _git(folder, "add", "server.py")
    for message in ("one", "two"):
        _git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return folder


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=clean
    )
    return done.stdout.strip()

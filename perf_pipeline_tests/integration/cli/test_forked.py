"""Commands of tests are forked, and are told from those of a new interpreter by nothing else."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from perf_pipeline import __version__
from perf_pipeline_tests.support.commands import command_template
from perf_pipeline_tests.support.commands.command_line import (
    CommandLine,
    is_alive,
    wait_until,
)
from perf_pipeline_tests.support.commands.forked import ForkedProcess, ran, started
from perf_pipeline_tests.support.commands.forked_program import forked_program
from perf_pipeline_tests.support.places import ROOT, new_state


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


def test_a_forked_command_has_its_own_words_streams_and_exit_code(command: CommandLine) -> None:
    good, bad = command.begin("--version"), command.begin("rum")  # at the same time

    assert isinstance(good.process, ForkedProcess)
    answer, refusal = good.answer(), bad.answer()
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"perf-pipeline, version {__version__}\n"
    assert (refusal.code, refusal.out) == (104, "")
    assert "No such command 'rum'" in refusal.err


def test_a_forked_command_has_the_environment_that_it_is_given_and_no_other(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, listed = command("list", PERF_STATE_ACCESS="odd"), command("list")
    monkeypatch.setenv("LC_ALL", "C")  # an interpreter reads it as it starts
    started = command.begin("--version")

    assert refused.code == 104
    assert "PERF_STATE_ACCESS is 'odd'" in refused.err
    assert "there is no run in " in listed.err
    assert isinstance(started.process, subprocess.Popen)
    assert started.answer().code == 0


def test_a_forked_command_gets_signals_and_is_waited_for(command: CommandLine) -> None:
    profile = command.profile(30.0)
    running = command.begin("run", "--profile", str(profile), PERF_BASE_URL="http://127.0.0.1:9")
    with pytest.raises(TimeoutError, match="still runs after 0 s"):
        running.process.wait(0.0)
    assert running.process.poll() is None

    running.kill()

    assert running.process.poll() == -signal.SIGKILL
    assert command("--version").code == 0


_TELL: Final = (
    "import json, os, sys; print(json.dumps([os.getppid(), os.getsid(0) == os.getpid(), "
    "sys.stdin.read(), os.getcwd(), os.environ.get('MINE'), "
    "'perf_pipeline.cli.main' in sys.modules]))"
)


@pytest.mark.parametrize("mine", [{}, {"LC_ALL": "C"}], ids=["a fork", "an interpreter"])
def test_a_forked_child_is_as_popen_was_asked_for_it(tmp_path: Path, mine: dict[str, str]) -> None:
    words = [sys.executable, "-m", "timeit", "-n1", "-r1", _TELL]
    with started(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "MINE": "1", **mine},
        start_new_session=True,
        text=True,
    ) as process:
        out, _ = process.communicate("said", timeout=60)

    is_fork = not mine  # the language is read as an interpreter starts
    told = [os.getpid(), True, "said", str(tmp_path), "1", is_fork]
    assert json.loads(out.splitlines()[0]) == told
    assert process.returncode == 0


def test_the_text_of_a_program_is_run_by_a_fork_as_well() -> None:
    text = "import sys; print(sys.argv, __name__, 'perf_pipeline.cli.main' in sys.modules); exit(3)"

    done = ran([sys.executable, "-c", text, "a", "-c"])

    assert done.stdout == "['-c', 'a', '-c'] __main__ True\n"
    assert done.returncode == 3


_SPAWNS: Final = """
import multiprocessing, sys, warnings
def tell(queue, link):
    queue.put([link.recv(), 'perf_pipeline.cli.main' in sys.modules, warnings.filters[0][0]])
def main():
    spawning = multiprocessing.get_context('spawn')
    ours, theirs = spawning.Pipe()
    ours.send('said')
    queue = spawning.Queue()
    process = spawning.Process(target=tell, args=(queue, theirs))
    process.start()
    print(queue.get(), process.join(), process.exitcode)
"""


@pytest.mark.parametrize(
    ("mine", "is_fork"),
    [({"PYTHONWARNINGS": "once"}, True), ({"PYTHONWARNINGS": "once", "LC_ALL": "C"}, False)],
    ids=["a fork", "an interpreter"],
)
def test_what_a_forked_command_spawns_is_a_fork_with_its_filters_of_warnings(
    tmp_path: Path, mine: dict[str, str], *, is_fork: bool
) -> None:
    (tmp_path / "spawns.py").write_text(_SPAWNS, encoding="utf-8")
    text = "import sys; sys.path.insert(0, '.'); import spawns; spawns.main()"
    words = [sys.executable, "-c", text, "materialize"]  # a word of commands that start others

    done = ran(words, cwd=tmp_path, env={**os.environ, **mine})

    assert done.stdout == f"['said', {is_fork}, 'once'] None 0\n", done.stderr


def test_a_forked_child_ends_by_signals_and_with_its_own_code() -> None:
    sleeping = [sys.executable, "-m", "timeit", "-n1", "-r1", "import time; time.sleep(60)"]
    with started(sleeping, stdout=subprocess.DEVNULL) as killed:
        killed.kill()
    refused = ran([sys.executable, "-m", "perf_pipeline", "rum"])

    assert killed.returncode == -signal.SIGKILL
    assert (refused.returncode, refused.stdout) == (104, "")
    assert "No such command 'rum'" in refused.stderr


@pytest.mark.parametrize("mine", [{}, {"LC_ALL": "C"}], ids=["a fork", "an interpreter"])
def test_what_cannot_be_written_at_the_end_is_the_exit_code_of_a_fork_too(
    mine: dict[str, str],
) -> None:
    words = [sys.executable, "-m", "platform"]
    given = {**os.environ, **mine}
    given.pop("PYTHONUNBUFFERED", None)
    with (
        Path("/dev/full").open("w", encoding="utf-8") as full,
        started(words, stdout=full, stderr=subprocess.PIPE, env=given, text=True) as process,
    ):
        _, err = process.communicate(timeout=60)

    assert process.returncode == 120
    assert err.startswith("Exception ignored in: ")
    assert "OSError: [Errno 28] No space left on device" in err


@pytest.mark.parametrize("mine", [{}, {"LC_ALL": "C"}], ids=["a fork", "an interpreter"])
def test_a_program_for_scripts_has_their_streams_folder_variables_and_exit_codes(
    tmp_path: Path, mine: dict[str, str]
) -> None:
    (tmp_path / "here").mkdir()
    script = (
        "./perf-pipeline rum 2> said; echo $?; cd here; ../perf-pipeline sql 'select 1'; exit $?"
    )
    with forked_program(tmp_path / "perf-pipeline"):
        given = {**os.environ, "PERF_STATE": "state", **mine}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stdout) == (104, "104\n")
    assert "No such command 'rum'" in (tmp_path / "said").read_text(encoding="utf-8")
    assert "there is no run in state/history.duckdb" in done.stderr
    assert not (tmp_path / "perf-pipeline").exists()


def test_a_template_that_nobody_asks_for_children_any_more_leaves_it_at_that() -> None:
    (link, their_link), (children, their_children) = (
        socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)
    )
    numbers = [their_link.fileno(), their_children.fileno()]
    words = [sys.executable, "-m", command_template.__name__, *map(str, numbers)]
    with started(words, pass_fds=numbers) as template, link, children:
        their_link.close()
        their_children.close()
        children.shutdown(socket.SHUT_WR)
        children.settimeout(20)

        assert children.recv(1) == b""  # it has closed its end
        assert template.poll() is None
        link.close()
        assert template.wait(20) == 0


_KILLED: Final = """
import os, signal, sys
from pathlib import Path
from perf_pipeline_tests.support.commands.forked import forked
words = [sys.executable, "-m", "timeit", "-n1", "-r1", "import time; time.sleep(60)"]
print(forked(words, os.environ, Path("log")).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_forked_command_does_not_outlive_a_pytest_that_was_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )

    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_until(lambda: not runs(int(done.stdout)), 30.0)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and is_alive(psutil.Process(pid))


_PLAIN: Final = {"LC_ALL": "C.UTF-8"}  # Python would add one of its own
_STARTS: Final = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from perf_pipeline_tests.support.commands.forked_children import offer_forks
offer_forks(['run'])
tell = (
    "import json, os, pathlib as p; here = p.Path('/proc/self');"
    "json.dump([os.getppid(), os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd'))[:3],"
    "(here / 'cmdline').read_text(), (here / 'environ').read_text(), os.environ['MINE'],"
    "'perf_pipeline.engine.forked_worker' in __import__('sys').modules], open('told.json', 'w'))"
)
words = [sys.executable, "-P", "-m", "timeit", "-n1", "-r1", "-s", tell, "raise ValueError"]
opened = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, "log", os.O_WRONLY | os.O_CREAT, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
def started():
    pid = os.posix_spawn(
        words[0], words, {**os.environ, "MINE": "1"}, file_actions=opened, setsid=True)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return [code, json.load(open("told.json"))]
first = started()
[aside] = open(f"/proc/self/task/{os.getpid()}/children").read().split()
shown = [open(f"/proc/{aside}/{name}").read() for name in ("cmdline", "environ")]
os.kill(int(aside), 9)
print(json.dumps([os.getpid(), words, shown, first, started()]))
"""


def test_what_a_forked_command_starts_is_told_from_a_new_process_by_nothing_else(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STARTS, str(ROOT)],
        cwd=tmp_path,
        env=_PLAIN,
        capture_output=True,
        check=True,
    )

    pid, words, aside, forked, started = json.loads(done.stdout)
    # It may outlive the command for a moment, and is nothing that a run has left.
    assert aside == ["aside\0", ""]
    # What forks was killed in between: then a process is started as always.
    for (code, told), was_forked in ((forked, True), (started, False)):
        parent, leads_session, files, shown, variables, mine, has_imported = told
        assert code == 1
        assert parent == pid
        assert leads_session
        assert files == ["0", "1", "2"]
        assert shown == "".join(f"{word}\0" for word in words)
        assert variables == "LC_ALL=C.UTF-8\0MINE=1\0"
        assert mine == "1"
        assert has_imported is was_forked

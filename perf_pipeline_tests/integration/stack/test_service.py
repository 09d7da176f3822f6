"""Real processes: how they are started, how a failing one explains itself, how all of it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import dispose, pids_of
from perf_pipeline.stack.process_register import read_register, start_mark, this_process
from perf_pipeline.stack.service import Command, kept_command, open_folder, run_once, spawn

ABSENT = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=1)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_service_that_dies_shows_the_end_of_its_log_without_secrets(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    code = "import os, sys; print('cannot open', os.environ['DSN']); sys.exit(3)"
    secret = "hunter2"
    command = Command(
        name="api", argv=python(code), environment={"DSN": f"db://{secret}@h"}, secrets=(secret,)
    )
    with pytest.raises(StackError) as caught:
        spawn(tmp_path, command).await_ready(lambda: False, timeout_s=20)
    assert "api ended with exit code 3 before it was ready" in caught.value.sentence
    assert "cannot open db://***@h" in caught.value.sentence
    assert secret not in str(caught.value)


def test_a_service_that_is_never_ready_is_named_with_its_time(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    service = spawn(tmp_path, Command(name="relay", argv=("/bin/sleep", "60")))
    with pytest.raises(StackError, match=r"relay was not ready within 0\.2 s"):
        service.await_ready(lambda: False, timeout_s=0.2)
    assert dispose(tmp_path) == ["relay"]


def test_a_preparing_command_that_fails_says_why(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    with pytest.raises(StackError, match=r"(?s)migrate failed with exit code 7.*no table"):
        run_once(tmp_path, Command("migrate", python("print('no table'); exit(7)")), timeout_s=20)


def test_what_ignores_the_polite_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    code = f"import subprocess; {ABSENT}; subprocess.Popen(['sleep', '60']).wait()"
    service = spawn(tmp_path, Command(name="worker", argv=python(code), grace_s=0.3))
    service.await_ready(lambda: len(pids_of(tmp_path, "worker")) == 2, timeout_s=20)
    pids = pids_of(tmp_path, "worker")
    assert dispose(tmp_path) == ["worker"]
    assert [start_mark(pid) for pid in pids] == [None, None]
    assert not tmp_path.exists()


def test_children_of_a_killed_leader_are_ended_too(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    argv = ("/bin/sh", "-c", "sleep 60 & wait")
    service = spawn(tmp_path, Command(name="api", argv=argv))
    service.await_ready(lambda: len(pids_of(tmp_path, "api")) == 2, timeout_s=20)
    leader, orphan = pids_of(tmp_path, "api")
    os.kill(leader, signal.SIGKILL)
    os.waitpid(leader, 0)
    assert start_mark(orphan) is not None
    assert dispose(tmp_path) == ["api"]
    assert start_mark(orphan) is None


def test_clients_end_before_servers(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    spawn(tmp_path, Command(name="postgres", argv=("/bin/sleep", "60"), wave=1))
    spawn(tmp_path, Command(name="api", argv=("/bin/sleep", "60"), wave=2))
    assert dispose(tmp_path) == ["api", "postgres"]


def test_a_child_has_default_signals_although_its_starter_ignores_them(tmp_path: Path) -> None:
    starter = f"""
import signal
from pathlib import Path
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import Command, open_folder, run_once
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
folder = Path({str(tmp_path)!r})
open_folder(folder, owner=this_process())
show = ("/bin/sh", "-c", "grep SigIgn /proc/self/status; grep SigBlk /proc/self/status")
run_once(folder, Command(name="show", argv=show), timeout_s=20)
"""
    subprocess.run(python(starter), check=True, timeout=20)
    masks = dict(line.split() for line in (tmp_path / "logs/show.log").read_text().splitlines())
    ignored, blocked = int(masks["SigIgn:"], 16), int(masks["SigBlk:"], 16)
    for number in (signal.SIGINT, signal.SIGTERM):  # bit n-1 stands for signal n (proc(5))
        assert not ignored >> (number - 1) & 1
        assert not blocked >> (number - 1) & 1


def test_a_process_is_in_the_register_before_it_is_ready(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    service = spawn(tmp_path, Command(name="slow", argv=("/bin/sleep", "60")))
    register = read_register(tmp_path)
    assert register is not None
    assert register.processes == (service.record,)
    assert service.record.mark == start_mark(service.record.pid)
    began = time.monotonic()
    dispose(tmp_path)
    assert time.monotonic() - began < 5


def test_a_command_that_cannot_be_kept_leaves_the_one_before(tmp_path: Path) -> None:
    # Who is killed or has no disk while an API of another size is started can start it as it was.
    open_folder(tmp_path, owner=this_process())
    run_once(tmp_path, Command("api", ("/bin/true", "1")), timeout_s=20)
    (tmp_path / "commands" / "api.draft").mkdir()

    with pytest.raises(IsADirectoryError):
        spawn(tmp_path, Command("api", ("/bin/true", "2")))
    assert kept_command(tmp_path, "api").argv == ("/bin/true", "1")
    dispose(tmp_path)

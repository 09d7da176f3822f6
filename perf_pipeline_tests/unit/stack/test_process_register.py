"""A process is known by pid and start mark, and the register survives what can happen to a file."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.stack.ending import end_processes, reap
from perf_pipeline.stack.process_register import (
    REGISTER,
    ProcessRecord,
    ProcessRegister,
    is_alive,
    read_register,
    start_mark,
    start_process,
    this_process,
    write_register,
)


def record_of(pid: int, *, name: str = "part", mark: str | None = None) -> ProcessRecord:
    return ProcessRecord(
        name=name,
        part=name,
        pid=pid,
        mark=start_mark(pid) or "" if mark is None else mark,
        stop_signal=signal.SIGTERM,
        grace_s=2.0,
        wave=1,
    )


def test_a_register_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    register = ProcessRegister(
        this_process(), keep_folder=True, processes=(record_of(os.getpid()),)
    )
    write_register(tmp_path, register)
    assert read_register(tmp_path) == register


@pytest.mark.parametrize("text", ["", "{", "[]", '{"owner": 1}'])
def test_a_register_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / REGISTER).write_text(text, encoding="utf-8")
    assert read_register(tmp_path) is None


def test_a_restarted_part_takes_the_place_of_its_old_record(tmp_path: Path) -> None:
    write_register(tmp_path, ProcessRegister(owner=None))
    start_process(tmp_path, lambda: record_of(1, name="broker", mark="old"))
    start_process(tmp_path, lambda: record_of(1, name="redis", mark="same"))
    start_process(tmp_path, lambda: record_of(2, name="broker", mark="new"))
    register = read_register(tmp_path)
    assert register is not None
    assert [(entry.name, entry.mark) for entry in register.processes] == [
        ("redis", "same"),
        ("broker", "new"),
    ]


def test_this_process_is_alive_and_its_zombie_child_is_not() -> None:
    assert is_alive(this_process())
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], dict(os.environ))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # ended, not yet collected
    assert start_mark(pid) is None
    assert reap(pid) == 0


def test_a_recycled_pid_is_not_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander:
        stale = replace(record_of(bystander.pid), mark="another boot:4711")
        assert not is_alive(stale)
        assert end_processes(tmp_path, [stale]) == []
        assert bystander.poll() is None
        assert end_processes(tmp_path, [record_of(bystander.pid)]) == ["part"]


def test_a_process_whose_session_number_was_recycled_is_not_taken_for_an_orphan(
    tmp_path: Path,
) -> None:
    # The shell leads a session that is not ours, and its child carries no marker of the folder.
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; exec sleep 60"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    ) as bystander:
        assert bystander.stdout is not None
        child = int(bystander.stdout.readline())
        stale = replace(record_of(bystander.pid), mark="another boot:4711")
        assert end_processes(tmp_path, [stale]) == []
        assert start_mark(child) is not None
        assert end_processes(tmp_path, [record_of(bystander.pid)]) == ["part"]
        assert start_mark(child) is None

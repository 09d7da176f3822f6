"""Commands of a profile, and what they leave: time limits, guards, and runs that were killed."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from perf_pipeline.stack.own_command import run_command
from perf_pipeline.stack.process_register import Owner, birth_mark
from perf_pipeline.stack.service import open_folder
from perf_pipeline.stack.undoing import (
    Pending,
    Undo,
    read_pending,
    still_broken,
    undo_all,
    undo_left_over,
)
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.commands.forked import started

OWNER = """
import sys, time
from pathlib import Path
from perf_pipeline.stack.service import own_folder
from perf_pipeline.stack.undoing import Pending, Undo
folder, command = Path(sys.argv[1]), sys.argv[2]
own_folder(folder, needs_secrets=True)
Pending(folder).add(Undo("frozen", "command", command=command, limit_s=20.0))
print("pending", flush=True)
time.sleep(60)
"""


def test_a_command_that_ends_well_leaves_nothing_to_say(tmp_path: Path) -> None:
    assert run_command("echo done", 10.0, tmp_path / "log") is None
    assert (tmp_path / "log").read_text() == "done\n"


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("of before\n")

    told = run_command("echo one; echo two >&2; exit 7", 10.0, tmp_path / "log")

    assert told == "ended with exit code 7, and said 'two'"
    assert run_command("exit 7", 10.0, tmp_path / "log") == "ended with exit code 7"


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    began_s = time.monotonic()

    told = run_command(f"(sleep 2; touch {tmp_path}/late) & sleep 60", 0.3, tmp_path / "log")

    assert told == "did not end within 0.3 s and was killed"
    assert time.monotonic() - began_s < 20
    time.sleep(2.2)
    assert not (tmp_path / "late").exists()


def test_a_command_may_leave_a_server_behind(tmp_path: Path) -> None:
    began_s = time.monotonic()

    assert run_command("sleep 30 & echo $!", 20.0, tmp_path / "log") is None

    assert time.monotonic() - began_s < 15
    subprocess.run(["kill", (tmp_path / "log").read_text().strip()], check=True)


def test_a_command_begins_when_it_is_written_down_and_not_before(tmp_path: Path) -> None:
    """A run that was killed in between would leave it at work, and nobody would know of it."""
    begun, seen = tmp_path / "begun", list[bool]()

    def write_down(_: int) -> None:
        time.sleep(0.5)  # a slow disk
        seen.append(begun.exists())

    told = run_command(f"cat > {begun}", 10.0, tmp_path / "log", on_start=write_down)

    assert told is None
    assert seen == [False]
    assert begun.read_text() == ""  # and it has no input


def test_a_command_that_is_not_written_down_never_begins(tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        run_command(f"touch {tmp_path}/begun", 10.0, tmp_path / "log", on_start=fail)

    time.sleep(0.2)
    assert not (tmp_path / "begun").exists()


def test_a_command_is_ended_when_the_run_is_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    told = run_command("sleep 60", 60.0, tmp_path / "log", stop)

    assert told == "was ended, because the run was stopped"


def folder_of(tmp_path: Path, owner: Owner | None = None) -> Path:
    folder = tmp_path / "faults" / "run"
    open_folder(folder, owner=owner or Owner(1, "of a boot long ago"))
    return folder


def test_what_is_to_be_undone_is_on_the_disk_until_it_was_done(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    pending = Pending(folder)
    first = Undo("first", "command", command=f"echo first >> {tmp_path}/done")
    second = Undo("second", "command", command=f"echo second >> {tmp_path}/done")
    paused = Undo("third", "resume", processes=((2**22, "of nobody"),))
    for undo in (first, second, paused):
        pending.add(undo)

    assert read_pending(folder) == [paused, second, first]
    pending.remove(first)
    assert read_pending(folder) == [paused, second]
    assert undo_all(folder) == []
    assert (tmp_path / "done").read_text() == "second\n"
    assert read_pending(folder) == []


def test_an_undo_that_fails_is_kept_told_and_tried_again(tmp_path: Path) -> None:
    folder, said = folder_of(tmp_path), list[str]()
    undo = Undo("frozen", "command", command=f"test -e {tmp_path}/docker || exit 4")
    Pending(folder).add(undo)

    undo_left_over(tmp_path / "faults", said.append)

    assert said[0] == "undoing what a run that was killed left broken: frozen"
    assert "the fault frozen could not be undone" in said[1]
    assert f"ended with exit code 4; undo it by hand, then remove {folder}" in said[1]
    assert still_broken(tmp_path / "faults") == (
        f"the fault frozen is not undone; undo it by hand, then remove {folder}"
    )
    (tmp_path / "docker").touch()
    undo_left_over(tmp_path / "faults", said.append)
    assert still_broken(tmp_path / "faults") == ""
    assert not folder.exists()


def test_an_undo_that_cannot_be_begun_is_told_and_holds_no_other_one_up(tmp_path: Path) -> None:
    folder, said = folder_of(tmp_path), list[str]()
    (folder / "logs" / "undo.log").mkdir()
    paused = Undo("paused", "resume", processes=((2**22, "of nobody"),))
    frozen = Undo("frozen", "command", command="true")
    for undo in (paused, frozen):
        Pending(folder).add(undo)

    undo_left_over(tmp_path / "faults", said.append)

    assert "the fault frozen could not be undone: " in said[1]
    assert "Is a directory" in said[1]
    assert read_pending(folder) == [frozen]


@pytest.mark.parametrize(
    "written",
    ['[{"fault": "fro', "7", '[{"fault": "frozen", "kind": "command", "of_a_later_release": 1}]'],
    ids=["torn", "no list", "unknown key"],
)
def test_what_cannot_be_read_may_have_to_be_undone_and_is_kept(
    tmp_path: Path, written: str
) -> None:
    folder, said = folder_of(tmp_path), list[str]()
    (folder / "pending.json").write_text(written, encoding="utf-8")

    undo_left_over(tmp_path / "faults", said.append)

    told = (
        f"what is to be undone can't be read in {folder}/pending.json; undo it by hand, then "
        f"remove {folder}"
    )
    assert said == [told]
    assert still_broken(tmp_path / "faults") == told
    assert (folder / "pending.json").read_text(encoding="utf-8") == written


def test_what_is_still_at_work_is_ended_before_it_is_undone(tmp_path: Path) -> None:
    at_work = subprocess.Popen(["sleep", "60"], start_new_session=True)
    another = subprocess.Popen(["sleep", "60"], start_new_session=True)
    marked = ((at_work.pid, birth_mark(at_work.pid)), (another.pid, "of one with this pid before"))
    folder = folder_of(tmp_path)
    Pending(folder).add(Undo("units", "command", command="true", processes=marked))

    assert undo_all(folder) == []

    assert at_work.wait(timeout=30.0) == -signal.SIGKILL
    assert another.poll() is None
    another.kill()
    another.wait()


def test_undos_that_fail_are_tried_again_in_the_same_order(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    undos = [Undo(name, "command", command="exit 4") for name in ("first", "second", "third")]
    pending = Pending(folder)
    for undo in undos:
        pending.add(undo)

    assert len(undo_all(folder)) == 3

    assert read_pending(folder) == undos[::-1]


def test_a_fault_of_a_later_benchmark_keeps_what_is_still_to_be_undone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    earlier, later = Undo("earlier", "command"), Undo("later", "command")
    Pending(folder).add(earlier)

    pending = Pending(folder)
    pending.add(later)
    pending.remove(later)

    assert read_pending(folder) == [earlier]
    assert not pending.is_empty


def test_the_faults_of_a_run_under_way_are_left_alone(tmp_path: Path) -> None:
    script = [sys.executable, "-c", OWNER, str(tmp_path / "faults" / "run"), "true"]
    with started(script, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "pending\n"
        undo_left_over(tmp_path / "faults", pytest.fail)
        assert read_pending(tmp_path / "faults" / "run")
        owner.kill()
    wait_until(lambda: not (tmp_path / "faults" / "run").exists(), 30.0)


def test_the_guard_undoes_what_a_killed_process_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = f"touch {tmp_path}/undone"
    script = [sys.executable, "-c", OWNER, str(folder), command]
    with started(script, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "pending\n"
        owner.send_signal(signal.SIGKILL)

    wait_until((tmp_path / "undone").exists, 30.0)
    wait_until(lambda: not folder.exists(), 30.0)

"""Whether tests' folders are put into memory.

Add here: another reason not to. Keep out: what pytest makes of it.
"""

import os
import subprocess
from pathlib import Path

import pytest

from perf_pipeline.engine.control_group import Limits, read_limits
from perf_pipeline_tests.support.folders_in_memory import (
    MEMORY,
    has_room,
    remove_dead,
    use_memory,
)

VARIABLE = "PYTEST_DEBUG_TEMPROOT"
NONE = Limits()


@pytest.mark.parametrize("folder", [Path("/proc"), Path("/nowhere"), MEMORY / "below"])
def test_what_is_no_disk_in_memory_is_not_used(folder: Path) -> None:
    assert not has_room(folder)


@pytest.mark.parametrize("name", ["TMPDIR", VARIABLE])
def test_who_says_where_temporary_files_go_is_obeyed(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv(name, "/somewhere")
    before = dict(os.environ)

    use_memory(pytestconfig)

    assert dict(os.environ) == before


def test_folders_are_in_memory_where_there_is_room(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TMPDIR", VARIABLE):
        monkeypatch.setenv(name, "set, so that it is as it was after this")
        monkeypatch.delenv(name)
    monkeypatch.setattr(pytestconfig.option, "basetemp", None)

    use_memory(pytestconfig)

    # By the system's own words: df knows tmpfs, and free the memory; some GB beside what is asked.
    kind, free = disk_of(MEMORY)
    available = int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0])
    if kind == "tmpfs" and free > 6_000_000 and available > 10_000_000 and read_limits() == NONE:
        assert os.environ[VARIABLE] == str(MEMORY)
    elif kind != "tmpfs" or free < 3_000_000 or available < 7_000_000:
        assert VARIABLE not in os.environ


def disk_of(folder: Path) -> tuple[str, int]:
    """Ask df for the kind of a file system, and for the kB that are free there."""
    command = ["df", "--output=fstype,avail", "--block-size=K", str(folder)]
    kind, free = subprocess.check_output(command, text=True).splitlines()[1].split()
    return kind, int(free.removesuffix("K"))


def test_what_a_killed_pytest_has_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    for name, pid in (("pytest-1", ended.pid), ("pytest-2", os.getpid())):
        folder = tmp_path / "pytest-of-me" / name
        folder.mkdir(parents=True)
        (folder / ".lock").write_text(str(pid))
    (tmp_path / "pytest-of-me" / "pytest-3").mkdir()  # nobody uses it: pytest removes it itself

    remove_dead(tmp_path)

    left = sorted(path.name for path in (tmp_path / "pytest-of-me").iterdir())
    assert left == ["pytest-2", "pytest-3"]

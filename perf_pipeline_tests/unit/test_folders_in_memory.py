"""Whether tests' folders are put into memory.

Add here: another reason not to. Keep out: what pytest makes of it.
"""

import os
from pathlib import Path

import pytest

from perf_pipeline_tests.support.folders_in_memory import MEMORY, has_room, use_memory

VARIABLE = "PYTEST_DEBUG_TEMPROOT"


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
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pytestconfig.option, "basetemp", None)

    use_memory(pytestconfig)

    assert os.environ.get(VARIABLE) == (str(MEMORY) if has_room(MEMORY) else None)

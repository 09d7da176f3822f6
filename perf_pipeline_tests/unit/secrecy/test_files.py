"""Only the owner can read what is in a state folder, whatever the umask was."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.locks import lock_folders
from perf_pipeline.secrecy.files import intruder_of, keep_private, private_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Give the mode of the folder and of each entry below it that is no link."""
    entries = [folder, *sorted(folder.rglob("*"))]
    return {
        entry.relative_to(folder).as_posix(): f"{stat.S_IMODE(entry.lstat().st_mode):o}"
        for entry in entries
        if not entry.is_symlink()
    }


def older_state(folder: Path) -> Path:
    """Make what an earlier version left, open to everybody."""
    state = folder / "state"
    (state / "spool" / "r1" / "api").mkdir(parents=True)
    (state / "spool" / "r1" / "run.json").write_text("{}")
    (state / "history.duckdb").write_text("x")
    (state / "history.duckdb.wal").write_text("x")
    (state / "dagster" / "postgres").mkdir(parents=True)
    return state


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    state = older_state(tmp_path)

    keep_private(state, {})

    assert modes(state) == {
        ".": "700",
        "spool": "700",
        "spool/r1": "700",
        "spool/r1/api": "700",
        "spool/r1/run.json": "600",
        "history.duckdb": "600",
        "history.duckdb.wal": "600",
        "dagster": "700",
        "dagster/postgres": "755",  # PostgreSQL's own business
    }


def test_what_is_made_afterwards_is_the_owners_alone(tmp_path: Path) -> None:
    keep_private(tmp_path / "state", {})

    (tmp_path / "state" / "spool").mkdir(parents=True)
    (tmp_path / "state" / "spool" / "a").write_text("x")

    assert modes(tmp_path / "state") == {".": "700", "spool": "700", "spool/a": "600"}


def test_a_folder_with_other_things_in_it_stays_open_and_ours_in_it_do_not(tmp_path: Path) -> None:
    state = older_state(tmp_path)
    (state / "thesis.txt").write_text("x")

    keep_private(state, {})

    found = modes(state)
    assert (found["."], found["thesis.txt"], found["spool"]) == ("755", "644", "700")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    state = tmp_path / "state"
    state.mkdir()
    (state / "cache").symlink_to(shared)

    keep_private(state, {})

    assert modes(shared) == {".": "755"}


@pytest.mark.parametrize(
    ("access", "folder", "file", "before"),
    [
        ("group", "770", "660", "750"),
        ("umask", "755", "644", "755"),
        ("owner", "700", "600", "700"),
    ],
)
def test_a_team_may_share_its_state_folder(
    tmp_path: Path, access: str, folder: str, file: str, before: str
) -> None:
    state = older_state(tmp_path)

    keep_private(state, {"PERF_STATE_ACCESS": access})

    assert modes(state)["spool"] == before
    (state / "new").mkdir()
    (state / "new" / "a").write_text("x")
    assert modes(state / "new") == {".": folder, "a": file}


def test_another_access_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'all'; it must be one of owner, group, umask"):
        keep_private(tmp_path, {"PERF_STATE_ACCESS": "all"})


def test_a_folder_is_foreign_when_somebody_else_could_have_filled_it(tmp_path: Path) -> None:
    own, link, file = tmp_path / "own", tmp_path / "link", tmp_path / "file"
    private_folder(own)
    link.symlink_to(own)
    file.write_text("x")

    assert intruder_of(own) is None
    assert intruder_of(tmp_path / "absent") is None
    assert intruder_of(link) == "is a link"
    assert intruder_of(file) == "is not a folder"
    own.chmod(0o777)
    assert intruder_of(own) == "can be written by others"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_foreign(tmp_path: Path) -> None:
    os.chown(private_folder(tmp_path / "theirs"), 65_534, 65_534)

    assert intruder_of(tmp_path / "theirs") == "belongs to the user with the number 65534"


def test_a_lock_folder_that_somebody_else_laid_out_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    trap = tmp_path / f"perf-pipeline-{os.getuid()}"
    trap.symlink_to(tmp_path)

    with pytest.raises(TargetUnavailableError, match="is a link, so another user") as caught:
        lock_folders(tmp_path / "state", {})

    assert "PERF_LOCK_FOLDER" in caught.value.hint
    trap.unlink()
    machine, _ = lock_folders(tmp_path / "state", {})
    assert machine == trap
    assert modes(machine) == {".": "700"}

"""The files of a new project can be read by everybody who shares its repository."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.new_project.draft import Draft, DraftStep
from perf_pipeline.new_project.loads import FirstLoad
from perf_pipeline.new_project.project_files import write_project
from perf_pipeline.new_project.sources import visits

LOOK = DraftStep("look", "GET", "/orders")
DRAFT = Draft(
    "shop",
    "a test",
    "Does it?",
    {"baseUrl": "http://127.0.0.1:8080"},
    (visits([LOOK], FirstLoad()),),
)


@pytest.fixture(autouse=True)
def private_umask() -> Iterator[None]:
    """Let this process make files as every command does: for their owner only."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def modes_below(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode for path in folder.rglob("*")}


def test_every_folder_of_a_project_can_be_looked_into(tmp_path: Path) -> None:
    write_project(tmp_path / "systems" / "shop", DRAFT)

    modes = modes_below(tmp_path)
    assert {".github", "shop_speed/defs"} <= {name.partition("shop/")[2] for name in modes}
    assert [name for name, mode in modes.items() if not mode & 0o004] == []


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir(mode=0o700)

    write_project(folder, DRAFT)

    assert folder.stat().st_mode & 0o777 == 0o700

"""Fixtures of the tests of the store; one of a file's own takes their place there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.store.history import History
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import MIXED


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Give a history that has the run of mixed samples; nobody changes it."""
    folder = tmp_path_factory.mktemp("mixed")
    with history_at(folder / "history.duckdb") as opened:
        opened.ingest(MIXED.write(folder), "api")
        yield opened


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Give a new history of the test's own."""
    with history_at(tmp_path / "history.duckdb") as opened:
        yield opened

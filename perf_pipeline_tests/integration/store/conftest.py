"""Fixtures of the tests of the store; one of a file's own takes their place there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.store.history import History
from perf_pipeline_tests.support.histories.new_history import history_at


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Give a new history of the test's own."""
    with history_at(tmp_path / "history.duckdb") as opened:
        yield opened

"""Fixtures of the tests of the store; one of a file's own takes their place there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.store.history import History, open_history


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Give a new history of the test's own."""
    with open_history(tmp_path / "history.duckdb") as opened:
        yield opened

"""Fixtures of Dagster's tests; only they import dagster, which takes a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.defs.fix_whole_run import whole_run
from perf_pipeline_tests.support.dagster.runs import none_left_running

__all__ = ["whole_run"]


@pytest.fixture(autouse=True)
def _processes_end_with_their_test(tmp_path: Path) -> Iterator[None]:
    """End processes before the folder goes that they write to."""
    assert tmp_path.is_dir()
    with none_left_running():
        yield
